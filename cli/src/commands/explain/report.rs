//! What there is to tell, in a form for programs; `text` puts it into lines.

use super::Subject;
use super::view::Seen;
use drover_model::{Allocation, ClusterView, EvalStatus, Evaluation, Job, TaskGroup};
use drover_scheduler::{NodeVerdict, node_verdicts};
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of the JSON form.
const SCHEMA_VERSION: u32 = 1;

/// Everything about one subject.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    pub schema_version: u32,
    pub namespace: String,
    #[serde(rename = "JobID")]
    pub job_id: String,
    pub job_version: u64,
    pub stopped: bool,
    pub evaluation: Option<EvalReport>,
    pub allocation: Option<AllocReport>,
    pub groups: Vec<GroupReport>,
    /// Nodes that were not looked at, as there are too many.
    pub nodes_left_out: usize,
}

/// What an evaluation recorded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EvalReport {
    #[serde(rename = "ID")]
    pub id: String,
    pub triggered_by: String,
    pub status: String,
    pub status_description: String,
    /// Reasons by group.
    pub failures: BTreeMap<String, Vec<String>>,
}

/// Why an allocation is where it is, as recorded at its placement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AllocReport {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    pub node: String,
    pub desired_status: String,
    pub desired_description: String,
    pub client_status: String,
    pub nodes_evaluated: u32,
    pub nodes_filtered: u32,
    pub nodes_exhausted: u32,
    /// The best nodes.
    pub candidates: Vec<Candidate>,
    /// Replacements before this one.
    pub rescheduled: usize,
    pub preempted: Vec<String>,
}

/// A node that was compared.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Candidate {
    pub node: String,
    pub chosen: bool,
    pub score: f64,
    pub scores: BTreeMap<String, f64>,
}

/// A group, and what every node says to one more allocation of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupReport {
    pub name: String,
    pub wanted: u32,
    pub live: usize,
    pub waiting: u32,
    /// The evaluation that waits for room.
    pub blocked_eval: Option<EvalReport>,
    /// Live allocations by node.
    pub on_nodes: BTreeMap<String, usize>,
    pub nodes: Vec<NodeReport>,
}

/// What a node says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeReport {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    pub class: String,
    pub pool: String,
    pub datacenter: String,
    pub fits: bool,
    pub score: Option<f64>,
    pub scores: BTreeMap<String, f64>,
    pub refusals: Vec<RefusalReport>,
    /// What would be pushed out for it.
    pub preempts: Vec<String>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefusalReport {
    pub rule: String,
    pub found: String,
    pub remedy: String,
}

impl Report {
    pub fn new(subject: &Subject, job: &Job, evals: &[Evaluation], seen: &Seen, only: Option<&str>) -> Self {
        let (evaluation, allocation) = match subject {
            Subject::Job { .. } => (None, None),
            Subject::Evaluation(eval) => (Some(EvalReport::new(eval)), None),
            Subject::Allocation(alloc) => (None, Some(AllocReport::new(alloc, seen))),
        };
        let of_subject = |group: &&TaskGroup| match subject {
            Subject::Job { .. } => true,
            Subject::Evaluation(eval) => {
                eval.failed_tg_allocs.is_empty() || eval.failed_tg_allocs.contains_key(&group.name)
            }
            Subject::Allocation(alloc) => alloc.task_group == group.name,
        };
        let groups = job.task_groups.iter().filter(|group| only.is_none_or(|name| group.name == name));
        let groups = if job.stop {
            Vec::new()
        } else {
            groups.filter(of_subject).map(|group| GroupReport::new(job, group, evals, seen)).collect()
        };
        Self {
            schema_version: SCHEMA_VERSION,
            namespace: job.namespace.to_string(),
            job_id: job.id.to_string(),
            job_version: job.version,
            stopped: job.stop,
            evaluation,
            allocation,
            groups,
            nodes_left_out: seen.left_out,
        }
    }
}

impl EvalReport {
    fn new(eval: &Evaluation) -> Self {
        let lines = |metric| crate::monitor::failure_lines(metric, "");
        Self {
            id: eval.id.to_string(),
            triggered_by: eval.triggered_by.to_string(),
            status: eval.status.to_string(),
            status_description: eval.status_description.clone(),
            failures: eval.failed_tg_allocs.iter().map(|(group, metric)| (group.clone(), lines(metric))).collect(),
        }
    }
}

impl AllocReport {
    fn new(alloc: &Allocation, seen: &Seen) -> Self {
        let metric = alloc.metrics.as_ref().map(drover_model::PlacementMetric::to_metric).unwrap_or_default();
        let candidates = metric.score_meta_data.iter().map(|score| Candidate {
            node: seen.name_of(&score.node_id),
            chosen: score.node_id == alloc.node_id,
            score: score.norm_score,
            scores: score.scores.clone(),
        });
        Self {
            id: alloc.id.to_string(),
            name: alloc.name.clone(),
            node: if alloc.node_name.is_empty() { seen.name_of(&alloc.node_id) } else { alloc.node_name.clone() },
            desired_status: alloc.desired_status.to_string(),
            desired_description: alloc.desired_description.clone(),
            client_status: alloc.client_status.to_string(),
            nodes_evaluated: metric.nodes_evaluated,
            nodes_filtered: metric.nodes_filtered,
            nodes_exhausted: metric.nodes_exhausted,
            candidates: candidates.collect(),
            rescheduled: alloc.reschedule_tracker.as_ref().map_or(0, |tracker| tracker.events.len()),
            preempted: alloc.preempted_allocations.iter().map(ToString::to_string).collect(),
        }
    }
}

impl GroupReport {
    fn new(job: &Job, group: &TaskGroup, evals: &[Evaluation], seen: &Seen) -> Self {
        let own = seen.allocs_of_job(&job.key());
        let live: Vec<_> = own.iter().filter(|a| a.task_group == group.name && !a.is_terminal()).collect();
        let mut on_nodes: BTreeMap<String, usize> = BTreeMap::new();
        for alloc in &live {
            *on_nodes.entry(seen.name_of(&alloc.node_id)).or_default() += 1;
        }
        let waits =
            |eval: &&Evaluation| eval.status == EvalStatus::Blocked && eval.failed_tg_allocs.contains_key(&group.name);
        let blocked = evals.iter().filter(waits).max_by_key(|eval| eval.create_index);
        let waiting = blocked
            .and_then(|eval| eval.failed_tg_allocs.get(&group.name))
            .map_or(0, |metric| metric.coalesced_failures + 1);
        let nodes = node_verdicts(seen, job, group, Some(0)).into_iter().map(NodeReport::new).collect();
        Self {
            name: group.name.clone(),
            wanted: group.count,
            live: live.len(),
            waiting,
            blocked_eval: blocked.map(EvalReport::new),
            on_nodes,
            nodes,
        }
    }
}

impl NodeReport {
    fn new(verdict: NodeVerdict) -> Self {
        let NodeVerdict { node, refusals, score, preempts } = verdict;
        let refusals = refusals.into_iter().map(|refusal| RefusalReport {
            rule: refusal.rule,
            found: refusal.found,
            remedy: refusal.remedy,
        });
        let refusals: Vec<RefusalReport> = refusals.collect();
        Self {
            id: node.id.to_string(),
            name: node.name.clone(),
            class: node.node_class.clone(),
            pool: node.node_pool.clone(),
            datacenter: node.datacenter.clone(),
            fits: refusals.is_empty(),
            score: score.as_ref().map(|(score, _)| *score),
            scores: score.map(|(_, parts)| parts.into_iter().collect()).unwrap_or_default(),
            refusals,
            preempts: preempts.iter().map(|alloc| format!("{} {}", alloc.id.short(), alloc.name)).collect(),
        }
    }
}
