//! Evaluations that wait for capacity. Pure.

use drover_model::{EvalId, EvalTrigger, Evaluation, JobKey, NodeId};
use std::collections::HashMap;
use std::sync::Arc;

/// Classes remembered, so that an evaluation that blocks just after capacity came is not missed.
pub const MAX_REMEMBERED_CLASSES: usize = 4096;

/// What became of an evaluation that wants to wait.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// It waits; the one of the same job that waited before is cancelled.
    Waits {
        /// To be cancelled.
        replaced: Option<Arc<Evaluation>>,
    },
    /// An older one than the job's waiting one: to be cancelled itself.
    Outdated,
    /// Capacity came after its snapshot: to be run again at once.
    RunsAgain,
}

/// Where capacity came free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The node.
    pub node_id: NodeId,
    /// The node's computed class.
    pub class: String,
    /// Raft index of the change.
    pub index: u64,
}

/// Evaluations that wait for capacity: at most one per job (per job and node for per-node jobs).
#[derive(Debug, Default)]
pub struct Blocked {
    evals: HashMap<EvalId, Arc<Evaluation>>,
    by_job: HashMap<Slot, EvalId>,
    /// The last index at which capacity came free, by class.
    freed: HashMap<String, u64>,
    newest_freed: u64,
    /// The last index at which room came in a quota.
    freed_quotas: HashMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Slot {
    job: JobKey,
    node: NodeId,
}

impl Slot {
    fn of(eval: &Evaluation) -> Self {
        Self { job: eval.job_key(), node: eval.node_id.clone() }
    }
}

impl Blocked {
    /// Takes in a blocked evaluation.
    pub fn block(&mut self, eval: Arc<Evaluation>) -> Admission {
        if self.evals.contains_key(&eval.id) {
            return Admission::Waits { replaced: None };
        }
        if self.missed_capacity(&eval) {
            return Admission::RunsAgain;
        }
        let slot = Slot::of(&eval);
        let mut replaced = None;
        if let Some(present) = self.by_job.get(&slot).and_then(|id| self.evals.get(id)) {
            if present.create_index > eval.create_index {
                return Admission::Outdated;
            }
            replaced = Some(present.clone());
        }
        if let Some(old) = &replaced {
            self.evals.remove(&old.id);
        }
        self.by_job.insert(slot, eval.id.clone());
        self.evals.insert(eval.id.clone(), eval);
        Admission::Waits { replaced }
    }

    /// Capacity came free: the evaluations that may use it leave.
    pub fn unblock(&mut self, capacity: &Capacity) -> Vec<Arc<Evaluation>> {
        self.remember(capacity);
        let ids: Vec<EvalId> =
            self.evals.values().filter(|eval| may_use(eval, capacity)).map(|eval| eval.id.clone()).collect();
        ids.iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Room came in a quota: the evaluations that wait for it leave.
    pub fn unblock_quota(&mut self, quota: &str, index: u64) -> Vec<Arc<Evaluation>> {
        if self.freed_quotas.len() >= MAX_REMEMBERED_CLASSES {
            self.freed_quotas.clear();
        }
        let freed = self.freed_quotas.entry(quota.to_owned()).or_default();
        *freed = (*freed).max(index);
        let waiting = self.evals.values().filter(|eval| eval.quota_limit_reached == quota);
        let ids: Vec<EvalId> = waiting.map(|eval| eval.id.clone()).collect();
        ids.iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Takes out those that wait because their plans were refused too often, not for want of capacity.
    pub fn take_refused(&mut self) -> Vec<Arc<Evaluation>> {
        let refused = self.evals.values().filter(|eval| eval.triggered_by == EvalTrigger::MaxPlans);
        let ids: Vec<EvalId> = refused.map(|eval| eval.id.clone()).collect();
        ids.iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Forgets what a job waits for, as it was stopped or fully placed.
    pub fn untrack(&mut self, job: &JobKey) -> Vec<Arc<Evaluation>> {
        let ids: Vec<EvalId> =
            self.by_job.iter().filter(|(slot, _)| slot.job == *job).map(|(_, id)| id.clone()).collect();
        ids.iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Forgets one evaluation.
    pub fn remove(&mut self, id: &EvalId) -> Option<Arc<Evaluation>> {
        let eval = self.evals.remove(id)?;
        let slot = Slot::of(&eval);
        if self.by_job.get(&slot) == Some(id) {
            self.by_job.remove(&slot);
        }
        Some(eval)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.evals.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.evals.is_empty()
    }

    fn remember(&mut self, capacity: &Capacity) {
        if self.freed.len() >= MAX_REMEMBERED_CLASSES {
            self.freed.clear();
        }
        let freed = self.freed.entry(capacity.class.clone()).or_default();
        *freed = (*freed).max(capacity.index);
        self.newest_freed = self.newest_freed.max(capacity.index);
    }

    /// Whether capacity that it may use came after the snapshot it was made from.
    fn missed_capacity(&self, eval: &Evaluation) -> bool {
        if !eval.quota_limit_reached.is_empty() {
            let freed = self.freed_quotas.get(&eval.quota_limit_reached).copied().unwrap_or(0);
            return eval.snapshot_index > 0 && freed > eval.snapshot_index;
        }
        if eval.snapshot_index == 0 || self.newest_freed <= eval.snapshot_index {
            return false;
        }
        if eval.escaped_computed_class || !eval.node_id.is_empty() {
            return true;
        }
        self.freed.iter().any(|(class, index)| {
            *index > eval.snapshot_index && eval.class_eligibility.get(class).copied().unwrap_or(true)
        })
    }
}

/// Whether an evaluation may be placed where capacity came: unknown classes may always.
fn may_use(eval: &Evaluation, capacity: &Capacity) -> bool {
    if !eval.quota_limit_reached.is_empty() {
        return false;
    }
    if !eval.node_id.is_empty() {
        return eval.node_id == capacity.node_id;
    }
    eval.escaped_computed_class || eval.class_eligibility.get(&capacity.class).copied().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::EvalStatus;

    fn eval(id: &str, job: &str, index: u64, classes: &[(&str, bool)]) -> Evaluation {
        Evaluation {
            id: id.into(),
            job_id: job.into(),
            namespace: "default".into(),
            status: EvalStatus::Blocked,
            create_index: index,
            snapshot_index: index,
            class_eligibility: classes.iter().map(|(class, ok)| ((*class).to_owned(), *ok)).collect(),
            ..Evaluation::default()
        }
    }

    fn capacity(class: &str, index: u64) -> Capacity {
        Capacity { node_id: "n1".into(), class: class.to_owned(), index }
    }

    fn ids(evals: &[Arc<Evaluation>]) -> Vec<String> {
        let mut ids: Vec<_> = evals.iter().map(|eval| eval.id.to_string()).collect();
        ids.sort();
        ids
    }

    #[test]
    fn only_classes_that_may_hold_it_unblock() {
        let mut blocked = Blocked::default();
        blocked.block(Arc::new(eval("no", "a", 5, &[("small", false)])));
        blocked.block(Arc::new(eval("yes", "b", 5, &[("small", true)])));
        blocked.block(Arc::new(eval("unknown", "c", 5, &[])));
        let escaped = Evaluation { escaped_computed_class: true, ..eval("escaped", "d", 5, &[("small", false)]) };
        blocked.block(Arc::new(escaped));
        assert_eq!(ids(&blocked.unblock(&capacity("small", 9))), ["escaped", "unknown", "yes"]);
        assert_eq!(blocked.len(), 1);
    }

    #[test]
    fn one_waits_per_job_and_the_newer_wins() {
        let mut blocked = Blocked::default();
        blocked.block(Arc::new(eval("old", "a", 5, &[])));
        let admission = blocked.block(Arc::new(eval("new", "a", 7, &[])));
        assert!(matches!(admission, Admission::Waits { replaced: Some(old) } if old.id == "old"));
        assert_eq!(blocked.block(Arc::new(eval("older", "a", 6, &[]))), Admission::Outdated);
        assert_eq!(blocked.len(), 1);
        assert_eq!(ids(&blocked.untrack(&JobKey::new("default", "a"))), ["new"]);
        assert!(blocked.is_empty());
    }

    #[test]
    fn capacity_between_snapshot_and_blocking_is_not_missed() {
        let mut blocked = Blocked::default();
        blocked.unblock(&capacity("big", 10));
        assert_eq!(blocked.block(Arc::new(eval("e", "a", 9, &[]))), Admission::RunsAgain);
        assert!(matches!(blocked.block(Arc::new(eval("f", "b", 10, &[]))), Admission::Waits { .. }));
        assert!(matches!(blocked.block(Arc::new(eval("g", "c", 9, &[("big", false)]))), Admission::Waits { .. }));
    }

    #[test]
    fn quotas_are_waited_for_whatever_capacity_comes() {
        let mut blocked = Blocked::default();
        let waits = |id: &str, job| Evaluation { quota_limit_reached: "q".to_owned(), ..eval(id, job, 5, &[]) };
        blocked.block(Arc::new(waits("e", "a")));
        assert!(blocked.unblock(&capacity("any", 9)).is_empty());
        assert!(blocked.unblock_quota("other", 9).is_empty());
        assert_eq!(ids(&blocked.unblock_quota("q", 9)), ["e"]);
        assert_eq!(blocked.block(Arc::new(waits("late", "b"))), Admission::RunsAgain);
    }

    #[test]
    fn per_node_jobs_wait_for_their_node() {
        let mut blocked = Blocked::default();
        for node in ["n1", "n2"] {
            blocked.block(Arc::new(Evaluation { node_id: node.into(), ..eval(node, "sys", 5, &[]) }));
        }
        assert_eq!(blocked.len(), 2);
        assert_eq!(ids(&blocked.unblock(&capacity("any", 9))), ["n1"]);
    }
}
