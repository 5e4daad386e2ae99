//! Which allocations leave draining nodes now. Pure.

use drover_model::{AllocClientStatus, AllocId, Allocation, Job, JobKey, JobType, Node, NodeId, TaskGroup, UnixNanos};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A draining node with its allocations.
#[derive(Clone, Debug)]
pub struct DrainingNode {
    /// The node; it has a drain strategy.
    pub node: Arc<Node>,
    /// All its allocations.
    pub allocs: Vec<Arc<Allocation>>,
}

/// A job that has allocations on draining nodes.
#[derive(Clone, Debug)]
pub struct DrainingJob {
    /// Its current version.
    pub job: Arc<Job>,
    /// All its allocations, on all nodes.
    pub allocs: Vec<Arc<Allocation>>,
}

/// What to do now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrainStep {
    /// To be moved.
    pub migrate: BTreeSet<AllocId>,
    /// Their jobs, to be evaluated.
    pub jobs: BTreeSet<JobKey>,
    /// Nodes that are empty.
    pub done: Vec<NodeId>,
}

impl DrainStep {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.migrate.is_empty() && self.done.is_empty()
    }
    fn mark(&mut self, alloc: &Allocation) {
        if !alloc.desired_transition.should_migrate() && self.migrate.insert(alloc.id.clone()) {
            self.jobs.insert(alloc.job_key());
        }
    }
}

/// Looks at all drains.
pub fn step(nodes: &[DrainingNode], jobs: &BTreeMap<JobKey, DrainingJob>, now: UnixNanos) -> DrainStep {
    let mut step = DrainStep::default();
    for draining in nodes {
        drain_node(draining, jobs, now, &mut step);
    }
    let leaving: BTreeSet<&NodeId> = nodes.iter().map(|draining| &draining.node.id).collect();
    for draining in jobs.values().filter(|draining| draining.job.kind == JobType::Service) {
        for group in &draining.job.task_groups {
            drain_group(group, &draining.allocs, &leaving, &mut step);
        }
    }
    step
}

/// When the next drain's patience ends.
pub fn next_deadline(nodes: &[DrainingNode], now: UnixNanos) -> Option<UnixNanos> {
    let deadlines = nodes.iter().filter_map(|draining| draining.node.drain_strategy.as_ref()?.force_deadline.nanos());
    deadlines.filter(|at| *at > now).min()
}

/// Ends a drain that is done, and moves all that is left when time is over or only per-node jobs remain.
fn drain_node(draining: &DrainingNode, jobs: &BTreeMap<JobKey, DrainingJob>, now: UnixNanos, step: &mut DrainStep) {
    let Some(strategy) = draining.node.drain_strategy.as_ref() else { return };
    let kind = |alloc: &Allocation| jobs.get(&alloc.job_key()).map(|draining| draining.job.kind);
    let is_per_node = |alloc: &Allocation| kind(alloc).is_some_and(JobType::is_per_node);
    let remaining: Vec<&Arc<Allocation>> = draining
        .allocs
        .iter()
        .filter(|alloc| !alloc.is_client_terminal())
        .filter(|alloc| !(strategy.ignore_system_jobs && is_per_node(alloc)))
        .collect();
    if remaining.is_empty() {
        step.done.push(draining.node.id.clone());
        return;
    }
    let is_over = strategy.deadline.0 < 0 || strategy.force_deadline.nanos().is_some_and(|at| at <= now);
    if is_over || remaining.iter().all(|alloc| is_per_node(alloc)) {
        for alloc in remaining.into_iter().filter(|alloc| !alloc.is_server_terminal()) {
            step.mark(alloc);
        }
    }
}

/// Moves at most `max_parallel` allocations of a service's group at once.
fn drain_group(group: &TaskGroup, allocs: &[Arc<Allocation>], leaving: &BTreeSet<&NodeId>, step: &mut DrainStep) {
    let mut live = allocs.iter().filter(|alloc| alloc.task_group == group.name && !alloc.is_terminal());
    let max_parallel = group.migrate.as_ref().map_or(1, |migrate| migrate.max_parallel.max(1)) as usize;
    let healthy = live.clone().filter(|alloc| counts_as_healthy(alloc) && !step.migrate.contains(&alloc.id)).count();
    let floor = (group.count as usize).saturating_sub(max_parallel);
    let mut allowed = healthy.saturating_sub(floor);
    while allowed > 0 {
        let next = live.find(|alloc| {
            leaving.contains(&alloc.node_id)
                && !alloc.desired_transition.should_migrate()
                && !step.migrate.contains(&alloc.id)
        });
        let Some(alloc) = next else { break };
        step.mark(alloc);
        allowed -= 1;
    }
}

fn counts_as_healthy(alloc: &Allocation) -> bool {
    if alloc.desired_transition.should_migrate() {
        return false;
    }
    match alloc.deployment_status.as_ref().and_then(|status| status.healthy) {
        Some(healthy) => healthy,
        None => alloc.client_status == AllocClientStatus::Running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::node::DrainStrategy;
    use drover_model::{MigrateStrategy, Nanos, WireTime};

    const NOW: UnixNanos = UnixNanos(1_000_000_000_000);

    fn job(id: &str, kind: JobType, count: u32) -> Arc<Job> {
        let migrate = Some(MigrateStrategy { max_parallel: 1, ..MigrateStrategy::default() });
        let group = TaskGroup { name: "g".to_owned(), count, migrate, ..TaskGroup::default() };
        Arc::new(Job { id: id.into(), namespace: "default".into(), kind, task_groups: vec![group], ..Job::default() })
    }

    fn alloc(id: &str, job: &str, node: &str) -> Arc<Allocation> {
        Arc::new(Allocation {
            id: id.into(),
            job_id: job.into(),
            namespace: "default".into(),
            node_id: node.into(),
            task_group: "g".to_owned(),
            client_status: AllocClientStatus::Running,
            ..Allocation::default()
        })
    }

    fn check(
        jobs: &[Arc<Job>],
        allocs: &[Arc<Allocation>],
        deadline: Nanos,
        ignore_system: bool,
        now: UnixNanos,
    ) -> DrainStep {
        let strategy = DrainStrategy {
            deadline,
            ignore_system_jobs: ignore_system,
            force_deadline: if deadline.0 > 0 { WireTime::from(NOW.plus(deadline)) } else { WireTime(None) },
            started_at: WireTime::from(NOW),
        };
        let node = Arc::new(Node { id: "n1".into(), drain_strategy: Some(strategy), ..Node::default() });
        let on = |alloc: &&Arc<Allocation>| alloc.node_id == "n1";
        let nodes = [DrainingNode { node, allocs: allocs.iter().filter(on).cloned().collect() }];
        let jobs = jobs
            .iter()
            .map(|job| {
                let allocs = allocs.iter().filter(|alloc| alloc.job_id == job.id).cloned().collect();
                (job.key(), DrainingJob { job: job.clone(), allocs })
            })
            .collect();
        step(&nodes, &jobs, now)
    }

    fn ids(step: &DrainStep) -> Vec<&str> {
        step.migrate.iter().map(AllocId::as_str).collect()
    }

    #[test]
    fn services_leave_a_few_at_a_time() {
        let allocs = [alloc("a", "web", "n1"), alloc("b", "web", "n1"), alloc("c", "web", "n2")];
        let result = check(&[job("web", JobType::Service, 3)], &allocs, Nanos::from_hours(1), false, NOW);
        assert_eq!(ids(&result), ["a"]);
        assert!(result.done.is_empty());
    }

    #[test]
    fn batch_work_may_finish_until_the_deadline() {
        let allocs = [alloc("a", "sum", "n1")];
        let jobs = [job("sum", JobType::Batch, 1)];
        let hour = Nanos::from_hours(1);
        assert!(check(&jobs, &allocs, hour, false, NOW).is_empty());
        assert_eq!(ids(&check(&jobs, &allocs, hour, false, NOW.plus(hour))), ["a"]);
        assert_eq!(ids(&check(&jobs, &allocs, Nanos(-1), false, NOW)), ["a"]);
    }

    #[test]
    fn system_jobs_leave_last_or_stay() {
        let jobs = [job("sys", JobType::System, 1), job("sum", JobType::Batch, 1)];
        let both = [alloc("s", "sys", "n1"), alloc("b", "sum", "n1")];
        assert!(check(&jobs, &both, Nanos::ZERO, false, NOW).is_empty());
        assert_eq!(ids(&check(&jobs, &both[..1], Nanos::ZERO, false, NOW)), ["s"]);
        assert_eq!(check(&jobs, &both[..1], Nanos::ZERO, true, NOW).done, [NodeId::from("n1")]);
    }

    #[test]
    fn a_node_is_done_only_when_its_tasks_have_ended() {
        let stopping = Arc::new(Allocation {
            desired_status: drover_model::AllocDesiredStatus::Stop,
            ..(*alloc("a", "web", "n1")).clone()
        });
        let jobs = [job("web", JobType::Service, 1)];
        assert!(check(&jobs, std::slice::from_ref(&stopping), Nanos::ZERO, false, NOW).done.is_empty());
        let ended = Arc::new(Allocation { client_status: AllocClientStatus::Complete, ..(*stopping).clone() });
        assert_eq!(check(&jobs, &[ended], Nanos::ZERO, false, NOW).done, [NodeId::from("n1")]);
    }
}
