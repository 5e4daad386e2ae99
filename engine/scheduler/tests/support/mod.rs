//! An in-memory cluster: the view that the scheduler works on, and what the servers would do with its plans.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use drover_model::policy::{ReschedulePolicy, UpdateStrategy};
use drover_model::registry::{NodePool, SchedulerConfiguration};
use drover_model::resources::{NodeAddress, NodeNetwork};
use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, Allocation, ClusterView, Deployment, EvalTrigger, Evaluation, Job,
    JobKey, JobType, NetworkResource, Node, NodeId, NodeStatus, PlacementPlan, Port, Task, TaskGroup, UnixNanos,
    WireTime,
};
use drover_scheduler::{Context, Outcome, schedule};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Default)]
pub struct Cluster {
    pub index: u64,
    pub now: UnixNanos,
    pub seed: u64,
    pub jobs: BTreeMap<JobKey, Arc<Job>>,
    pub nodes: BTreeMap<NodeId, Arc<Node>>,
    pub allocs: BTreeMap<String, Arc<Allocation>>,
    pub by_node: BTreeMap<NodeId, Vec<String>>,
    pub deployments: Vec<Arc<Deployment>>,
    pub configuration: Arc<SchedulerConfiguration>,
}

impl ClusterView for Cluster {
    fn index(&self) -> u64 {
        self.index
    }
    fn job(&self, key: &JobKey) -> Option<Arc<Job>> {
        self.jobs.get(key).cloned()
    }
    fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>)) {
        self.nodes.values().for_each(visit);
    }
    fn node(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.nodes.get(id).cloned()
    }
    fn allocs_of_job(&self, key: &JobKey) -> Vec<Arc<Allocation>> {
        self.allocs.values().filter(|alloc| alloc.job_id == key.id).cloned().collect()
    }
    fn allocs_of_node(&self, id: &NodeId) -> Vec<Arc<Allocation>> {
        self.by_node.get(id).into_iter().flatten().map(|id| Arc::clone(&self.allocs[id])).collect()
    }
    fn latest_deployment(&self, key: &JobKey) -> Option<Arc<Deployment>> {
        self.deployments.iter().rev().find(|deployment| deployment.job_key() == *key).cloned()
    }
    fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration> {
        Arc::clone(&self.configuration)
    }
    fn node_pool(&self, _name: &str) -> Option<Arc<NodePool>> {
        None
    }
}

impl Cluster {
    pub fn with_nodes(count: usize) -> Self {
        let mut cluster = Self { index: 10, now: UnixNanos(1_000_000_000_000), ..Self::default() };
        (0..count).for_each(|i| cluster.add_node(node(i)));
        cluster
    }

    pub fn add_node(&mut self, node: Node) {
        self.nodes.insert(node.id.clone(), Arc::new(node));
    }

    pub fn edit_node(&mut self, id: &NodeId, edit: impl FnOnce(&mut Node)) {
        edit(Arc::make_mut(self.nodes.get_mut(id).unwrap()));
    }

    pub fn edit_alloc(&mut self, id: &str, edit: impl FnOnce(&mut Allocation)) {
        edit(Arc::make_mut(self.allocs.get_mut(id).unwrap()));
    }

    /// Registers a job: a new version when it is there already.
    pub fn register(&mut self, mut job: Job) {
        self.index += 1;
        job.create_index = self.index;
        if let Some(old) = self.jobs.get(&job.key()) {
            (job.version, job.create_index) = (old.version + 1, old.create_index);
        }
        (job.modify_index, job.job_modify_index) = (self.index, self.index);
        self.jobs.insert(job.key(), Arc::new(job));
    }

    pub fn eval(&self, job: &str) -> Evaluation {
        let kind = self.jobs.values().find(|j| j.id == *job).map_or(JobType::Service, |job| job.kind);
        Evaluation {
            id: format!("eval-{}", self.index).into(),
            namespace: "default".into(),
            priority: 50,
            kind: kind.as_str().to_owned(),
            triggered_by: EvalTrigger::JobRegister,
            job_id: job.into(),
            ..Evaluation::default()
        }
    }

    pub fn schedule(&mut self, eval: &Evaluation) -> Outcome {
        self.seed += 1;
        schedule(self, eval, Context { seed: self.seed, now: self.now }).unwrap()
    }

    /// Evaluates a job and commits the plan.
    pub fn run(&mut self, job: &str) -> Outcome {
        let eval = self.eval(job);
        self.run_eval(&eval)
    }

    pub fn run_eval(&mut self, eval: &Evaluation) -> Outcome {
        let outcome = self.schedule(eval);
        self.commit(&outcome.plan);
        outcome
    }

    pub fn commit(&mut self, plan: &PlacementPlan) {
        self.index += 1;
        if let Some(deployment) = &plan.deployment {
            let new = Arc::new(deployment.clone());
            match self.deployments.iter_mut().find(|known| known.id == deployment.id) {
                Some(known) => *known = new,
                None => self.deployments.push(new),
            }
        }
        for update in &plan.deployment_updates {
            let known = self.deployments.iter_mut().find(|known| known.id == update.id).unwrap();
            let known = Arc::make_mut(known);
            known.status = update.status;
            known.status_description.clone_from(&update.description);
        }
        for alloc in plan.node_update.values().chain(plan.node_preemptions.values()).flatten() {
            self.edit_alloc(&alloc.id, |known| {
                *known = Allocation { job: known.job.clone(), ..alloc.clone() };
            });
        }
        for alloc in plan.node_allocation.values().flatten() {
            let mut alloc = alloc.clone();
            if alloc.job.is_none() {
                alloc.job = plan.job.clone();
            }
            if !self.allocs.contains_key(alloc.id.as_str()) {
                alloc.create_index = self.index;
                self.by_node.entry(alloc.node_id.clone()).or_default().push(alloc.id.to_string());
                self.note_placed(&alloc);
            }
            self.allocs.insert(alloc.id.to_string(), Arc::new(alloc));
        }
    }

    fn note_placed(&mut self, alloc: &Allocation) {
        let deployment = self.deployments.iter_mut().find(|deployment| deployment.id == alloc.deployment_id);
        let Some(deployment) = deployment else { return };
        let Some(state) = Arc::make_mut(deployment).task_groups.get_mut(&alloc.task_group) else { return };
        state.placed_allocs += 1;
        if alloc.is_canary() {
            state.placed_canaries.push(alloc.id.clone());
        }
    }

    /// All live allocations of the job run, and are healthy.
    pub fn all_healthy(&mut self, job: &str) {
        let ids: Vec<String> = self.live(job).iter().map(|alloc| alloc.id.to_string()).collect();
        for id in ids {
            self.set_health(&id, true);
        }
    }

    pub fn set_health(&mut self, id: &str, healthy: bool) {
        let alloc = Arc::clone(&self.allocs[id]);
        let before = alloc.deployment_status.as_ref().and_then(|status| status.healthy);
        self.edit_alloc(id, |alloc| {
            alloc.client_status = AllocClientStatus::Running;
            let canary = alloc.is_canary();
            alloc.deployment_status =
                Some(AllocDeploymentStatus { healthy: Some(healthy), canary, ..AllocDeploymentStatus::default() });
        });
        let deployment = self.deployments.iter_mut().find(|deployment| deployment.id == alloc.deployment_id);
        let state = deployment.and_then(|d| Arc::make_mut(d).task_groups.get_mut(&alloc.task_group));
        if let Some(state) = state.filter(|_| before != Some(healthy)) {
            if healthy { state.healthy_allocs += 1 } else { state.unhealthy_allocs += 1 }
        }
    }

    pub fn promote(&mut self) {
        let last = Arc::make_mut(self.deployments.last_mut().unwrap());
        last.task_groups.values_mut().for_each(|state| state.promoted = true);
    }

    pub fn fail(&mut self, id: &str) {
        let now = self.now;
        self.edit_alloc(id, |alloc| {
            alloc.client_status = AllocClientStatus::Failed;
            alloc.modify_time = now;
        });
    }

    pub fn live(&self, job: &str) -> Vec<Arc<Allocation>> {
        let mut live: Vec<_> = self.allocs.values().filter(|a| a.job_id == *job && !a.is_terminal()).cloned().collect();
        live.sort_by_key(|alloc| (alloc.index(), alloc.create_index));
        live
    }

    pub fn names(&self, job: &str) -> Vec<String> {
        self.live(job).iter().map(|alloc| alloc.name.clone()).collect()
    }

    pub fn last_deployment(&self) -> &Deployment {
        self.deployments.last().unwrap()
    }
}

pub fn node(i: usize) -> Node {
    let mut node = Node {
        id: format!("node-{i:04}").into(),
        name: format!("n{i}"),
        datacenter: format!("dc{}", i % 2 + 1),
        node_pool: "default".into(),
        computed_class: format!("class-{}", i % 4),
        status: NodeStatus::Ready,
        ..Node::default()
    };
    node.node_resources.cpu.cpu_shares = 4000;
    node.node_resources.cpu.total_cpu_cores = 4;
    node.node_resources.memory.memory_mb = 8192;
    node.node_resources.disk.disk_mb = 100_000;
    node.node_resources.node_networks = vec![NodeNetwork {
        mode: "host".into(),
        device: "eth0".into(),
        addresses: vec![NodeAddress {
            alias: "default".into(),
            address: format!("10.0.{}.{}", i / 256, i % 256),
            ..NodeAddress::default()
        }],
        ..NodeNetwork::default()
    }];
    node.attributes.insert("kernel.name".into(), "linux".into());
    node.attributes.insert("driver.raw_exec".into(), "1".into());
    node.meta.insert("rack".into(), format!("r{}", i % 4));
    node
}

pub fn job(id: &str, count: u32) -> Job {
    let mut task = Task { name: "t".into(), driver: "raw_exec".into(), ..Task::default() };
    task.resources.cpu = 500;
    task.resources.memory_mb = 256;
    let group = TaskGroup {
        name: "g".into(),
        count,
        tasks: vec![task],
        reschedule_policy: Some(ReschedulePolicy {
            delay: drover_model::Nanos::from_secs(30),
            delay_function: "constant".into(),
            unlimited: true,
            ..ReschedulePolicy::default()
        }),
        update: Some(UpdateStrategy { max_parallel: 1, ..UpdateStrategy::default() }),
        ..TaskGroup::default()
    };
    Job {
        id: id.into(),
        name: id.into(),
        namespace: "default".into(),
        node_pool: "default".into(),
        datacenters: vec!["*".into()],
        priority: 50,
        task_groups: vec![group],
        ..Job::default()
    }
}

pub fn batch(id: &str, count: u32) -> Job {
    let mut job = job(id, count);
    job.kind = JobType::Batch;
    job.task_groups[0].update = None;
    let policy = job.task_groups[0].reschedule_policy.as_mut().unwrap();
    (policy.unlimited, policy.attempts, policy.interval) = (false, 1, drover_model::Nanos::from_hours(24));
    job
}

pub fn with_ports(mut job: Job, fixed: &[u16], dynamic: usize) -> Job {
    let port = |label: String, value| Port { label, value, host_network: "default".into(), ..Port::default() };
    job.task_groups[0].networks = vec![NetworkResource {
        reserved_ports: fixed.iter().map(|value| port(format!("s{value}"), *value)).collect(),
        dynamic_ports: (0..dynamic).map(|i| port(format!("d{i}"), 0)).collect(),
        ..NetworkResource::default()
    }];
    job
}

/// A change that needs new allocations.
pub fn changed(mut job: Job) -> Job {
    let next = job.task_groups[0].tasks[0].env.len().to_string();
    job.task_groups[0].tasks[0].env.insert(format!("V{next}"), next);
    job
}

pub fn time(secs: i64) -> WireTime {
    UnixNanos(secs * 1_000_000_000).into()
}
