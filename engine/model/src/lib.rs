//! The domain of the orchestration engine: jobs, groups, tasks, allocations, evaluations,
//! deployments, nodes, services.
//!
//! Types here are canonical: a field is an `Option` only where "unset" means something of its own.
//! Their serde form is the *read* form of `/v1` (names in PascalCase, Nomad's rules for null and
//! absent fields), and is also what the replicated log and snapshots hold. The *submission* form,
//! where nearly everything is optional, lives in `drover-wire`, which converts it to this one.
//!
//! This crate knows nothing of HTTP, storage, clocks or randomness.

pub mod acl;
pub mod alloc;
pub mod amounts;
pub mod constraint;
pub mod csi;
pub mod deployment;
pub mod duration_text;
pub mod eval;
pub mod group;
pub mod job;
pub mod metrics;
pub mod network;
pub mod node;
pub mod node_call;
pub mod placement;
pub mod placement_metric;
pub mod policy;
pub mod quota;
pub mod registry;
pub mod resources;
pub mod service;
pub mod task;
pub mod task_event;
pub mod view;
pub mod volume;

pub use acl::{AclAuthMethod, AclBindingRule, AclPolicy, AclRole, AclToken, OneTimeToken};
pub use alloc::{
    AllocClientStatus, AllocDeploymentStatus, AllocDesiredStatus, Allocation, DesiredTransition, NetworkStatus,
    RescheduleEvent, RescheduleTracker, TaskState, TaskStateKind,
};
pub use amounts::{Amounts, NodeHold};
pub use constraint::{Affinity, Constraint, Spread, SpreadTarget};
pub use deployment::{Deployment, DeploymentState, DeploymentStatus};
pub use drover_base::{
    AllocId, DeploymentId, EvalId, JobId, JobKey, Namespace, Nanos, NodeId, UnixNanos, WireTime, serde_null,
};
pub use eval::{EvalStatus, EvalTrigger, Evaluation};
pub use group::{EphemeralDisk, TaskGroup, VolumeMountOptions, VolumeRequest};
pub use job::{Job, JobStatus, JobType, Multiregion, ParameterizedJob, PeriodicConfig};
pub use metrics::{AllocMetric, DesiredUpdates, NodeScore, PlanAnnotations};
pub use network::{Dns, NetworkResource, Port, PortMapping};
pub use node::{DrainSpec, DriverInfo, Node, NodeEligibility, NodeEvent, NodeStatus};
pub use placement::{PlacementPlan, PlacementResult};
pub use placement_metric::PlacementMetric;
pub use policy::{DisconnectStrategy, MigrateStrategy, ReschedulePolicy, RestartPolicy, ScalingPolicy, UpdateStrategy};
pub use registry::ServiceRegistration;
pub use resources::{AllocatedResources, AllocatedTaskResources, DeviceRequest, NodeResources, Resources};
pub use service::{Check, CheckRestart, Service};
pub use task::{Artifact, Lifecycle, LogConfig, Task, Template, Vault, VolumeMount, WorkloadIdentity};
pub use task_event::TaskEvent;
pub use view::{ClusterView, GovernanceView};

/// Free-form configuration as a job gives it: a driver's `config`, a scaling `policy`.
pub type ConfigMap = std::collections::BTreeMap<String, serde_json::Value>;
/// Text to text, in the order of the keys: `meta`, `env`, attributes.
pub type TextMap = std::collections::BTreeMap<String, String>;

/// Defines an enum whose values are plain strings on the wire, with one value standing for unknown text.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? } default $default:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }
        impl $name {
            /// The value as the wire has it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
        impl Default for $name {
            fn default() -> Self { Self::$default }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }
        impl std::str::FromStr for $name {
            type Err = crate::UnknownValue;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(crate::UnknownValue { kind: stringify!($name), text: text.to_owned() }) }
            }
        }
    };
}
pub(crate) use wire_enum;

/// A text that is none of the values its field knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The type that was expected.
    pub kind: &'static str,
    /// What was there instead.
    pub text: String,
}

impl std::fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown {} {:?}", self.kind, self.text)
    }
}

impl std::error::Error for UnknownValue {}
