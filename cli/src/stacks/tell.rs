//! What an apply did, told to a person or a program.

use super::{EXIT_NOT_PLACED, EXIT_STALE, EXIT_UNHEALTHY};
use crate::output::{self, Colour, bold, paint, plural};
use drover_stack::ChangePlan;
use drover_stack::apply::{FailureKind, Outcome};
use drover_stack::desired::Target;
use drover_stack::plan::Action;
use serde_json::json;

/// Tells a person what was done and what to do next.
pub fn tell(plan: &ChangePlan, outcome: &Outcome) {
    let count = |actions: &[Action]| outcome.done.iter().filter(|(_, action)| actions.contains(action)).count();
    if let Some(problem) = &outcome.record_problem {
        output::error_line(&paint(
            Colour::Yellow,
            &format!("The release could not be noted in the stack's record: {problem}"),
        ));
    }
    if !outcome.is_whole() {
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
    let heading = match () {
        () if outcome.lock_lost => {
            "The stack's lock was lost: somebody forced it open, or the engine was out of reach."
        }
        () if outcome.interrupted => "Interrupted.",
        () if !outcome.reverted.is_empty() => "It failed, and what was changed was put back.",
        () => "Not all of it was done.",
    };
    output::error_line(&format!("\n{} Release {}:", paint(Colour::Red, heading), outcome.release));
    let is_put_back = |address: &str| outcome.reverted.iter().any(|(other, _)| other == address);
    for (address, action) in outcome.done.iter().filter(|(address, _)| !is_put_back(address)) {
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
    for (address, problem) in &outcome.reverted {
        match problem {
            None => output::error_line(&format!("  put back  {address}")),
            Some(problem) => {
                output::error_line(&paint(Colour::Red, &format!("  NOT put back  {address}: {problem}")));
            }
        }
    }
    if !outcome.reverted.is_empty() && outcome.reverted.iter().all(|(_, problem)| problem.is_none()) {
        output::error_line("The engine holds what it held before.");
        return;
    }
    let left = (outcome.failed.len() + outcome.not_done.len()) as u64;
    output::error_line(&format!("{} left; run apply again to go on from here.", plural(left, "change")));
}

/// The last line for a program.
pub fn summary(plan: &ChangePlan, outcome: &Outcome) -> serde_json::Value {
    let addresses: Vec<&str> = outcome.done.iter().map(|(address, _)| address.as_str()).collect();
    let failed: Vec<&str> = outcome.failed.iter().map(|failure| failure.address.as_str()).collect();
    let not_done: Vec<&str> = outcome.not_done.iter().map(|(address, _)| address.as_str()).collect();
    let reverted: Vec<_> =
        outcome.reverted.iter().map(|(address, problem)| json!({"address": address, "problem": problem})).collect();
    json!({
        "reverted": reverted, "lock_lost": outcome.lock_lost, "is_whole": outcome.is_whole(),
        "record_problem": outcome.record_problem,
        "version": 1, "type": "applied", "stack": plan.stack, "release": outcome.release, "done": addresses, "failed": failed,
        "not_done": not_done, "interrupted": outcome.interrupted, "outputs": plan.outputs,
    })
}

/// The worst failure decides.
pub fn exit_code(outcome: &Outcome) -> u8 {
    match outcome.failed.iter().map(|failure| failure.kind).max() {
        Some(FailureKind::Unhealthy) => EXIT_UNHEALTHY,
        Some(FailureKind::NotPlaced) => EXIT_NOT_PLACED,
        Some(FailureKind::Stale) => EXIT_STALE,
        Some(FailureKind::Error) => 1,
        None => u8::from(!outcome.is_whole()),
    }
}
