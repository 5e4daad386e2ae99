//! Sorts allocations by what their nodes and their statuses mean.

use super::computed::Reconciliation;
use super::why;
use drover_base::{AllocId, Nanos, NodeId, UnixNanos};
use drover_model::{AllocClientStatus, AllocDesiredStatus, Allocation, ClusterView, Node, NodeStatus};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Tasks are given at least this long to end.
const MIN_KILL_TIMEOUT: Nanos = Nanos::from_secs(5);

/// Allocations by id.
pub(crate) type AllocSet = BTreeMap<AllocId, Arc<Allocation>>;

/// Nodes that are not as they should be; `None`: gone.
pub(crate) type TaintedNodes = HashMap<NodeId, Option<Arc<Node>>>;

/// Collects the tainted nodes of some allocations.
pub(crate) fn tainted_nodes(view: &dyn ClusterView, allocs: &[Arc<Allocation>]) -> TaintedNodes {
    let mut seen: HashMap<&NodeId, ()> = HashMap::new();
    let mut tainted = TaintedNodes::new();
    for alloc in allocs {
        if seen.insert(&alloc.node_id, ()).is_some() {
            continue;
        }
        match view.node(&alloc.node_id) {
            None => {
                tainted.insert(alloc.node_id.clone(), None);
            }
            Some(node) => {
                let is_away = matches!(node.status, NodeStatus::Down | NodeStatus::Disconnected);
                if is_away || node.drain_strategy.is_some() {
                    tainted.insert(alloc.node_id.clone(), Some(node));
                }
            }
        }
    }
    tainted
}

/// Allocations sorted by what their nodes mean for them.
#[derive(Debug, Default)]
pub(crate) struct ByNode {
    pub(crate) untainted: AllocSet,
    pub(crate) migrate: AllocSet,
    pub(crate) lost: AllocSet,
    /// Their node just went out of reach: they become unknown.
    pub(crate) disconnecting: AllocSet,
    /// Unknown for now.
    pub(crate) unknown: AllocSet,
    /// Unknown for too long.
    pub(crate) expiring: AllocSet,
}

/// How long an allocation may be out of reach; `None`: its group knows nothing of it.
pub(crate) fn lost_after(alloc: &Allocation) -> Option<Nanos> {
    let group = alloc.group()?;
    let disconnect = group.disconnect.as_ref().map(|disconnect| disconnect.lost_after);
    disconnect.or(group.max_client_disconnect).filter(|after| *after > Nanos::ZERO)
}

/// How long a node that lost its servers lets the allocation run, its kill timeout included; `None`: for good.
pub(crate) fn stops_after(alloc: &Allocation) -> Option<Nanos> {
    let group = alloc.group()?;
    let disconnect = group.disconnect.as_ref().and_then(|disconnect| disconnect.stop_on_client_after);
    let after = disconnect.or(group.stop_after_client_disconnect)?;
    let kill_timeout = group.tasks.iter().map(|task| task.kill_timeout).max().unwrap_or(Nanos::ZERO);
    Some(Nanos(after.0.saturating_add(kill_timeout.max(MIN_KILL_TIMEOUT).0)))
}

/// Whether a lost allocation may still run on its node at `now`, so that it is not replaced yet.
pub(crate) fn may_still_run(alloc: &Allocation, now: UnixNanos) -> bool {
    alloc.client_status == AllocClientStatus::Lost
        && !alloc.followup_eval_id.is_empty()
        && stops_after(alloc).is_some_and(|after| now < alloc.modify_time.plus(after))
}

/// Sorts a set.
pub(crate) fn by_node(allocs: AllocSet, tainted: &TaintedNodes, now: UnixNanos) -> ByNode {
    let mut out = ByNode::default();
    for (id, alloc) in allocs {
        let set = match place_of(&alloc, tainted, now) {
            Place::Untainted => &mut out.untainted,
            Place::Migrate => &mut out.migrate,
            Place::Lost => &mut out.lost,
            Place::Disconnecting => &mut out.disconnecting,
            Place::Unknown => &mut out.unknown,
            Place::Expiring => &mut out.expiring,
        };
        set.insert(id, alloc);
    }
    out
}

enum Place {
    Untainted,
    Migrate,
    Lost,
    Disconnecting,
    Unknown,
    Expiring,
}

fn place_of(alloc: &Allocation, tainted: &TaintedNodes, now: UnixNanos) -> Place {
    if alloc.is_terminal() {
        return Place::Untainted;
    }
    let lost_after = lost_after(alloc);
    if alloc.client_status == AllocClientStatus::Unknown
        && let Some(after) = lost_after
    {
        return if now >= alloc.modify_time.plus(after) { Place::Expiring } else { Place::Unknown };
    }
    if alloc.desired_transition.should_migrate() && !is_away(alloc, tainted) {
        return Place::Migrate;
    }
    match tainted.get(&alloc.node_id) {
        None => Place::Untainted,
        Some(None) => Place::Lost,
        Some(Some(node)) => match node.status {
            NodeStatus::Disconnected if lost_after.is_some() && alloc.client_status == AllocClientStatus::Running => {
                Place::Disconnecting
            }
            NodeStatus::Disconnected | NodeStatus::Down => Place::Lost,
            NodeStatus::Ready | NodeStatus::Initializing => Place::Untainted,
        },
    }
}

fn is_away(alloc: &Allocation, tainted: &TaintedNodes) -> bool {
    match tainted.get(&alloc.node_id) {
        None => false,
        Some(None) => true,
        Some(Some(node)) => matches!(node.status, NodeStatus::Down | NodeStatus::Disconnected),
    }
}

/// Stops everything that may still run, and says how much that was.
pub(crate) fn stop_whole_set(
    allocs: &AllocSet,
    tainted: &TaintedNodes,
    now: UnixNanos,
    out: &mut Reconciliation,
) -> u64 {
    let sorted = by_node(allocs.clone(), tainted, now);
    let mut stopped = 0;
    for alloc in sorted.untainted.values().filter(|alloc| !alloc.is_terminal()) {
        out.stop(alloc, why::NOT_NEEDED);
        stopped += 1;
    }
    for alloc in [sorted.migrate, sorted.disconnecting, sorted.unknown].iter().flat_map(AllocSet::values) {
        out.stop(alloc, why::NOT_NEEDED);
        stopped += 1;
    }
    for alloc in [sorted.lost, sorted.expiring].iter().flat_map(AllocSet::values) {
        out.stop_lost(alloc, why::LOST);
        stopped += 1;
    }
    stopped
}

/// Terminal allocations of an older version of a batch job are of no interest any more.
pub(crate) fn split_old_terminal(allocs: AllocSet, version: u64, create_index: u64) -> (AllocSet, u64) {
    let before = allocs.len();
    let is_old = |alloc: &Allocation| {
        let created = alloc.job.as_ref().map_or(0, |job| job.create_index);
        alloc.job_version() < version || created < create_index
    };
    let kept: AllocSet = allocs.into_iter().filter(|(_, alloc)| !(alloc.is_terminal() && is_old(alloc))).collect();
    let ignored = before - kept.len();
    (kept, ignored as u64)
}

/// What a terminal status means for replacing an allocation.
pub(crate) enum Replaceable {
    /// It counts as one of the group, as it is.
    Counts,
    /// It does not count and is not replaced.
    Ignored,
    /// It may be replaced by its policy.
    ByPolicy,
}

/// Sorts by status.
pub(crate) fn replaceable(alloc: &Allocation, is_batch: bool) -> Replaceable {
    let last_failed = super::reschedule::last_failed(alloc);
    match (is_batch, alloc.desired_status) {
        (true, AllocDesiredStatus::Stop) if alloc.ran_successfully() => Replaceable::Counts,
        (_, AllocDesiredStatus::Stop) if last_failed => Replaceable::ByPolicy,
        (_, AllocDesiredStatus::Stop | AllocDesiredStatus::Evict) => Replaceable::Ignored,
        (true, AllocDesiredStatus::Run) if alloc.client_status == AllocClientStatus::Failed => Replaceable::ByPolicy,
        (true, AllocDesiredStatus::Run) => Replaceable::Counts,
        (false, AllocDesiredStatus::Run) => match alloc.client_status {
            AllocClientStatus::Complete | AllocClientStatus::Lost => Replaceable::Ignored,
            _ => Replaceable::ByPolicy,
        },
    }
}
