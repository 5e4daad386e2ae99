//! A node with real drivers and servers that only exist in this process.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests panic and tell")]
#![allow(dead_code, reason = "each test file uses its own part")]

use async_trait::async_trait;
use drover_drivers::{DriverOptions, Drivers};
use drover_model::resources::{AllocatedResources, AllocatedTaskResources};
use drover_model::{
    AllocDesiredStatus, AllocId, Allocation, Job, JobType, Namespace, Nanos, Node as NodeModel, NodeId, RestartPolicy,
    ServiceRegistration, Task, TaskGroup, UnixNanos,
};
use drover_node::{
    AllocsReply, Heartbeat, IdentityWish, LinkError, Node, NodeConfig, NodeHandle, ServerLink, SignedIdentity,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// The most that a test waits for something.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
pub struct Cluster {
    pub nodes: BTreeMap<NodeId, NodeModel>,
    pub allocs: BTreeMap<AllocId, Allocation>,
    pub services: BTreeMap<String, ServiceRegistration>,
    pub updates: u64,
    pub messages: u64,
    pub signatures: u64,
}

#[derive(Debug)]
pub struct Servers {
    pub cluster: Mutex<Cluster>,
    index: watch::Sender<u64>,
}

impl Servers {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { cluster: Mutex::default(), index: watch::channel(1).0 })
    }
    pub fn change<T>(&self, change: impl FnOnce(&mut Cluster, u64) -> T) -> T {
        let index = *self.index.borrow() + 1;
        let result = change(&mut self.cluster.lock().unwrap(), index);
        self.index.send_replace(index);
        result
    }
    pub fn place(&self, mut alloc: Allocation) {
        self.change(|cluster, index| {
            alloc.alloc_modify_index = index;
            cluster.allocs.insert(alloc.id.clone(), alloc);
        });
    }
    pub fn stop(&self, id: &str) {
        self.change(|cluster, index| {
            let alloc = cluster.allocs.get_mut(id).unwrap();
            alloc.desired_status = AllocDesiredStatus::Stop;
            alloc.alloc_modify_index = index;
        });
    }
    fn identity_ttl(&self, wish: &IdentityWish) -> Nanos {
        let alloc = self.alloc(&wish.alloc_id);
        let task = alloc.group().and_then(|group| group.task(&wish.task)).unwrap().clone();
        let identities = task.identity.iter().chain(&task.identities);
        identities.into_iter().find(|identity| identity.name == wish.identity).map_or(Nanos(0), |found| found.ttl)
    }
    pub fn alloc(&self, id: &str) -> Allocation {
        self.cluster.lock().unwrap().allocs[id].clone()
    }
    /// Waits until the servers know of `id` what `is_it` wants.
    pub async fn until(&self, id: &str, is_it: impl Fn(&Allocation) -> bool) -> Allocation {
        let mut index = self.index.subscribe();
        let wait = async {
            loop {
                let alloc = self.alloc(id);
                if is_it(&alloc) {
                    return alloc;
                }
                index.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(alloc) => alloc,
            Err(_) => panic!("not in time: {:#?}", self.alloc(id).task_states),
        }
    }
    pub async fn until_status(&self, id: &str, status: &str) -> Allocation {
        self.until(id, |alloc| alloc.client_status.as_str() == status).await
    }
}

#[async_trait]
impl ServerLink for Servers {
    async fn register(&self, node: NodeModel) -> Result<Heartbeat, LinkError> {
        self.change(|cluster, _| cluster.nodes.insert(node.id.clone(), node));
        Ok(Heartbeat { ttl: Duration::from_secs(10) })
    }
    async fn heartbeat(&self, _: &NodeId) -> Result<Heartbeat, LinkError> {
        Ok(Heartbeat { ttl: Duration::from_secs(10) })
    }
    async fn allocs(&self, _: &NodeId, min_index: u64, wait: Duration) -> Result<AllocsReply, LinkError> {
        let mut index = self.index.subscribe();
        // The newest answer counts, also when nothing changed in time.
        let _ = tokio::time::timeout(wait, index.wait_for(|index| *index > min_index)).await;
        let index = *self.index.borrow();
        let allocs = self.cluster.lock().unwrap().allocs.values().cloned().map(Arc::new).collect();
        Ok(AllocsReply { index, allocs })
    }
    async fn update_allocs(&self, updates: Vec<Allocation>) -> Result<(), LinkError> {
        self.change(|cluster, _| {
            cluster.messages += 1;
            for update in updates {
                cluster.updates += 1;
                let Some(alloc) = cluster.allocs.get_mut(&update.id) else { continue };
                alloc.client_status = update.client_status;
                alloc.client_description = update.client_description;
                alloc.task_states = update.task_states;
                alloc.deployment_status = update.deployment_status;
            }
        });
        Ok(())
    }
    async fn upsert_services(&self, services: Vec<ServiceRegistration>) -> Result<(), LinkError> {
        self.change(|cluster, _| cluster.services.extend(services.into_iter().map(|s| (s.id.clone(), s))));
        Ok(())
    }
    async fn delete_services(&self, services: Vec<(Namespace, String)>) -> Result<(), LinkError> {
        self.change(|cluster, _| cluster.services.retain(|id, _| !services.iter().any(|(_, gone)| gone == id)));
        Ok(())
    }
    async fn sign_identities(&self, _: &NodeId, wishes: &[IdentityWish]) -> Result<Vec<SignedIdentity>, LinkError> {
        let number = self.change(|cluster, _| {
            cluster.signatures += 1;
            cluster.signatures
        });
        let sign = |wish: &IdentityWish| {
            let ttl = self.identity_ttl(wish);
            let expires = (ttl.0 > 0).then(|| UnixNanos::now().plus(ttl));
            SignedIdentity { jwt: format!("{}-{}-{number}", wish.task, wish.identity), expires }
        };
        Ok(wishes.iter().map(sign).collect())
    }
    async fn sign_node_identity(&self, node: &NodeId) -> Result<SignedIdentity, LinkError> {
        let expires = UnixNanos::now().plus(Nanos::from_hours(1));
        Ok(SignedIdentity { jwt: format!("node-{node}"), expires: Some(expires) })
    }
}

/// A node with everything below `dir`.
pub async fn node(dir: &Path, servers: &Arc<Servers>) -> NodeHandle {
    let mut options = DriverOptions::new(env!("CARGO_BIN_EXE_drover-node-supervise-test"));
    options.raw_exec_enabled = true;
    options.mock_enabled = true;
    let mut config = NodeConfig::in_dir(dir);
    config.network_interface = "lo".into();
    config.driver_allowlist = vec!["raw_exec".into(), "mock_driver".into()];
    config.host_env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    config.meta.insert("rack".into(), "r1".into());
    Node::start(config, servers.clone(), Drivers::new(&options)).await.unwrap()
}

pub fn shell(name: &str, script: &str) -> Task {
    let config = serde_json::json!({"command": "/bin/sh", "args": ["-c", script]});
    Task {
        name: name.into(),
        driver: "raw_exec".into(),
        config: config.as_object().unwrap().clone().into_iter().collect(),
        kill_timeout: Nanos::from_secs(5),
        ..Task::default()
    }
}

pub fn group(tasks: Vec<Task>) -> TaskGroup {
    TaskGroup {
        name: "g".into(),
        count: 1,
        tasks,
        restart_policy: RestartPolicy { interval: Nanos::from_mins(1), ..RestartPolicy::default() },
        ..TaskGroup::default()
    }
}

pub fn alloc(id: &str, kind: JobType, group: TaskGroup) -> Allocation {
    let tasks = group.tasks.iter().map(|task| (task.name.clone(), AllocatedTaskResources::default()));
    let resources = AllocatedResources { tasks: tasks.collect(), ..AllocatedResources::default() };
    let job = Job { id: "j".into(), name: "j".into(), kind, task_groups: vec![group], ..Job::default() };
    Allocation {
        id: id.into(),
        namespace: "default".into(),
        name: "j.g[0]".into(),
        job_id: "j".into(),
        task_group: "g".into(),
        job: Some(Arc::new(job)),
        allocated_resources: Some(Arc::new(resources)),
        create_time: UnixNanos::now(),
        ..Allocation::default()
    }
}

pub fn kinds(alloc: &Allocation, task: &str) -> Vec<String> {
    alloc.task_states[task].events.iter().map(|event| event.kind.clone()).collect()
}
