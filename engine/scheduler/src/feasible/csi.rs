//! Volumes of storage providers that the group asks for.

use super::volume::Around;
use drover_model::csi::CsiVolume;
use drover_model::{ClusterView, GovernanceView, Job, JobId, Namespace, Node, TaskGroup, VolumeRequest};

/// What the metrics count when there is no state to look at.
const NO_STATE: &str = "CSI volume lookup failed";

/// The group's requests.
pub(crate) struct CsiCheck {
    requests: Vec<VolumeRequest>,
    namespace: Namespace,
    job: JobId,
}

impl CsiCheck {
    /// `None` when the group asks for no such volume.
    pub(crate) fn new(group: &TaskGroup) -> Option<Self> {
        let requests: Vec<_> = group.volumes.values().filter(|request| request.kind == "csi").cloned().collect();
        (!requests.is_empty()).then(|| Self { requests, namespace: Namespace::default(), job: JobId::default() })
    }

    /// Whose group it is.
    pub(crate) fn bind(&mut self, job: &Job) {
        self.namespace = job.namespace.clone();
        self.job = job.id.clone();
    }

    /// `Err` is the text that the metrics count.
    pub(crate) fn check(
        &self,
        view: &dyn ClusterView,
        node: &Node,
        alloc_index: Option<u32>,
        around: Option<&Around<'_>>,
    ) -> Result<(), String> {
        let governance = view.governance().ok_or_else(|| NO_STATE.to_owned())?;
        for request in &self.requests {
            let source = request.source_of(alloc_index);
            let volume = governance.csi_volume(&self.namespace, &source);
            let volume = volume.ok_or_else(|| format!("missing CSI volume(s) {source}"))?;
            check_plugin(governance, node, &volume)?;
            if let Some(around) = around {
                self.check_claims(governance, &volume, request, around)?;
            }
        }
        Ok(())
    }

    /// Claims of the same job do not count: its allocations may be about to be replaced.
    fn check_claims(
        &self,
        governance: &dyn GovernanceView,
        volume: &CsiVolume,
        request: &VolumeRequest,
        around: &Around<'_>,
    ) -> Result<(), String> {
        let is_schedulable = governance.is_csi_schedulable(&volume.plugin_id) && volume.resource_exhausted.is_none();
        let id = &volume.id;
        if request.read_only {
            return if is_schedulable && volume.has_free_reader() {
                Ok(())
            } else {
                Err(format!("CSI volume {id} is unschedulable or has exhausted its available reader claims"))
            };
        }
        if !is_schedulable || !volume.is_writable() {
            return Err(format!("CSI volume {id} is unschedulable or is read-only"));
        }
        if volume.has_free_writer() {
            return Ok(());
        }
        for claim in volume.write_claims.values().filter(|claim| !around.stopped.contains(&claim.alloc_id)) {
            let text = format!("CSI volume {id} has exhausted its available writer claims");
            let Some(holder) = governance.alloc(&claim.alloc_id) else {
                return Err(format!(
                    "{text} and is claimed by a garbage collected allocation {}; waiting for claim to be released",
                    claim.alloc_id
                ));
            };
            if holder.namespace != self.namespace || holder.job_id != self.job {
                return Err(text);
            }
        }
        Ok(())
    }
}

fn check_plugin(governance: &dyn GovernanceView, node: &Node, volume: &CsiVolume) -> Result<(), String> {
    let name = &volume.plugin_id;
    let Some(plugin) = node.csi_node_plugins.get(name) else {
        return Err(format!("CSI plugin {name} is missing from client {}", node.id));
    };
    if !plugin.healthy {
        return Err(format!("CSI plugin {name} is unhealthy on client {}", node.id));
    }
    let Some(info) = &plugin.node_info else { return Ok(()) };
    let max = usize::try_from(info.max_volumes).unwrap_or(0);
    if max > 0 && governance.csi_volumes_on(&node.id, name) >= max {
        return Err(format!("CSI plugin {name} has the maximum number of volumes on client {}", node.id));
    }
    let reachable = volume.topologies.is_empty()
        || info
            .accessible_topology
            .as_ref()
            .is_some_and(|here| volume.topologies.iter().any(|topology| topology.is_within(here)));
    if reachable { Ok(()) } else { Err("did not meet topology requirement".to_owned()) }
}
