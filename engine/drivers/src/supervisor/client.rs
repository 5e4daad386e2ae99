//! The agent's side: starting supervisors through a launcher, and talking to them.

use std::collections::HashMap;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream as StdStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{oneshot, watch};

use super::spec::{ExitRecord, Message, Operation, Processes, Request, Spec};

/// Why a supervisor could not be started or reached.
#[derive(Debug, Error)]
pub enum SupervisorError {
    /// The launcher process could not be started.
    #[error("start the supervisor {}", .path.display())]
    Launcher {
        /// Executable.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Input or output failed.
    #[error("talk to the supervisor")]
    Io(#[from] std::io::Error),
    /// The supervisor says why it, or the task, could not start.
    #[error("{0}")]
    Failed(String),
    /// The process ended, or never was.
    #[error("the task's supervisor process is gone")]
    Gone,
    /// The specification is too long, or not representable.
    #[error("encode the task's specification")]
    Encode(#[from] serde_json::Error),
}

impl From<nix::Error> for SupervisorError {
    fn from(error: nix::Error) -> Self {
        Self::Io(error.into())
    }
}

/// Starts supervisors. One per agent; the launcher process is started with the first task.
#[derive(Debug)]
pub struct Launcher {
    executable: PathBuf,
    socket: Mutex<Option<OwnedFd>>,
}

impl Launcher {
    /// `executable supervise` must call [`super::main`]; an agent passes its own executable.
    pub fn new(executable: impl Into<PathBuf>) -> Self {
        Self { executable: executable.into(), socket: Mutex::new(None) }
    }

    /// Forks a supervisor, hands it the specification and waits for its first answer.
    pub async fn launch(&self, spec: &Spec) -> Result<(SupervisorClient, Processes), SupervisorError> {
        let text = serde_json::to_vec(spec)?;
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, flags)?;
        self.pass(&theirs)?;
        drop(theirs);
        let ours = StdStream::from(ours);
        ours.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(ours)?;
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        stream.write_all(&length.to_le_bytes()).await.map_err(gone)?;
        stream.write_all(&text).await.map_err(gone)?;
        SupervisorClient::open(stream).await
    }

    /// Passes a socket to the launcher process, starting it if there is none (or none any more).
    fn pass(&self, theirs: &OwnedFd) -> Result<(), SupervisorError> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(launcher) = socket.as_ref()
            && send_descriptors(launcher, b"f", &[theirs]).is_ok()
        {
            return Ok(());
        }
        let launcher = self.start()?;
        send_descriptors(&launcher, b"f", &[theirs])?;
        *socket = Some(launcher);
        Ok(())
    }

    fn start(&self) -> Result<OwnedFd, SupervisorError> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        // Dropping the handle does not end the process; the runtime reaps it when it ends.
        tokio::process::Command::new(&self.executable)
            .arg("supervise")
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| SupervisorError::Launcher { path: self.executable.clone(), source })?;
        Ok(ours)
    }
}

fn send_descriptors(socket: impl AsFd, text: &[u8], descriptors: &[&OwnedFd]) -> nix::Result<usize> {
    let numbers: Vec<_> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let parts = [IoSlice::new(text)];
    sendmsg::<()>(socket.as_fd().as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None)
}

/// A supervisor that does not read has ended.
fn gone(error: std::io::Error) -> SupervisorError {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => SupervisorError::Gone,
        _ => SupervisorError::Io(error),
    }
}

/// What became of a supervised task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It runs.
    Running,
    /// It ended, as its supervisor recorded.
    Exited(ExitRecord),
    /// The supervisor ended without a word: somebody killed it.
    SupervisorLost,
}

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<(), String>>>>>;

/// A connection to one supervisor.
#[derive(Debug)]
pub struct SupervisorClient {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    next_id: AtomicU64,
    pending: Pending,
    outcome: watch::Receiver<Outcome>,
}

impl SupervisorClient {
    /// Connects to the supervisor that listens on an abstract socket of this name.
    pub async fn connect(name: &str) -> Result<(Self, Processes), SupervisorError> {
        Self::open(connect(name).await?).await
    }

    async fn open(stream: UnixStream) -> Result<(Self, Processes), SupervisorError> {
        let (reader, writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let processes = match read_message(&mut reader).await? {
            Some(Message::Started(processes)) => processes,
            Some(Message::Failed { message }) => return Err(SupervisorError::Failed(message)),
            Some(_) | None => return Err(SupervisorError::Gone),
        };
        let pending = Pending::default();
        let (outcome_sender, outcome) = watch::channel(Outcome::Running);
        tokio::spawn(read_messages(reader, Arc::clone(&pending), outcome_sender));
        let client = Self { writer: tokio::sync::Mutex::new(writer), next_id: AtomicU64::new(1), pending, outcome };
        Ok((client, processes))
    }

    /// Sends an operation and waits until the supervisor has accepted or refused it.
    pub async fn request(&self, op: Operation) -> Result<(), SupervisorError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&Request { id, op })?;
        line.push(b'\n');
        let (sender, answer) = oneshot::channel();
        lock(&self.pending).insert(id, sender);
        let written = self.writer.lock().await.write_all(&line).await;
        if let Err(error) = written {
            lock(&self.pending).remove(&id);
            return Err(gone(error));
        }
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(message)) => Err(SupervisorError::Failed(message)),
            Err(_) => Err(SupervisorError::Gone),
        }
    }

    /// Waits for the task's end.
    pub async fn outcome(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(|outcome| *outcome != Outcome::Running).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => Outcome::SupervisorLost,
        }
    }

    /// What is known right now.
    pub fn current_outcome(&self) -> Outcome {
        self.outcome.borrow().clone()
    }
}

/// Runs a command inside the task of the supervisor named `socket`; the descriptors become its standard streams.
/// The command ends with the returned future.
pub async fn exec_session(
    socket: &str,
    command: Vec<String>,
    tty: bool,
    stdio: [OwnedFd; 3],
) -> Result<impl Future<Output = Result<i32, SupervisorError>> + Send + use<>, SupervisorError> {
    let stream = connect(socket).await?;
    let mut line = serde_json::to_vec(&Request { id: 0, op: Operation::Exec { command, tty } })?;
    line.push(b'\n');
    stream.writable().await?;
    let descriptors = [&stdio[0], &stdio[1], &stdio[2]];
    // The descriptors go with the first part of the line; a supervisor's buffer is empty, so it is all of it but for
    // very long commands.
    let sent = stream.try_io(tokio::io::Interest::WRITABLE, || Ok(send_descriptors(&stream, &line, &descriptors)?))?;
    drop(stdio);
    let (reader, mut writer) = stream.into_split();
    writer.write_all(&line[sent..]).await.map_err(gone)?;
    let mut reader = BufReader::new(reader);
    loop {
        match read_message(&mut reader).await? {
            Some(Message::Reply { error: None, .. }) => break,
            Some(Message::Reply { error: Some(message), .. }) => return Err(SupervisorError::Failed(message)),
            Some(_) => {}
            None => return Err(SupervisorError::Gone),
        }
    }
    Ok(async move {
        // Closing our half of the connection would end the command.
        let _writer = writer;
        loop {
            match read_message(&mut reader).await? {
                Some(Message::ExecExited { exit_code, .. }) => return Ok(exit_code),
                Some(_) => {}
                None => return Err(SupervisorError::Gone),
            }
        }
    })
}

/// Waits until the process that holds this abstract socket ends; false when nobody holds it.
pub async fn wait_for_end(socket: &str) -> bool {
    let Ok(mut stream) = connect(socket).await else {
        return false;
    };
    // It never answers: an end of the connection is its own end.
    tokio::io::AsyncReadExt::read(&mut stream, &mut [0]).await.ok();
    true
}

async fn connect(name: &str) -> Result<UnixStream, SupervisorError> {
    let address = SocketAddr::from_abstract_name(name)?;
    // Connecting to a local listener does not block: it succeeds, or nobody listens.
    let stream = StdStream::connect_addr(&address).map_err(|_| SupervisorError::Gone)?;
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    let uid = stream.peer_cred()?.uid();
    if uid != 0 && uid != nix::unistd::Uid::effective().as_raw() {
        return Err(SupervisorError::Failed(format!("the socket @{name} belongs to user id {uid}")));
    }
    Ok(stream)
}

async fn read_message(reader: &mut BufReader<OwnedReadHalf>) -> Result<Option<Message>, SupervisorError> {
    let mut line = Vec::new();
    match reader.read_until(b'\n', &mut line).await {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(serde_json::from_slice(&line)?)),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn read_messages(mut reader: BufReader<OwnedReadHalf>, pending: Pending, outcome: watch::Sender<Outcome>) {
    while let Ok(Some(message)) = read_message(&mut reader).await {
        match message {
            Message::Exited(record) => {
                outcome.send_replace(Outcome::Exited(record));
            }
            Message::Reply { id, error } => {
                if let Some(sender) = lock(&pending).remove(&id) {
                    sender.send(error.map_or(Ok(()), Err)).ok();
                }
            }
            Message::Started(_) | Message::Failed { .. } | Message::ExecExited { .. } => {}
        }
    }
    outcome.send_if_modified(|outcome| {
        let lost = *outcome == Outcome::Running;
        if lost {
            *outcome = Outcome::SupervisorLost;
        }
        lost
    });
    lock(&pending).clear();
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
