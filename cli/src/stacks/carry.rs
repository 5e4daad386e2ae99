//! Asking, carrying out, reporting: the second half of every command that changes something.

use super::progress::{Reporter, Style};
use super::{EXIT_NOT_PLACED, EXIT_STALE, EXIT_UNHEALTHY, engine_error, explained};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Colour, bold, paint, plural};
use drover_secrets::Masker;
use drover_stack::apply::{self, ApplyError, ApplyOptions, FailureKind, Outcome};
use drover_stack::desired::Target;
use drover_stack::plan::{Action, ChangePlan};
use drover_stack::{Engine, Purge};
use indicatif::MultiProgress;
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use tokio::sync::watch;

/// Whether the person has agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// By a flag, or by naming a saved plan.
    Given,
    /// Not yet.
    Ask,
}

/// Asks if needed, then carries the plan out; answers the exit code.
///
/// # Errors
/// Nothing was written: no consent, no terminal to ask on, or the engine does not answer.
pub async fn carry_out(
    context: &Context,
    engine: &Engine,
    plan: &ChangePlan,
    masker: &Masker,
    consent: Consent,
    options: CarryOptions,
) -> Result<u8, CliError> {
    if !plan.is_empty() && consent == Consent::Ask && !ask(plan)? {
        output::line("Nothing was changed.");
        return Ok(1);
    }
    let style = match (options.json, context.is_terminal()) {
        (true, _) => Style::Json,
        (false, true) => Style::Bars,
        (false, false) => Style::Lines,
    };
    let reporter = Reporter::new(style);
    let (interrupt, interrupted) = watch::channel(false);
    let listener = tokio::spawn(listen(interrupt, reporter.bars()));
    let report = |event: &apply::Event| reporter.show(event);
    let apply_options = ApplyOptions {
        parallelism: options.parallelism,
        purge: options.purge,
        now: super::now(),
        interrupted,
        masker,
        report: &report,
    };
    let result = apply::apply(engine, plan, apply_options).await;
    listener.abort();
    match result {
        Ok(outcome) => {
            if options.json {
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

/// How a plan is carried out.
#[derive(Clone, Copy, Debug)]
pub struct CarryOptions {
    /// Prints one JSON object a line.
    pub json: bool,
    /// Changes in flight at a time.
    pub parallelism: usize,
    /// Whether stopped jobs are forgotten at once.
    pub purge: Purge,
}

fn ask(plan: &ChangePlan) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::new("there is no terminal to ask on, so nothing was changed")
            .hint("run it with -auto-approve, or save a plan with `drover plan -out=FILE` and apply that"));
    }
    let what = if plan.destroys { "Destroy all of this?" } else { "Apply these changes?" };
    output::raw(bold(&format!("{what} Only \"yes\" is taken for it: ")).as_bytes());
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CliError::new(format!("cannot read the answer: {error}")))?;
    Ok(answer.trim() == "yes")
}

/// The first interruption stops new work; the second ends the process at once.
async fn listen(interrupt: watch::Sender<bool>, bars: MultiProgress) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    // The terminal has put `^C` before the bars; they are drawn again below the message.
    bars.suspend(|| {
        let begin = if std::io::stderr().is_terminal() { "\n" } else { "" };
        output::error_line(&format!(
            "{begin}Interrupted: nothing new is begun, and what is written is not waited for. Again to end at once."
        ));
    });
    // Nobody listens any more when the apply is over.
    let _ = interrupt.send(true);
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(130);
    }
}

fn tell(plan: &ChangePlan, outcome: &Outcome) {
    let count = |actions: &[Action]| outcome.done.iter().filter(|(_, action)| actions.contains(action)).count();
    if let Some(problem) = &outcome.record_problem {
        output::error_line(&paint(
            Colour::Yellow,
            &format!("The release could not be noted in the stack's record: {problem}"),
        ));
    }
    let is_whole = outcome.failed.is_empty() && outcome.not_done.is_empty() && !outcome.interrupted;
    if !is_whole {
        tell_what_is_missing(outcome);
        return;
    }
    if !plan.is_empty() {
        output::line(&bold(&format!(
            "{} {} (release {}): {} created, {} updated, {} deleted.",
            if plan.destroys { "Destroyed stack" } else { "Applied stack" },
            plan.stack,
            outcome.release,
            count(&[Action::Create]),
            count(&[Action::Update, Action::Replace]),
            count(&[Action::Delete]),
        )));
    }
    for (name, value) in &plan.outputs {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        output::line(&format!("{name} = {value}"));
    }
    if plan.is_empty() || plan.destroys {
        return;
    }
    for (_, message) in &plan.messages {
        output::line(&format!("\n{message}"));
    }
    let jobs: Vec<&str> = plan
        .changes
        .iter()
        .filter(|change| change.action != Action::Delete)
        .filter_map(|change| match &change.target {
            Target::Job { id, .. } => Some(id.as_str()),
            _ => None,
        })
        .collect();
    if !jobs.is_empty() {
        output::line("\nLook at it:");
        for id in jobs {
            output::line(&format!("  drover job status {id}"));
        }
    }
}

fn tell_what_is_missing(outcome: &Outcome) {
    let heading = if outcome.interrupted { "Interrupted." } else { "Not all of it was done." };
    output::error_line(&format!("\n{} Release {}:", paint(Colour::Red, heading), outcome.release));
    for (address, action) in &outcome.done {
        output::error_line(&format!(
            "  done      {address} ({})",
            serde_json::to_value(action).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
        ));
    }
    for failure in &outcome.failed {
        let written = if failure.was_written { "written, but " } else { "not written, " };
        output::error_line(&format!(
            "  failed    {}: {written}{}",
            failure.address,
            super::progress::kind(failure.kind)
        ));
        for reason in &failure.reasons {
            output::error_line(&format!("              {reason}"));
        }
        for allocation in &failure.look_at {
            output::error_line(&format!(
                "              see: drover alloc status {}",
                drover_base::short_id(allocation)
            ));
        }
    }
    for (address, reason) in &outcome.not_done {
        output::error_line(&format!("  not done  {address}: {reason}"));
    }
    let left = (outcome.failed.len() + outcome.not_done.len()) as u64;
    output::error_line(&format!("{} left; run apply again to go on from here.", plural(left, "change")));
}

fn summary(plan: &ChangePlan, outcome: &Outcome) -> serde_json::Value {
    let addresses: Vec<&str> = outcome.done.iter().map(|(address, _)| address.as_str()).collect();
    let failed: Vec<&str> = outcome.failed.iter().map(|failure| failure.address.as_str()).collect();
    let not_done: Vec<&str> = outcome.not_done.iter().map(|(address, _)| address.as_str()).collect();
    json!({
        "version": 1, "type": "applied", "stack": plan.stack, "release": outcome.release, "done": addresses, "failed": failed,
        "not_done": not_done, "interrupted": outcome.interrupted, "outputs": plan.outputs,
    })
}

/// The worst failure decides.
fn exit_code(outcome: &Outcome) -> u8 {
    match outcome.failed.iter().map(|failure| failure.kind).max() {
        Some(FailureKind::Unhealthy) => EXIT_UNHEALTHY,
        Some(FailureKind::NotPlaced) => EXIT_NOT_PLACED,
        Some(FailureKind::Stale) => EXIT_STALE,
        Some(FailureKind::Error) => 1,
        None => u8::from(outcome.interrupted || !outcome.not_done.is_empty()),
    }
}
