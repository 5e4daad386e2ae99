//! A node that pretends: what a task's `BEHAVE` says is reported at once.

use drover_base::uuid;
use drover_model::resources::{NodeCpu, NodeDisk, NodeMemory};
use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, Allocation, DriverInfo, NetworkResource, Node, NodeId, NodeResources,
    NodeStatus, TaskState, TaskStateKind, UnixNanos,
};
use drover_server::Server;
use std::time::Duration;
use tokio::task::JoinHandle;

pub(crate) struct FakeNode {
    pub(crate) id: NodeId,
    work: JoinHandle<()>,
}

impl FakeNode {
    pub(crate) async fn join(server: &Server, name: &str) -> Self {
        let node = describe(name);
        let id = node.id.clone();
        server.register_node(node).await.unwrap();
        let work = tokio::spawn(run(server.clone(), id.clone()));
        Self { id, work }
    }

    /// Falls silent.
    pub(crate) fn crash(&self) {
        self.work.abort();
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        self.work.abort();
    }
}

pub(crate) fn describe(name: &str) -> Node {
    let driver = DriverInfo { detected: true, healthy: true, ..DriverInfo::default() };
    Node {
        id: uuid::random().into(),
        secret_id: uuid::random(),
        name: name.to_owned(),
        datacenter: "dc1".to_owned(),
        node_pool: "default".to_owned(),
        computed_class: "v1:1".to_owned(),
        status: NodeStatus::Ready,
        attributes: [("kernel.name".to_owned(), "linux".to_owned()), ("nomad.version".to_owned(), "2.0.5".to_owned())]
            .into(),
        drivers: [("raw_exec".to_owned(), driver)].into(),
        node_resources: NodeResources {
            cpu: NodeCpu { cpu_shares: 4000, total_cpu_cores: 4, reservable_cpu_cores: vec![0, 1, 2, 3] },
            memory: NodeMemory { memory_mb: 8192 },
            disk: NodeDisk { disk_mb: 50_000 },
            networks: vec![NetworkResource {
                mode: "host".to_owned(),
                ip: "127.0.0.1".to_owned(),
                ..NetworkResource::default()
            }],
            min_dynamic_port: 20_000,
            max_dynamic_port: 32_000,
            ..NodeResources::default()
        },
        ..Node::default()
    }
}

async fn run(server: Server, id: NodeId) {
    let mut index = 0;
    loop {
        let Ok(answer) = server.node_allocs(&id, index, Duration::from_secs(60)).await else { return };
        index = answer.index;
        let reports: Vec<Allocation> = answer.allocs.iter().filter_map(|alloc| report(alloc)).collect();
        if !reports.is_empty() && server.update_allocs(reports).await.is_err() {
            return;
        }
    }
}

fn report(alloc: &Allocation) -> Option<Allocation> {
    if alloc.is_client_terminal() {
        return None;
    }
    if alloc.is_server_terminal() {
        return Some(with(alloc, AllocClientStatus::Complete, None, false));
    }
    // An allocation that was updated in place is part of a new deployment, and its health is asked for again.
    let unknown = alloc.deployment_status.as_ref().is_none_or(|status| status.healthy.is_none());
    let asked_again = alloc.client_status == AllocClientStatus::Running && unknown && !alloc.deployment_id.is_empty();
    if alloc.client_status != AllocClientStatus::Pending && !asked_again {
        return None;
    }
    let job = alloc.job.as_ref()?;
    let behave = job.task_groups[0].tasks[0].env.get("BEHAVE").map(String::as_str);
    Some(match behave {
        Some("fail") => with(alloc, AllocClientStatus::Failed, Some(false), true),
        Some("finish") => with(alloc, AllocClientStatus::Complete, None, false),
        Some("start") if asked_again => return None,
        Some("start") => with(alloc, AllocClientStatus::Running, None, false),
        _ => with(alloc, AllocClientStatus::Running, Some(true), false),
    })
}

fn with(alloc: &Allocation, status: AllocClientStatus, healthy: Option<bool>, failed: bool) -> Allocation {
    let state = if status == AllocClientStatus::Running { TaskStateKind::Running } else { TaskStateKind::Dead };
    let now = UnixNanos::now();
    let finished_at = (state == TaskStateKind::Dead).then(|| now.into());
    let task = TaskState { state, failed, started_at: Some(now.into()), finished_at, ..TaskState::default() };
    let mut report = alloc.clone();
    report.client_status = status;
    report.task_states = [("t".to_owned(), task)].into();
    if let (Some(_), false) = (healthy, alloc.deployment_id.is_empty()) {
        let before = report.deployment_status.take().unwrap_or_default();
        report.deployment_status = Some(AllocDeploymentStatus { healthy, timestamp: now.into(), ..before });
    }
    report
}
