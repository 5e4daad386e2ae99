//! Callers with an identity that this cluster signed: tasks, services and nodes.

use super::{Access, Identity, WorkloadClaims, denied};
use crate::error::Result;
use crate::identity::token;
use crate::server::Server;
use drover_model::acl::{AclPolicy, JobAcl};
use drover_model::{AllocId, NodeId, UnixNanos};
use drover_state::Snapshot;
use std::sync::Arc;

impl Server {
    /// Who shows a signed identity; `None`: it is none.
    ///
    /// # Errors
    /// It is one, but not of this cluster, or it has ended.
    pub(super) fn resolve_signed(&self, snapshot: &Snapshot, secret: &str) -> Result<Option<Access>> {
        if !token::is_token(secret) {
            return Ok(None);
        }
        let claims = token::verify(secret, |id| snapshot.root_key(id).map(|key| &**key), UnixNanos::now());
        let claims = claims.map_err(|error| {
            tracing::debug!(%error, "a signed identity is refused");
            denied()
        })?;
        if let Some(node_id) = claims.nomad_node_id.map(NodeId::from) {
            snapshot.node(&node_id).ok_or_else(denied)?;
            let acl = self.acl_of([]);
            return Ok(Some(Access { identity: Identity::Node(node_id), acl }));
        }
        // Only allocations that live vouch for their tasks.
        let alloc_id = claims.nomad_allocation_id.map(AllocId::from).ok_or_else(denied)?;
        let alloc = snapshot.alloc(&alloc_id).filter(|alloc| !alloc.is_terminal()).ok_or_else(denied)?;
        let claims = WorkloadClaims {
            namespace: alloc.namespace.clone(),
            job_id: claims.nomad_job_id.unwrap_or_default().into(),
            group: alloc.task_group.clone(),
            task: claims.nomad_task.unwrap_or_default(),
            alloc_id,
        };
        Ok(Some(self.access_of_workload(snapshot, claims)))
    }

    /// What a workload may do: read its own variables, and what the policies allow that are attached to its job, group
    /// or task.
    pub fn access_of_workload(&self, snapshot: &Snapshot, claims: WorkloadClaims) -> Access {
        let own = own_variables(&claims).map(Arc::new);
        let acl = self.acl_of(policies_of_workload(snapshot, &claims).into_iter().chain(own));
        Access { identity: Identity::Workload(Arc::new(claims)), acl }
    }
}

/// What a workload may do without any policy: read and list the variables that its job, group and task have by their
/// names. `None` when no variable can have such a name.
fn own_variables(claims: &WorkloadClaims) -> Option<AclPolicy> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '/');
    let mut path = "nomad/jobs".to_owned();
    let mut rules = format!("namespace \"{}\" {{\n  variables {{\n", claims.namespace);
    let parts = [claims.job_id.as_str(), &claims.group, &claims.task];
    let usable = parts.iter().take_while(|part| !part.is_empty() && part.chars().all(allowed));
    for part in std::iter::once(None).chain(usable.map(Some)) {
        if let Some(part) = part {
            path = format!("{path}/{part}");
        }
        rules += &format!("    path \"{path}\" {{ capabilities = [\"read\", \"list\"] }}\n");
    }
    rules += "  }\n}\n";
    // The name holds a character that names of policies cannot have.
    let name = format!("workload:{}:{path}", claims.namespace);
    claims.namespace.chars().all(|c| c.is_ascii_alphanumeric() || c == '-').then(|| AclPolicy {
        name,
        rules,
        ..AclPolicy::default()
    })
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
    fn a_workload_reads_its_own_variables_and_no_others() {
        let claims = WorkloadClaims {
            namespace: "default".into(),
            job_id: "web".into(),
            group: "api".into(),
            task: "server".into(),
            ..WorkloadClaims::default()
        };
        let policy = drover_acl::Policy::parse(&own_variables(&claims).unwrap().rules).unwrap();
        let acl = drover_acl::Acl::new(&[policy]);
        let reads = |path: &str| acl.allows_variable("default", path, drover_acl::VariableCapability::Read);
        for path in ["nomad/jobs", "nomad/jobs/web", "nomad/jobs/web/api", "nomad/jobs/web/api/server"] {
            assert!(reads(path), "{path}");
        }
        for path in ["nomad/jobs/web/api/other", "nomad/jobs/other", "app", "nomad/jobs/web/db"] {
            assert!(!reads(path), "{path}");
        }
        assert!(!acl.allows_variable("default", "nomad/jobs/web", drover_acl::VariableCapability::Write));
        assert!(!acl.allows_variable("other", "nomad/jobs/web", drover_acl::VariableCapability::Read));
        let odd = WorkloadClaims { job_id: "a*\"b".into(), ..claims };
        let rules = own_variables(&odd).unwrap().rules;
        assert!(!rules.contains('*'), "{rules}");
    }

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
