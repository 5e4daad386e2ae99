//! Volumes that the group asks for: those of hosts here, those of storage providers in [`super::csi`].

use super::constraint::CompiledConstraint;
use super::csi::CsiCheck;
use drover_base::AllocId;
use drover_model::volume::{HostVolume, HostVolumeState};
use drover_model::{Allocation, ClusterView, Constraint, Job, Node, TaskGroup, VolumeRequest};
use std::collections::HashSet;

/// What the metrics count.
const MISSING: &str = "missing compatible host volumes";
/// One writer in the whole cluster.
const SINGLE_WRITER: &str = "single-node-single-writer";

/// The group's volume requests, with what the cluster knows of them.
pub(crate) struct VolumeCheck {
    host: Vec<VolumeRequest>,
    csi: Option<CsiCheck>,
    /// Sticky volumes that the group holds, and whose allocation holds them.
    claims: Vec<(String, AllocId)>,
    /// Allocations that are over: what they hold is free.
    over: HashSet<AllocId>,
}

/// What the plan has done so far, around the node that is looked at.
pub(crate) struct Around<'a> {
    /// The state.
    pub(crate) view: &'a dyn ClusterView,
    /// What the plan stops.
    pub(crate) stopped: &'a HashSet<AllocId>,
    /// Whether the plan, or the job itself, has a sole writer of the named volume on the node.
    pub(crate) writes: &'a dyn Fn(&str) -> bool,
}

impl VolumeCheck {
    pub(crate) fn new(group: &TaskGroup) -> Self {
        let host = group.volumes.values().filter(|request| request.kind == "host").cloned().collect();
        Self { host, csi: CsiCheck::new(group), claims: Vec::new(), over: HashSet::new() }
    }

    /// Looks up what the group holds already.
    pub(crate) fn bind(&mut self, view: &dyn ClusterView, job: &Job, group: &TaskGroup) {
        if let Some(csi) = &mut self.csi {
            csi.bind(job);
        }
        if !self.host.iter().any(|request| request.sticky) {
            return;
        }
        let Some(governance) = view.governance() else { return };
        let claims = governance.volume_claims(&job.key(), &group.name);
        let is_over = |id: &AllocId| governance.alloc(id).is_none_or(|alloc| alloc.is_terminal());
        self.over = claims.iter().map(|claim| claim.alloc_id.clone()).filter(is_over).collect();
        self.claims = claims.iter().map(|claim| (claim.volume_id.clone(), claim.alloc_id.clone())).collect();
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.host.is_empty() && self.csi.is_none()
    }

    /// Whether the group writes the volume alone.
    pub(crate) fn is_sole_writer(&self, name: &str, alloc_index: Option<u32>) -> bool {
        self.host.iter().any(|request| request.access_mode == SINGLE_WRITER && request.source_of(alloc_index) == name)
    }

    /// `alloc_index` is the number in the allocation's name, for volumes per allocation; without `around` the
    /// allocation is on the node already.
    pub(crate) fn check(
        &self,
        view: &dyn ClusterView,
        node: &Node,
        alloc_index: Option<u32>,
        around: Option<&Around<'_>>,
    ) -> Result<(), String> {
        for request in &self.host {
            if !self.host_fits(view, node, request, alloc_index, around) {
                return Err(MISSING.to_owned());
            }
        }
        self.csi.as_ref().map_or(Ok(()), |csi| csi.check(view, node, alloc_index, around))
    }

    fn host_fits(
        &self,
        view: &dyn ClusterView,
        node: &Node,
        request: &VolumeRequest,
        alloc_index: Option<u32>,
        around: Option<&Around<'_>>,
    ) -> bool {
        let source = request.source_of(alloc_index);
        let Some(found) = node.host_volumes.get(&source) else { return false };
        if found.read_only && !request.read_only {
            return false;
        }
        if found.id.is_empty() {
            return true;
        }
        let Some(volume) = view.governance().and_then(|governance| governance.host_volume(&found.id)) else {
            return false;
        };
        volume.state == HostVolumeState::Ready
            && fits_modes(&volume, request)
            && around.is_none_or(|around| {
                self.fits_claims(&volume, request, around)
                    && (request.access_mode != SINGLE_WRITER || !is_written(&volume, node, around))
            })
    }

    /// A group that holds volumes which nobody uses goes back to one of them.
    fn fits_claims(&self, volume: &HostVolume, request: &VolumeRequest, around: &Around<'_>) -> bool {
        if !request.sticky {
            return true;
        }
        let is_free = |alloc: &AllocId| self.over.contains(alloc) || around.stopped.contains(alloc);
        let mut free = self.claims.iter().filter(|(_, alloc)| is_free(alloc)).peekable();
        free.peek().is_none() || free.any(|(id, _)| *id == volume.id)
    }
}

fn fits_modes(volume: &HostVolume, request: &VolumeRequest) -> bool {
    let fits = match request.access_mode.as_str() {
        "single-node-reader-only" => request.read_only,
        "single-node-writer" => !request.read_only,
        _ => true,
    };
    fits && volume.allows(&request.access_mode, &request.attachment_mode)
}

/// Whether something on the node writes the volume alone.
fn is_written(volume: &HostVolume, node: &Node, around: &Around<'_>) -> bool {
    let on_node = around.view.allocs_of_node(&node.id);
    let mut live = on_node.iter().filter(|alloc| !alloc.is_terminal() && !around.stopped.contains(&alloc.id));
    (around.writes)(&volume.name) || live.any(|alloc| writes_alone(alloc, &volume.name))
}

fn writes_alone(alloc: &Allocation, name: &str) -> bool {
    let volumes = alloc.group().map(|group| &group.volumes);
    let mut requests = volumes.into_iter().flatten();
    requests.any(|(_, request)| {
        request.kind == "host" && request.access_mode == SINGLE_WRITER && request.source_of(alloc.index()) == name
    })
}

/// Whether a node satisfies all constraints, as those of a volume that is to be placed.
pub fn meets(node: &Node, constraints: &[Constraint]) -> bool {
    constraints.iter().filter_map(CompiledConstraint::new).all(|constraint| constraint.holds(node))
}
