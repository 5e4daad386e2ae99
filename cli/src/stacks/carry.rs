//! Asking, locking, carrying out, reporting: the second half of every command that changes something.

use super::annotations;
use super::interrupt::Interrupts;
use super::progress::{Reporter, Style};
use super::tell::{exit_code, summary, tell};
use super::{EXIT_REFUSED, EXIT_STALE, engine_error, explained, print_plan, who};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, bold};
use drover_base::Nanos;
use drover_secrets::{Masker, Resolver};
use drover_stack::apply::{self, ApplyError, ApplyOptions, DEFAULT_PARALLELISM, OnFailure};
use drover_stack::lock::{Held, Holder, LockError, Wish};
use drover_stack::plan::Action;
use drover_stack::{ChangePlan, Engine, Purge};
use std::io::{BufRead, IsTerminal};
use std::time::Duration;
use tokio::sync::watch;

/// Whether the person has agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// By a flag, or by naming a saved plan.
    Given,
    /// Not yet.
    Ask,
}

/// Flags of every command that changes something.
#[derive(clap::Args, Clone, Debug)]
pub struct CarryArgs {
    /// Does not ask.
    #[arg(long = "auto-approve")]
    pub auto_approve: bool,
    /// Changes in flight at a time.
    #[arg(long, value_name = "count", default_value_t = DEFAULT_PARALLELISM)]
    pub parallelism: usize,
    /// Makes the engine forget jobs that are deleted, instead of keeping them until it collects garbage.
    #[arg(long)]
    pub purge: bool,
    /// What to do when a change fails: "stop" begins nothing that depends on it and leaves what was written; "revert" begins nothing new and puts everything back that was changed.
    #[arg(long = "on-failure", value_name = "what", default_value = "stop", value_parser = ["stop", "revert"])]
    pub on_failure: String,
    /// How long to wait for somebody else who applies the stack, as "5m". Without it, the command ends at once and says who.
    #[arg(long = "lock-timeout", value_name = "duration", default_value = "0s")]
    pub lock_timeout: String,
    /// Deletions beyond this number are asked about once more; with -auto-approve they are refused.
    #[arg(long = "max-deletes", value_name = "count", default_value_t = 10)]
    pub max_deletes: usize,
    /// For continuous integration: plain lines, and annotations that GitHub shows beside the commit.
    #[arg(long)]
    pub ci: bool,
}

impl CarryArgs {
    /// Whether the person has agreed by a flag.
    pub const fn consent(&self) -> Consent {
        if self.auto_approve { Consent::Given } else { Consent::Ask }
    }

    fn on_failure(&self) -> OnFailure {
        if self.on_failure == "revert" { OnFailure::Revert } else { OnFailure::Stop }
    }

    fn patience(&self, context: &Context) -> Result<Duration, CliError> {
        let parsed = Nanos::parse(&self.lock_timeout).map(Nanos::as_duration);
        parsed.map_err(|error| context.usage(format!("-lock-timeout: {error}")))
    }
}

/// Everything about an apply but its plan.
pub struct Work<'a> {
    /// The invocation.
    pub context: &'a Context,
    /// The engine.
    pub engine: &'a Engine,
    /// Hides secrets.
    pub masker: &'a Masker,
    /// Holds the leases of values that are written.
    pub secrets: &'a Resolver,
    /// The flags.
    pub args: &'a CarryArgs,
    /// Whether the person has agreed.
    pub consent: Consent,
    /// What it is, for the history: `apply`, `undo to release 3`.
    pub cause: String,
    /// Prints one JSON object a line.
    pub json: bool,
}

impl Work<'_> {
    /// Asks if needed, takes the stack's lock, and carries the plan out; answers the exit code. When somebody else had the lock
    /// in between, `again` makes the plan anew.
    ///
    /// # Errors
    /// Nothing was written: no consent, no terminal to ask on, a lock that is held, or the engine does not answer.
    pub async fn carry_out(
        &self,
        mut plan: ChangePlan,
        again: impl AsyncFn() -> Result<ChangePlan, CliError>,
    ) -> Result<u8, CliError> {
        if let Some(refused) = self.refused(&plan) {
            return Ok(refused);
        }
        if plan.is_empty() {
            return self.apply(&plan, None).await;
        }
        if !self.agrees(&plan)? {
            return Ok(1);
        }
        let held = self.lock(&plan).await?;
        if held.was_waited_for {
            let newer = again().await?;
            if newer.changes != plan.changes {
                print_plan(&newer, self.json);
                if let Some(refused) = self.refused(&newer) {
                    held.release().await;
                    return Ok(refused);
                }
                if !newer.is_empty() && !self.agrees(&newer)? {
                    held.release().await;
                    return Ok(1);
                }
            }
            plan = newer;
        }
        let code = self.apply(&plan, Some(&held)).await;
        held.release().await;
        code
    }

    /// The exit code when a mandatory policy is not kept; the plan itself says which.
    fn refused(&self, plan: &ChangePlan) -> Option<u8> {
        let refused: Vec<&str> = plan.refusals().map(|result| result.name.as_str()).collect();
        if refused.is_empty() {
            return None;
        }
        output::error_line(&format!("Refused by policy, and nothing was changed: {}", refused.join(", ")));
        Some(EXIT_REFUSED)
    }

    fn agrees(&self, plan: &ChangePlan) -> Result<bool, CliError> {
        let agrees = match (self.consent, self.too_many_deletions(plan)) {
            (Consent::Given, Some(count)) => {
                return Err(CliError::new(format!(
                    "the plan deletes {count} resources, more than -max-deletes={}; nothing was changed",
                    self.args.max_deletes
                ))
                .hint("look at what it deletes, and raise -max-deletes if that is meant"));
            }
            (Consent::Given, None) => true,
            (Consent::Ask, None) => ask(plan)?,
            (Consent::Ask, Some(count)) => ask(plan)? && ask_for_deletions(count)?,
        };
        if !agrees {
            output::line("Nothing was changed.");
        }
        Ok(agrees)
    }

    /// How many resources the plan deletes, if those are more than usual. Whoever destroys a stack means all of them.
    fn too_many_deletions(&self, plan: &ChangePlan) -> Option<usize> {
        let count = plan.count(Action::Delete);
        (!plan.destroys && count > self.args.max_deletes).then_some(count)
    }

    async fn lock(&self, plan: &ChangePlan) -> Result<Held, CliError> {
        let wish = Wish {
            holder: Holder {
                who: who::name(),
                what: format!("drover {}", self.cause),
                process: who::process(),
                since: super::now(),
                nonce: drover_base::uuid::random(),
            },
            patience: self.args.patience(self.context)?,
            is_gone: &|holder| who::is_gone(&holder.process),
            waiting: &|holder| output::error_line(&format!("Waiting for {holder}, who has the stack locked…")),
        };
        let locked = self.engine.lock(&plan.stack, &plan.namespace, wish).await;
        locked.map_err(|error| match error {
            LockError::Held { .. } => explained(&error).hint(format!(
                "wait for it with -lock-timeout=5m; if that process is gone for good: drover unlock {}",
                plan.stack
            )),
            LockError::Engine(error) => engine_error(&error),
            other => explained(&other),
        })
    }

    async fn apply(&self, plan: &ChangePlan, held: Option<&Held>) -> Result<u8, CliError> {
        let style = match (self.json, self.context.is_terminal() && !self.args.ci) {
            (true, _) => Style::Json,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        };
        let reporter = Reporter::new(style);
        let interrupts = Interrupts::listen(reporter.bars());
        // Nobody sends: without a lock none can be lost.
        let (_never, no_lock) = watch::channel(false);
        let report = |event: &apply::Event| {
            reporter.show(event);
            if self.args.ci {
                annotations::show(event);
            }
        };
        let options = ApplyOptions {
            parallelism: self.args.parallelism,
            purge: if self.args.purge { Purge::Yes } else { Purge::No },
            now: super::now(),
            by: who::name(),
            cause: self.cause.clone(),
            on_failure: self.args.on_failure(),
            fresh_key: super::fresh_key(),
            interruption: interrupts.level(),
            lock_lost: held.map_or(no_lock, Held::lost),
            masker: self.masker,
            report: &report,
        };
        match apply::apply(self.engine, plan, options).await {
            Ok(outcome) => {
                super::leases::keep(self.secrets, plan, &outcome);
                if self.json {
                    output::line(&summary(plan, &outcome).to_string());
                } else {
                    tell(plan, &outcome);
                }
                Ok(exit_code(&outcome))
            }
            Err(error @ (ApplyError::Stale { .. } | ApplyError::AppliedBefore)) => {
                output::error_line(&error.to_string());
                Ok(EXIT_STALE)
            }
            Err(ApplyError::Engine(error)) => Err(engine_error(&error)),
            Err(other) => Err(explained(&other)),
        }
    }
}

fn ask(plan: &ChangePlan) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::new("there is no terminal to ask on, so nothing was changed")
            .hint("run it with -auto-approve, or save a plan with `drover plan -out=FILE` and apply that"));
    }
    let what = if plan.destroys { "Destroy all of this?" } else { "Apply these changes?" };
    Ok(answer(&format!("{what} Only \"yes\" is taken for it: "))? == "yes")
}

fn ask_for_deletions(count: usize) -> Result<bool, CliError> {
    let given = answer(&format!("It deletes {count} resources. Type that number if it is meant: "))?;
    Ok(given == count.to_string())
}

fn answer(question: &str) -> Result<String, CliError> {
    output::raw(bold(question).as_bytes());
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| CliError::new(format!("cannot read the answer: {error}")))?;
    Ok(answer.trim().to_owned())
}
