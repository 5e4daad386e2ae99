//! `sync`: makes the engine hold what a repository says, again and again.
//!
//! A round fetches the branch, checks out its commit, plans, and applies. What it did is kept in the engine, so that a restart
//! goes on where it was. A repository that cannot be reached keeps what was fetched last, so that drift is still healed.

pub mod control;
mod git;
mod webhook;

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{CarryArgs, Consent, EXIT_REFUSED, Session, StackArgs, Work, engine_error, now};
use drover_base::Nanos;
use drover_stack::plan::Action;
use drover_stack::sync::{Round, RoundResult, SyncState};
use drover_stack::{ChangePlan, Engine, preview};
use git::{Copy, short};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// The longest pause between two tries to reach a repository.
const MAX_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Follows a repository.
#[derive(clap::Args)]
#[command(next_help_heading = "Sync Options")]
pub struct Sync {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    carry: CarryArgs,
    /// The repository: any address or folder that git fetches from.
    #[arg(long, value_name = "url")]
    repo: String,
    /// The branch or tag.
    #[arg(long, value_name = "name", default_value = "HEAD")]
    branch: String,
    /// The stack's folder or file within the repository.
    #[arg(long, value_name = "path", default_value = ".")]
    path: String,
    /// Between two rounds.
    #[arg(long, value_name = "duration", default_value = "1m")]
    interval: String,
    /// One round, and the end: its exit code is that of an apply.
    #[arg(long)]
    once: bool,
    /// Applies nothing; `-on-plan` gets each plan.
    #[arg(long = "plan-only")]
    plan_only: bool,
    /// A command that gets each plan of a new commit as Markdown on its standard input, with DROVER_SYNC_STACK, DROVER_SYNC_COMMIT and DROVER_SYNC_CHANGES in its environment; such as one that comments on a pull request.
    #[arg(long = "on-plan", value_name = "command")]
    on_plan: Option<String>,
    /// A command that is told how each round ended, in DROVER_SYNC_STACK, DROVER_SYNC_COMMIT, DROVER_SYNC_RESULT and DROVER_SYNC_MESSAGE.
    #[arg(long = "on-result", value_name = "command")]
    on_result: Option<String>,
    /// Applies a commit again when the engine has drifted from it.
    #[arg(long = "self-heal")]
    self_heal: bool,
    /// Takes only commits with a signature that `git verify-commit` finds good.
    #[arg(long = "require-signature")]
    require_signature: bool,
    /// Listens there: a POST wakes a round at once, a GET tells how far it is. DROVER_SYNC_WEBHOOK_SECRET says what requests are signed with.
    #[arg(long, value_name = "host:port")]
    listen: Option<String>,
    /// Where the copy of the repository is kept; a folder for this stack alone.
    #[arg(long, value_name = "path")]
    workdir: Option<PathBuf>,
}

/// What a round came to.
struct Report {
    round: Round,
    code: u8,
}

/// A round that did not get as far as the stack.
enum Missed {
    /// The repository cannot be reached, and nothing was ever fetched.
    Unreachable(CliError),
    /// The commit is no good.
    Bad { commit: String, result: RoundResult, error: CliError },
}

impl Invoke for Sync {
    fn invoke(self, context: &Context) -> Outcome {
        let interval = Nanos::parse(&self.interval)
            .map(Nanos::as_duration)
            .map_err(|error| context.usage(format!("-interval: {error}")))?;
        let folder = match &self.workdir {
            Some(folder) => folder.clone(),
            None => default_folder(&self.repo, &self.branch)?,
        };
        let copy = Copy::new(&self.repo, &self.branch, folder);
        let (wake, mut woken) = mpsc::channel(1);
        let shown = webhook::Shown::default();
        if let Some(address) = &self.listen {
            let secret = std::env::var("DROVER_SYNC_WEBHOOK_SECRET").ok().filter(|secret| !secret.is_empty());
            let local = webhook::listen(address, secret, wake.clone(), shown.clone())?;
            say(&format!("listening on {local}"));
        }
        let mut ended = signals()?;
        let mut pause = interval;
        loop {
            pause = match self.round(context, &copy, &shown) {
                Ok(code) if self.once => return Ok(code),
                Ok(_) => interval,
                Err(error) if self.once => return Err(error),
                Err(error) => {
                    say(&error.message);
                    (pause * 2).min(MAX_PAUSE).max(interval)
                }
            };
            if wait(context, pause, &mut woken, &mut ended)? {
                say("ended");
                return Ok(0);
            }
        }
    }
}

impl Sync {
    /// One round: answers what an apply would.
    fn round(&self, context: &Context, copy: &Copy, shown: &webhook::Shown) -> Outcome {
        let commit = match self.commit(copy) {
            Ok(commit) => commit,
            Err(Missed::Unreachable(error)) => return Err(error),
            Err(Missed::Bad { commit, result, error }) => return self.refuse(context, &commit, result, error, shown),
        };
        let path = copy.folder().join(&self.path);
        let evaluated = self.stack.evaluate(&path.to_string_lossy(), context);
        let session = match evaluated {
            Ok(session) => session,
            Err(error) => return self.refuse(context, &commit, RoundResult::Failed, error, shown),
        };
        let engine = self.stack.connect(context, Some(&session.desired))?;
        let subject = copy.subject(&commit);
        let report = context.block_on(self.bring(context, &engine, &session, &commit, &subject))?;
        let Some(report) = report else { return Ok(0) };
        let code = report.code;
        context.block_on(self.note(
            &engine,
            &session.desired.stack,
            &session.desired.namespace,
            report.round,
            shown,
        ))?;
        Ok(code)
    }

    /// The commit that the files are at now.
    fn commit(&self, copy: &Copy) -> Result<String, Missed> {
        let commit = match (copy.fetch(), copy.current()) {
            (Ok(commit), _) => commit,
            (Err(error), Some(last)) => {
                say(&format!("{}; staying at {}", error.message, short(&last)));
                last
            }
            (Err(error), None) => return Err(Missed::Unreachable(error)),
        };
        let bad = |result| {
            let commit = commit.clone();
            move |error| Missed::Bad { commit, result, error }
        };
        if self.require_signature {
            copy.verify(&commit).map_err(bad(RoundResult::Refused))?;
        }
        if copy.current().as_deref() != Some(&commit) || self.is_dirty(copy) {
            copy.check_out(&commit).map_err(bad(RoundResult::Failed))?;
        }
        Ok(commit)
    }

    /// A copy that was left in the middle of a checkout has none of the files that are looked for.
    fn is_dirty(&self, copy: &Copy) -> bool {
        !copy.folder().join(&self.path).exists()
    }

    /// Plans a commit and applies it where that is wanted; none when there is nothing to tell.
    async fn bring(
        &self,
        context: &Context,
        engine: &Engine,
        session: &Session,
        commit: &str,
        subject: &str,
    ) -> Result<Option<Report>, CliError> {
        let (stack, namespace) = (&session.desired.stack, &session.desired.namespace);
        let (state, _) = engine.sync_state(stack, namespace).await.map_err(|error| engine_error(&error))?;
        if state.paused {
            say(&format!("stack {stack} is paused by {}", state.paused_by));
            return Ok(None);
        }
        let make = async || Ok::<ChangePlan, CliError>(session.plan(engine, &self.stack.options()).await?.0);
        let round = |result, message: String| Round { at: now(), commit: commit.to_owned(), result, message };
        let plan: ChangePlan = match make().await {
            Ok(plan) => plan,
            Err(error) => return Ok(Some(Report { round: round(RoundResult::Failed, error.message), code: 1 })),
        };
        let last = state.last_of(commit).map(|round| round.result);
        if last.is_none() || last == Some(RoundResult::Drifted) {
            self.tell_plan(&plan, commit);
        }
        let changes = preview::summary(&plan);
        let report = |result, message: String, code| Ok(Some(Report { round: round(result, message), code }));
        if plan.refusals().next().is_some() {
            return report(RoundResult::Refused, format!("a policy refuses it: {changes}"), EXIT_REFUSED);
        }
        if plan.is_empty() && last == Some(RoundResult::Synced) {
            return Ok(None);
        }
        if !plan.is_empty() && self.plan_only {
            return report(RoundResult::Planned, changes, 2);
        }
        let has_drifted = last == Some(RoundResult::Synced) || last == Some(RoundResult::Drifted);
        if has_drifted && !plan.is_empty() && !self.self_heal {
            return report(RoundResult::Drifted, format!("the engine has drifted: {changes}"), 2);
        }
        // What failed is not tried again and again; a new commit, or a change of the plan by somebody else, is.
        if last == Some(RoundResult::Failed) && !self.once && self.failed_the_same(&state, commit, &changes) {
            return Ok(None);
        }
        say(&format!("{} {subject:?}: {changes}", short(commit)));
        let work = Work {
            context,
            engine,
            masker: &session.masker,
            secrets: &session.secrets,
            args: &self.carry,
            consent: Consent::Given,
            cause: format!("sync {}", short(commit)),
            json: self.stack.json,
        };
        let deleted = plan.count(Action::Delete);
        match work.carry_out(plan, make).await {
            Ok(0) => report(RoundResult::Synced, subject.to_owned(), 0),
            Ok(code) => report(RoundResult::Failed, format!("exit code {code}: {changes}"), code),
            Err(error) if deleted > self.carry.max_deletes => report(RoundResult::Refused, error.message, 1),
            // Somebody else holds the lock: the next round sees what came of it.
            Err(error) => {
                say(&error.message);
                Ok(None)
            }
        }
    }

    fn failed_the_same(&self, state: &SyncState, commit: &str, changes: &str) -> bool {
        state.last_of(commit).is_some_and(|round| round.message.ends_with(changes))
    }

    /// Notes that a commit is no good, where it is known whose it would be.
    fn refuse(
        &self,
        context: &Context,
        commit: &str,
        result: RoundResult,
        error: CliError,
        shown: &webhook::Shown,
    ) -> Outcome {
        say(&format!("{} is {}: {}", short(commit), result.name(), error.message));
        // The stack's name is in its files, which may be what is wrong; a name that was given is enough.
        if let Some(name) = &self.stack.name {
            let engine = self.stack.connect(context, None)?;
            let namespace = self.stack.engine.namespace.clone().unwrap_or_else(|| "default".to_owned());
            let round = Round { at: now(), commit: commit.to_owned(), result, message: error.message.clone() };
            context.block_on(self.note(&engine, name, &namespace, round, shown))?;
        } else {
            self.tell_result(&self.repo, commit, result, &error.message);
        }
        if self.once { Err(error) } else { Ok(1) }
    }

    async fn note(
        &self,
        engine: &Engine,
        stack: &str,
        namespace: &str,
        round: Round,
        shown: &webhook::Shown,
    ) -> Result<(), CliError> {
        let change = |state: &mut SyncState| {
            state.repository = git::without_password(&self.repo);
            state.branch.clone_from(&self.branch);
            state.path.clone_from(&self.path);
            state.note(round.clone());
        };
        let (before, _) = engine.sync_state(stack, namespace).await.map_err(|error| engine_error(&error))?;
        let state = engine.change_sync_state(stack, namespace, &change).await.map_err(|error| engine_error(&error))?;
        *shown.write().unwrap_or_else(PoisonError::into_inner) = output::json(&state);
        if state.rounds != before.rounds {
            say(&format!("{} is {}: {}", short(&round.commit), round.result.name(), round.message));
            self.tell_result(stack, &round.commit, round.result, &round.message);
        }
        Ok(())
    }

    fn tell_plan(&self, plan: &ChangePlan, commit: &str) {
        let Some(command) = &self.on_plan else { return };
        let changes = plan.changes.len().to_string();
        let environment = [
            ("DROVER_SYNC_STACK", plan.stack.as_str()),
            ("DROVER_SYNC_COMMIT", commit),
            ("DROVER_SYNC_CHANGES", &changes),
        ];
        run(command, &environment, &preview::plan_markdown(plan));
    }

    fn tell_result(&self, stack: &str, commit: &str, result: RoundResult, message: &str) {
        let Some(command) = &self.on_result else { return };
        let environment = [
            ("DROVER_SYNC_STACK", stack),
            ("DROVER_SYNC_COMMIT", commit),
            ("DROVER_SYNC_RESULT", result.name()),
            ("DROVER_SYNC_MESSAGE", message),
        ];
        run(command, &environment, message);
    }
}

/// Runs a hook; what goes wrong with it is said and changes nothing.
fn run(command: &str, environment: &[(&str, &str)], input: &str) {
    let child = Command::new("/bin/sh")
        .args(["-c", command])
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::inherit())
        .spawn();
    let ended = child.and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            // A hook that does not read is none the worse for it.
            drop(stdin.write_all(input.as_bytes()));
        }
        child.wait()
    });
    match ended {
        Ok(status) if status.success() => {}
        Ok(status) => say(&format!("the hook `{command}` ended with {status}")),
        Err(error) => say(&format!("the hook `{command}` cannot be run: {error}")),
    }
}

/// Becomes true when the process is asked to end. A thread of its own listens, since rounds have a runtime each.
fn signals() -> Result<watch::Receiver<bool>, CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("cannot wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (tell, ended) = watch::channel(false);
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // The round that runs is the one who ends.
            let _ = tell.send(true);
            std::future::pending::<()>().await;
        });
    });
    Ok(ended)
}

/// Waits for the next round; answers whether somebody asked to end instead.
fn wait(
    context: &Context,
    pause: Duration,
    woken: &mut mpsc::Receiver<()>,
    ended: &mut watch::Receiver<bool>,
) -> Result<bool, CliError> {
    context.block_on(async {
        Ok(tokio::select! {
            () = tokio::time::sleep(pause) => false,
            Some(()) = woken.recv() => false,
            _ = ended.wait_for(|ended| *ended) => true,
        })
    })
}

/// A line of the log.
fn say(text: &str) {
    output::line(&format!("{} {text}", now().split('.').next().unwrap_or_default()));
}

/// Below the user's cache, one folder for each repository and branch.
fn default_folder(repo: &str, branch: &str) -> Result<PathBuf, CliError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let cache =
        cache.ok_or_else(|| CliError::new("there is no home to keep the copy in; name a folder with -workdir"))?;
    let name: String =
        format!("{repo}-{branch}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(cache.join("drover/sync").join(name))
}
