//! Lists, envelopes and statistics as the engine answers them. Every field is optional on the wire.

mod acl;
mod lists;
mod plan;
mod stats;
mod writes;

pub use acl::{AclPolicyStub, AclTokenStub};
pub use lists::{
    AllocStub, JobStub, JobVersions, Member, Members, NodeStub, SchedulerSettings, SearchMatches, ServiceGroup,
    ServiceStub, Variable, VariableMetadata,
};
pub use plan::{FieldDiff, JobDiff, JobPlan, ObjectDiff, PlanNotes, TaskDiff, TaskGroupDiff};
pub use stats::{
    AllocStats, CpuStats, DiskStats, HostCpu, HostMemory, HostStats, MemoryStats, ResourceUsage, TaskUsage,
};
pub use writes::{DeploymentUpdated, Dispatched, JobRegistered, NodeUpdated, ScaleRequest, Submission, Validated};
