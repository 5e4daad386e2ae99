//! Volumes of the host that the group asks for.

use drover_model::{Node, TaskGroup, VolumeRequest};

/// The group's volume requests.
pub(crate) struct VolumeCheck {
    requests: Vec<VolumeRequest>,
}

impl VolumeCheck {
    pub(crate) fn new(group: &TaskGroup) -> Self {
        Self { requests: group.volumes.values().cloned().collect() }
    }

    /// `alloc_index` is the number in the allocation's name, for volumes per allocation.
    pub(crate) fn check(&self, node: &Node, alloc_index: Option<u32>) -> Result<(), String> {
        for request in &self.requests {
            if request.kind != "host" {
                return Err(format!("missing CSI Volume {}", source(request, alloc_index)));
            }
            let found = node.host_volumes.get(&source(request, alloc_index));
            if !found.is_some_and(|volume| !volume.read_only || request.read_only) {
                return Err("missing compatible host volumes".to_owned());
            }
        }
        Ok(())
    }
}

fn source(request: &VolumeRequest, alloc_index: Option<u32>) -> String {
    match alloc_index {
        Some(index) if request.per_alloc => format!("{}[{index}]", request.source),
        _ => request.source.clone(),
    }
}
