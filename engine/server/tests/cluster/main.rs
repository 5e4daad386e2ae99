//! A whole server with nodes that only pretend to run things: each report comes at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod deployments;
mod fake_node;
mod jobs;
mod keyring;
mod login;
mod nodes;
mod periodic;
mod quotas;
mod snapshots;
mod throughput;
mod variables;
mod volumes;

use drover_model::{Allocation, Job, JobKey};
use drover_server::request::RegisterOptions;
use drover_server::{Server, ServerConfig};
use drover_state::{Snapshot, WatchKey};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use fake_node::FakeNode;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn server() -> Server {
    Server::open(ServerConfig::default()).await.unwrap()
}

pub(crate) fn key(id: &str) -> JobKey {
    JobKey::new("default", id)
}

/// A service of `count` allocations that behave as `behave` says: `run`, `fail`, `finish`.
pub(crate) fn service(id: &str, count: u32, behave: &str) -> Value {
    json!({
        "ID": id, "Name": id, "Type": "service", "Datacenters": ["dc1"],
        "TaskGroups": [{
            "Name": "main", "Count": count,
            "Update": {
                "MaxParallel": 1, "HealthCheck": "task_states", "MinHealthyTime": 1, "HealthyDeadline": 1_000_000_000,
                "ProgressDeadline": 60_000_000_000_u64,
            },
            "Tasks": [{
                "Name": "t", "Driver": "raw_exec", "Config": {"command": "true"}, "Env": {"BEHAVE": behave},
                "Resources": {"CPU": 100, "MemoryMB": 64},
            }],
        }],
    })
}

pub(crate) fn batch(id: &str, count: u32, behave: &str) -> Value {
    let mut job = service(id, count, behave);
    job["Type"] = json!("batch");
    job["TaskGroups"][0]["Update"] = Value::Null;
    job
}

pub(crate) async fn register(server: &Server, job: Value) -> drover_server::answer::JobRegistered {
    let job = serde_json::from_value(job).unwrap();
    server.register_job(job, RegisterOptions::default()).await.unwrap()
}

/// Waits until `look` finds something.
pub(crate) async fn until<T>(server: &Server, what: &str, mut look: impl FnMut(&Snapshot) -> Option<T>) -> T {
    let mut watch = server.state().watch(vec![WatchKey::Events]);
    let search = async {
        loop {
            watch.rearm();
            if let Some(found) = look(&server.state().snapshot()) {
                return found;
            }
            // Some changes raise no event of their own.
            let _quiet = tokio::time::timeout(Duration::from_millis(20), &mut watch).await;
        }
    };
    match tokio::time::timeout(LIMIT, search).await {
        Ok(found) => found,
        Err(_) => panic!("never seen: {what}\n{}", describe(&server.state().snapshot())),
    }
}

fn describe(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for job in snapshot.jobs() {
        text += &format!("job {} v{} {} stop={}\n", job.id, job.version, job.status, job.stop);
    }
    for eval in snapshot.evals() {
        text += &format!(
            "eval {} {} {} {} {:?} failed={:?}\n",
            eval.id.short(),
            eval.job_id,
            eval.triggered_by,
            eval.status,
            eval.status_description,
            eval.failed_tg_allocs.values().collect::<Vec<_>>()
        );
    }
    for alloc in snapshot.allocs() {
        text += &format!(
            "alloc {} {} v{} on {} {} {} {:?}\n",
            alloc.id.short(),
            alloc.name,
            alloc.job_version(),
            alloc.node_name,
            alloc.desired_status,
            alloc.client_status,
            alloc.deployment_status
        );
    }
    for deployment in snapshot.deployments() {
        text += &format!(
            "deployment {} v{} {} {:?} {:?}\n",
            deployment.job_id,
            deployment.job_version,
            deployment.status,
            deployment.status_description,
            deployment.task_groups
        );
    }
    text
}

pub(crate) fn running(snapshot: &Snapshot, id: &str) -> Vec<Arc<Allocation>> {
    snapshot
        .allocs_by_job(&key(id))
        .filter(|alloc| alloc.client_status == drover_model::AllocClientStatus::Running && !alloc.is_terminal())
        .cloned()
        .collect()
}

pub(crate) async fn until_running(server: &Server, id: &str, count: usize) -> Vec<Arc<Allocation>> {
    until(server, &format!("{count} running of {id}"), |snapshot| {
        let running = running(snapshot, id);
        (running.len() == count).then_some(running)
    })
    .await
}

/// Waits for the deployment of a version to end.
pub(crate) async fn until_deployed(server: &Server, id: &str, version: u64) -> Arc<drover_model::Deployment> {
    until(server, &format!("deployment of {id} version {version}"), |snapshot| {
        let found = snapshot.deployments_by_job(&key(id)).find(|deployment| deployment.job_version == version);
        found.filter(|deployment| !deployment.is_active()).cloned()
    })
    .await
}

pub(crate) fn job(server: &Server, id: &str) -> Arc<Job> {
    server.state().snapshot().job(&key(id)).unwrap().clone()
}
