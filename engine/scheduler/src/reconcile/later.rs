//! What is put off: delayed replacements, and nodes that are out of reach.

use super::computed::Stop;
use super::filters;
use super::group::{Sorted, State};
use super::why;
use drover_base::{AllocId, EvalId, Nanos, UnixNanos};
use drover_model::{AllocClientStatus, EvalStatus, EvalTrigger, Evaluation, TaskGroup};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Delayed replacements that are at most this far apart share an evaluation.
const FOLLOW_UP_BATCH: Nanos = Nanos::from_secs(5);
const RESCHEDULE_LATER: &str = "created for delayed rescheduling";
const DISCONNECT_TIMEOUT: &str = "created for delayed disconnect timeout";

impl State<'_, '_> {
    /// Delayed replacements: evaluations for later, noted on the allocations.
    pub(super) fn note_later(&mut self, group: &TaskGroup, sorted: &Sorted) {
        let leaving = self.out.stop.iter().map(|stop| &stop.alloc.id);
        let updated = self.out.destructive.iter().filter_map(|update| update.previous.as_ref().map(|alloc| &alloc.id));
        let leaving: HashSet<&AllocId> = leaving.chain(updated).collect();
        let mut later = sorted.later.clone();
        later.retain(|(alloc, _)| !leaving.contains(&alloc.id));
        later.sort_by(|(a, at_a), (b, at_b)| at_a.cmp(at_b).then_with(|| a.id.cmp(&b.id)));
        self.out.desired(&group.name).reschedule_later += later.len() as u64;
        let mut batch: Option<Evaluation> = None;
        for (alloc, at) in later {
            let begins = batch.as_ref().and_then(|eval| eval.wait_until.nanos());
            let eval = match batch.take() {
                Some(eval) if begins.is_some_and(|begins| at.since(begins) < FOLLOW_UP_BATCH) => eval,
                finished => {
                    self.out.follow_ups.extend(finished);
                    self.follow_up(EvalTrigger::AllocReschedule, RESCHEDULE_LATER, at)
                }
            };
            let mut noted = (*alloc).clone();
            noted.followup_eval_id = eval.id.clone();
            self.out.notes.push(noted);
            batch = Some(eval);
        }
        self.out.follow_ups.extend(batch);
    }

    /// Stops what is lost. What its node may let run for a while is replaced only after that time.
    pub(super) fn stop_lost_ones(&mut self, group: &TaskGroup, sorted: &mut Sorted) {
        self.out.desired(&group.name).stop += sorted.lost.len() as u64;
        let mut evals: BTreeMap<Nanos, EvalId> = BTreeMap::new();
        for (id, alloc) in std::mem::take(&mut sorted.lost) {
            let Some(after) = filters::stops_after(&alloc) else {
                self.out.stop_lost(&alloc, why::LOST);
                sorted.lost.insert(id, alloc);
                continue;
            };
            let eval_id = match evals.get(&after) {
                Some(id) => id.clone(),
                None => {
                    let at = self.input.now.plus(after);
                    let eval = self.follow_up(EvalTrigger::RetryFailedAlloc, RESCHEDULE_LATER, at);
                    let eval_id = eval.id.clone();
                    self.out.follow_ups.push(eval);
                    evals.insert(after, eval_id.clone());
                    eval_id
                }
            };
            self.out.stop.push(Stop {
                alloc: Arc::clone(&alloc),
                why: why::LOST,
                client_status: Some(AllocClientStatus::Lost),
                follow_up: Some(eval_id),
            });
            sorted.held.insert(id, alloc);
        }
    }

    fn follow_up(&mut self, trigger: EvalTrigger, why: &str, at: UnixNanos) -> Evaluation {
        let eval = self.input.eval;
        Evaluation {
            id: self.ids.eval(),
            namespace: self.job.namespace.clone(),
            priority: eval.priority,
            kind: self.job.kind.as_str().to_owned(),
            triggered_by: trigger,
            job_id: self.job.id.clone(),
            job_modify_index: self.job.modify_index,
            status: EvalStatus::Pending,
            status_description: why.to_owned(),
            wait_until: at.into(),
            previous_eval: eval.id.clone(),
            create_time: self.input.now,
            modify_time: self.input.now,
            ..Evaluation::default()
        }
    }

    /// Running allocations whose node is out of reach become unknown, until they come back or their
    /// time is over.
    pub(super) fn disconnect(&mut self, group: &TaskGroup, sorted: &Sorted) {
        let Some(first) = sorted.disconnecting.values().next() else { return };
        let after = filters::lost_after(first).unwrap_or(Nanos::ZERO);
        let eval = self.follow_up(EvalTrigger::MaxDisconnectTimeout, DISCONNECT_TIMEOUT, self.input.now.plus(after));
        for alloc in sorted.disconnecting.values() {
            let mut noted = (**alloc).clone();
            noted.client_status = AllocClientStatus::Unknown;
            noted.client_description = why::UNKNOWN.to_owned();
            noted.followup_eval_id = eval.id.clone();
            noted.modify_time = self.input.now;
            self.out.notes.push(noted);
        }
        self.out.desired(&group.name).disconnect += sorted.disconnecting.len() as u64;
        self.out.follow_ups.push(eval);
    }
}
