//! What signed identities say, in the reference's names. Pure.

use drover_model::{Allocation, Job, Node, UnixNanos, WorkloadIdentity};
use serde::{Deserialize, Serialize};

/// The audience of identities that this cluster itself checks.
pub const OWN_AUDIENCE: &str = "nomadproject.io";
/// The name of the identity that every task has.
pub const DEFAULT_IDENTITY: &str = "default";

/// One audience or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several, or none.
    Many(Vec<String>),
}

impl From<&[String]> for Audience {
    fn from(list: &[String]) -> Self {
        match list {
            [one] => Self::One(one.clone()),
            list => Self::Many(list.to_vec()),
        }
    }
}

/// The claims of an identity. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// For whom.
    pub aud: Audience,
    /// Until when; without end if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Since when.
    pub iat: i64,
    /// By whom: the cluster's address for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// A UUID.
    pub jti: String,
    /// Not before.
    pub nbf: i64,
    /// The allocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_allocation_id: Option<String>,
    /// The job, or the one that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_job_id: Option<String>,
    /// The job's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_namespace: Option<String>,
    /// The node's class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_node_class: Option<String>,
    /// The node's datacenter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_node_datacenter: Option<String>,
    /// The node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_node_id: Option<String>,
    /// The name of a node that is to be introduced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_node_name: Option<String>,
    /// The node's pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_node_pool: Option<String>,
    /// The service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_service: Option<String>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomad_task: Option<String>,
    /// Who: parts with colons between them.
    pub sub: String,
}

/// What an allocation's identity stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// A task.
    Task(String),
    /// A service, of the group or of a task.
    Service(String),
}

/// Who signs, and when.
#[derive(Clone, Debug)]
pub struct Issue<'a> {
    /// The region.
    pub region: &'a str,
    /// The issuer, if one is configured.
    pub issuer: Option<&'a str>,
    /// Now.
    pub now: UnixNanos,
    /// A fresh UUID.
    pub id: String,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Issue<'_> {
    fn claims(self, audience: Audience, ttl_seconds: Option<i64>, subject: String) -> Claims {
        let now = self.now.0.div_euclid(NANOS_PER_SECOND);
        Claims {
            aud: audience,
            exp: ttl_seconds.map(|ttl| now.saturating_add(ttl)),
            iat: now,
            iss: self.issuer.map(str::to_owned),
            jti: self.id,
            nbf: now,
            nomad_allocation_id: None,
            nomad_job_id: None,
            nomad_namespace: None,
            nomad_node_class: None,
            nomad_node_datacenter: None,
            nomad_node_id: None,
            nomad_node_name: None,
            nomad_node_pool: None,
            nomad_service: None,
            nomad_task: None,
            sub: subject,
        }
    }

    /// The claims of one of an allocation's workloads.
    pub fn workload(self, alloc: &Allocation, job: &Job, workload: &Workload, identity: &WorkloadIdentity) -> Claims {
        let job_id = identity_job(job);
        let (task, service) = match workload {
            Workload::Task(name) => (Some(name), None),
            Workload::Service(name) => (None, Some(name)),
        };
        let name = task.or(service).map(String::as_str).unwrap_or_default();
        let subject = [self.region, &alloc.namespace, job_id, &alloc.task_group, name, name_of(identity)].join(":");
        let own = [OWN_AUDIENCE.to_owned()];
        let audience = if identity.audience.is_empty() { &own } else { identity.audience.as_slice() };
        let ttl = Some(identity.ttl.0 / NANOS_PER_SECOND).filter(|seconds| *seconds > 0);
        Claims {
            nomad_allocation_id: Some(alloc.id.to_string()),
            nomad_job_id: Some(job_id.to_owned()),
            nomad_namespace: Some(alloc.namespace.to_string()),
            nomad_service: service.cloned(),
            nomad_task: task.cloned(),
            ..self.claims(audience.into(), ttl, subject)
        }
    }

    /// The claims of a node.
    pub fn node(self, node: &Node, ttl_seconds: i64) -> Claims {
        let subject = ["node", self.region, &node.node_pool, &node.id, DEFAULT_IDENTITY].join(":");
        Claims {
            nomad_node_class: Some(node.node_class.clone()).filter(|class| !class.is_empty()),
            nomad_node_datacenter: Some(node.datacenter.clone()),
            nomad_node_id: Some(node.id.to_string()),
            nomad_node_pool: Some(node.node_pool.clone()),
            ..self.claims(Audience::One(OWN_AUDIENCE.to_owned()), Some(ttl_seconds), subject)
        }
    }

    /// The claims with which a new node may introduce itself.
    pub fn introduction(self, node_name: &str, node_pool: &str, ttl_seconds: i64) -> Claims {
        let subject = ["node-introduction", self.region, node_pool, node_name, DEFAULT_IDENTITY].join(":");
        Claims {
            nomad_node_name: Some(node_name.to_owned()),
            nomad_node_pool: Some(node_pool.to_owned()),
            ..self.claims(Audience::One(OWN_AUDIENCE.to_owned()), Some(ttl_seconds), subject)
        }
    }
}

/// The job that identities name: jobs that a periodic or parameterized one made share its identity.
fn identity_job(job: &Job) -> &str {
    if job.parent_id.is_empty() { &job.id } else { &job.parent_id }
}

fn name_of(identity: &WorkloadIdentity) -> &str {
    if identity.name.is_empty() { DEFAULT_IDENTITY } else { &identity.name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::Nanos;

    fn issue() -> Issue<'static> {
        let now = UnixNanos(1_795_372_994_500_000_000);
        Issue { region: "global", issuer: Some("https://x.example"), now, id: "u".to_owned() }
    }

    #[test]
    fn a_task_has_the_claims_of_the_reference() {
        let alloc = Allocation {
            id: "3e2e288c-382e-5e46-00db-216ea297c73a".into(),
            namespace: "default".into(),
            task_group: "g".to_owned(),
            ..Allocation::default()
        };
        let job = Job { id: "wi/dispatch-1".into(), parent_id: "wi".into(), ..Job::default() };
        let identity = WorkloadIdentity {
            name: "vault_x".to_owned(),
            audience: vec!["vault.io".to_owned(), "b".to_owned()],
            ttl: Nanos::from_mins(10),
            ..WorkloadIdentity::default()
        };
        let claims = issue().workload(&alloc, &job, &Workload::Task("t".to_owned()), &identity);
        let expected = r#"{"aud":["vault.io","b"],"exp":1795373594,"iat":1795372994,"iss":"https://x.example","jti":"u","nbf":1795372994,"nomad_allocation_id":"3e2e288c-382e-5e46-00db-216ea297c73a","nomad_job_id":"wi","nomad_namespace":"default","nomad_task":"t","sub":"global:default:wi:g:t:vault_x"}"#;
        assert_eq!(serde_json::to_string(&claims).unwrap(), expected);
        let default = issue().workload(&alloc, &job, &Workload::Task("t".to_owned()), &WorkloadIdentity::default());
        assert_eq!((default.aud, default.exp), (Audience::One(OWN_AUDIENCE.to_owned()), None));
        assert_eq!(default.sub, "global:default:wi:g:t:default");
    }

    #[test]
    fn nodes_and_introductions_have_the_subjects_of_the_reference() {
        let node = Node { id: "n".into(), node_pool: "default".into(), datacenter: "dc1".into(), ..Node::default() };
        assert_eq!(issue().node(&node, 60).sub, "node:global:default:n:default");
        assert_eq!(issue().introduction("x", "p", 300).sub, "node-introduction:global:p:x:default");
    }
}
