//! Leases of values that an apply has written: they outlive the command, and all others end with it.

use crate::output::{self, Colour, paint};
use drover_base::Nanos;
use drover_secrets::{Origin, Resolver, Secret, Taint};
use drover_stack::ChangePlan;
use drover_stack::apply::Outcome;
use std::collections::BTreeSet;

/// Keeps the leases whose values something holds now, and says for how long they are good.
pub fn keep(secrets: &Resolver, plan: &ChangePlan, outcome: &Outcome) {
    let texts = written(plan, outcome);
    let is_used = |value: &Secret<String>| {
        let taint = Taint::default();
        taint.add(Origin::Credential("lease".to_owned()), value.expose());
        let masker = taint.masker();
        texts.iter().any(|text| masker.contains(text))
    };
    for kept in secrets.keep(&is_used) {
        let lasts = Nanos(i64::try_from(kept.lease.lasts.as_nanos()).unwrap_or(i64::MAX));
        output::error_line(&paint(
            Colour::Yellow,
            &format!(
                "{} was made for this release and is good for {lasts}; nobody renews it after that. Bind it at runtime \
                 (docs/secrets.md) to let the engine renew it.",
                kept.reference
            ),
        ));
    }
}

/// What was written and not put back, as text.
fn written(plan: &ChangePlan, outcome: &Outcome) -> Vec<String> {
    let reverted: BTreeSet<&str> =
        outcome.reverted.iter().filter(|(_, problem)| problem.is_none()).map(|(address, _)| address.as_str()).collect();
    let done = outcome.done.iter().map(|(address, _)| address.as_str());
    let failed = outcome.failed.iter().filter(|failure| failure.was_written).map(|failure| failure.address.as_str());
    let written: BTreeSet<&str> = done.chain(failed).chain(outcome.unwaited.iter().map(String::as_str)).collect();
    let changes = plan.changes.iter().filter(|change| written.contains(change.address.as_str()));
    changes
        .filter(|change| !reverted.contains(change.address.as_str()))
        .filter_map(|change| serde_json::to_string(&change.write).ok())
        .collect()
}
