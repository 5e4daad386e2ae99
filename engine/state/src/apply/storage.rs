//! Volumes: dynamic ones of hosts with the claims of sticky groups, those of storage providers with the claims of
//! allocations, and plugins as the nodes tell of them. Also quotas.

use super::{Done, Txn};
use crate::rows::AsKey;
use crate::{Applied, ApplyPlacement, EventPayload, StateError, StorageCommand, Table};
use drover_model::csi::{CsiClaim, CsiClaimMode, CsiClaimState, CsiPlugin, CsiVolume};
use drover_model::quota::QuotaSpec;
use drover_model::volume::{HostVolume, HostVolumeState, VolumeClaim};
use drover_model::{Allocation, JobKey, Namespace, Node, NodeId, NodeStatus, UnixNanos};
use std::sync::Arc;

impl Txn {
    pub(super) fn change_storage(&mut self, command: &StorageCommand) -> Done {
        match command {
            StorageCommand::UpsertHostVolumes(volumes) => {
                volumes.iter().for_each(|volume| self.upsert_host_volume(volume.clone()));
                Ok(Applied::Done)
            }
            StorageCommand::DeleteHostVolume { namespace, id } => self.delete_host_volume(namespace, id),
            StorageCommand::DeleteVolumeClaim { namespace, id } => self.delete_claim(namespace, id),
            StorageCommand::UpsertCsiVolumes { volumes, now } => self.upsert_csi_volumes(volumes, *now),
            StorageCommand::DeregisterCsiVolume { namespace, id, force } => {
                self.deregister_csi_volume(namespace, id, *force)
            }
            StorageCommand::ClaimCsiVolume { namespace, id, claim, now } => {
                self.claim_csi_volume(namespace, id, claim, *now)
            }
        }
    }

    fn upsert_host_volume(&mut self, mut volume: HostVolume) {
        volume.create_index = self.index;
        if let Some(stored) = self.t.storage.host_volumes.get(&volume.id) {
            volume.create_index = stored.create_index;
            volume.create_time = stored.create_time;
        }
        if let Some(node) = self.t.nodes.get(&volume.node_id) {
            volume.node_pool.clone_from(&node.node_pool);
            if node.host_volumes.get(&volume.name).is_some_and(|found| found.id == volume.id) {
                volume.state = HostVolumeState::Ready;
            }
        }
        self.put_host_volume(volume);
    }

    fn put_host_volume(&mut self, mut volume: HostVolume) {
        volume.modify_index = self.index;
        let volume = Arc::new(volume);
        self.emit(EventPayload::HostVolume(volume.clone()));
        self.t.storage.host_volumes.insert(volume.id.clone(), volume);
        self.touch(Table::HostVolumes);
    }

    fn delete_host_volume(&mut self, namespace: &Namespace, id: &str) -> Done {
        let stored = self.t.storage.host_volumes.get(id).filter(|volume| volume.namespace == *namespace).cloned();
        let Some(volume) = stored else { return Ok(Applied::Found(false)) };
        let users: Vec<&str> = self
            .t
            .allocs_by_node
            .of(&volume.node_id.as_key())
            .filter_map(|id| self.t.allocs.get(id))
            .filter(|alloc| !alloc.is_client_terminal() && uses_host_volume(alloc, &volume.name))
            .map(|alloc| &*alloc.id)
            .collect();
        if !users.is_empty() {
            return Err(StateError::Refused(format!("volume {id} in use by allocations: [{}]", users.join(" "))));
        }
        self.t.storage.host_volumes.remove(id);
        self.emit(EventPayload::HostVolume(volume));
        self.touch(Table::HostVolumes);
        Ok(Applied::Found(true))
    }

    fn delete_claim(&mut self, namespace: &Namespace, id: &str) -> Done {
        if self.t.storage.claims.get(id).is_none_or(|claim| claim.namespace != *namespace) {
            return Err(StateError::NotFound("task group volume claim does not exist".to_owned()));
        }
        self.t.storage.claims.remove(id);
        self.touch(Table::VolumeClaims);
        Ok(Applied::Done)
    }

    /// A job that is forgotten holds nothing any more.
    pub(super) fn drop_claims_of(&mut self, key: &JobKey) {
        let of_job = |claim: &&Arc<VolumeClaim>| claim.namespace == key.namespace && claim.job_id == key.id;
        let ids: Vec<String> = self.t.storage.claims.values().filter(of_job).map(|claim| claim.id.clone()).collect();
        for id in &ids {
            self.t.storage.claims.remove(id);
            self.touch(Table::VolumeClaims);
        }
    }

    /// New allocations of groups with sticky volumes hold what their node has.
    pub(super) fn claim_sticky_volumes(&mut self, request: &ApplyPlacement) {
        let sticky = |alloc: &Allocation| {
            let job = alloc.job.as_ref().or(request.job.as_ref())?;
            let group = job.group(&alloc.task_group)?;
            let sources: Vec<String> = group
                .volumes
                .values()
                .filter(|volume| volume.sticky && volume.kind == "host")
                .map(|volume| volume.source_of(alloc.index()))
                .collect();
            (!sources.is_empty()).then_some(sources)
        };
        let has_any = request
            .job
            .iter()
            .flat_map(|job| &job.task_groups)
            .any(|group| group.volumes.values().any(|volume| volume.sticky));
        if !has_any {
            return;
        }
        for alloc in request.result.node_allocation.values().flatten() {
            for source in sticky(alloc).into_iter().flatten() {
                self.claim_sticky(alloc, &source);
            }
        }
    }

    fn claim_sticky(&mut self, alloc: &Allocation, source: &str) {
        let node = self.t.nodes.get(&alloc.node_id);
        let Some(volume) = node.and_then(|node| node.host_volumes.get(source)).filter(|volume| !volume.id.is_empty())
        else {
            return;
        };
        let held = self.t.storage.claims.values().find(|claim| {
            claim.namespace == alloc.namespace
                && claim.job_id == alloc.job_id
                && claim.task_group_name == alloc.task_group
                && claim.volume_id == volume.id
        });
        let mut claim = held.map_or_else(
            || VolumeClaim {
                id: derived_uuid(&[&alloc.id, &volume.id]),
                namespace: alloc.namespace.clone(),
                job_id: alloc.job_id.clone(),
                task_group_name: alloc.task_group.clone(),
                volume_id: volume.id.clone(),
                volume_name: source.to_owned(),
                create_index: self.index,
                ..VolumeClaim::default()
            },
            |held| (**held).clone(),
        );
        if claim.alloc_id == alloc.id {
            return;
        }
        claim.alloc_id = alloc.id.clone();
        claim.modify_index = self.index;
        self.t.storage.claims.insert(claim.id.clone(), Arc::new(claim));
        self.touch(Table::VolumeClaims);
    }

    fn upsert_csi_volumes(&mut self, volumes: &[CsiVolume], now: UnixNanos) -> Done {
        for volume in volumes {
            let key = (volume.namespace.clone(), volume.id.clone());
            let mut volume = volume.clone();
            match self.t.storage.csi_volumes.get(&key) {
                Some(stored) => {
                    volume.create_index = stored.create_index;
                    volume.create_time = stored.create_time;
                    volume.read_claims.clone_from(&stored.read_claims);
                    volume.write_claims.clone_from(&stored.write_claims);
                    volume.past_claims.clone_from(&stored.past_claims);
                    volume.access_mode.clone_from(&stored.access_mode);
                    volume.attachment_mode.clone_from(&stored.attachment_mode);
                }
                None => {
                    volume.create_index = self.index;
                    volume.create_time = now;
                }
            }
            volume.modify_time = now;
            self.put_csi_volume(volume);
        }
        Ok(Applied::Done)
    }

    fn put_csi_volume(&mut self, mut volume: CsiVolume) {
        volume.modify_index = self.index;
        let volume = Arc::new(volume);
        self.emit(EventPayload::CsiVolume(volume.clone()));
        self.t.storage.csi_volumes.insert((volume.namespace.clone(), volume.id.clone()), volume);
        self.touch(Table::CsiVolumes);
    }

    fn deregister_csi_volume(&mut self, namespace: &Namespace, id: &str, force: bool) -> Done {
        let key = (namespace.clone(), id.to_owned());
        let Some(volume) = self.t.storage.csi_volumes.get(&key).cloned() else {
            return Err(StateError::NotFound(format!("volume not found: {id}")));
        };
        let is_over = |claim: &CsiClaim| self.t.allocs.get(&claim.alloc_id).is_none_or(|alloc| alloc.is_terminal());
        if volume.is_in_use() && !(force && volume.claims().all(is_over)) {
            return Err(StateError::Refused(format!("volume in use: {id}")));
        }
        self.t.storage.csi_volumes.remove(&key);
        self.emit(EventPayload::CsiVolume(volume));
        self.touch(Table::CsiVolumes);
        Ok(Applied::Done)
    }

    fn claim_csi_volume(&mut self, namespace: &Namespace, id: &str, claim: &CsiClaim, now: UnixNanos) -> Done {
        let key = (namespace.clone(), id.to_owned());
        let Some(stored) = self.t.storage.csi_volumes.get(&key) else {
            return Err(StateError::NotFound(format!("volume not found: {id}")));
        };
        let mut volume = (**stored).clone();
        match claim.state {
            CsiClaimState::Taken => {
                take(&mut volume, claim, |alloc| self.t.allocs.get(alloc).is_none_or(|alloc| alloc.is_terminal()))?;
            }
            CsiClaimState::Unpublishing | CsiClaimState::NodeDetached => {
                volume.past_claims.insert(claim.alloc_id.clone(), claim.clone());
            }
            CsiClaimState::ReadyToFree => release(&mut volume, claim),
        }
        volume.modify_time = now;
        self.put_csi_volume(volume);
        Ok(Applied::Done)
    }

    /// Volumes and plugins after a change of a node; `None`: it is gone.
    pub(super) fn follow_node_storage(&mut self, id: &NodeId, now: UnixNanos) {
        let node = self.t.nodes.get(id).cloned();
        self.follow_host_volumes(id, node.as_deref());
        self.follow_plugins(id, node.as_deref().filter(|node| node.status != NodeStatus::Down), now);
    }

    fn follow_host_volumes(&mut self, id: &NodeId, node: Option<&Node>) {
        if self.t.storage.host_volumes.is_empty() {
            return;
        }
        let on_node: Vec<Arc<HostVolume>> =
            self.t.storage.host_volumes.values().filter(|volume| volume.node_id == *id).cloned().collect();
        for volume in on_node {
            let is_there =
                node.is_some_and(|node| node.host_volumes.get(&volume.name).is_some_and(|found| found.id == volume.id));
            let state = match (node.map(|node| node.status), volume.state) {
                (None | Some(NodeStatus::Down), _) => HostVolumeState::Unavailable,
                _ if is_there => HostVolumeState::Ready,
                (_, HostVolumeState::Pending) => HostVolumeState::Pending,
                _ => HostVolumeState::Unavailable,
            };
            let node_pool = node.map_or_else(|| volume.node_pool.clone(), |node| node.node_pool.clone());
            if state != volume.state || node_pool != volume.node_pool {
                self.put_host_volume(HostVolume { state, node_pool, ..(*volume).clone() });
            }
        }
    }

    fn follow_plugins(&mut self, id: &NodeId, node: Option<&Node>, now: UnixNanos) {
        let known = self.t.storage.csi_plugins.values();
        let mut names: Vec<String> = known
            .filter(|plugin| plugin.controllers.contains_key(id) || plugin.nodes.contains_key(id))
            .map(|plugin| plugin.id.clone())
            .collect();
        let told = node.iter().flat_map(|node| node.csi_controller_plugins.keys().chain(node.csi_node_plugins.keys()));
        names.extend(told.cloned());
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.follow_plugin(&name, id, node, now);
        }
    }

    fn follow_plugin(&mut self, name: &str, id: &NodeId, node: Option<&Node>, now: UnixNanos) {
        let stored = self.t.storage.csi_plugins.get(name).cloned();
        let fresh =
            CsiPlugin { id: name.to_owned(), create_index: self.index, create_time: now, ..CsiPlugin::default() };
        let mut plugin = stored.as_deref().cloned().unwrap_or(fresh);
        let controller = node.and_then(|node| node.csi_controller_plugins.get(name));
        let on_node = node.and_then(|node| node.csi_node_plugins.get(name));
        for info in controller.iter().chain(&on_node) {
            plugin.provider.clone_from(&info.provider);
            plugin.version.clone_from(&info.provider_version);
            plugin.controller_required = info.requires_controller_plugin;
        }
        match controller {
            Some(info) => plugin.controllers.insert(id.clone(), info.clone()),
            None => plugin.controllers.remove(id),
        };
        match on_node {
            Some(info) => plugin.nodes.insert(id.clone(), info.clone()),
            None => plugin.nodes.remove(id),
        };
        plugin.count();
        if stored.as_deref() == Some(&plugin) {
            return;
        }
        plugin.modify_index = self.index;
        plugin.modify_time = now;
        let plugin = Arc::new(plugin);
        self.emit(EventPayload::CsiPlugin(plugin.clone()));
        if plugin.is_empty() {
            self.t.storage.csi_plugins.remove(name);
        } else {
            self.t.storage.csi_plugins.insert(name.to_owned(), plugin);
        }
        self.touch(Table::CsiPlugins);
    }

    pub(super) fn upsert_quotas(&mut self, quotas: &[QuotaSpec]) -> Done {
        for quota in quotas {
            let mut quota = quota.clone();
            quota.create_index = self.t.quotas.get(&quota.name).map_or(self.index, |stored| stored.create_index);
            quota.modify_index = self.index;
            self.t.quotas.insert(quota.name.clone(), Arc::new(quota));
        }
        self.touch(Table::Quotas);
        Ok(Applied::Done)
    }

    pub(super) fn delete_quotas(&mut self, names: &[String]) -> Done {
        for name in names {
            if let Some(user) = self.t.namespaces.values().find(|namespace| namespace.quota == *name) {
                let text = format!("quota {name:?} is used by namespace {:?}", &*user.name);
                return Err(StateError::Refused(text));
            }
            if self.t.quotas.remove(name).is_none() {
                return Err(StateError::NotFound(format!("quota {name:?} not found")));
            }
        }
        self.touch(Table::Quotas);
        Ok(Applied::Done)
    }
}

/// The type of the events, as the wire has it.
pub(super) const fn event_kind(command: &StorageCommand) -> &'static str {
    match command {
        StorageCommand::UpsertHostVolumes(_) => "HostVolumeRegistered",
        StorageCommand::DeleteHostVolume { .. } => "HostVolumeDeleted",
        StorageCommand::DeleteVolumeClaim { .. } => "",
        StorageCommand::UpsertCsiVolumes { .. } => "CSIVolumeRegistered",
        StorageCommand::DeregisterCsiVolume { .. } => "CSIVolumeDeregistered",
        StorageCommand::ClaimCsiVolume { .. } => "CSIVolumeClaim",
    }
}

/// Whether an allocation asks for a host volume of that name.
fn uses_host_volume(alloc: &Allocation, name: &str) -> bool {
    let volumes = alloc.group().map(|group| &group.volumes);
    let mut requests = volumes.into_iter().flatten();
    requests.any(|(_, request)| request.kind == "host" && request.source_of(alloc.index()) == name)
}

/// Lets an allocation in. The first one settles how the volume is used for as long as anybody uses it.
fn take(
    volume: &mut CsiVolume,
    claim: &CsiClaim,
    is_over: impl Fn(&drover_model::AllocId) -> bool,
) -> Result<(), StateError> {
    let refuse = |text: &str| Err(StateError::Refused(text.to_owned()));
    let is_known =
        volume.read_claims.contains_key(&claim.alloc_id) || volume.write_claims.contains_key(&claim.alloc_id);
    if !volume.is_in_use() {
        volume.access_mode.clone_from(&claim.access_mode);
        volume.attachment_mode.clone_from(&claim.attachment_mode);
    }
    let able = volume
        .requested_capabilities
        .iter()
        .any(|able| able.access_mode == volume.access_mode && able.attachment_mode == volume.attachment_mode);
    if !able {
        return refuse("requested access mode and attachment mode are no capability of the volume");
    }
    if !is_known {
        let free = match claim.mode {
            CsiClaimMode::Read => volume.has_free_reader(),
            CsiClaimMode::Write if !volume.is_writable() => return refuse("unschedulable: volume is read-only"),
            // A writer that is over may be replaced before its claim is gone.
            CsiClaimMode::Write => volume.has_free_writer() || volume.write_claims.keys().all(is_over),
        };
        if !free {
            return refuse("volume max claims reached");
        }
    }
    volume.past_claims.remove(&claim.alloc_id);
    let claims = match claim.mode {
        CsiClaimMode::Read => &mut volume.read_claims,
        CsiClaimMode::Write => &mut volume.write_claims,
    };
    claims.insert(claim.alloc_id.clone(), claim.clone());
    Ok(())
}

/// Lets an allocation go; with the last one the volume may be used in other ways.
fn release(volume: &mut CsiVolume, claim: &CsiClaim) {
    volume.read_claims.remove(&claim.alloc_id);
    volume.write_claims.remove(&claim.alloc_id);
    volume.past_claims.remove(&claim.alloc_id);
    if !volume.is_in_use() {
        volume.access_mode.clear();
        volume.attachment_mode.clear();
    }
}

/// A UUID that follows from texts: everyone who applies the command comes to the same one.
fn derived_uuid(texts: &[&str]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in texts.iter().flat_map(|text| text.bytes().chain([0])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    }
    let digits = format!("{hash:032x}");
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}
