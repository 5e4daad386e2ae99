//! Making evaluations.

use drover_base::uuid;
use drover_model::{
    ClusterView, EvalId, EvalStatus, EvalTrigger, Evaluation, Job, JobKey, JobType, Node, NodeStatus, UnixNanos,
};
use drover_state::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A pending evaluation of `job`.
pub(crate) fn for_job(job: &Job, triggered_by: EvalTrigger, now: UnixNanos) -> Evaluation {
    Evaluation {
        id: EvalId::from(uuid::random()),
        namespace: job.namespace.clone(),
        priority: job.priority,
        kind: job.kind.as_str().to_owned(),
        triggered_by,
        job_id: job.id.clone(),
        job_modify_index: job.job_modify_index,
        status: EvalStatus::Pending,
        create_time: now,
        modify_time: now,
        ..Evaluation::default()
    }
}

/// Evaluations after a change of a node: of every job that has something on it, and of the per-node
/// jobs that may come to it.
pub(crate) fn for_node(snapshot: &Snapshot, node: &Node, triggered_by: EvalTrigger, now: UnixNanos) -> Vec<Evaluation> {
    let mut jobs: BTreeMap<JobKey, Arc<Job>> = BTreeMap::new();
    for alloc in snapshot.allocs_of_node(&node.id) {
        let key = alloc.job_key();
        if alloc.is_client_terminal() || jobs.contains_key(&key) {
            continue;
        }
        if let Some(job) = snapshot.job(&key).or(alloc.job.as_ref()) {
            jobs.insert(key, job.clone());
        }
    }
    if node.status == NodeStatus::Ready {
        for job in snapshot.jobs() {
            if job.kind.is_per_node() && !job.stop && !job.is_template() && may_run_on(job, node) {
                jobs.entry(job.key()).or_insert_with(|| job.clone());
            }
        }
    }
    let make = |job: &Arc<Job>| Evaluation {
        node_id: node.id.clone(),
        node_modify_index: node.modify_index,
        ..for_job(job, triggered_by, now)
    };
    jobs.values().map(make).collect()
}

fn may_run_on(job: &Job, node: &Node) -> bool {
    debug_assert!(matches!(job.kind, JobType::System | JobType::Sysbatch), "only per-node jobs come to nodes");
    job.node_pool == drover_model::registry::ALL_NODE_POOL || job.node_pool == node.node_pool
}
