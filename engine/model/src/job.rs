//! Jobs: what people submit.

use crate::policy::UpdateStrategy;
use crate::{Affinity, Constraint, Spread, TaskGroup, TextMap, wire_enum};
use drover_base::{JobId, JobKey, Namespace, UnixNanos, serde_null};
use serde::{Deserialize, Serialize};

wire_enum! {
    /// What kind of work a job is; also which scheduler places it.
    JobType {
        /// Runs until stopped.
        Service = "service",
        /// Runs to completion.
        Batch = "batch",
        /// One per node, until stopped.
        System = "system",
        /// One per node, to completion.
        Sysbatch = "sysbatch",
    } default Service
}

impl JobType {
    /// Whether tasks are expected to end by themselves.
    pub const fn is_batch(self) -> bool {
        matches!(self, Self::Batch | Self::Sysbatch)
    }
    /// Whether there is one allocation per node.
    pub const fn is_per_node(self) -> bool {
        matches!(self, Self::System | Self::Sysbatch)
    }
}

wire_enum! {
    /// Where a job stands.
    JobStatus {
        /// Nothing placed yet.
        Pending = "pending",
        /// Something runs, or it is periodic or parameterized.
        Running = "running",
        /// Stopped or done.
        Dead = "dead",
    } default Pending
}

/// A job in canonical form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Job {
    /// Stop what runs and place nothing.
    pub stop: bool,
    /// Region.
    pub region: String,
    /// Namespace.
    pub namespace: Namespace,
    /// Id within the namespace.
    #[serde(rename = "ID")]
    pub id: JobId,
    /// The periodic or parameterized job that made this one.
    #[serde(rename = "ParentID")]
    pub parent_id: JobId,
    /// For people; interpolations use it.
    pub name: String,
    /// Kind of work.
    #[serde(rename = "Type")]
    pub kind: JobType,
    /// 1 to 100, higher first.
    pub priority: u8,
    /// Place all of a group or nothing.
    pub all_at_once: bool,
    /// Datacenters, may hold `*`.
    #[serde(with = "serde_null")]
    pub datacenters: Vec<String>,
    /// The pool of nodes.
    pub node_pool: String,
    /// Constraints.
    #[serde(with = "serde_null")]
    pub constraints: Vec<Constraint>,
    /// Affinities.
    #[serde(with = "serde_null")]
    pub affinities: Vec<Affinity>,
    /// Spreads.
    #[serde(with = "serde_null")]
    pub spreads: Vec<Spread>,
    /// Groups.
    pub task_groups: Vec<TaskGroup>,
    /// Job-level update block; groups hold the effective one.
    pub update: UpdateStrategy,
    /// Several regions; kept as given.
    pub multiregion: Option<Multiregion>,
    /// Starts by the clock.
    pub periodic: Option<PeriodicConfig>,
    /// Starts by dispatch.
    pub parameterized_job: Option<ParameterizedJob>,
    /// Whether it was made by dispatch.
    pub dispatched: bool,
    /// Dispatching twice with the same token gives the same job.
    pub dispatch_idempotency_token: String,
    /// The payload, base64.
    pub payload: Option<String>,
    /// Meta.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
    /// Consul's namespace.
    pub consul_namespace: String,
    /// Vault's namespace.
    pub vault_namespace: String,
    /// Accessor of the token that submitted it.
    #[serde(rename = "NomadTokenID")]
    pub nomad_token_id: String,
    /// Where it stands.
    pub status: JobStatus,
    /// For people.
    pub status_description: String,
    /// Whether this version was deployed successfully.
    pub stable: bool,
    /// Counts registrations that change something.
    pub version: u64,
    /// When this version was submitted.
    pub submit_time: UnixNanos,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change of any kind.
    pub modify_index: u64,
    /// Raft index of the last registration; what compare-and-set compares.
    pub job_modify_index: u64,
    /// Links for the web UI.
    #[serde(rename = "UI")]
    pub ui: Option<JobUi>,
    /// A name given to this version.
    pub version_tag: Option<VersionTag>,
}

impl Job {
    /// Its key.
    pub fn key(&self) -> JobKey {
        JobKey { namespace: self.namespace.clone(), id: self.id.clone() }
    }
    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&TaskGroup> {
        self.task_groups.iter().find(|group| group.name == name)
    }
    /// Whether it only makes other jobs, and so is never placed itself.
    pub fn is_template(&self) -> bool {
        self.is_periodic_active() || (self.parameterized_job.is_some() && !self.dispatched)
    }
    /// Whether the clock starts it.
    pub fn is_periodic_active(&self) -> bool {
        self.periodic.as_ref().is_some_and(|periodic| periodic.enabled) && !self.stop
    }
    /// Whether its groups are deployed in batches.
    pub fn has_deployments(&self) -> bool {
        self.kind == JobType::Service
            && self.task_groups.iter().any(|group| group.update.as_ref().is_some_and(UpdateStrategy::is_rolling))
    }
}

/// Several regions; kept as given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Multiregion(pub serde_json::Value);

/// Starts by the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PeriodicConfig {
    /// Whether it is on.
    pub enabled: bool,
    /// One cron expression.
    pub spec: String,
    /// Several.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub specs: Vec<String>,
    /// `cron`.
    pub spec_type: String,
    /// Not while the last one runs.
    pub prohibit_overlap: bool,
    /// IANA name.
    pub time_zone: String,
}

/// Starts by dispatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ParameterizedJob {
    /// `optional`, `required`, `forbidden`.
    pub payload: String,
    /// Meta keys that a dispatch must give.
    #[serde(with = "serde_null")]
    pub meta_required: Vec<String>,
    /// Meta keys that a dispatch may give.
    #[serde(with = "serde_null")]
    pub meta_optional: Vec<String>,
}

/// Links for the web UI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobUi {
    /// Markdown.
    pub description: String,
    /// Links.
    #[serde(with = "serde_null")]
    pub links: Vec<JobUiLink>,
}

/// A link for the web UI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobUiLink {
    /// Its text.
    pub label: String,
    /// Its target.
    // Submitted as `URL`, read as `Url`.
    #[serde(alias = "URL")]
    pub url: String,
}

/// A name given to a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VersionTag {
    /// The name.
    pub name: String,
    /// For people.
    pub description: String,
    /// When it was given.
    pub tagged_time: UnixNanos,
}
