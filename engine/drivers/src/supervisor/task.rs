//! A task's supervisor: starts it, copies its output, obeys the agent, records its end.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::child::{Launch, launch};
use super::connection::Connection;
use super::logs::Rotator;
use super::spec::{EXIT_FILE, ExitRecord, LogTarget, Message, Operation, Processes, Request, STATE_FILE, TaskSpec};
use super::{listen, now_ns, process, write_atomically};

/// Read from a pipe at once; the size of a pipe's buffer.
const OUTPUT_CHUNK_BYTES: usize = 64 * 1024;
/// How long after the task's end its output is awaited, should a process outside its tree hold the pipe open.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// Longest wait for leftover processes to die.
const KILL_WAIT: Duration = Duration::from_secs(2);
/// Pause between looks at leftover processes.
const KILL_PAUSE: Duration = Duration::from_millis(2);

pub fn run(mut spec: TaskSpec, control: UnixStream) -> ExitCode {
    let Ok(mut control) = Connection::new(0, control) else {
        return ExitCode::FAILURE;
    };
    match Supervisor::start(&mut spec) {
        Ok(mut supervisor) => {
            control.send(&Message::Started(supervisor.processes.clone()));
            supervisor.connections.push(control);
            supervisor.supervise();
            ExitCode::SUCCESS
        }
        Err(message) => {
            if let Some(plan) = &spec.cgroup {
                plan.remove();
            }
            control.send(&Message::Failed { message });
            ExitCode::FAILURE
        }
    }
}

/// One of the task's output streams.
struct Output {
    pipe: Option<File>,
    log: Option<Rotator>,
}

impl Output {
    /// The stream, and what the task writes into.
    fn open(target: Option<&LogTarget>) -> Result<(Self, OwnedFd), String> {
        let Some(target) = target else {
            let null = File::options().write(true).open("/dev/null").map_err(|error| format!("/dev/null: {error}"))?;
            return Ok((Self { pipe: None, log: None }, null.into()));
        };
        let log = Rotator::open(target.clone())
            .map_err(|error| format!("log directory {}: {error}", target.dir.display()))?;
        let (pipe, writer) = output_pipe()?;
        Ok((Self { pipe: Some(pipe), log: Some(log) }, writer))
    }

    fn lost_bytes(&self) -> u64 {
        self.log.as_ref().map_or(0, Rotator::lost_bytes)
    }
}

/// A command that an agent runs inside the task.
struct Session {
    pid: Pid,
    connection: u64,
    request: u64,
}

struct Supervisor<'a> {
    spec: &'a TaskSpec,
    processes: Processes,
    task: Pid,
    children_changed: SignalFd,
    listener: UnixListener,
    connections: Vec<Connection>,
    next_connection: u64,
    sessions: Vec<Session>,
    outputs: [Output; 2],
    buffer: Vec<u8>,
    kill_at: Option<Instant>,
    ended: Option<ExitRecord>,
    drain_until: Option<Instant>,
}

impl<'a> Supervisor<'a> {
    fn start(spec: &'a mut TaskSpec) -> Result<Self, String> {
        // Orphans of the task become our children, so that none escapes being killed.
        nix::sys::prctl::set_child_subreaper(true).map_err(|error| format!("subreaper: {error}"))?;
        nix::sys::prctl::set_name(c"drover-superv").ok();
        let children_changed = child_signals()?;
        let listener = listen(&spec.socket)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| format!("supervisor socket @{}: {error}", spec.socket))?;
        if let Some(plan) = &spec.cgroup
            && let Err(error) = plan.create()
        {
            if !plan.best_effort {
                return Err(error.to_string());
            }
            plan.remove();
            spec.cgroup = None;
        }
        if spec.isolation.as_ref().is_some_and(|isolation| isolation.private_pid) {
            // Takes effect for children: the task becomes process 1 of the new namespace, later commands join it.
            unshare(CloneFlags::CLONE_NEWPID).map_err(|error| format!("new process id namespace: {error}"))?;
        }
        let (stdout, stdout_writer) = Output::open(spec.stdout.as_ref())?;
        let (stderr, stderr_writer) = Output::open(spec.stderr.as_ref())?;
        let stdin = File::open("/dev/null").map_err(|error| format!("/dev/null: {error}"))?;
        let task = launch(Launch {
            spec,
            command: &spec.command,
            args: &spec.args,
            stdio: [stdin.into(), stdout_writer, stderr_writer],
            tty: false,
            inside: None,
        })?;
        let processes = describe_processes(spec, task);
        record(spec, STATE_FILE, &processes)?;
        Ok(Self {
            spec,
            processes,
            task,
            children_changed,
            listener,
            connections: Vec::new(),
            next_connection: 1,
            sessions: Vec::new(),
            outputs: [stdout, stderr],
            buffer: vec![0; OUTPUT_CHUNK_BYTES],
            kill_at: None,
            ended: None,
            drain_until: None,
        })
    }

    fn supervise(&mut self) {
        while !self.is_finished() {
            let events = self.wait_for_events();
            if events.children {
                while matches!(self.children_changed.read_signal(), Ok(Some(_))) {}
                self.reap();
            }
            for (output, ready) in events.outputs.into_iter().enumerate() {
                if ready {
                    self.copy_output(output);
                }
            }
            if events.listener {
                self.accept();
            }
            self.serve(&events.connections);
            if self.kill_at.is_some_and(|deadline| deadline <= Instant::now()) {
                self.kill_at = None;
                self.kill_task();
            }
        }
        self.finish();
    }

    fn is_finished(&self) -> bool {
        let Some(drain_until) = self.drain_until else {
            return false;
        };
        drain_until <= Instant::now() || self.outputs.iter().all(|output| output.pipe.is_none())
    }

    fn wait_for_events(&self) -> Events {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut polled = vec![readable(self.children_changed.as_fd()), readable(self.listener.as_fd())];
        for output in &self.outputs {
            if let Some(pipe) = &output.pipe {
                polled.push(readable(pipe.as_fd()));
            }
        }
        polled.extend(self.connections.iter().map(|connection| readable(connection.stream().as_fd())));
        // EINTR looks like "no events", and the loop comes round again.
        if poll(&mut polled, self.timeout()).is_err() {
            return Events::default();
        }
        let mut ready = polled.iter().map(|fd| fd.any().unwrap_or(true));
        let mut next = || ready.next().unwrap_or(false);
        Events {
            children: next(),
            listener: next(),
            outputs: [self.outputs[0].pipe.is_some() && next(), self.outputs[1].pipe.is_some() && next()],
            connections: self.connections.iter().filter(|_| next()).map(|connection| connection.number).collect(),
        }
    }

    fn timeout(&self) -> PollTimeout {
        let deadline = [self.kill_at, self.drain_until].into_iter().flatten().min();
        deadline.map_or(PollTimeout::NONE, |deadline| {
            // Rounded up, so as not to spin in the last millisecond.
            let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        })
    }

    fn reap(&mut self) {
        loop {
            let (pid, exit_code, signal) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, code, 0),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32, signal as i32),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            if pid == self.task && self.ended.is_none() {
                self.task_ended(exit_code, signal);
            } else if let Some(position) = self.sessions.iter().position(|session| session.pid == pid) {
                let session = self.sessions.swap_remove(position);
                let message = Message::ExecExited { id: session.request, exit_code };
                if let Some(connection) = self.connections.iter_mut().find(|c| c.number == session.connection) {
                    connection.send(&message);
                }
            }
        }
    }

    fn task_ended(&mut self, exit_code: i32, signal: i32) {
        self.kill_at = None;
        self.drain_until = Some(Instant::now() + DRAIN_TIME);
        self.ended = Some(ExitRecord { exit_code, signal, finished_at_ns: now_ns(), ..ExitRecord::default() });
        self.kill_leftovers();
        if let (Some(plan), Some(ended)) = (&self.spec.cgroup, &mut self.ended) {
            ended.oom_killed = plan.oom_killed();
        }
    }

    /// What the task started ends with it.
    fn kill_leftovers(&mut self) {
        if let Some(plan) = &self.spec.cgroup {
            plan.kill_all();
        }
        let deadline = Instant::now() + KILL_WAIT;
        let own_pid = nix::unistd::getpid().as_raw();
        while process::kill_descendants(own_pid) > 0 && Instant::now() < deadline {
            self.reap();
            if process::descendants(own_pid).is_empty() {
                return;
            }
            std::thread::sleep(KILL_PAUSE);
        }
    }

    /// Ends the task by force. Its end is noticed like any other.
    fn kill_task(&self) {
        kill(self.task, Signal::SIGKILL).ok();
        if let Some(plan) = &self.spec.cgroup {
            plan.kill_all();
        }
        process::kill_descendants(nix::unistd::getpid().as_raw());
    }

    fn copy_output(&mut self, index: usize) {
        let output = &mut self.outputs[index];
        let (Some(pipe), Some(log)) = (&output.pipe, &mut output.log) else {
            return;
        };
        match nix::unistd::read(pipe, &mut self.buffer) {
            Ok(0) => output.pipe = None,
            Ok(length) => log.write(&self.buffer[..length]),
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => {}
            Err(_) => output.pipe = None,
        }
    }

    fn accept(&mut self) {
        if let Some(mut connection) = Connection::accept(self.next_connection, &self.listener) {
            self.next_connection += 1;
            if connection.send(&Message::Started(self.processes.clone())) {
                self.connections.push(connection);
            }
        }
    }

    fn serve(&mut self, ready: &[u64]) {
        for number in ready {
            let Some(position) = self.connections.iter().position(|c| c.number == *number) else {
                continue;
            };
            match self.connections[position].receive() {
                Some(requests) => {
                    for (request, descriptors) in requests {
                        self.obey(position, &request, descriptors);
                    }
                }
                None => self.disconnect(position),
            }
        }
    }

    /// Commands end with the connection that asked for them.
    fn disconnect(&mut self, position: usize) {
        let connection = self.connections.swap_remove(position);
        for session in self.sessions.iter().filter(|session| session.connection == connection.number) {
            nix::sys::signal::killpg(session.pid, Signal::SIGKILL).ok();
        }
    }

    fn obey(&mut self, position: usize, request: &Request, descriptors: Vec<OwnedFd>) {
        let result = match &request.op {
            Operation::Signal { signal } => self.signal_task(*signal),
            Operation::Stop { signal, timeout_ms } => self.stop_task(*signal, *timeout_ms),
            Operation::Exec { command, tty } => self.exec(position, request.id, command, *tty, descriptors),
        };
        let reply = Message::Reply { id: request.id, error: result.err() };
        self.connections[position].send(&reply);
    }

    fn signal_task(&self, signal: i32) -> Result<(), String> {
        if self.ended.is_some() {
            return Err("the task has ended".into());
        }
        let signal = Signal::try_from(signal).map_err(|_| format!("there is no signal {signal}"))?;
        kill(self.task, signal).map_err(|error| format!("signal {signal}: {error}"))
    }

    fn stop_task(&mut self, signal: i32, timeout_ms: u64) -> Result<(), String> {
        if self.ended.is_some() {
            return Ok(());
        }
        if timeout_ms == 0 || signal == Signal::SIGKILL as i32 {
            self.kill_task();
            return Ok(());
        }
        self.signal_task(signal)?;
        let deadline = Instant::now() + Duration::from_millis(timeout_ms);
        self.kill_at = Some(self.kill_at.map_or(deadline, |earlier| earlier.min(deadline)));
        Ok(())
    }

    fn exec(
        &mut self,
        position: usize,
        request: u64,
        command: &[String],
        tty: bool,
        descriptors: Vec<OwnedFd>,
    ) -> Result<(), String> {
        if self.ended.is_some() {
            return Err("the task has ended".into());
        }
        let (program, args) = command.split_first().ok_or("no command was given")?;
        let stdio = <[OwnedFd; 3]>::try_from(descriptors).map_err(|_| "three descriptors are needed")?;
        let pid =
            launch(Launch { spec: self.spec, command: program, args, stdio, tty, inside: Some(self.task.as_raw()) })?;
        let connection = self.connections[position].number;
        self.sessions.push(Session { pid, connection, request });
        Ok(())
    }

    /// Records the end before telling it, so that an agent that misses the message finds the file.
    fn finish(&mut self) {
        for index in 0..self.outputs.len() {
            self.copy_output(index);
        }
        let mut ended = self.ended.take().unwrap_or_default();
        ended.log_bytes_lost = self.outputs.iter().map(Output::lost_bytes).sum();
        record(self.spec, EXIT_FILE, &ended).ok();
        for connection in &mut self.connections {
            connection.send(&Message::Exited(ended.clone()));
        }
        if let Some(plan) = &self.spec.cgroup {
            plan.remove();
        }
    }
}

#[derive(Debug, Default)]
struct Events {
    children: bool,
    listener: bool,
    outputs: [bool; 2],
    connections: Vec<u64>,
}

fn child_signals() -> Result<SignalFd, String> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.thread_block().map_err(|error| format!("block signals: {error}"))?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(|error| format!("signal descriptor: {error}"))
}

/// Only our end is non-blocking; programs do not expect it of their standard output.
fn output_pipe() -> Result<(File, OwnedFd), String> {
    let describe = |error: nix::Error| format!("pipe: {error}");
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(describe)?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(describe)?;
    debug_assert!(reader.as_raw_fd() > 2, "standard streams are always open");
    Ok((File::from(reader), writer))
}

fn describe_processes(spec: &TaskSpec, task: Pid) -> Processes {
    let own_pid = nix::unistd::getpid().as_raw();
    Processes {
        pid: task.as_raw(),
        start_time: process::start_time(task.as_raw()).unwrap_or_default(),
        supervisor_pid: own_pid,
        supervisor_start_time: process::start_time(own_pid).unwrap_or_default(),
        socket: spec.socket.clone(),
        started_at_ns: now_ns(),
        cgroup: spec.cgroup.clone(),
    }
}

fn record(spec: &TaskSpec, file: &str, content: &impl serde::Serialize) -> Result<(), String> {
    let path = spec.state_dir.join(file);
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = serde_json::to_vec(content).map_err(|error| describe(&error))?;
    write_atomically(&path, &text).map_err(|error| describe(&error))
}
