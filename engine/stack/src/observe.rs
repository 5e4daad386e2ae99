//! Watching a written job until it is done.

use std::time::Duration;

use drover_base::Nanos;
use serde_json::Value as Json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::apply::{Interruption, RECONNECT_LIMIT};
use crate::desired::Wait;
use crate::engine::{Engine, EngineError, is_uncertain, segment, text};
use crate::health::{self, Allocation, Deployment, Observation, Progress, Verdict};
use crate::scheduling::{self, PlacementFailure};

/// The first wait between two looks; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest wait between two looks.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// A job that was written.
pub(crate) struct WrittenJob<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) id: &'a str,
    /// The job's `JobModifyIndex` since the write.
    pub(crate) index: u64,
    pub(crate) evaluation: &'a str,
    pub(crate) wait: Wait,
    pub(crate) timeout: Nanos,
}

/// How watching ended.
pub(crate) enum Watched {
    Judged(Verdict),
    /// Somebody else wrote the job in the meantime.
    Superseded,
    Interrupted,
}

impl Engine {
    /// Looks at the job until it is done, hopeless or out of time.
    pub(crate) async fn watch(
        &self,
        job: &WrittenJob<'_>,
        interruption: &mut watch::Receiver<Interruption>,
        report: &(dyn Fn(Progress) + Sync),
    ) -> Result<Watched, EngineError> {
        let begin = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut last = None;
        let mut answered = begin;
        loop {
            let elapsed = Nanos(i64::try_from(begin.elapsed().as_nanos()).unwrap_or(i64::MAX));
            let seen = match self.observe(job, elapsed).await {
                Ok(Some(seen)) => seen,
                Ok(None) => return Ok(Watched::Superseded),
                // An engine that is gone for a moment says nothing about the job.
                Err(EngineError::Engine(error)) if is_uncertain(&error) && answered.elapsed() < RECONNECT_LIMIT => {
                    tokio::select! {
                        () = sleep(MAX_PAUSE) => continue,
                        _ = interruption.wait_for(|level| *level == Interruption::Report) => {
                            return Ok(Watched::Interrupted);
                        }
                    }
                }
                Err(error) => return Err(error),
            };
            answered = Instant::now();
            match health::judge(job.wait, &seen) {
                Verdict::Waiting(progress) => {
                    if last != Some(progress) {
                        report(progress);
                        last = Some(progress);
                    }
                }
                verdict => return Ok(Watched::Judged(verdict)),
            }
            if elapsed >= job.timeout {
                return Ok(Watched::Judged(health::timed_out(job.wait, &seen, job.timeout)));
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
                _ = interruption.wait_for(|level| *level == Interruption::Report) => return Ok(Watched::Interrupted),
            }
        }
    }

    async fn observe(&self, written: &WrittenJob<'_>, elapsed: Nanos) -> Result<Option<Observation>, EngineError> {
        let Some(job) = self.job_json(written.namespace, written.id).await? else { return Ok(None) };
        if job["JobModifyIndex"].as_u64() != Some(written.index) {
            return Ok(None);
        }
        let mut seen = Observation {
            job_type: text(&job["Type"]),
            runs_later: !job["Periodic"].is_null() || !job["ParameterizedJob"].is_null(),
            wanted: wanted(&job),
            evaluated: written.evaluation.is_empty(),
            elapsed,
            ..Observation::default()
        };
        if seen.runs_later || written.wait == Wait::None {
            return Ok(Some(seen));
        }
        if written.evaluation.is_empty() {
            seen.failures = self.last_failures(written).await?;
        } else {
            let evaluation = self.get(&format!("/v1/evaluation/{}", written.evaluation), written.namespace).await?;
            seen.evaluated = matches!(evaluation["Status"].as_str(), Some("complete" | "failed" | "canceled"));
            seen.failures = scheduling::failures(&evaluation["FailedTGAllocs"]);
        }
        let path = format!("/v1/job/{}", segment(written.id));
        let summary = self.get(&format!("{path}/summary"), written.namespace).await?;
        let groups = summary["Summary"].as_object();
        seen.queued = groups.into_iter().flatten().filter_map(|(_, group)| group["Queued"].as_u64()).sum();
        let deployment = self.get(&format!("{path}/deployment"), written.namespace).await?;
        // The write's own deployment; an older one says nothing about it.
        if deployment["JobSpecModifyIndex"].as_u64().is_some_and(|index| index >= written.index) {
            seen.deployment = Some(read_deployment(&deployment));
        }
        let version = job["Version"].as_u64();
        let allocations = self.get(&format!("{path}/allocations"), written.namespace).await?;
        let current = allocations.as_array().into_iter().flatten().filter(|allocation| {
            allocation["JobVersion"].as_u64() == version && allocation["DesiredStatus"].as_str() == Some("run")
        });
        seen.allocations = current.map(read_allocation).collect();
        Ok(Some(seen))
    }

    /// What could not be placed according to the newest evaluation that tried; for jobs that were written earlier.
    async fn last_failures(&self, written: &WrittenJob<'_>) -> Result<Vec<PlacementFailure>, EngineError> {
        let path = format!("/v1/job/{}/evaluations", segment(written.id));
        let evaluations = self.get(&path, written.namespace).await?;
        let newest =
            evaluations.as_array().into_iter().flatten().max_by_key(|evaluation| evaluation["ModifyIndex"].as_u64());
        Ok(newest.map(|evaluation| scheduling::failures(&evaluation["FailedTGAllocs"])).unwrap_or_default())
    }
}

/// Groups' counts; system jobs get as many as there are nodes.
fn wanted(job: &Json) -> u64 {
    if matches!(job["Type"].as_str(), Some("system" | "sysbatch")) {
        return 0;
    }
    job["TaskGroups"].as_array().into_iter().flatten().filter_map(|group| group["Count"].as_u64()).sum()
}

fn read_deployment(deployment: &Json) -> Deployment {
    let groups: Vec<&Json> =
        deployment["TaskGroups"].as_object().into_iter().flatten().map(|(_, group)| group).collect();
    let sum = |key: &str| groups.iter().filter_map(|group| group[key].as_u64()).sum();
    let count = |value: &Json| value.as_u64().unwrap_or(0);
    let needs_promotion = groups.iter().any(|group| {
        count(&group["DesiredCanaries"]) > 0
            && group["Promoted"] == false
            && group["AutoPromote"] != true
            && count(&group["HealthyAllocs"]) >= count(&group["DesiredCanaries"])
    });
    Deployment {
        id: text(&deployment["ID"]),
        status: text(&deployment["Status"]),
        description: text(&deployment["StatusDescription"]),
        needs_promotion,
        desired: sum("DesiredTotal"),
        placed: sum("PlacedAllocs"),
        healthy: sum("HealthyAllocs"),
        unhealthy: sum("UnhealthyAllocs"),
    }
}

fn read_allocation(allocation: &Json) -> Allocation {
    let is_set = |key: &str| allocation[key].as_str().is_some_and(|text| !text.is_empty());
    Allocation {
        id: text(&allocation["ID"]),
        client_status: text(&allocation["ClientStatus"]),
        is_followed: is_set("NextAllocation") || is_set("FollowupEvalID"),
        trouble: trouble(&allocation["TaskStates"]),
    }
}

/// What last went wrong in a task.
fn trouble(states: &Json) -> Option<String> {
    states.as_object().into_iter().flatten().find_map(|(task, state)| {
        let events: Vec<&Json> = state["Events"].as_array().into_iter().flatten().rev().collect();
        let kind = |event: &Json| event["Type"].as_str().unwrap_or_default().to_owned();
        let is_cause = |event: &&&Json| match kind(event).as_str() {
            "Driver Failure" | "Setup Failure" | "Failed Artifact Download" | "Template" => true,
            "Terminated" => {
                event["ExitCode"].as_i64() != Some(0) || event["Signal"].as_i64().is_some_and(|signal| signal != 0)
            }
            _ => false,
        };
        // That no restart is allowed is the engine's decision, and a cause only where nothing else is known.
        let event = events.iter().find(is_cause).or_else(|| events.iter().find(|event| event["FailsTask"] == true))?;
        Some(format!("task {task:?}: {}", text(&event["DisplayMessage"])))
    })
}
