//! Putting back what an apply changed, when something of it failed.

use std::sync::PoisonError;

use drover_base::Nanos;
use serde_json::Value as Json;

use super::walk::Walk;
use super::{Event, Interruption, Outcome};
use crate::desired::{Target, Wait};
use crate::engine::{Engine, EngineError, Purge, Written};
use crate::health::Verdict;
use crate::observe::{Watched, WrittenJob};
use crate::plan::{Change, Write};

/// A job that was put back and is to become healthy again.
struct PutBack<'p> {
    change: &'p Change,
    evaluation: String,
    index: u64,
}

impl Walk<'_> {
    /// Puts everything back that was written, the last first, and waits for the jobs.
    pub(super) async fn revert(&self, outcome: &mut Outcome) {
        let failed = outcome.failed.iter().filter(|failure| failure.was_written).map(|failure| &failure.address);
        let done = outcome.done.iter().map(|(address, _)| address);
        let mut addresses: Vec<String> = done.chain(failed).chain(&outcome.unwaited).cloned().collect();
        // What was written last is put back first; a change's place in the plan is after what it depends on.
        addresses.sort_by_key(|address| self.plan.changes.iter().position(|change| change.address == *address));
        let mut put_back = Vec::new();
        for address in addresses.into_iter().rev() {
            let Some(change) = self.plan.changes.iter().find(|change| change.address == address) else { continue };
            if change.write == Write::Keep {
                continue;
            }
            (self.options.report)(&Event::Reverting { address: address.clone() });
            let index = outcome.indexes.get(&address).copied().unwrap_or(0);
            match self.put_back(change, index).await {
                Ok(Written::Done { evaluation, index }) => {
                    outcome.indexes.insert(address, index);
                    put_back.push(PutBack { change, evaluation, index });
                }
                Ok(Written::Stale) => {
                    let problem = format!("somebody else changed {} in the meantime", change.target);
                    self.tell_reverted(address, Some(problem), outcome);
                }
                Err(error) => self.tell_reverted(address, Some(error.to_string()), outcome),
            }
        }
        let waits = put_back.into_iter().map(|back| async move {
            let problem = self.wait_again(&back).await;
            (back.change.address.clone(), problem)
        });
        for (address, problem) in futures::future::join_all(waits).await {
            self.tell_reverted(address, problem, outcome);
        }
    }

    fn tell_reverted(&self, address: String, problem: Option<String>, outcome: &mut Outcome) {
        let problem = problem.map(|problem| self.options.masker.mask(&problem).into_owned());
        (self.options.report)(&Event::Reverted { address: address.clone(), problem: problem.clone() });
        outcome.reverted.push((address, problem));
    }

    async fn put_back(&self, change: &Change, index: u64) -> Result<Written, EngineError> {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).get(&change.address).cloned().flatten();
        match before {
            Some(before) => self.engine.restore(&change.target, &before, index).await,
            None if change.write == Write::Delete => Ok(Written::Done { evaluation: String::new(), index }),
            // What was not there goes without a trace.
            None => self.engine.remove(&change.target, index, Purge::Yes).await,
        }
    }

    /// Waits until a job runs as before; answers why it does not.
    async fn wait_again(&self, back: &PutBack<'_>) -> Option<String> {
        let Target::Job { namespace, id } = back.change.target.inner() else { return None };
        let is_back = {
            let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            before.get(&back.change.address).and_then(Option::as_ref).is_some_and(|job| job["Stop"] != true)
        };
        if !is_back {
            return None;
        }
        let wait = if back.change.wait == Wait::None { Wait::None } else { Wait::Running };
        let timeout =
            if back.change.timeout == Nanos(0) { crate::desired::DEFAULT_TIMEOUT } else { back.change.timeout };
        let job = WrittenJob { namespace, id, index: back.index, evaluation: &back.evaluation, wait, timeout };
        let mut interruption = self.options.interruption.clone();
        let there = match self.engine.of(&back.change.target) {
            Ok(there) => there,
            Err(error) => return Some(error.to_string()),
        };
        match there.watch(&job, &mut interruption, &|_| {}).await {
            Ok(Watched::Judged(Verdict::Unhealthy { reasons, .. })) => Some(reasons.join("; ")),
            Ok(Watched::Judged(Verdict::NotPlaced(_))) => Some("its allocations find no place any more".to_owned()),
            Ok(Watched::Superseded) => Some("somebody else changed it in the meantime".to_owned()),
            Ok(Watched::Interrupted) => {
                debug_assert!(*self.options.interruption.borrow() == Interruption::Report);
                None
            }
            Ok(Watched::Judged(_)) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Engine {
    /// Writes a thing as it was read earlier, if its index is still `base`.
    async fn restore(&self, target: &Target, before: &Json, base: u64) -> Result<Written, EngineError> {
        let there = self.of(target)?;
        match target.inner() {
            Target::Job { namespace, id } => {
                if before["Stop"] == true {
                    return there.stop(namespace, id, base, Purge::No).await;
                }
                // A stop's answer does not always say the index.
                let base = if base == 0 { self.index(target).await? } else { base };
                Ok(there.register(namespace, before, base).await?)
            }
            Target::Namespace { .. } => there.put_namespace(before, base).await,
            Target::Variables { namespace, path } => there.put_variables(namespace, path, &before["Items"], base).await,
            Target::Object { .. } | Target::At { .. } => self.write_object(target, before, base).await,
        }
    }
}
