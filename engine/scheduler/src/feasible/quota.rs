//! Quotas: what the namespaces of a quota may use together.

use drover_model::quota::{QuotaAmounts, QuotaHeld, QuotaSpec};
use drover_model::{Allocation, ClusterView, Job, TaskGroup};
use std::sync::Arc;

/// The quota of a job's namespace while the job is being placed.
pub(crate) struct QuotaGate {
    held: Option<(Arc<QuotaSpec>, QuotaHeld)>,
    region: String,
    pool: String,
    is_reached: bool,
}

impl QuotaGate {
    pub(crate) fn new(view: &dyn ClusterView, job: &Job) -> Self {
        let held = view.governance().and_then(|governance| {
            let namespace = governance.namespace(&job.namespace)?;
            if namespace.quota.is_empty() { None } else { governance.quota(&namespace.quota) }
        });
        Self { held, region: job.region.clone(), pool: super::pool_name(job).to_owned(), is_reached: false }
    }

    /// The plan stops an allocation of the job.
    pub(crate) fn release(&mut self, alloc: &Allocation) {
        if let (Some((_, held)), Some(resources)) = (&mut self.held, &alloc.allocated_resources)
            && !alloc.is_terminal()
        {
            held.remove(&self.pool, &QuotaAmounts::of_alloc(resources));
        }
    }

    /// It does not after all.
    pub(crate) fn keep(&mut self, alloc: &Allocation) {
        if let (Some((_, held)), Some(resources)) = (&mut self.held, &alloc.allocated_resources)
            && !alloc.is_terminal()
        {
            held.add(&self.pool, &QuotaAmounts::of_alloc(resources));
        }
    }

    /// What one more allocation of the group would exceed, in words; nothing when it may come.
    pub(crate) fn exceeded(&mut self, group: &TaskGroup) -> Vec<String> {
        let Some((quota, held)) = &self.held else { return Vec::new() };
        let found = quota.exceeded(&self.region, &self.pool, held, &QuotaAmounts::of_group(group));
        self.is_reached |= !found.is_empty();
        found
    }

    /// One more allocation of the group comes.
    pub(crate) fn take(&mut self, group: &TaskGroup) {
        if let Some((_, held)) = &mut self.held {
            held.add(&self.pool, &QuotaAmounts::of_group(group));
        }
    }

    /// The quota that stopped something; empty when none did.
    pub(crate) fn reached(&self) -> String {
        match &self.held {
            Some((quota, _)) if self.is_reached => quota.name.clone(),
            _ => String::new(),
        }
    }
}
