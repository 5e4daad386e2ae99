//! What a state holds, counted by kind: for those who wonder why it is as large as it is.

use crate::Snapshot;
use serde::Serialize;
use std::sync::Arc;

/// How much of one kind there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The kind, as operators know it.
    pub name: &'static str,
    /// Rows.
    pub count: usize,
    /// Their bytes in a saved state, about.
    pub bytes: u64,
}

/// Counts everything; the largest first.
pub fn census(snapshot: &Snapshot) -> Vec<Count> {
    let tables = &snapshot.0;
    let mut counts = vec![
        count("Node", tables.nodes.values()),
        count("Job", tables.jobs.values()),
        count("JobVersion", tables.job_versions.values().flat_map(|versions| versions.iter())),
        count("JobSummary", tables.summaries.values()),
        count("JobSubmission", tables.submissions.values()),
        count("Eval", tables.evals.values()),
        // The job of an allocation is kept once for all of them.
        allocs(snapshot),
        count("Deployment", tables.deployments.values()),
        count("ServiceRegistration", tables.services.values()),
        count("Namespace", tables.namespaces.values()),
        count("NodePool", tables.node_pools.values()),
        count("SchedulerConfig", [&tables.scheduler_configuration]),
        count("AutopilotConfig", [&tables.autopilot_configuration]),
        count("Variables", tables.variables.values()),
        count("ScalingEvents", tables.scaling_events.values()),
        count("PeriodicLaunch", tables.periodic_launches.values()),
        count("RootKeyMeta", tables.root_keys.values()),
        count("ClusterMetadata", tables.meta.values()),
        count("ACLPolicy", tables.acl_policies.values()),
        count("ACLToken", tables.acl_tokens.values()),
        count("ACLRole", tables.acl_roles.values()),
        count("ACLAuthMethod", tables.acl_auth_methods.values()),
        count("ACLBindingRule", tables.acl_binding_rules.values()),
        count("OneTimeToken", tables.one_time_tokens.values()),
        count("HostVolume", snapshot.host_volumes()),
        count("CSIVolume", snapshot.csi_volumes()),
        count("Quota", snapshot.quotas()),
    ];
    counts.retain(|count| count.count > 0);
    counts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.name.cmp(b.name)));
    counts
}

fn allocs(snapshot: &Snapshot) -> Count {
    let rows: Vec<Arc<drover_model::Allocation>> =
        snapshot.allocs().map(|alloc| Arc::new(drover_model::Allocation { job: None, ..(**alloc).clone() })).collect();
    count("Allocation", rows.iter())
}

fn count<'a, T: Serialize + 'a>(name: &'static str, rows: impl IntoIterator<Item = &'a T>) -> Count {
    let mut found = Count { name, count: 0, bytes: 0 };
    for row in rows {
        found.count += 1;
        // What cannot be written is not in a saved state either.
        found.bytes += rmp_serde::to_vec_named(row).map_or(0, |bytes| bytes.len() as u64);
    }
    found
}
