//! The launcher: forks a supervisor for every socket that the agent passes to it.

use std::fs::OpenOptions;
use std::io::{IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::ForkResult;

use super::spec::{MAX_SPEC_BYTES, SUPERVISOR_LOG, Spec};
use super::{docker_logs, task};

/// The exit code when standard input is not an agent's socket.
const USAGE_EXIT_CODE: u8 = 64;

pub fn run() -> ExitCode {
    ignore_signals(Signal::SIGCHLD);
    loop {
        match receive_socket() {
            Ok(Some(socket)) => {
                if fork_supervisor() {
                    return supervise(socket);
                }
            }
            // The agent closed its end: it is gone, or done.
            Ok(None) => return ExitCode::SUCCESS,
            Err(nix::Error::EINTR) => {}
            Err(_) => return ExitCode::from(USAGE_EXIT_CODE),
        }
    }
}

/// Signals meant for the agent's process group must not take the tasks along. Children of the launcher that end are
/// reaped by the kernel (`also`), those of a supervisor are not.
#[expect(unsafe_code, reason = "signal handlers are unsafe to set")]
fn ignore_signals(also: Signal) {
    for number in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGPIPE, also] {
        // SAFETY: ignoring a signal runs no code.
        unsafe { signal(number, SigHandler::SigIgn) }.ok();
    }
}

#[expect(unsafe_code, reason = "a received descriptor number becomes an owned one")]
fn receive_socket() -> nix::Result<Option<OwnedFd>> {
    let mut byte = [0_u8; 1];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let message =
        recvmsg::<()>(std::io::stdin().as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = control
            && let Some(descriptor) = descriptors.first()
        {
            // SAFETY: the kernel has just made this descriptor for us alone.
            return Ok(Some(unsafe { OwnedFd::from_raw_fd(*descriptor) }));
        }
    }
    Err(nix::Error::EBADMSG)
}

/// True in the new process.
#[expect(unsafe_code, reason = "fork is unsafe in programs with threads")]
fn fork_supervisor() -> bool {
    // SAFETY: the launcher has a single thread.
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Child) => true,
        // The agent sees its socket closed without an answer.
        Ok(ForkResult::Parent { .. }) | Err(_) => false,
    }
}

#[expect(unsafe_code, reason = "signal handlers are unsafe to set")]
fn supervise(socket: OwnedFd) -> ExitCode {
    // SAFETY: the default action is no handler.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.ok();
    nix::unistd::setsid().ok();
    // The launcher's socket must not stay open here: the agent waits for it to close.
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        nix::unistd::dup2_stdin(null.as_fd()).ok();
    }
    std::env::set_current_dir("/").ok();
    let mut control = UnixStream::from(socket);
    match read_spec(&mut control) {
        Ok(Spec::Task(spec)) => {
            redirect_errors(&spec.state_dir);
            task::run(*spec, control)
        }
        Ok(Spec::DockerLogs(spec)) => {
            redirect_errors(&spec.state_dir);
            docker_logs::run(&spec, control)
        }
        Err(_) => ExitCode::from(USAGE_EXIT_CODE),
    }
}

fn read_spec(control: &mut UnixStream) -> std::io::Result<Spec> {
    let mut length = [0_u8; 4];
    control.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_SPEC_BYTES {
        return Err(std::io::Error::other("specification is too long"));
    }
    let mut text = vec![0_u8; length as usize];
    control.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// A panic's message should be found somewhere.
fn redirect_errors(state_dir: &Path) {
    if let Ok(file) = OpenOptions::new().create(true).append(true).open(state_dir.join(SUPERVISOR_LOG)) {
        nix::unistd::dup2_stderr(file.as_fd()).ok();
    }
}
