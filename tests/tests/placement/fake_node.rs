//! A node that pretends to run `mock_driver` tasks.

use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, AllocId, Allocation, Node, NodeId, TaskState, TaskStateKind, UnixNanos,
};
use drover_server::Server;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

pub(crate) struct FakeNode {
    work: [JoinHandle<()>; 2],
}

impl FakeNode {
    pub(crate) async fn join(server: &Server, node: Node) -> Self {
        let id = node.id.clone();
        server.register_node(node).await.unwrap();
        let beats = tokio::spawn(beat(server.clone(), id.clone()));
        let work = tokio::spawn(run(server.clone(), id));
        Self { work: [beats, work] }
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        self.work.iter().for_each(JoinHandle::abort);
    }
}

async fn beat(server: Server, id: NodeId) {
    loop {
        tokio::time::sleep(Duration::from_millis(400)).await;
        if server.heartbeat(&id).await.is_err() {
            return;
        }
    }
}

/// Allocations that were taken up, with the deployment that they report their health to.
type Known = Arc<Mutex<HashMap<AllocId, String>>>;

async fn run(server: Server, id: NodeId) {
    let known = Known::default();
    let mut tasks = tokio::task::JoinSet::new();
    let mut index = 0;
    while let Ok(answer) = server.node_allocs(&id, index, Duration::from_secs(60)).await {
        index = answer.index;
        for alloc in answer.allocs {
            if alloc.is_client_terminal() {
                continue;
            }
            if alloc.is_server_terminal() {
                let stopped = report(&alloc, AllocClientStatus::Complete, None);
                known.lock().unwrap().insert(alloc.id.clone(), String::from("stopped"));
                let _gone = server.update_allocs(vec![stopped]).await;
                continue;
            }
            let before = known.lock().unwrap().insert(alloc.id.clone(), alloc.deployment_id.to_string());
            let is_known = before.as_deref().is_some_and(|deployment| deployment == &*alloc.deployment_id);
            if !is_known || alloc.client_status == AllocClientStatus::Unknown {
                tasks.spawn(live(server.clone(), alloc, known.clone(), before.is_none()));
            }
        }
    }
}

/// The life of an allocation: it runs, is found healthy, and ends as its configuration says.
async fn live(server: Server, alloc: Arc<Allocation>, known: Known, is_new: bool) {
    let Some(group) = alloc.group().cloned() else { return };
    let config = &group.tasks[0].config;
    let run_for = config.get("run_for").and_then(serde_json::Value::as_str).map_or(Duration::ZERO, duration);
    let deployment = alloc.deployment_id.to_string();
    let is_current = || known.lock().unwrap().get(&alloc.id).is_some_and(|now| *now == deployment);
    if config.contains_key("start_error") {
        let health = (!deployment.is_empty()).then_some(false);
        let _gone = server.update_allocs(vec![report(&alloc, AllocClientStatus::Failed, health)]).await;
        return;
    }
    let _gone = server.update_allocs(vec![report(&alloc, AllocClientStatus::Running, None)]).await;
    let healthy_after = group.update.as_ref().map_or(Duration::ZERO, |update| update.min_healthy_time.as_duration());
    if !deployment.is_empty() && run_for > healthy_after {
        tokio::time::sleep(healthy_after).await;
        if !is_current() {
            return;
        }
        let _gone = server.update_allocs(vec![report(&alloc, AllocClientStatus::Running, Some(true))]).await;
    }
    if !is_new {
        return;
    }
    tokio::time::sleep(run_for.saturating_sub(healthy_after)).await;
    if !is_current() {
        return;
    }
    let _gone = server.update_allocs(vec![report(&alloc, AllocClientStatus::Complete, None)]).await;
}

fn duration(text: &str) -> Duration {
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    let number: u64 = digits.parse().unwrap();
    match &text[digits.len()..] {
        "ms" => Duration::from_millis(number),
        "h" => Duration::from_secs(number * 3600),
        _ => Duration::from_secs(number),
    }
}

fn report(alloc: &Allocation, status: AllocClientStatus, healthy: Option<bool>) -> Allocation {
    let is_running = status == AllocClientStatus::Running;
    let now = UnixNanos::now();
    let task = TaskState {
        state: if is_running { TaskStateKind::Running } else { TaskStateKind::Dead },
        failed: status == AllocClientStatus::Failed,
        started_at: Some(now.into()),
        finished_at: (!is_running).then(|| now.into()),
        ..TaskState::default()
    };
    let mut report = alloc.clone();
    report.client_status = status;
    report.task_states = [("t".to_owned(), task)].into();
    if healthy.is_some() {
        let before = report.deployment_status.take().unwrap_or_default();
        report.deployment_status = Some(AllocDeploymentStatus { healthy, timestamp: now.into(), ..before });
    }
    report
}
