//! `alloc exec`: a command in a running task.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::registry::{Invoke, Outcome};
use crate::terminal::{EscapeFilter, RawMode, Typed};
use crate::{output, resolve};
use drover_sdk::{ExecEvent, ExecEvents, ExecInput, ExecOptions};
use std::io::{IsTerminal, Read};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Sender;

/// Bytes of the standard input that are sent together.
const INPUT_BYTES: usize = 8 * 1024;

/// Runs a command in a task.
#[derive(clap::Args)]
#[command(next_help_heading = "Exec Specific Options")]
pub struct AllocExec {
    #[command(flatten)]
    engine: EngineArgs,
    /// The task; needed only where an allocation has several.
    #[arg(long, value_name = "task-name")]
    task: Option<String>,
    /// With `-job`: an allocation of this group.
    #[arg(long, value_name = "group-name")]
    group: Option<String>,
    /// Takes an allocation of the job that is given instead of one.
    #[arg(long)]
    job: bool,
    /// Passes the standard input on. Default: true.
    #[arg(long = "i", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    interactive: bool,
    /// Runs the command at a terminal. Default: whether this is one.
    #[arg(long = "t", num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    tty: Option<bool>,
    /// At a terminal: this character at the beginning of a line and a dot end the session; "none" for no such thing.
    #[arg(long = "e", value_name = "escape_char", default_value = "~")]
    escape: String,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for AllocExec {
    fn invoke(self, context: &Context) -> Outcome {
        let Some((what, command)) = self.arguments.split_first() else {
            return Err(context.usage(if self.job { "A job ID is required" } else { "An allocation ID is required" }));
        };
        if command.is_empty() {
            return Err(context.usage("A command is required"));
        }
        let tty = self
            .tty
            .unwrap_or_else(|| self.interactive && std::io::stdin().is_terminal() && std::io::stdout().is_terminal());
        if tty && !self.interactive {
            return Err(context.usage("-i must be enabled if running with tty"));
        }
        let escape = match self.escape.as_bytes() {
            b"none" | b"" => None,
            [one] => Some(*one),
            _ => return Err(context.usage("-e requires 'none' or a single character")),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = if self.job {
                resolve::allocation_of_job(&client, what, self.group.as_deref(), self.task.as_deref()).await?
            } else {
                resolve::allocation(&client, what, false).await?
            };
            let client = client.in_namespace(&stub.namespace);
            let task = match &self.task {
                Some(task) => task.clone(),
                None => resolve::only_task(&client, &stub).await?,
            };
            let options = ExecOptions { task, command: command.to_vec(), tty };
            let (inputs, events) = client.exec(&stub.id, &options).await.during("failed to exec into task")?;
            let session = Session { interactive: self.interactive, tty, escape };
            attach(&session, inputs, events, "failed to exec into task").await
        })
    }
}

/// How this end of a command in a task behaves.
pub struct Session {
    /// Passes the standard input on.
    pub interactive: bool,
    /// The command runs at a terminal.
    pub tty: bool,
    /// The character that begins an escape.
    pub escape: Option<u8>,
}

/// Connects the standard streams with a command until it ends; the answer is its exit code.
pub async fn attach(session: &Session, inputs: Sender<ExecInput>, mut events: ExecEvents, what: &str) -> Outcome {
    // Back to the usual terminal when this is left in whatever way.
    let _raw = if session.tty && std::io::stdin().is_terminal() { Some(RawMode::enter()?) } else { None };
    if session.tty {
        tokio::spawn(send_sizes(inputs.clone()));
    }
    if session.interactive {
        read_input(inputs.clone(), session.escape.filter(|_| session.tty));
    } else {
        // A command that was refused says so in its events.
        let _ = inputs.send(ExecInput::Close).await;
    }
    loop {
        match events.next().await.during(what)? {
            ExecEvent::Stdout(data) => output::raw(&data),
            ExecEvent::Stderr(data) => output::error_raw(&data),
            ExecEvent::Exited(code) => return Ok(u8::try_from(code).unwrap_or(1)),
        }
    }
}

/// Tells the size of the terminal, now and whenever it changes.
async fn send_sizes(inputs: Sender<ExecInput>) {
    let Ok(mut changes) = signal(SignalKind::window_change()) else { return };
    loop {
        if let Some((width, height)) = terminal_size::terminal_size() {
            let size = ExecInput::Size { height: height.0, width: width.0 };
            if inputs.send(size).await.is_err() {
                return;
            }
        }
        changes.recv().await;
    }
}

/// Sends the standard input from a thread of its own: reading it cannot be called off, and must not hold up the end.
fn read_input(inputs: Sender<ExecInput>, escape: Option<u8>) {
    std::thread::spawn(move || {
        let mut filter = escape.map(EscapeFilter::new);
        let mut buffer = [0; INPUT_BYTES];
        let mut stdin = std::io::stdin();
        loop {
            let length = stdin.read(&mut buffer).unwrap_or(0);
            let typed = match (&mut filter, length) {
                (_, 0) => Typed::End(Vec::new()),
                (Some(filter), length) => filter.feed(&buffer[..length]),
                (None, length) => Typed::Data(buffer[..length].to_vec()),
            };
            let (data, is_end) = match typed {
                Typed::Data(data) => (data, false),
                Typed::End(data) => (data, true),
                Typed::Leave => {
                    RawMode::leave();
                    output::error_line("\nThe session was left.");
                    std::process::exit(1);
                }
            };
            let failed = !data.is_empty() && inputs.blocking_send(ExecInput::Data(data)).is_err();
            if is_end || failed {
                // Nobody listens any more when this fails: the command has ended.
                let _ = inputs.blocking_send(ExecInput::Close);
                return;
            }
        }
    });
}
