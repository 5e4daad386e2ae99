//! Policies.

use super::{MAX_DESCRIPTION_BYTES, digest, is_name};
use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_acl::Policy;
use drover_model::acl::{AclPolicy, JobAcl};
use drover_state::Command;
use drover_wire::problems::Problems;

impl Server {
    /// Adds or changes a policy.
    ///
    /// # Errors
    /// Access control is off, or the policy is not allowed.
    pub async fn upsert_acl_policy(&self, policy: AclPolicy) -> Result<Written> {
        self.check_acl_enabled()?;
        let problems = problems_of(&policy);
        if !problems.is_empty() {
            return Err(ServerError::invalid(format!("policy 0 invalid: {}", problems.to_text())));
        }
        let command = Command::UpsertAclPolicies(vec![with_hash(policy)]);
        Ok(Written { index: self.inner.propose(command).await?.index })
    }

    /// Removes a policy; one that is not there is no error.
    ///
    /// # Errors
    /// Access control is off.
    pub async fn delete_acl_policy(&self, name: &str) -> Result<Written> {
        self.check_acl_enabled()?;
        Ok(Written { index: self.inner.propose(Command::DeleteAclPolicies(vec![name.to_owned()])).await?.index })
    }
}

fn problems_of(policy: &AclPolicy) -> Problems {
    let mut problems = Problems::default();
    if !is_name(&policy.name) {
        problems.add(format!("invalid name '{}'", policy.name));
    }
    if let Err(fault) = Policy::parse(&policy.rules) {
        problems.add(format!("failed to parse rules: {fault}"));
    }
    if policy.description.len() > MAX_DESCRIPTION_BYTES {
        problems.add(format!("description longer than {MAX_DESCRIPTION_BYTES}"));
    }
    if let Some(JobAcl { namespace, job_id, group, task }) = &policy.job_acl {
        problems.add_if(!job_id.is_empty() && namespace.is_empty(), "namespace must be set to set job ID");
        problems.add_if(!group.is_empty() && job_id.is_empty(), "job ID must be set to set group");
        problems.add_if(!task.is_empty() && group.is_empty(), "group must be set to set task");
    }
    problems
}

fn with_hash(policy: AclPolicy) -> AclPolicy {
    let job = policy.job_acl.clone().unwrap_or_default();
    let fields = [&policy.name, &policy.description, &policy.rules, &job.namespace, &job.job_id, &job.group, &job.task];
    AclPolicy { hash: digest(fields.map(String::as_str)), ..policy }
}
