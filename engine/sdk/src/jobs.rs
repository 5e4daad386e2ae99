//! Jobs: register, plan, validate, read, scale, stop.

use crate::client::segment;
use crate::types::{
    AllocStub, Dispatched, JobPlan, JobRegistered, JobStub, JobVersions, ScaleRequest, Submission, Validated,
};
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use drover_model::registry::JobSummary;
use drover_model::{Deployment, Evaluation, Job};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// How a job is registered or planned.
#[derive(Clone, Debug, Default)]
pub struct RegisterOptions {
    /// Register only when the job's modify index is this; 0: only when there is no such job.
    pub enforce_index: Option<u64>,
    /// Keep the counts that run.
    pub preserve_counts: bool,
    /// Keep the resources that run.
    pub preserve_resources: bool,
    /// Override soft policies.
    pub policy_override: bool,
    /// Priority of the evaluation; 0: the job's.
    pub eval_priority: u8,
    /// The text the job was made of.
    pub submission: Option<Submission>,
}

/// How a job is stopped.
#[derive(Clone, Debug, Default)]
pub struct StopOptions {
    /// Forget it too.
    pub purge: bool,
    /// In every region.
    pub global: bool,
    /// Without the shutdown delay.
    pub no_shutdown_delay: bool,
    /// Priority of the evaluation; 0: the job's.
    pub eval_priority: u8,
}

impl Client {
    /// Jobs, as the list shows them.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn jobs(&self, query: &Query) -> Result<Answer<Vec<JobStub>>> {
        self.get("/v1/jobs", query).await
    }
    /// One job.
    pub async fn job(&self, id: &str, query: &Query) -> Result<Answer<Job>> {
        self.get(&format!("/v1/job/{}", segment(id)), query).await
    }
    /// One job as the engine wrote it.
    pub async fn job_json(&self, id: &str, query: &Query) -> Result<Answer<Value>> {
        self.get(&format!("/v1/job/{}", segment(id)), query).await
    }
    /// Registers `job` (the submission form).
    pub async fn register_job<J: Serialize + ?Sized + Sync>(
        &self,
        job: &J,
        options: &RegisterOptions,
    ) -> Result<JobRegistered> {
        let mut body = Map::new();
        body.insert("Job".into(), serde_json::to_value(job).unwrap_or_default());
        if let Some(index) = options.enforce_index {
            body.insert("EnforceIndex".into(), true.into());
            body.insert("JobModifyIndex".into(), index.into());
        }
        body.insert("PreserveCounts".into(), options.preserve_counts.into());
        body.insert("PreserveResources".into(), options.preserve_resources.into());
        body.insert("PolicyOverride".into(), options.policy_override.into());
        body.insert("EvalPriority".into(), options.eval_priority.into());
        if let Some(submission) = &options.submission {
            body.insert("Submission".into(), serde_json::to_value(submission).unwrap_or_default());
        }
        self.send(Method::Put, "/v1/jobs", &Query::new(), Some(&body)).await
    }
    /// Runs the scheduler without effect. `id` is the job's.
    pub async fn plan_job<J: Serialize + ?Sized + Sync>(
        &self,
        id: &str,
        job: &J,
        diff: bool,
        policy_override: bool,
    ) -> Result<JobPlan> {
        let body = json!({"Job": job, "Diff": diff, "PolicyOverride": policy_override});
        self.send(Method::Put, &format!("/v1/job/{}/plan", segment(id)), &Query::new(), Some(&body)).await
    }
    /// As [`Client::plan_job`], as the engine wrote it.
    pub async fn plan_job_json<J: Serialize + ?Sized + Sync>(
        &self,
        id: &str,
        job: &J,
        diff: bool,
        policy_override: bool,
    ) -> Result<Value> {
        let body = json!({"Job": job, "Diff": diff, "PolicyOverride": policy_override});
        self.send(Method::Put, &format!("/v1/job/{}/plan", segment(id)), &Query::new(), Some(&body)).await
    }
    /// Checks `job` without registering it.
    pub async fn validate_job<J: Serialize + ?Sized + Sync>(&self, job: &J) -> Result<Validated> {
        self.send(Method::Put, "/v1/validate/job", &Query::new(), Some(&json!({"Job": job}))).await
    }
    /// Turns job HCL into the submission form, on the engine.
    pub async fn parse_job(&self, hcl: &str, canonicalize: bool) -> Result<Value> {
        let body = json!({"JobHCL": hcl, "Canonicalize": canonicalize});
        self.send(Method::Post, "/v1/jobs/parse", &Query::new(), Some(&body)).await
    }
    /// Stops a job.
    pub async fn stop_job(&self, id: &str, options: &StopOptions) -> Result<JobRegistered> {
        let mut query = Query::new().param("purge", options.purge.to_string());
        if options.global {
            query = query.param("global", "true");
        }
        if options.no_shutdown_delay {
            query = query.param("no_shutdown_delay", "true");
        }
        if options.eval_priority != 0 {
            query = query.param("eval_priority", options.eval_priority.to_string());
        }
        self.send(Method::Delete, &format!("/v1/job/{}", segment(id)), &query, NO_BODY).await
    }
    /// Versions, newest first, with the differences between neighbours when `diffs`.
    pub async fn job_versions(&self, id: &str, diffs: bool, query: &Query) -> Result<Answer<JobVersions>> {
        let query = query.clone().param("diffs", diffs.to_string());
        self.get(&format!("/v1/job/{}/versions", segment(id)), &query).await
    }
    /// Counts per group.
    pub async fn job_summary(&self, id: &str, query: &Query) -> Result<Answer<JobSummary>> {
        self.get(&format!("/v1/job/{}/summary", segment(id)), query).await
    }
    /// Its allocations; `all` includes those of a former job of the same id.
    pub async fn job_allocations(&self, id: &str, all: bool, query: &Query) -> Result<Answer<Vec<AllocStub>>> {
        let query = query.clone().param("all", all.to_string());
        self.get(&format!("/v1/job/{}/allocations", segment(id)), &query).await
    }
    /// Its evaluations.
    pub async fn job_evaluations(&self, id: &str, query: &Query) -> Result<Answer<Vec<Evaluation>>> {
        self.get(&format!("/v1/job/{}/evaluations", segment(id)), query).await
    }
    /// Its deployments.
    pub async fn job_deployments(&self, id: &str, query: &Query) -> Result<Answer<Vec<Deployment>>> {
        self.get(&format!("/v1/job/{}/deployments", segment(id)), query).await
    }
    /// Its newest deployment.
    pub async fn job_latest_deployment(&self, id: &str, query: &Query) -> Result<Answer<Option<Deployment>>> {
        self.get(&format!("/v1/job/{}/deployment", segment(id)), query).await
    }
    /// The text that version `version` was made of.
    pub async fn job_submission(&self, id: &str, version: u64, query: &Query) -> Result<Answer<Submission>> {
        let query = query.clone().param("version", version.to_string());
        self.get(&format!("/v1/job/{}/submission", segment(id)), &query).await
    }
    /// Changes the count of a group.
    pub async fn scale_job(&self, id: &str, request: &ScaleRequest) -> Result<JobRegistered> {
        self.send(Method::Put, &format!("/v1/job/{}/scale", segment(id)), &Query::new(), Some(request)).await
    }
    /// Goes back to a version.
    pub async fn revert_job(&self, id: &str, version: u64, enforce_prior: Option<u64>) -> Result<JobRegistered> {
        let body = json!({"JobID": id, "JobVersion": version, "EnforcePriorVersion": enforce_prior});
        self.send(Method::Put, &format!("/v1/job/{}/revert", segment(id)), &Query::new(), Some(&body)).await
    }
    /// Makes an instance of a parameterized job; `payload` in base64.
    pub async fn dispatch_job(
        &self,
        id: &str,
        meta: &Map<String, Value>,
        payload: &str,
        id_prefix: &str,
        token: &str,
    ) -> Result<Dispatched> {
        let mut query = Query::new();
        if !token.is_empty() {
            query = query.param("idempotency_token", token);
        }
        let body = json!({"JobID": id, "Meta": meta, "Payload": payload, "IdPrefixTemplate": id_prefix});
        self.send(Method::Put, &format!("/v1/job/{}/dispatch", segment(id)), &query, Some(&body)).await
    }
    /// Names a version; none: the newest.
    pub async fn tag_job_version(&self, id: &str, version: Option<u64>, name: &str, description: &str) -> Result<()> {
        let mut body = serde_json::json!({"Description": description});
        if let Some(version) = version {
            body["Version"] = version.into();
        }
        self.send::<Value, _>(Method::Put, &tag_path(id, name), &Query::new(), Some(&body)).await?;
        Ok(())
    }
    /// Takes the name of a version away.
    pub async fn untag_job_version(&self, id: &str, name: &str) -> Result<()> {
        self.send::<Value, _>(Method::Delete, &tag_path(id, name), &Query::new(), NO_BODY).await?;
        Ok(())
    }
    /// The counts that a job's groups had and got.
    pub async fn job_scale_status(&self, id: &str) -> Result<Value> {
        Ok(self.get(&format!("/v1/job/{}/scale", segment(id)), &Query::new()).await?.value)
    }
    /// Starts a periodic job now.
    pub async fn force_periodic(&self, id: &str) -> Result<JobRegistered> {
        self.send(Method::Put, &format!("/v1/job/{}/periodic/force", segment(id)), &Query::new(), NO_BODY).await
    }
    /// Makes an evaluation of a job.
    pub async fn evaluate_job(&self, id: &str, force_reschedule: bool) -> Result<JobRegistered> {
        let body = json!({"JobID": id, "EvalOptions": {"ForceReschedule": force_reschedule}});
        self.send(Method::Put, &format!("/v1/job/{}/evaluate", segment(id)), &Query::new(), Some(&body)).await
    }
}

fn tag_path(id: &str, name: &str) -> String {
    format!("/v1/job/{}/versions/{}/tag", segment(id), segment(name))
}
