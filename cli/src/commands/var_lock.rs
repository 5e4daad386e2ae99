//! `var lock`: runs a command while a variable is locked.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_base::Nanos;
use drover_sdk::types::Variable;
use drover_sdk::{Client, Error, Method, Query};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval_at, sleep, timeout};

const DEFAULT_TTL: &str = "15s";
/// How long a command that lost its lock may take to end.
const END_PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries while the engine does not answer.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Runs a command while a variable is locked.
#[derive(clap::Args)]
#[command(next_help_heading = "Var Lock Options")]
pub struct VarLock {
    #[command(flatten)]
    engine: EngineArgs,
    /// How long the lock lasts without being renewed. Default: 15s.
    #[arg(long, value_name = "duration")]
    ttl: Option<String>,
    /// How long nobody else can take the lock after it ran out. Default: 15s.
    #[arg(long, value_name = "duration")]
    delay: Option<String>,
    /// How often a renewal is tried again while the engine answers with errors.
    #[arg(long = "max-retry", value_name = "count", default_value_t = 5)]
    max_retry: u32,
    /// Gives up when somebody else has the lock, instead of waiting for it.
    #[arg(long = "early-return")]
    early_return: bool,
    /// Between two tries to take the lock. Default: 1.1 times the TTL.
    #[arg(long, value_name = "duration")]
    backoff: Option<String>,
    /// Runs the command in the shell of the variable SHELL. Default: true.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    shell: bool,
    /// Says on the standard error what is done.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

/// A lock that is wanted.
struct Wanted {
    variable: Variable,
    ttl: Duration,
    lock: Value,
    backoff: Duration,
}

impl Invoke for VarLock {
    fn invoke(self, context: &Context) -> Outcome {
        let count = self.arguments.len();
        if count < 2 {
            return Err(context.usage(format!("Not enough arguments (expected >2, got {count})")));
        }
        let (variable, command) = super::var_put::specification(&self.arguments, None, context)?;
        if command.is_empty() {
            return Err(context.usage("A command is required"));
        }
        let duration = |flag: &str, text: &str| {
            Nanos::parse(text).map(Nanos::as_duration).map_err(|error| context.usage(format!("{flag}: {error}")))
        };
        let ttl_text = self.ttl.as_deref().unwrap_or(DEFAULT_TTL);
        let ttl = duration("-ttl", ttl_text)?;
        let delay = self.delay.as_deref().unwrap_or(DEFAULT_TTL);
        duration("-delay", delay)?;
        let backoff = self.backoff.as_deref().map(|text| duration("-backoff", text)).transpose()?;
        if self.ttl.is_none() && self.delay.is_none() {
            self.say("Using defaults for the lock");
        }
        let lock = json!({ "TTL": ttl_text, "LockDelay": delay });
        let wanted = Wanted { variable, ttl, lock, backoff: backoff.unwrap_or_else(|| ttl.mul_f64(1.1)) };
        let client = self.engine.connect(context)?;
        context.block_on(self.run(&client, wanted, command))
    }
}

impl VarLock {
    fn say(&self, text: &str) {
        if self.verbose {
            output::error_line(text);
        }
    }

    async fn run(&self, client: &Client, wanted: Wanted, command: &[String]) -> Outcome {
        let Some(id) = self.acquire(client, &wanted).await? else {
            return Err(failed("the lock is held by somebody else"));
        };
        let path = wanted.variable.path.clone();
        let shown = command.join(" ");
        self.say(&format!("Variable locked, ready to execute: {shown}"));
        let outcome = match spawn(command, self.shell) {
            Ok(child) => self.hold(client, &path, &id, wanted.ttl, child).await,
            Err(error) => Err(failed(&format!("cannot run {shown}: {error}"))),
        };
        self.say("Releasing the lock");
        let released = change(client, "lock-release", &json!({ "Path": path, "Lock": { "ID": id } }), &path).await;
        match (outcome, released) {
            (Ok(code), Ok(_)) => Ok(code),
            (Ok(_), Err(error)) => Err(failed(&format!("the lock was not released: {error}"))),
            (Err(error), _) => Err(error),
        }
    }

    /// Answers the lock's id; `None`: somebody else has it, and waiting is not wanted.
    async fn acquire(&self, client: &Client, wanted: &Wanted) -> Result<Option<String>, CliError> {
        let Wanted { variable, lock, backoff, .. } = wanted;
        let body =
            json!({ "Path": variable.path, "Namespace": variable.namespace, "Items": variable.items, "Lock": lock });
        self.say("Attempting to acquire lock");
        loop {
            match change(client, "lock-acquire", &body, &variable.path).await {
                Ok(held) => return Ok(Some(held["Lock"]["ID"].as_str().unwrap_or_default().to_owned())),
                Err(Error::Status { status: 409, .. }) if self.early_return => return Ok(None),
                Err(Error::Status { status: 409, .. }) => {
                    self.say("Somebody else holds the lock; waiting for it");
                    sleep(*backoff).await;
                }
                Err(error) => return Err(failed(&error.to_string())),
            }
        }
    }

    /// Renews the lock until the command ends; ends the command when the lock is lost.
    async fn hold(&self, client: &Client, path: &str, id: &str, ttl: Duration, mut child: Child) -> Outcome {
        let renewal = json!({ "Path": path, "Lock": { "ID": id } });
        let mut ticks = interval_at(tokio::time::Instant::now() + ttl / 2, ttl / 2);
        let caught = |kind| signal(kind).map_err(|error| failed(&format!("cannot wait for signals: {error}")));
        let (mut interrupt, mut terminate) = (caught(SignalKind::interrupt())?, caught(SignalKind::terminate())?);
        loop {
            tokio::select! {
                ended = child.wait() => return match ended {
                    Ok(status) if status.success() => Ok(0),
                    Ok(status) => Err(failed(&format!("error executing protected function: {status}"))),
                    Err(error) => Err(failed(&error.to_string())),
                },
                _ = ticks.tick() => if let Err(error) = self.renew(client, path, &renewal).await {
                    end(&mut child, Signal::SIGTERM).await;
                    return Err(failed(&format!("the lock was lost: {error}")));
                },
                _ = interrupt.recv() => end(&mut child, Signal::SIGINT).await,
                _ = terminate.recv() => end(&mut child, Signal::SIGTERM).await,
            }
        }
    }

    async fn renew(&self, client: &Client, path: &str, renewal: &Value) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            match change(client, "lock-renew", renewal, path).await {
                Ok(_) => return Ok(()),
                Err(error @ Error::Status { status, .. }) if status < 500 => return Err(error),
                Err(error) if tries >= self.max_retry => return Err(error),
                Err(_) => {
                    tries += 1;
                    sleep(RETRY_WAIT).await;
                }
            }
        }
    }
}

fn failed(text: &str) -> CliError {
    CliError::new(format!("Lock error: {text}"))
}

async fn change(client: &Client, operation: &str, body: &Value, path: &str) -> Result<Value, Error> {
    let query = Query::new().param(operation, "");
    client.send(Method::Put, &drover_sdk::variable_path(path), &query, Some(body)).await
}

fn spawn(command: &[String], shell: bool) -> std::io::Result<Child> {
    if shell {
        let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
        return Command::new(shell).arg("-c").arg(command.join(" ")).kill_on_drop(true).spawn();
    }
    let (program, arguments) = command.split_first().unwrap_or((&command[0], &[]));
    Command::new(program).args(arguments).kill_on_drop(true).spawn()
}

/// Asks the command to end, and ends it when it does not.
async fn end(child: &mut Child, with: Signal) {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) else { return };
    // It may be gone by now.
    let _ = kill(Pid::from_raw(pid), with);
    if timeout(END_PATIENCE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
