//! Devices in use on a node, and picking free ones.

use crate::feasible::{affinity_matches, device_matches};
use drover_model::resources::{AllocatedDevice, NodeDeviceGroup};
use drover_model::{AllocatedResources, DeviceRequest, Node};
use std::collections::BTreeSet;

/// Device ids in use on a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeviceIndex {
    taken: BTreeSet<(String, String)>,
    overlap: bool,
}

fn group_id(vendor: &str, kind: &str, name: &str) -> String {
    format!("{vendor}/{kind}/{name}")
}

impl DeviceIndex {
    pub(crate) fn add(&mut self, resources: &AllocatedResources) {
        resources.tasks.values().flat_map(|task| &task.devices).for_each(|device| self.take(device));
    }

    pub(crate) fn remove(&mut self, resources: &AllocatedResources) {
        for device in resources.tasks.values().flat_map(|task| &task.devices) {
            let group = group_id(&device.vendor, &device.kind, &device.name);
            for id in &device.device_ids {
                self.taken.remove(&(group.clone(), id.clone()));
            }
        }
    }

    fn take(&mut self, device: &AllocatedDevice) {
        let group = group_id(&device.vendor, &device.kind, &device.name);
        for id in &device.device_ids {
            self.overlap |= !self.taken.insert((group.clone(), id.clone()));
        }
    }

    /// Whether two tasks hold the same device.
    pub(crate) const fn is_overcommitted(&self) -> bool {
        self.overlap
    }

    /// The best free devices for a request, with the sum of the weights of its matching affinities.
    pub(crate) fn pick(
        &self,
        node: &Node,
        request: &DeviceRequest,
        also_taken: &[AllocatedDevice],
    ) -> Result<(AllocatedDevice, f64), String> {
        let wanted = usize::try_from(request.count).unwrap_or(usize::MAX).max(1);
        let mut best: Option<(AllocatedDevice, f64)> = None;
        let mut any_match = false;
        for group in node.node_resources.devices.iter().filter(|group| device_matches(group, request)) {
            any_match = true;
            let free = self.free_of(group, also_taken);
            if free.len() < wanted {
                continue;
            }
            let score = request.affinities.iter().filter(|affinity| affinity_matches(group, affinity));
            let score: f64 = score.map(|affinity| f64::from(affinity.weight)).sum();
            if best.as_ref().is_none_or(|(_, other)| score > *other) {
                let device = AllocatedDevice {
                    vendor: group.vendor.clone(),
                    kind: group.kind.clone(),
                    name: group.name.clone(),
                    device_ids: free.into_iter().take(wanted).collect(),
                };
                best = Some((device, score));
            }
        }
        best.ok_or_else(|| {
            if any_match { "no devices match request".to_owned() } else { "no devices available".to_owned() }
        })
    }

    fn free_of(&self, group: &NodeDeviceGroup, also_taken: &[AllocatedDevice]) -> Vec<String> {
        let name = group_id(&group.vendor, &group.kind, &group.name);
        let is_taken = |id: &str| {
            self.taken.contains(&(name.clone(), id.to_owned()))
                || also_taken.iter().any(|device| {
                    (&device.vendor, &device.kind, &device.name) == (&group.vendor, &group.kind, &group.name)
                        && device.device_ids.iter().any(|taken| taken == id)
                })
        };
        group.instances.iter().filter(|device| device.healthy && !is_taken(&device.id)).map(|d| d.id.clone()).collect()
    }
}
