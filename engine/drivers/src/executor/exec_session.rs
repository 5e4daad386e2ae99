//! Commands inside a supervised task: their streams go straight between the agent and the command.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::fcntl::OFlag;
use nix::pty::{Winsize, openpty};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::chain;
use crate::driver::{DriverError, ExecRequest, ExecSession, TerminalSize};
use crate::supervisor::client::exec_session;

pub(super) async fn open(socket: &str, request: ExecRequest) -> Result<ExecSession, DriverError> {
    let failed = |error: &dyn std::error::Error| DriverError::fatal(format!("run command: {}", chain(error)));
    match request.tty {
        Some(size) => with_terminal(socket, request.command, size).await,
        None => with_pipes(socket, request.command).await,
    }
    .map_err(|error| failed(error.as_ref()))
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn with_pipes(socket: &str, command: Vec<String>) -> Result<ExecSession, AnyError> {
    let new_pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC);
    let (stdin_reader, stdin) = new_pipe()?;
    let (stdout, stdout_writer) = new_pipe()?;
    let (stderr, stderr_writer) = new_pipe()?;
    let exit = exec_session(socket, command, false, [stdin_reader, stdout_writer, stderr_writer]).await?;
    Ok(ExecSession {
        stdin: Box::pin(pipe::Sender::from_owned_fd(stdin)?),
        stdout: Box::pin(pipe::Receiver::from_owned_fd(stdout)?),
        stderr: Some(Box::pin(pipe::Receiver::from_owned_fd(stderr)?)),
        resize: mpsc::unbounded_channel().0,
        exit: Box::pin(async move { exit.await.map_err(|error| DriverError::fatal(chain(&error))) }),
    })
}

async fn with_terminal(socket: &str, command: Vec<String>, size: TerminalSize) -> Result<ExecSession, AnyError> {
    let terminal = openpty(Some(&window(size)), None)?;
    let slave = terminal.slave;
    let exit = exec_session(socket, command, true, [slave.try_clone()?, slave.try_clone()?, slave]).await?;
    let master = terminal.master;
    let (resize, mut sizes) = mpsc::unbounded_channel();
    let sizing = File::from(master.try_clone()?);
    tokio::spawn(async move {
        while let Some(size) = sizes.recv().await {
            set_size(&sizing, size);
        }
    });
    let reader = master.try_clone()?;
    set_nonblocking(&master)?;
    Ok(ExecSession {
        stdin: Box::pin(pipe::Sender::from_owned_fd_unchecked(master)?),
        stdout: Box::pin(Terminal(pipe::Receiver::from_owned_fd_unchecked(reader)?)),
        stderr: None,
        resize,
        exit: Box::pin(async move { exit.await.map_err(|error| DriverError::fatal(chain(&error))) }),
    })
}

fn set_nonblocking(fd: &OwnedFd) -> nix::Result<()> {
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK)).map(drop)
}

fn window(size: TerminalSize) -> Winsize {
    Winsize { ws_row: size.height, ws_col: size.width, ws_xpixel: 0, ws_ypixel: 0 }
}

#[expect(unsafe_code, reason = "the size of a terminal is set by an ioctl")]
fn set_size(terminal: &File, size: TerminalSize) {
    let window = window(size);
    // SAFETY: TIOCSWINSZ reads one Winsize.
    unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const window) };
}

/// A terminal whose program has ended answers EIO where a pipe would say end of file.
struct Terminal(pipe::Receiver);

impl AsyncRead for Terminal {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(cx, buf) {
            Poll::Ready(Err(error)) if error.raw_os_error() == Some(libc::EIO) => Poll::Ready(Ok(())),
            other => other,
        }
    }
}
