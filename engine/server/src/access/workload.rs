//! Callers with an identity that this cluster signed: tasks, services and nodes.

use super::{Access, Identity, WorkloadClaims};
use crate::error::Result;
use crate::server::Server;
use drover_model::acl::{AclPolicy, JobAcl};
use drover_state::Snapshot;
use std::sync::Arc;

impl Server {
    /// Who shows a signed identity; `None`: it is none.
    ///
    /// # Errors
    /// It is one, but not of this cluster, or it has ended.
    pub(super) fn resolve_signed(&self, _snapshot: &Snapshot, _secret: &str) -> Result<Option<Access>> {
        Ok(None)
    }

    /// What a workload may do: the policies that are attached to its job, group or task.
    pub fn access_of_workload(&self, snapshot: &Snapshot, claims: WorkloadClaims) -> Access {
        let acl = self.acl_of(policies_of_workload(snapshot, &claims));
        Access { identity: Identity::Workload(Arc::new(claims)), acl }
    }
}

/// The policies that are attached to a workload, by name.
pub fn policies_of_workload(snapshot: &Snapshot, claims: &WorkloadClaims) -> Vec<Arc<AclPolicy>> {
    let is_attached = |policy: &&Arc<AclPolicy>| policy.job_acl.as_ref().is_some_and(|job| covers(job, claims));
    snapshot.acl_policies("").filter(is_attached).cloned().collect()
}

/// Whether a policy's workload is this one, or one that it is part of.
fn covers(job: &JobAcl, claims: &WorkloadClaims) -> bool {
    *job.namespace == *claims.namespace
        && *job.job_id == *claims.job_id
        && (job.group.is_empty() || job.group == claims.group)
        && (job.task.is_empty() || job.task == claims.task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_covers_its_workload_and_what_is_part_of_it() {
        let claims = WorkloadClaims {
            namespace: "default".into(),
            job_id: "web".into(),
            group: "api".into(),
            task: "server".into(),
            ..WorkloadClaims::default()
        };
        let job = |namespace: &str, job: &str, group: &str, task: &str| JobAcl {
            namespace: namespace.into(),
            job_id: job.into(),
            group: group.into(),
            task: task.into(),
        };
        assert!(covers(&job("default", "web", "", ""), &claims));
        assert!(covers(&job("default", "web", "api", ""), &claims));
        assert!(covers(&job("default", "web", "api", "server"), &claims));
        assert!(!covers(&job("other", "web", "", ""), &claims));
        assert!(!covers(&job("default", "webs", "", ""), &claims));
        assert!(!covers(&job("default", "web", "db", ""), &claims));
        assert!(!covers(&job("default", "web", "api", "sidecar"), &claims));
    }
}
