//! Which CSI claims are to be released. Pure.

use drover_model::GovernanceView;
use drover_model::csi::{CsiClaim, CsiClaimState, CsiVolume};
use std::sync::Arc;

/// A claim to be released, from where its release stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The volume.
    pub volume: Arc<CsiVolume>,
    /// The claim, in its present state.
    pub claim: CsiClaim,
}

/// The claims of allocations that are over or gone, and those whose release has begun.
pub fn next_steps<'a>(view: &dyn GovernanceView, volumes: impl Iterator<Item = &'a Arc<CsiVolume>>) -> Vec<Step> {
    let mut steps = Vec::new();
    for volume in volumes {
        for claim in volume.claims() {
            let begun = volume.past_claims.get(&claim.alloc_id);
            let is_over = || view.alloc(&claim.alloc_id).is_none_or(|alloc| alloc.is_client_terminal());
            if begun.is_some_and(|claim| claim.state != CsiClaimState::Taken) || is_over() {
                let claim = begun.unwrap_or(claim).clone();
                steps.push(Step { volume: Arc::clone(volume), claim });
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::quota::{QuotaHeld, QuotaSpec};
    use drover_model::registry::NamespaceSpec;
    use drover_model::volume::{HostVolume, VolumeClaim};
    use drover_model::{AllocClientStatus, AllocId, Allocation, JobKey, Namespace, NodeId};

    /// Allocations by id: those whose id begins with `over` are.
    struct View;

    impl GovernanceView for View {
        fn host_volume(&self, _: &str) -> Option<Arc<HostVolume>> {
            None
        }
        fn volume_claims(&self, _: &JobKey, _: &str) -> Vec<Arc<VolumeClaim>> {
            Vec::new()
        }
        fn csi_volume(&self, _: &Namespace, _: &str) -> Option<Arc<CsiVolume>> {
            None
        }
        fn csi_volumes_on(&self, _: &NodeId, _: &str) -> usize {
            0
        }
        fn is_csi_schedulable(&self, _: &str) -> bool {
            true
        }
        fn alloc(&self, id: &AllocId) -> Option<Arc<Allocation>> {
            let client_status = match &**id {
                "gone" => return None,
                "over" => AllocClientStatus::Complete,
                _ => AllocClientStatus::Running,
            };
            Some(Arc::new(Allocation { id: id.clone(), client_status, ..Allocation::default() }))
        }
        fn namespace(&self, _: &Namespace) -> Option<Arc<NamespaceSpec>> {
            None
        }
        fn quota(&self, _: &str) -> Option<(Arc<QuotaSpec>, QuotaHeld)> {
            None
        }
    }

    #[test]
    fn what_is_over_or_begun_is_released_from_where_it_stands() {
        let claim = |id: &str, state| CsiClaim { alloc_id: id.into(), state, ..CsiClaim::default() };
        let mut volume = CsiVolume::default();
        for id in ["runs", "over", "gone", "asked"] {
            volume.read_claims.insert(id.into(), claim(id, CsiClaimState::Taken));
        }
        volume.past_claims.insert("asked".into(), claim("asked", CsiClaimState::NodeDetached));
        let steps = next_steps(&View, [Arc::new(volume)].iter());
        let found: Vec<(&str, CsiClaimState)> =
            steps.iter().map(|step| (&*step.claim.alloc_id, step.claim.state)).collect();
        let (taken, detached) = (CsiClaimState::Taken, CsiClaimState::NodeDetached);
        assert_eq!(found, [("asked", detached), ("gone", taken), ("over", taken)]);
    }
}
