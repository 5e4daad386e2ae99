//! Bodies of requests.

use crate::job::{Job, TextMap, shape::shape};
use std::collections::BTreeMap;

shape! {
    /// Registers a job.
    JobRegisterRequest {
        job: Option<Job> = "Job",
        submission: Option<SubmissionBody> = "Submission",
        enforce_index: bool = "EnforceIndex",
        job_modify_index: u64 = "JobModifyIndex",
        preserve_counts: bool = "PreserveCounts",
        preserve_resources: bool = "PreserveResources",
        policy_override: bool = "PolicyOverride",
        eval_priority: i64 = "EvalPriority",
        namespace: String = "Namespace",
        region: String = "Region",
    }

    /// What a job was made from.
    SubmissionBody {
        source: String = "Source",
        format: String = "Format",
        variable_flags: Option<TextMap> = "VariableFlags",
        variables: String = "Variables",
    }

    /// Tries a job.
    JobPlanRequest {
        job: Option<Job> = "Job",
        diff: bool = "Diff",
        policy_override: bool = "PolicyOverride",
        namespace: String = "Namespace",
    }

    /// Checks a job.
    JobValidateRequest {
        job: Option<Job> = "Job",
    }

    /// Makes a job from text.
    JobParseRequest {
        namespace: String = "Namespace",
        job_hcl: String = "JobHCL",
        hcl_v1: bool = "hclv1",
        variables: String = "Variables",
        canonicalize: bool = "Canonicalize",
    }

    /// Makes an evaluation.
    JobEvaluateRequest {
        job_id: String = "JobID",
        eval_options: EvalOptions = "EvalOptions",
    }

    /// How to evaluate.
    EvalOptions {
        force_reschedule: bool = "ForceReschedule",
    }

    /// Runs a parameterized job.
    JobDispatchRequest {
        job_id: String = "JobID",
        payload: Option<String> = "Payload",
        meta: Option<TextMap> = "Meta",
        id_prefix_template: String = "IdPrefixTemplate",
        priority: i64 = "Priority",
    }

    /// Goes back to an older version.
    JobRevertRequest {
        job_id: String = "JobID",
        job_version: u64 = "JobVersion",
        enforce_prior_version: Option<u64> = "EnforcePriorVersion",
    }

    /// Marks a version as stable, or not.
    JobStabilityRequest {
        job_id: String = "JobID",
        job_version: u64 = "JobVersion",
        stable: bool = "Stable",
    }

    /// Names a version.
    TagVersionRequest {
        version: Option<u64> = "Version",
        description: String = "Description",
    }

    /// Changes a group's count.
    ScalingRequest {
        count: Option<i64> = "Count",
        target: BTreeMap<String, String> = "Target",
        message: String = "Message",
        error: bool = "Error",
        meta: Option<BTreeMap<String, serde_json::Value>> = "Meta",
        policy_override: bool = "PolicyOverride",
        enforce_index: bool = "EnforceIndex",
        job_modify_index: u64 = "JobModifyIndex",
    }

    /// Asks for the status of jobs.
    JobStatusesRequest {
        jobs: Option<Vec<NamespacedId>> = "Jobs",
        include_children: bool = "IncludeChildren",
    }

    /// An id within a namespace.
    NamespacedId {
        id: String = "ID",
        namespace: String = "Namespace",
    }

    /// Removes evaluations.
    EvalDeleteRequest {
        eval_ids: Option<Vec<String>> = "EvalIDs",
        filter: String = "Filter",
    }

    /// Holds a deployment or lets it go on.
    DeploymentPauseRequest {
        deployment_id: String = "DeploymentID",
        pause: bool = "Pause",
    }

    /// Promotes canaries.
    DeploymentPromoteRequest {
        deployment_id: String = "DeploymentID",
        all: bool = "All",
        groups: Option<Vec<String>> = "Groups",
    }

    /// Sets the health of allocations.
    DeploymentAllocHealthRequest {
        deployment_id: String = "DeploymentID",
        healthy: Option<Vec<String>> = "HealthyAllocationIDs",
        unhealthy: Option<Vec<String>> = "UnhealthyAllocationIDs",
    }

    /// Empties a node, or stops doing so.
    NodeDrainRequest {
        node_id: String = "NodeID",
        drain_spec: Option<DrainSpecBody> = "DrainSpec",
        mark_eligible: bool = "MarkEligible",
        meta: Option<TextMap> = "Meta",
    }

    /// How to empty a node.
    DrainSpecBody {
        deadline: i64 = "Deadline",
        ignore_system_jobs: bool = "IgnoreSystemJobs",
    }

    /// Lets a node take work, or not.
    NodeEligibilityRequest {
        node_id: String = "NodeID",
        eligibility: String = "Eligibility",
    }

    /// A variable in the clear.
    VariableBody {
        namespace: String = "Namespace",
        path: String = "Path",
        create_index: u64 = "CreateIndex",
        modify_index: u64 = "ModifyIndex",
        create_time: i64 = "CreateTime",
        modify_time: i64 = "ModifyTime",
        items: Option<TextMap> = "Items",
        lock: Option<serde_json::Value> = "Lock",
    }

    /// Searches by prefix or by parts of names.
    SearchRequest {
        prefix: String = "Prefix",
        text: String = "Text",
        context: String = "Context",
    }

    /// Starts tasks anew.
    AllocRestartRequest {
        task_name: String = "TaskName",
        all_tasks: bool = "AllTasks",
    }

    /// Sends a signal to tasks.
    AllocSignalRequest {
        task: String = "Task",
        signal: String = "Signal",
    }
}
