//! What happens between `fork` and `execve`: the child turns itself into the task, or into a command inside it.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{ForkResult, Gid, Pid, Uid};

use super::spec::TaskSpec;
use super::{caps, isolation};

/// Searched when the task's environment has no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to execute inside a task.
pub struct Launch<'a> {
    /// The task.
    pub spec: &'a TaskSpec,
    /// Program.
    pub command: &'a str,
    /// Arguments without the program's name.
    pub args: &'a [String],
    /// Standard input, output and error.
    pub stdio: [OwnedFd; 3],
    /// Standard input is a terminal that shall control the process.
    pub tty: bool,
    /// Join the namespaces of this process instead of making new ones.
    pub inside: Option<i32>,
}

/// Forks and executes. Returns once `execve` succeeded, or with the reason why it did not.
#[expect(unsafe_code, reason = "fork is unsafe in programs with threads")]
pub fn launch(launch: Launch<'_>) -> Result<Pid, String> {
    let (error_reader, error_writer) =
        nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(|error| format!("pipe: {error}"))?;
    // SAFETY: a supervisor has a single thread, so the child may do whatever the parent may.
    match unsafe { nix::unistd::fork() } {
        Err(error) => Err(format!("fork: {error}")),
        Ok(ForkResult::Child) => {
            let Err(message) = become_task(&launch);
            File::from(error_writer).write_all(message.as_bytes()).ok();
            // SAFETY: ends this process without running the parent's exit handlers a second time.
            unsafe { libc::_exit(127) }
        }
        Ok(ForkResult::Parent { child }) => {
            drop(error_writer);
            drop(launch);
            let mut message = String::new();
            File::from(error_reader).read_to_string(&mut message).ok();
            if message.is_empty() {
                return Ok(child);
            }
            nix::sys::wait::waitpid(child, None).ok();
            Err(message)
        }
    }
}

fn become_task(launch: &Launch<'_>) -> Result<Infallible, String> {
    let spec = launch.spec;
    restore_signals()?;
    nix::unistd::setsid().map_err(|error| format!("setsid: {error}"))?;
    connect_stdio(launch)?;
    if let Some(score) = spec.oom_score_adj {
        fs::write("/proc/self/oom_score_adj", score.to_string()).map_err(|error| format!("oom_score_adj: {error}"))?;
    }
    if let Some(plan) = &spec.cgroup {
        match plan.join() {
            Err(error) if !plan.best_effort => return Err(error.to_string()),
            _ => {}
        }
    }
    if let Some(path) = &spec.network_namespace {
        let describe = |error: &dyn std::fmt::Display| format!("network namespace {}: {error}", path.display());
        let file = File::open(path).map_err(|error| describe(&error))?;
        setns(file, CloneFlags::CLONE_NEWNET).map_err(|error| describe(&error))?;
    }
    match (&spec.isolation, launch.inside) {
        (Some(isolation), Some(pid)) => isolation::join(pid, isolation)?,
        (Some(isolation), None) => isolation::enter(isolation)?,
        (None, _) => {}
    }
    let path = resolve(launch)?;
    let work_dir = &spec.work_dir;
    let failed = |error: &dyn std::fmt::Display| {
        format!("failed to start command path={path:?} args={:?}: {error}", launch.args)
    };
    std::env::set_current_dir(work_dir)
        .map_err(|error| failed(&format!("working directory {}: {error}", work_dir.display())))?;
    change_user(spec)?;
    if launch.inside.is_none() {
        // Without its supervisor nobody would read the task's output or notice its end.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| format!("parent death signal: {error}"))?;
    }
    let program = c_string(path.as_os_str().as_encoded_bytes())?;
    let mut argv = vec![c_string(launch.command.as_bytes())?];
    for argument in launch.args {
        argv.push(c_string(argument.as_bytes())?);
    }
    let environment = spec.env.iter().map(|entry| c_string(entry.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let Err(error) = nix::unistd::execve(&program, &argv, &environment);
    Err(failed(&error.desc()))
}

fn c_string(bytes: &[u8]) -> Result<CString, String> {
    CString::new(bytes).map_err(|_| "command, arguments and environment must not contain a NUL byte".to_owned())
}

/// The supervisor ignores and blocks signals; a program expects a clean state.
#[expect(unsafe_code, reason = "signal handlers are unsafe to set")]
fn restore_signals() -> Result<(), String> {
    for number in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: the default action is no handler.
        unsafe { signal(number, SigHandler::SigDfl) }.map_err(|error| format!("signal {number}: {error}"))?;
    }
    SigSet::empty().thread_set_mask().map_err(|error| format!("signal mask: {error}"))
}

#[expect(unsafe_code, reason = "making a terminal the controlling one is an ioctl")]
fn connect_stdio(launch: &Launch<'_>) -> Result<(), String> {
    let [stdin, stdout, stderr] = &launch.stdio;
    let describe = |error: nix::Error| format!("standard streams: {error}");
    nix::unistd::dup2_stdin(stdin.as_fd()).map_err(describe)?;
    nix::unistd::dup2_stdout(stdout.as_fd()).map_err(describe)?;
    nix::unistd::dup2_stderr(stderr.as_fd()).map_err(describe)?;
    if launch.tty {
        // SAFETY: TIOCSCTTY takes an integer and affects this session alone.
        if unsafe { libc::ioctl(std::io::stdin().as_raw_fd(), libc::TIOCSCTTY, 0) } != 0 {
            return Err(format!("controlling terminal: {}", std::io::Error::last_os_error()));
        }
    }
    Ok(())
}

fn change_user(spec: &TaskSpec) -> Result<(), String> {
    let capabilities = spec.isolation.as_ref().map(|isolation| isolation.capabilities);
    let describe = |error: std::io::Error| format!("capabilities: {error}");
    if let Some(set) = capabilities {
        caps::limit_bounding_set(set).map_err(describe)?;
        caps::keep_across_user_change().map_err(describe)?;
    }
    if let Some(user) = &spec.user {
        let describe = |error: nix::Error| format!("change to user id {}: {error}", user.uid);
        // Without privilege the only user to change to is oneself.
        if Uid::effective().is_root() || Uid::effective().as_raw() != user.uid {
            let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
            nix::unistd::setgroups(&groups).map_err(describe)?;
            nix::unistd::setgid(Gid::from_raw(user.gid)).map_err(describe)?;
            nix::unistd::setuid(Uid::from_raw(user.uid)).map_err(describe)?;
        }
    }
    if let Some(set) = capabilities {
        caps::apply(set).map_err(describe)?;
    }
    Ok(())
}

/// The program's path. The agent resolved it already when the task shares the host's root.
fn resolve(launch: &Launch<'_>) -> Result<PathBuf, String> {
    let command = launch.command;
    let first_program = launch.inside.is_none() && launch.spec.isolation.is_none();
    if first_program || command.starts_with('/') {
        let path = PathBuf::from(command);
        return if path.exists() { Ok(path) } else { Err(format!("binary {command:?} could not be found")) };
    }
    let path_variable = launch.spec.env.iter().find_map(|entry| entry.strip_prefix("PATH="));
    let mut places = vec![Path::new("/local").join(command), Path::new("/").join(command)];
    if launch.spec.isolation.is_none() {
        places = vec![launch.spec.work_dir.join(command)];
    }
    if !command.contains('/') {
        let search = format!("{}:{DEFAULT_PATH}", path_variable.unwrap_or_default());
        places.extend(search.split(':').filter(|dir| dir.starts_with('/')).map(|dir| Path::new(dir).join(command)));
    }
    let found = places
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| format!("binary {command:?} could not be found"))?;
    if found.starts_with("/local") {
        make_executable(&found);
    }
    Ok(found)
}

/// Downloaded programs often lack the bit; where it cannot be set, `execve` says so.
pub fn make_executable(path: &Path) {
    if let Ok(metadata) = fs::metadata(path) {
        let mode = metadata.permissions().mode();
        if mode & 0o111 == 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o755)).ok();
        }
    }
}
