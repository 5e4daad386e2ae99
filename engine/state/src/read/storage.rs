//! Volumes, plugins and quotas.

use crate::Snapshot;
use drover_model::csi::{CsiPlugin, CsiVolume};
use drover_model::quota::{QuotaAmounts, QuotaHeld, QuotaSpec};
use drover_model::volume::{HostVolume, VolumeClaim};
use drover_model::{Job, JobKey, JobType, Namespace, NodeId};
use std::sync::Arc;

impl Snapshot {
    /// A dynamic host volume.
    pub fn host_volume(&self, id: &str) -> Option<&Arc<HostVolume>> {
        self.0.storage.host_volumes.get(id)
    }
    /// Every dynamic host volume, by id.
    pub fn host_volumes(&self) -> impl Iterator<Item = &Arc<HostVolume>> + '_ {
        self.0.storage.host_volumes.values()
    }
    /// Every claim of a sticky volume, by id.
    pub fn volume_claims(&self) -> impl Iterator<Item = &Arc<VolumeClaim>> + '_ {
        self.0.storage.claims.values()
    }
    /// The claims of a group.
    pub fn volume_claims_of<'a>(
        &'a self,
        job: &'a JobKey,
        group: &'a str,
    ) -> impl Iterator<Item = &'a Arc<VolumeClaim>> + 'a {
        self.volume_claims().filter(move |claim| {
            claim.namespace == job.namespace && claim.job_id == job.id && claim.task_group_name == group
        })
    }

    /// A CSI volume.
    pub fn csi_volume(&self, namespace: &Namespace, id: &str) -> Option<&Arc<CsiVolume>> {
        self.0.storage.csi_volumes.get(&(namespace.clone(), id.to_owned()))
    }
    /// Every CSI volume, by namespace and id.
    pub fn csi_volumes(&self) -> impl Iterator<Item = &Arc<CsiVolume>> + '_ {
        self.0.storage.csi_volumes.values()
    }
    /// The CSI volumes of a plugin that something on a node holds.
    pub fn csi_volumes_on(&self, node: &NodeId, plugin: &str) -> usize {
        let held = |volume: &&Arc<CsiVolume>| {
            volume.plugin_id == plugin && volume.claims().any(|claim| claim.node_id == *node)
        };
        self.csi_volumes().filter(held).count()
    }

    /// A CSI plugin as the nodes tell of it and the jobs expect it.
    pub fn csi_plugin(&self, id: &str) -> Option<CsiPlugin> {
        Some(self.with_expectations(self.0.storage.csi_plugins.get(id)?))
    }
    /// Every CSI plugin, by id.
    pub fn csi_plugins(&self) -> impl Iterator<Item = CsiPlugin> + '_ {
        self.0.storage.csi_plugins.values().map(|plugin| self.with_expectations(plugin))
    }

    fn with_expectations(&self, plugin: &CsiPlugin) -> CsiPlugin {
        let mut plugin = plugin.clone();
        for job in self.jobs().filter(|job| !job.stop && !job.is_template()) {
            for group in &job.task_groups {
                let tasks = group.tasks.iter().filter_map(|task| task.csi_plugin.as_ref());
                for found in tasks.filter(|found| found.id == plugin.id) {
                    let wanted = self.wanted(job, &group.name, group.count);
                    if found.kind != "node" {
                        plugin.controllers_expected += wanted;
                    }
                    if found.kind != "controller" {
                        plugin.nodes_expected += wanted;
                    }
                }
            }
        }
        plugin
    }

    /// How many allocations of a group there should be.
    fn wanted(&self, job: &Job, group: &str, count: u32) -> i64 {
        if !matches!(job.kind, JobType::System | JobType::Sysbatch) {
            return i64::from(count);
        }
        let summary = self.job_summary(&job.key()).and_then(|summary| summary.summary.get(group));
        summary.map_or(0, |found| i64::from(found.running + found.starting + found.queued))
    }

    /// A quota.
    pub fn quota(&self, name: &str) -> Option<&Arc<QuotaSpec>> {
        self.0.quotas.get(name)
    }
    /// Every quota, by name.
    pub fn quotas(&self) -> impl Iterator<Item = &Arc<QuotaSpec>> + '_ {
        self.0.quotas.values()
    }
    /// What the live allocations of a quota's namespaces hold.
    pub fn quota_held(&self, name: &str) -> QuotaHeld {
        let mut held = QuotaHeld::default();
        for namespace in self.namespaces().filter(|namespace| namespace.quota == name) {
            for job in self.jobs_in(&namespace.name, "") {
                let allocs = self.allocs_by_job(&job.key()).filter(|alloc| !alloc.is_terminal());
                for resources in allocs.filter_map(|alloc| alloc.allocated_resources.as_deref()) {
                    held.add(&job.node_pool, &QuotaAmounts::of_alloc(resources));
                }
            }
        }
        held
    }
}
