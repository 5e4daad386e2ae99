//! How the scheduler came to its result.

use crate::Resources;
use drover_base::{Nanos, NodeId, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was looked at for one placement, and why nodes fell out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocMetric {
    /// Nodes looked at.
    pub nodes_evaluated: u32,
    /// Nodes that broke a constraint.
    pub nodes_filtered: u32,
    /// Nodes of the job's pool.
    pub nodes_in_pool: u32,
    /// The job's pool.
    pub node_pool: String,
    /// Ready nodes by datacenter; `None` where nobody counted them.
    pub nodes_available: Option<BTreeMap<String, u32>>,
    /// Filtered nodes by class.
    #[serde(with = "serde_null")]
    pub class_filtered: BTreeMap<String, u32>,
    /// Filtered nodes by constraint.
    #[serde(with = "serde_null")]
    pub constraint_filtered: BTreeMap<String, u32>,
    /// Nodes without enough of something.
    pub nodes_exhausted: u32,
    /// The same by class.
    #[serde(with = "serde_null")]
    pub class_exhausted: BTreeMap<String, u32>,
    /// The same by dimension.
    #[serde(with = "serde_null")]
    pub dimension_exhausted: BTreeMap<String, u32>,
    /// Quota dimensions.
    #[serde(with = "serde_null")]
    pub quota_exhausted: Vec<String>,
    /// What tasks asked for where it did not fit.
    #[serde(with = "serde_null")]
    pub resources_exhausted: BTreeMap<String, Resources>,
    /// Older form of the scores; always null.
    #[serde(with = "serde_null")]
    pub scores: BTreeMap<String, f64>,
    /// The best nodes with their scores.
    #[serde(rename = "ScoreMetaData", with = "serde_null")]
    pub score_meta_data: Vec<NodeScore>,
    /// Time it took.
    pub allocation_time: Nanos,
    /// Further placements of the group that failed the same way.
    pub coalesced_failures: u32,
}

/// How many nodes' scores are kept.
pub const MAX_SCORE_META: usize = 5;

/// The scores of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeScore {
    /// The node.
    #[serde(rename = "NodeID")]
    pub node_id: NodeId,
    /// By scorer.
    pub scores: BTreeMap<String, f64>,
    /// The final one.
    pub norm_score: f64,
}

/// What a plan does, by group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlanAnnotations {
    /// By group.
    #[serde(rename = "DesiredTGUpdates", deserialize_with = "serde_null::deserialize")]
    pub desired_tg_updates: BTreeMap<String, DesiredUpdates>,
    /// What would be pushed out, as list stubs.
    #[serde(with = "serde_null")]
    pub preempted_allocs: Vec<serde_json::Value>,
}

/// Counts of what is done with the allocations of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DesiredUpdates {
    /// Left alone.
    pub ignore: u64,
    /// Newly placed.
    pub place: u64,
    /// Moved.
    pub migrate: u64,
    /// Stopped.
    pub stop: u64,
    /// Updated where they are.
    pub in_place_update: u64,
    /// Stopped and placed anew.
    pub destructive_update: u64,
    /// Placed as canaries.
    pub canary: u64,
    /// Pushed out.
    pub preemptions: u64,
    /// Out of reach.
    pub disconnect: u64,
    /// Back in reach.
    pub reconnect: u64,
    /// Replaced now.
    pub reschedule_now: u64,
    /// Replaced later.
    pub reschedule_later: u64,
}
