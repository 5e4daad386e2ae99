//! One agent's connection, seen from the supervisor: JSON lines in both directions, descriptors with requests.

use std::io::{IoSliceMut, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, getsockopt, recvmsg, sockopt};
use nix::unistd::Uid;

use super::spec::{Message, Request};

/// A longer request line closes the connection.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;
const READ_BYTES: usize = 4096;
/// Standard input, output and error of a command.
const MAX_DESCRIPTORS: usize = 3;

#[derive(Debug)]
pub struct Connection {
    /// Never given out again within one supervisor.
    pub number: u64,
    stream: UnixStream,
    incoming: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl Connection {
    pub fn new(number: u64, stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { number, stream, incoming: Vec::new(), descriptors: Vec::new() })
    }

    /// Takes the next connection of the same user or of root; nobody else may command a task.
    pub fn accept(number: u64, listener: &UnixListener) -> Option<Self> {
        let (stream, _) = listener.accept().ok()?;
        let peer = getsockopt(&stream, sockopt::PeerCredentials).ok()?;
        let trusted = peer.uid() == 0 || peer.uid() == Uid::effective().as_raw();
        if trusted { Self::new(number, stream).ok() } else { None }
    }

    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// False when the peer does not read: the connection is of no more use.
    pub fn send(&mut self, message: &Message) -> bool {
        let Ok(mut line) = serde_json::to_vec(message) else {
            return false;
        };
        line.push(b'\n');
        self.stream.write_all(&line).is_ok()
    }

    /// Requests that have arrived in full, with the descriptors that came along; none once the peer is gone.
    #[expect(unsafe_code, reason = "received descriptor numbers become owned ones")]
    pub fn receive(&mut self) -> Option<Vec<(Request, Vec<OwnedFd>)>> {
        let mut buffer = [0_u8; READ_BYTES];
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let mut space = nix::cmsg_space!([RawFd; MAX_DESCRIPTORS]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let bytes = match recvmsg::<()>(self.stream.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Ok(message) => {
                for control in message.cmsgs().ok()? {
                    if let ControlMessageOwned::ScmRights(received) = control {
                        // SAFETY: the kernel has just made these descriptors for us alone.
                        self.descriptors.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                    }
                }
                message.bytes
            }
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => return Some(Vec::new()),
            Err(_) => return None,
        };
        if bytes == 0 || self.incoming.len() + bytes > MAX_REQUEST_BYTES {
            return None;
        }
        self.incoming.extend_from_slice(&buffer[..bytes]);
        self.take_requests()
    }

    fn take_requests(&mut self) -> Option<Vec<(Request, Vec<OwnedFd>)>> {
        let mut requests = Vec::new();
        while let Some(end) = self.incoming.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.incoming.drain(..=end).collect();
            let request = serde_json::from_slice(&line).ok()?;
            requests.push((request, std::mem::take(&mut self.descriptors)));
        }
        Some(requests)
    }
}
