//! Quotas: what namespaces may use together.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::{Inner, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_model::quota::{QuotaDevice, QuotaLimit, QuotaResources, QuotaSpec, QuotaStorage, QuotaUsage};
use drover_model::volume::HostVolume;
use drover_model::{Namespace, quota::QuotaAmounts};
use drover_state::{Command, Snapshot};
use drover_wire::problems::Problems;
use std::collections::BTreeSet;

/// The longest description in bytes.
const MAX_DESCRIPTION_BYTES: usize = 256;
/// Bytes of a MiB.
const MIB: i64 = 1 << 20;

impl Server {
    /// Adds or changes a quota.
    ///
    /// # Errors
    /// Its name, description or limits are not allowed.
    pub async fn upsert_quota(&self, mut quota: QuotaSpec) -> Result<Written> {
        check(&quota)?;
        for limit in &mut quota.limits {
            limit.hash = hash_of(limit);
        }
        let name = quota.name.clone();
        let index = self.inner.propose(Command::UpsertQuotas(vec![quota])).await?.index;
        free(&self.inner, &name, index);
        Ok(Written { index })
    }

    /// Removes a quota.
    ///
    /// # Errors
    /// It is unknown, or a namespace names it.
    pub async fn delete_quota(&self, name: &str) -> Result<Written> {
        Ok(Written { index: self.inner.propose(Command::DeleteQuotas(vec![name.to_owned()])).await?.index })
    }

    /// What is used of a quota in this region; `None`: there is no such quota.
    pub fn quota_usage(&self, snapshot: &Snapshot, name: &str) -> Option<QuotaUsage> {
        let quota = snapshot.quota(name)?;
        let region = &self.inner.config.region;
        let held = snapshot.quota_held(name).total;
        let amounts = QuotaResources {
            cpu: Some(held.cpu),
            cores: Some(held.cores),
            memory_mb: Some(held.memory_mb),
            memory_max_mb: Some(held.memory_max_mb),
            devices: devices(&held),
            storage: Some(QuotaStorage {
                variables_mb: variable_bytes(snapshot, name) / MIB,
                host_volumes_mb: volume_bytes(snapshot, name, None) / MIB,
            }),
            node_pools: Vec::new(),
        };
        let used = quota.limits.iter().filter(|limit| limit.region == *region).map(|limit| {
            let usage = QuotaLimit {
                region: limit.region.clone(),
                region_limit: Some(amounts.clone()),
                variables_limit: limit.variables_limit,
                hash: limit.hash.clone(),
            };
            (limit.hash.clone(), usage)
        });
        let used = used.collect();
        let (create_index, modify_index) = (quota.create_index, quota.modify_index);
        Some(QuotaUsage { name: name.to_owned(), used, create_index, modify_index })
    }

    /// Refuses a host volume that would exceed its namespace's quota.
    pub(crate) fn check_volume_quota(
        &self,
        snapshot: &Snapshot,
        volume: &HostVolume,
        known: Option<&HostVolume>,
    ) -> Result<()> {
        let Some((quota, storage)) = self.storage_limit(snapshot, &volume.namespace) else { return Ok(()) };
        if storage.host_volumes_mb == 0 {
            return Ok(());
        }
        let asked = volume.requested_capacity_min_bytes.max(volume.capacity_bytes);
        let wanted = volume_bytes(snapshot, &quota, known.map(|known| known.id.as_str())) + asked;
        let limit = storage.host_volumes_mb.max(0) * MIB;
        if wanted > limit {
            let text = format!("quota {quota:?} exceeded: host volumes would use {wanted} of {limit} bytes");
            return Err(ServerError::refused(text));
        }
        Ok(())
    }

    /// Refuses variables that would exceed their namespace's quota. `more_bytes`: what is to be added.
    pub(crate) fn check_variable_quota(
        &self,
        snapshot: &Snapshot,
        namespace: &Namespace,
        more_bytes: usize,
    ) -> Result<()> {
        let Some((quota, storage)) = self.storage_limit(snapshot, namespace) else { return Ok(()) };
        let more = i64::try_from(more_bytes).unwrap_or(i64::MAX);
        if storage.variables_mb == 0 || more == 0 {
            return Ok(());
        }
        let wanted = variable_bytes(snapshot, &quota).saturating_add(more);
        let limit = storage.variables_mb.max(0) * MIB;
        if wanted > limit {
            let text = format!("quota {quota:?} exceeded: variables would use {wanted} of {limit} bytes");
            return Err(ServerError::forbidden(text));
        }
        Ok(())
    }

    fn storage_limit(&self, snapshot: &Snapshot, namespace: &Namespace) -> Option<(String, QuotaStorage)> {
        let name = &snapshot.namespace(namespace)?.quota;
        let limit = snapshot.quota(name)?.limit(&self.inner.config.region)?;
        let mut storage = limit.region_limit.as_ref().and_then(|limit| limit.storage.clone()).unwrap_or_default();
        if storage.variables_mb == 0 {
            storage.variables_mb = limit.variables_limit.unwrap_or_default();
        }
        Some((name.clone(), storage))
    }
}

/// Evaluations that wait for the quota are looked at again.
pub(crate) fn free(inner: &Inner, quota: &str, index: u64) {
    if quota.is_empty() {
        return;
    }
    let unblocked = inner.blocked.lock().unblock_quota(quota, index);
    if !unblocked.is_empty() {
        inner.queue.enqueue(unblocked);
    }
}

fn check(quota: &QuotaSpec) -> Result<()> {
    let mut problems = Problems::default();
    if !is_name(&quota.name) {
        problems.add(format!("invalid name {:?}. Must match regex ^[a-zA-Z0-9-]{{1,128}}$", quota.name));
    }
    if quota.description.len() > MAX_DESCRIPTION_BYTES {
        problems.add(format!("description longer than {MAX_DESCRIPTION_BYTES}"));
    }
    problems.add_if(quota.limits.is_empty(), "must provide at least one quota limit");
    let mut regions = BTreeSet::new();
    for (number, limit) in quota.limits.iter().enumerate() {
        if limit.region.is_empty() {
            problems.add(format!("limit {number}: must provide a region"));
        } else if !regions.insert(&limit.region) {
            problems.add(format!("limit {number}: region {:?} has a limit already", limit.region));
        }
        match &limit.region_limit {
            None => problems.add(format!("limit {number}: must provide a region limit")),
            Some(amounts) => {
                let nameless = |device: &QuotaDevice| device.name.is_empty();
                let lists = amounts.node_pools.iter().map(|pool| &pool.devices).chain([&amounts.devices]);
                problems.add_if(lists.flatten().any(nameless), &format!("limit {number}: a device has no name"));
                let pools = amounts.node_pools.iter().any(|pool| pool.node_pool.is_empty());
                problems.add_if(pools, &format!("limit {number}: a node pool has no name"));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(ServerError::invalid(format!("invalid quota {:?}: {}", quota.name, problems.into_text())))
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn hash_of(limit: &QuotaLimit) -> String {
    let plain = QuotaLimit { hash: String::new(), ..limit.clone() };
    let text = format!("{plain:?}");
    STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

fn devices(held: &QuotaAmounts) -> Vec<QuotaDevice> {
    let found = held.devices.iter().filter(|(_, count)| **count > 0);
    found.map(|(name, count)| QuotaDevice { name: name.clone(), count: Some(*count) }).collect()
}

/// Bytes of the volumes of a quota's namespaces, `without` one of them.
fn volume_bytes(snapshot: &Snapshot, quota: &str, without: Option<&str>) -> i64 {
    let counts = |volume: &&std::sync::Arc<HostVolume>| {
        without != Some(volume.id.as_str())
            && snapshot.namespace(&volume.namespace).is_some_and(|namespace| namespace.quota == quota)
    };
    let size = |volume: &std::sync::Arc<HostVolume>| volume.capacity_bytes.max(volume.requested_capacity_min_bytes);
    snapshot.host_volumes().filter(counts).map(size).sum()
}

/// Bytes of the variables of a quota's namespaces, as they are stored.
fn variable_bytes(snapshot: &Snapshot, quota: &str) -> i64 {
    let namespaces = snapshot.namespaces().filter(|namespace| namespace.quota == quota);
    let bytes: usize = namespaces
        .flat_map(|namespace| snapshot.variables_in(&namespace.name, ""))
        .map(|variable| variable.sealed.len())
        .sum();
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
