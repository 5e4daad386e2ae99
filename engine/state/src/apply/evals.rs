//! Evaluations, and the collector's removals.

use super::{Done, Txn};
use crate::{Applied, EventPayload, Reap, Table, WatchKey};
use drover_model::{AllocId, EvalId, EvalStatus, Evaluation};
use std::sync::Arc;

impl Txn {
    pub(super) fn upsert_evals(&mut self, evals: &[Evaluation]) -> Done {
        self.put_evals(evals);
        Ok(Applied::Done)
    }

    pub(super) fn put_evals(&mut self, evals: &[Evaluation]) {
        for eval in evals {
            self.put_eval(eval.clone());
        }
    }

    pub(super) fn put_eval(&mut self, mut eval: Evaluation) {
        eval.create_index = self.t.evals.get(&eval.id).map_or(self.index, |stored| stored.create_index);
        eval.modify_index = self.index;
        self.count_queued(&eval);
        if eval.status == EvalStatus::Complete && eval.failed_tg_allocs.is_empty() {
            self.cancel_blocked(&eval);
        }
        self.store_eval(eval);
    }

    fn store_eval(&mut self, eval: Evaluation) {
        let eval = Arc::new(eval);
        self.mark_job_dirty(eval.job_key());
        self.emit(EventPayload::Evaluation(eval.clone()));
        self.t.insert_eval(eval);
        self.touch(Table::Evals);
    }

    /// An evaluation that placed everything makes the blocked ones of its job needless.
    fn cancel_blocked(&mut self, done: &Evaluation) {
        let blocked: Vec<Arc<Evaluation>> = self
            .t
            .evals_by_job
            .of(&done.job_key())
            .filter_map(|id| self.t.evals.get(id))
            .filter(|eval| eval.status == EvalStatus::Blocked && eval.id != done.id)
            .cloned()
            .collect();
        for eval in blocked {
            let mut eval = (*eval).clone();
            eval.status = EvalStatus::Canceled;
            eval.status_description = format!("evaluation {:?} successful", &*done.id);
            eval.modify_index = self.index;
            eval.modify_time = done.modify_time;
            self.store_eval(eval);
        }
    }

    pub(super) fn delete_evals(&mut self, evals: &[EvalId], allocs: &[AllocId]) -> Done {
        for id in evals {
            if let Some(eval) = self.t.remove_eval(id) {
                self.touched.push(WatchKey::Eval(id.clone()));
                self.touched.push(WatchKey::JobEvals(eval.job_key()));
                self.dirty_jobs.insert(eval.job_key(), true);
                self.touch(Table::Evals);
            }
        }
        for id in allocs {
            self.delete_alloc(id);
        }
        Ok(Applied::Done)
    }

    pub(super) fn reap(&mut self, request: &Reap) -> Done {
        self.delete_evals(&request.evals, &request.allocs)?;
        for id in &request.deployments {
            self.delete_deployment(id);
        }
        for key in &request.jobs {
            self.delete_job(key);
        }
        self.deregister_nodes(&request.nodes, &[])
    }
}
