//! The submission form of a job: what a job file becomes, what `PUT /v1/jobs` takes, and what `job run -output` prints.
//!
//! Every field is there and most are optional: null says that nothing was given. [`Job::canonicalize`] fills in the
//! defaults and merges what groups and tasks take over from the job.

mod canonical;
mod connect;
pub(crate) mod given;
mod group;
mod policies;
mod resources;
mod service;
mod settings;
pub(crate) mod shape;
mod task;
mod text;

use std::collections::BTreeMap;

pub use canonical::Canonical;
pub use connect::*;
pub use group::*;
pub use policies::*;
pub use resources::*;
pub use service::*;
pub use settings::{Settings, normalize_settings};
pub use task::*;
pub use text::to_json_text;

use shape::shape;

/// Names with texts.
pub type TextMap = BTreeMap<String, String>;

shape! {
    /// A job.
    Job {
        region: Option<String> = "Region",
        namespace: Option<String> = "Namespace",
        id: Option<String> = "ID",
        name: Option<String> = "Name",
        kind: Option<String> = "Type",
        priority: Option<i64> = "Priority",
        all_at_once: Option<bool> = "AllAtOnce",
        datacenters: Option<Vec<String>> = "Datacenters",
        node_pool: Option<String> = "NodePool",
        constraints: Option<Vec<Constraint>> = "Constraints",
        affinities: Option<Vec<Affinity>> = "Affinities",
        task_groups: Option<Vec<TaskGroup>> = "TaskGroups",
        update: Option<UpdateStrategy> = "Update",
        multiregion: Option<Multiregion> = "Multiregion",
        spreads: Option<Vec<Spread>> = "Spreads",
        periodic: Option<PeriodicConfig> = "Periodic",
        parameterized_job: Option<ParameterizedJobConfig> = "ParameterizedJob",
        reschedule: Option<ReschedulePolicy> = "Reschedule",
        migrate: Option<MigrateStrategy> = "Migrate",
        meta: Option<TextMap> = "Meta",
        ui: Option<JobUiConfig> = "UI",
        stop: Option<bool> = "Stop",
        parent_id: Option<String> = "ParentID",
        dispatched: bool = "Dispatched",
        dispatch_idempotency_token: Option<String> = "DispatchIdempotencyToken",
        payload: Option<String> = "Payload",
        consul_namespace: Option<String> = "ConsulNamespace",
        vault_namespace: Option<String> = "VaultNamespace",
        nomad_token_id: Option<String> = "NomadTokenID",
        status: Option<String> = "Status",
        status_description: Option<String> = "StatusDescription",
        stable: Option<bool> = "Stable",
        version: Option<u64> = "Version",
        submit_time: Option<i64> = "SubmitTime",
        create_index: Option<u64> = "CreateIndex",
        modify_index: Option<u64> = "ModifyIndex",
        job_modify_index: Option<u64> = "JobModifyIndex",
        version_tag: Option<JobVersionTag> = "VersionTag",
    }

    /// A name that keeps a version of a job.
    JobVersionTag {
        name: String = "Name",
        description: String = "Description",
        tagged_time: i64 = "TaggedTime",
    }

    /// What the web pages show about a job.
    JobUiConfig {
        description: String = "Description",
        links: Option<Vec<JobUiLink>> = "Links",
    }

    /// A link on the web pages.
    JobUiLink {
        label: String = "Label",
        url: String = "URL",
    }

    /// Runs of a job by the clock.
    PeriodicConfig {
        enabled: Option<bool> = "Enabled",
        spec: Option<String> = "Spec",
        specs: Option<Vec<String>> = "Specs",
        spec_type: Option<String> = "SpecType",
        prohibit_overlap: Option<bool> = "ProhibitOverlap",
        time_zone: Option<String> = "TimeZone",
    }

    /// A job that is run with a payload and meta values.
    ParameterizedJobConfig {
        payload: String = "Payload",
        meta_required: Option<Vec<String>> = "MetaRequired",
        meta_optional: Option<Vec<String>> = "MetaOptional",
    }

    /// One job in several regions.
    Multiregion {
        strategy: Option<MultiregionStrategy> = "Strategy",
        regions: Option<Vec<MultiregionRegion>> = "Regions",
    }

    /// How a job goes from region to region.
    MultiregionStrategy {
        max_parallel: Option<i64> = "MaxParallel",
        on_failure: Option<String> = "OnFailure",
    }

    /// One of the regions.
    MultiregionRegion {
        name: String = "Name",
        count: Option<i64> = "Count",
        datacenters: Option<Vec<String>> = "Datacenters",
        node_pool: String = "NodePool",
        meta: Option<TextMap> = "Meta",
    }
}
