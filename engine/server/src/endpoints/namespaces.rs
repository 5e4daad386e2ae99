//! Namespaces.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::registry::NamespaceSpec;
use drover_model::{JobStatus, Namespace};
use drover_state::Command;
use drover_wire::problems::Problems;

/// The longest description in bytes.
const MAX_DESCRIPTION_BYTES: usize = 256;

impl Server {
    /// Adds or changes a namespace.
    ///
    /// # Errors
    /// Its name or description is not allowed.
    pub async fn upsert_namespace(&self, namespace: NamespaceSpec) -> Result<Written> {
        let mut problems = Problems::default();
        if !is_name(&namespace.name) {
            problems.add(format!("invalid name {:?}. Must match regex ^[a-zA-Z0-9-]{{1,128}}$", &*namespace.name));
        }
        if namespace.description.len() > MAX_DESCRIPTION_BYTES {
            problems.add(format!("description longer than {MAX_DESCRIPTION_BYTES}"));
        }
        self.check_governance(&namespace, &mut problems);
        if !problems.is_empty() {
            let text = format!("Invalid namespace {:?}: {}", &*namespace.name, problems.to_text());
            return Err(ServerError::refused(text));
        }
        let before = self.inner.store.snapshot();
        if !namespace.quota.is_empty() && before.quota(&namespace.quota).is_none() {
            let text = format!("namespace {:?} using non-existent quota {:?}", &*namespace.name, namespace.quota);
            return Err(ServerError::refused(text));
        }
        let left = before.namespace(&namespace.name).map(|known| known.quota.clone());
        let left = left.filter(|quota| *quota != namespace.quota);
        let index = self.inner.propose(Command::UpsertNamespaces(vec![namespace])).await?.index;
        if let Some(quota) = left {
            super::quotas::free(&self.inner, &quota, index);
        }
        Ok(Written { index })
    }

    /// Rules for pools and clusters are the enterprise's in the reference.
    fn check_governance(&self, namespace: &NamespaceSpec, problems: &mut Problems) {
        let rules = [
            ("node pool", "Node Pools Governance", &namespace.node_pool_configuration),
            ("vault", "Multi-Cluster Vault", &namespace.vault_configuration),
            ("consul", "Multi-Cluster Consul", &namespace.consul_configuration),
        ];
        for (what, feature, rule) in rules {
            let Some(rule) = rule.as_ref().filter(|rule| !rule.is_null()) else { continue };
            if !self.inner.config.governance {
                problems.add(format!("invalid {what} configuration: {feature} is unlicensed."));
            }
            let has = |name: &str| rule[name].as_array().is_some_and(|list| !list.is_empty());
            if has("Allowed") && has("Denied") {
                problems.add(format!("invalid {what} configuration: only one of allowed or denied can be set"));
            }
        }
    }

    /// Removes a namespace.
    ///
    /// # Errors
    /// It is the default one, unknown, or something in it still runs.
    pub async fn delete_namespace(&self, name: &Namespace) -> Result<Written> {
        if *name == Namespace::DEFAULT {
            return Err(ServerError::refused("can not delete default namespace"));
        }
        let snapshot = self.inner.store.snapshot();
        if snapshot.namespace(name).is_none() {
            return Err(ServerError::refused("namespace not found"));
        }
        if let Some(volume) = snapshot.csi_volumes().find(|volume| volume.namespace == *name) {
            return Err(ServerError::refused(format!(
                "namespace {:?} has a CSI volume {:?}. All CSI volumes in namespace must be deleted before it can be deleted",
                &**name, volume.id
            )));
        }
        if let Some(volume) = snapshot.host_volumes().find(|volume| volume.namespace == *name) {
            return Err(ServerError::refused(format!("namespace {:?} has a host volume {:?}", &**name, volume.id)));
        }
        let region = &self.inner.config.region;
        let mut problems = Problems::default();
        if snapshot.jobs_in(name, "").any(|job| job.status != JobStatus::Dead) {
            problems.add(format!("namespace {:?} has non-terminal jobs in regions: [{region}]", &**name));
        }
        if snapshot.allocs().any(|alloc| alloc.namespace == *name && !alloc.is_terminal()) {
            problems.add(format!("namespace {:?} has non-terminal allocations in regions: [{region}]", &**name));
        }
        problems.into_result().map_err(|problems| ServerError::refused(problems.to_text()))?;
        Ok(Written { index: self.inner.propose(Command::DeleteNamespaces(vec![name.clone()])).await?.index })
    }
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
