//! What reconciling gives.

use drover_base::EvalId;
use drover_model::placement::DeploymentUpdate;
use drover_model::{AllocClientStatus, Allocation, Deployment, DesiredUpdates, Evaluation};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts by group.
pub(crate) type Counts = BTreeMap<String, DesiredUpdates>;

/// One allocation to place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placement {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) canary: bool,
    /// What it replaces.
    pub(crate) previous: Option<Arc<Allocation>>,
    /// Because that failed.
    pub(crate) reschedule: bool,
    /// Stop `previous` when, and only when, a node is found.
    pub(crate) stop_previous: Option<&'static str>,
    /// Canaries are out: what is not a canary keeps its older version.
    pub(crate) downgrade: bool,
}

/// One allocation to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) alloc: Arc<Allocation>,
    pub(crate) why: &'static str,
    /// What the node cannot say any more.
    pub(crate) client_status: Option<AllocClientStatus>,
    pub(crate) follow_up: Option<EvalId>,
}

/// Everything to do.
#[derive(Debug, Default)]
pub(crate) struct Reconciliation {
    /// Destructive updates come first: what they stop makes room.
    pub(crate) destructive: Vec<Placement>,
    pub(crate) place: Vec<Placement>,
    pub(crate) stop: Vec<Stop>,
    /// Stay where they are under the new job.
    pub(crate) in_place: Vec<Arc<Allocation>>,
    /// Keep their job; only what the servers note on them changes.
    pub(crate) notes: Vec<Allocation>,
    /// A new deployment.
    pub(crate) deployment: Option<Deployment>,
    pub(crate) deployment_updates: Vec<DeploymentUpdate>,
    /// The deployment that new allocations belong to.
    pub(crate) active_deployment: Option<Deployment>,
    pub(crate) desired: Counts,
    pub(crate) follow_ups: Vec<Evaluation>,
}

impl Reconciliation {
    pub(crate) fn desired(&mut self, group: &str) -> &mut DesiredUpdates {
        if !self.desired.contains_key(group) {
            self.desired.insert(group.to_owned(), DesiredUpdates::default());
        }
        self.desired.get_mut(group).expect("it was inserted above")
    }

    pub(crate) fn stop(&mut self, alloc: &Arc<Allocation>, why: &'static str) {
        self.stop.push(Stop { alloc: Arc::clone(alloc), why, client_status: None, follow_up: None });
    }

    pub(crate) fn stop_lost(&mut self, alloc: &Arc<Allocation>, why: &'static str) {
        let client_status = Some(AllocClientStatus::Lost);
        self.stop.push(Stop { alloc: Arc::clone(alloc), why, client_status, follow_up: None });
    }
}
