//! Writing down what an apply means to do, and what it did.

use std::collections::BTreeSet;

use drover_secrets::Masker;

use super::Outcome;
use crate::engine::Engine;
use crate::plan::{Action, Change, ChangePlan, Unchanged};
use crate::record::{Record, Recorded, Status};
use crate::release::{Kept, Snapshot, SnapshotError};

/// Notes what is about to be made. Only jobs and namespaces say themselves who they belong to: if this apply is killed, what it
/// made must not be taken for somebody else's.
pub(super) fn intend(plan: &ChangePlan, record: &mut Record) {
    for change in &plan.changes {
        let known = record.resources.get(&change.address);
        if known.is_none_or(|known| known.target != change.target) {
            record.resources.insert(change.address.clone(), recorded(change, 0));
        }
    }
}

fn recorded(change: &Change, index: u64) -> Recorded {
    Recorded {
        target: change.target.clone(),
        depends_on: change.depends_on.clone(),
        sensitive_fields: change.sensitive_fields.clone(),
        index,
        hash: String::new(),
    }
}

fn recorded_unchanged(unchanged: &Unchanged, index: u64) -> Recorded {
    Recorded {
        target: unchanged.target.clone(),
        depends_on: unchanged.depends_on.clone(),
        sensitive_fields: unchanged.sensitive_fields.clone(),
        index,
        hash: String::new(),
    }
}

/// The addresses of what the engine holds by now as the plan wants it, healthy or not.
fn written(outcome: &Outcome) -> BTreeSet<&str> {
    let done = outcome.done.iter().map(|(address, _)| address.as_str());
    let failed = outcome.failed.iter().filter(|failure| failure.was_written).map(|failure| failure.address.as_str());
    done.chain(failed).chain(outcome.unwaited.iter().map(String::as_str)).collect()
}

/// Whether everything was put back, so that nothing of the release is left.
pub(super) fn is_put_back(outcome: &Outcome) -> bool {
    !outcome.reverted.is_empty() && outcome.reverted.iter().all(|(_, problem)| problem.is_none())
}

/// Writes into the record what the apply left. `before` is the record as it was.
pub(super) fn note(plan: &ChangePlan, outcome: &Outcome, before: &Record, record: &mut Record) {
    record.resources.clone_from(&before.resources);
    let put_back: BTreeSet<&str> =
        outcome.reverted.iter().filter(|(_, problem)| problem.is_none()).map(|(address, _)| address.as_str()).collect();
    let written: BTreeSet<&str> = written(outcome).difference(&put_back).copied().collect();
    for (address, unchanged) in &plan.unchanged {
        let index = plan.base.iter().find(|base| base.target == unchanged.target).map_or(0, |base| base.index);
        record.resources.insert(address.clone(), recorded_unchanged(unchanged, index));
    }
    for change in &plan.changes {
        let address = change.address.as_str();
        let index = outcome.indexes.get(address).copied();
        if put_back.contains(address) {
            if let (Some(recorded), Some(index)) = (record.resources.get_mut(address), index) {
                recorded.index = index;
            }
        } else if !written.contains(address) {
            // What still has to go is not forgotten, though the stack has something else at its address.
            let is_known = record.resources.values().any(|known| known.target == change.target);
            if change.action == Action::Delete && !is_known {
                record.resources.insert(address.to_owned(), recorded(change, change.base_index));
            }
        } else if change.action == Action::Delete {
            record.resources.remove(address);
        } else {
            // What has another address by now must not be there twice.
            record.resources.retain(|_, recorded| recorded.target != change.target);
            record.resources.insert(address.to_owned(), recorded(change, index.unwrap_or(change.base_index)));
        }
    }
    if !record.key.is_empty() {
        for (address, recorded) in &mut record.resources {
            let is_as_wanted = written.contains(address.as_str()) || plan.unchanged.contains_key(address);
            if let Some(wanted) = plan.wanted.get(address).filter(|_| is_as_wanted) {
                recorded.hash = wanted.hash(&record.key);
            }
        }
    }
    if outcome.is_whole() {
        record.outputs.clone_from(&plan.outputs);
    }
    note_release(outcome, record, &put_back);
}

fn note_release(outcome: &Outcome, record: &mut Record, put_back: &BTreeSet<&str>) {
    let Some(release) = record.history.first_mut() else { return };
    release.status = match () {
        () if is_put_back(outcome) => Status::Reverted,
        () if !outcome.failed.is_empty() => Status::Failed,
        () if outcome.interrupted || outcome.lock_lost => Status::Interrupted,
        () if outcome.is_whole() => Status::Done,
        () => Status::Failed,
    };
    let addresses = |actions: &[Action]| {
        let of = outcome.done.iter().filter(|(_, action)| actions.contains(action));
        of.map(|(address, _)| address.clone()).filter(|address| !put_back.contains(address.as_str())).collect()
    };
    release.created = addresses(&[Action::Create]);
    release.updated = addresses(&[Action::Update, Action::Replace]);
    release.deleted = addresses(&[Action::Delete]);
    release.reverted = put_back.iter().map(|address| (*address).to_owned()).collect();
    let failed = outcome.failed.iter().map(|failure| failure.address.clone());
    release.not_done = failed
        .chain(outcome.not_done.iter().map(|(address, _)| address.clone()))
        .filter(|address| !put_back.contains(address.as_str()))
        .collect();
}

/// Keeps what the engine holds of the stack now: what this release wanted where it was written, and what the one before
/// wanted elsewhere. Answers whether it could be kept.
pub(super) async fn keep(
    engine: &Engine,
    plan: &ChangePlan,
    masker: &Masker,
    outcome: &Outcome,
    before: &Record,
    record: &Record,
) -> Result<bool, SnapshotError> {
    let written = written(outcome);
    let mut release = Snapshot::new(plan.release, &plan.engines);
    release.providers.clone_from(&plan.providers);
    let mut missing = Vec::new();
    for (address, recorded) in &record.resources {
        let is_as_wanted = plan.unchanged.contains_key(address) || written.contains(address.as_str());
        match plan.wanted.get(address).filter(|_| is_as_wanted) {
            Some(wanted) => {
                let kept = Kept::seal(recorded.target.clone(), wanted, masker, &record.key);
                release.resources.insert(address.clone(), kept);
            }
            None => missing.push(address),
        }
    }
    if !missing.is_empty()
        && let Some(last) = before.last_kept()
    {
        let mut last = engine.release(&plan.stack, &plan.namespace, last.number).await?;
        for address in missing {
            if let Some(kept) = last.resources.remove(address) {
                release.resources.insert(address.clone(), kept);
            }
        }
    }
    Ok(engine.keep_release(&plan.stack, &plan.namespace, &release).await?)
}
