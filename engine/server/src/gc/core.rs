//! What may be forgotten. Pure: it sees everything at one index, and the time.

use crate::config::GcConfig;
use drover_model::{
    AllocId, Allocation, Deployment, EvalId, Evaluation, Job, JobKey, JobStatus, JobType, Nanos, Node, NodeStatus,
    UnixNanos,
};
use drover_state::Reap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Everything that might be forgotten.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// All evaluations.
    pub evals: Vec<Arc<Evaluation>>,
    /// All allocations.
    pub allocs: Vec<Arc<Allocation>>,
    /// All deployments.
    pub deployments: Vec<Arc<Deployment>>,
    /// All jobs.
    pub jobs: Vec<Arc<Job>>,
    /// All nodes.
    pub nodes: Vec<Arc<Node>>,
}

/// How old what is over must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// As configured.
    Thresholds,
    /// Any, on an operator's word.
    Any,
}

/// Finds what is over for long enough.
pub fn collect(inventory: &Inventory, config: &GcConfig, age: Age, now: UnixNanos) -> Reap {
    let collector = Collector::new(inventory, config, age, now);
    let mut reap = Reap::default();
    collector.evals_and_allocs(&mut reap);
    collector.jobs(&mut reap);
    collector.deployments(&mut reap);
    collector.nodes(&mut reap);
    reap
}

struct Collector<'a> {
    inventory: &'a Inventory,
    config: &'a GcConfig,
    age: Age,
    now: UnixNanos,
    jobs: HashMap<JobKey, &'a Arc<Job>>,
    allocs_of_eval: HashMap<&'a EvalId, Vec<&'a Arc<Allocation>>>,
}

impl<'a> Collector<'a> {
    fn new(inventory: &'a Inventory, config: &'a GcConfig, age: Age, now: UnixNanos) -> Self {
        let mut allocs_of_eval: HashMap<&EvalId, Vec<&Arc<Allocation>>> = HashMap::new();
        for alloc in &inventory.allocs {
            allocs_of_eval.entry(&alloc.eval_id).or_default().push(alloc);
        }
        let jobs = inventory.jobs.iter().map(|job| (job.key(), job)).collect();
        Self { inventory, config, age, now, jobs, allocs_of_eval }
    }

    fn is_old(&self, changed: UnixNanos, threshold: Nanos) -> bool {
        self.age == Age::Any || self.now.since(changed) >= threshold
    }

    fn evals_and_allocs(&self, reap: &mut Reap) {
        for eval in &self.inventory.evals {
            let allocs = self.allocs_of_eval.get(&eval.id).map_or(&[][..], Vec::as_slice);
            if self.eval_is_over(eval) && allocs.iter().all(|alloc| self.alloc_is_over(alloc)) {
                reap.evals.push(eval.id.clone());
                reap.allocs.extend(allocs.iter().map(|alloc| alloc.id.clone()));
            }
        }
        let known: HashSet<&EvalId> = self.inventory.evals.iter().map(|eval| &eval.id).collect();
        let orphans = self.inventory.allocs.iter().filter(|alloc| !known.contains(&alloc.eval_id));
        reap.allocs.extend(orphans.filter(|alloc| self.alloc_is_over(alloc)).map(|alloc| alloc.id.clone()));
    }

    /// Batch jobs that still exist keep their evaluations: their allocations say what is done already.
    fn eval_is_over(&self, eval: &Evaluation) -> bool {
        if !eval.status.is_terminal() {
            return false;
        }
        if eval.job_type() == Some(JobType::Batch) {
            let alive = self.jobs.get(&eval.job_key()).is_some_and(|job| !job.stop && job.status != JobStatus::Dead);
            return !alive && self.is_old(eval.modify_time, self.config.batch_eval_threshold);
        }
        self.is_old(eval.modify_time, self.config.eval_threshold)
    }

    /// Failed allocations that a policy may still replace carry the count of attempts, and stay.
    fn alloc_is_over(&self, alloc: &Allocation) -> bool {
        let stopped_away = alloc.is_server_terminal() && self.node_is_gone(alloc);
        if !alloc.is_client_terminal() && !stopped_away {
            return false;
        }
        let threshold = match self.jobs.get(&alloc.job_key()) {
            None => return true,
            Some(job) if job.stop || job.status == JobStatus::Dead => self.config.eval_threshold,
            Some(job) if job.kind == JobType::Batch => return false,
            Some(job) => {
                let replaced = alloc.is_server_terminal() || !alloc.next_allocation.is_empty();
                let policy = job.group(&alloc.task_group).and_then(|group| group.reschedule_policy.as_ref());
                let may_return = policy.is_some_and(|policy| policy.unlimited || policy.attempts > 0);
                if alloc.client_status == drover_model::AllocClientStatus::Failed && may_return && !replaced {
                    return false;
                }
                self.config.eval_threshold
            }
        };
        self.is_old(alloc.modify_time, threshold)
    }

    fn node_is_gone(&self, alloc: &Allocation) -> bool {
        !self.inventory.nodes.iter().any(|node| node.id == alloc.node_id)
    }

    /// Dead jobs go with all that is left of them.
    fn jobs(&self, reap: &mut Reap) {
        let mut evals: HashMap<JobKey, Vec<&Arc<Evaluation>>> = HashMap::new();
        for eval in &self.inventory.evals {
            evals.entry(eval.job_key()).or_default().push(eval);
        }
        let mut allocs: HashMap<JobKey, Vec<&Arc<Allocation>>> = HashMap::new();
        for alloc in &self.inventory.allocs {
            allocs.entry(alloc.job_key()).or_default().push(alloc);
        }
        for job in &self.inventory.jobs {
            let standing = job.periodic.is_some() || (job.parameterized_job.is_some() && !job.dispatched);
            let tagged = job.version_tag.is_some();
            // What is not stopped and does not end by itself may be scaled up again.
            let stays = standing || !matches!(job.kind, JobType::Batch | JobType::Sysbatch);
            if job.status != JobStatus::Dead || (stays && !job.stop) || tagged {
                continue;
            }
            let key = job.key();
            let evals = evals.get(&key).map_or(&[][..], Vec::as_slice);
            let allocs = allocs.get(&key).map_or(&[][..], Vec::as_slice);
            let newest = evals.iter().map(|eval| eval.modify_time).chain(allocs.iter().map(|alloc| alloc.modify_time));
            let changed = newest.max().unwrap_or_default().max(job.submit_time);
            let over = evals.iter().all(|eval| eval.status.is_terminal())
                && allocs.iter().all(|alloc| alloc.is_client_terminal() || self.node_is_gone(alloc));
            if over && self.is_old(changed, self.config.job_threshold) {
                reap.jobs.push(key);
                add_missing(&mut reap.evals, evals.iter().map(|eval| eval.id.clone()));
                add_missing(&mut reap.allocs, allocs.iter().map(|alloc| alloc.id.clone()));
            }
        }
    }

    /// Deployments stay while an allocation of theirs lives.
    fn deployments(&self, reap: &mut Reap) {
        let live: HashSet<&str> = self
            .inventory
            .allocs
            .iter()
            .filter(|alloc| !alloc.is_terminal())
            .map(|alloc| alloc.deployment_id.as_str())
            .collect();
        for deployment in &self.inventory.deployments {
            let over = !deployment.is_active() && !live.contains(deployment.id.as_str());
            if over && self.is_old(deployment.modify_time, self.config.deployment_threshold) {
                reap.deployments.push(deployment.id.clone());
            }
        }
    }

    fn nodes(&self, reap: &mut Reap) {
        let removed: HashSet<&str> = reap.allocs.iter().map(AllocId::as_str).collect();
        let held: HashSet<&str> = self
            .inventory
            .allocs
            .iter()
            .filter(|alloc| !alloc.is_terminal() && !removed.contains(alloc.id.as_str()))
            .map(|alloc| alloc.node_id.as_str())
            .collect();
        let mut nodes = Vec::new();
        for node in self.inventory.nodes.iter().filter(|node| node.status == NodeStatus::Down) {
            let changed = UnixNanos(node.status_updated_at.saturating_mul(1_000_000_000));
            if !held.contains(node.id.as_str()) && self.is_old(changed, self.config.node_threshold) {
                nodes.push(node.id.clone());
            }
        }
        reap.nodes = nodes;
    }
}

fn add_missing<T: Clone + PartialEq>(list: &mut Vec<T>, more: impl Iterator<Item = T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::{AllocClientStatus, AllocDesiredStatus, EvalStatus};

    const NOW: UnixNanos = UnixNanos(1_000_000_000_000_000);

    fn inventory(kind: JobType, status: JobStatus, client: AllocClientStatus) -> Inventory {
        let stop = status == JobStatus::Dead;
        let job = Job { id: "j".into(), namespace: "default".into(), kind, status, stop, ..Job::default() };
        let eval = Evaluation {
            id: "e".into(),
            job_id: "j".into(),
            namespace: "default".into(),
            kind: kind.as_str().to_owned(),
            status: EvalStatus::Complete,
            ..Evaluation::default()
        };
        let alloc = Allocation {
            id: "a".into(),
            eval_id: "e".into(),
            job_id: "j".into(),
            namespace: "default".into(),
            client_status: client,
            desired_status: AllocDesiredStatus::Stop,
            ..Allocation::default()
        };
        Inventory {
            evals: vec![Arc::new(eval)],
            allocs: vec![Arc::new(alloc)],
            jobs: vec![Arc::new(job)],
            ..Inventory::default()
        }
    }

    fn run(inventory: &Inventory, age: Age) -> (usize, usize, usize) {
        let reap = collect(inventory, &GcConfig::default(), age, NOW);
        (reap.evals.len(), reap.allocs.len(), reap.jobs.len())
    }

    #[test]
    fn dead_jobs_go_whole_and_only_once() {
        let inventory = inventory(JobType::Service, JobStatus::Dead, AllocClientStatus::Complete);
        assert_eq!(run(&inventory, Age::Any), (1, 1, 1));
    }

    #[test]
    fn services_that_are_scaled_to_nothing_stay() {
        let mut inventory = inventory(JobType::Service, JobStatus::Dead, AllocClientStatus::Complete);
        inventory.jobs = vec![Arc::new(Job { stop: false, ..(*inventory.jobs[0]).clone() })];
        assert_eq!(run(&inventory, Age::Any).2, 0);
    }

    #[test]
    fn what_still_runs_stays_even_on_an_operators_word() {
        let inventory = inventory(JobType::Service, JobStatus::Dead, AllocClientStatus::Running);
        let mut inventory = inventory;
        inventory.nodes.push(Arc::new(Node::default()));
        assert_eq!(run(&inventory, Age::Any), (0, 0, 0));
    }

    #[test]
    fn live_batch_jobs_keep_their_results() {
        let inventory = inventory(JobType::Batch, JobStatus::Running, AllocClientStatus::Complete);
        assert_eq!(run(&inventory, Age::Any), (0, 0, 0));
    }

    #[test]
    fn thresholds_hold() {
        let mut inventory = inventory(JobType::Service, JobStatus::Dead, AllocClientStatus::Complete);
        let young = Evaluation { modify_time: NOW, ..(*inventory.evals[0]).clone() };
        inventory.evals = vec![Arc::new(young)];
        assert_eq!(run(&inventory, Age::Thresholds), (0, 0, 0));
        assert_eq!(run(&inventory, Age::Any), (1, 1, 1));
    }
}
