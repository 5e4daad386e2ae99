//! For people: what each node of the cluster says to one more allocation of a group, and what would make
//! it fit. The scheduler itself is asked, node by node; the reasons are then looked up one by one, so that
//! all of them are told and not only the first.

use crate::capacity::{GroupAsk, NodeUsage, PortRng};
use crate::feasible::{CompiledConstraint, GroupChecks, Target, belongs, candidates, pool_name};
use crate::preempt;
use crate::stack::{Choice, Stack, Wish};
use drover_model::constraint::operand;
use drover_model::{
    AllocMetric, Allocation, Amounts, ClusterView, Constraint, Job, Node, NodeEligibility, NodeStatus, TaskGroup,
};
use std::sync::Arc;

/// What one node says.
#[derive(Clone, Debug)]
pub struct NodeVerdict {
    /// The node.
    pub node: Arc<Node>,
    /// Why not; empty: one more allocation fits.
    pub refusals: Vec<Refusal>,
    /// Its score among those that fit, and how it is made up.
    pub score: Option<(f64, Vec<(String, f64)>)>,
    /// What would be pushed out for it.
    pub preempts: Vec<Arc<Allocation>>,
}

/// One reason why a node cannot hold the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule, as the metrics of evaluations count it: a constraint, `memory`, `missing drivers`, …
    pub rule: String,
    /// What the node has instead.
    pub found: String,
    /// What would help; empty where nothing simple does.
    pub remedy: String,
}

impl Refusal {
    fn new(rule: impl Into<String>, found: impl Into<String>) -> Self {
        Self { rule: rule.into(), found: found.into(), remedy: String::new() }
    }
    fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

/// Asks every node of the cluster, in the order of their names. `index` is the number of the allocation,
/// which matters to volumes per allocation.
pub fn node_verdicts(view: &dyn ClusterView, job: &Job, group: &TaskGroup, index: Option<u32>) -> Vec<NodeVerdict> {
    let mut stack = Stack::new(view, job, candidates(view, job), 0);
    let number = stack.add_group(job, group);
    stack.count_existing(&view.allocs_of_job(&job.key()));
    let configuration = view.scheduler_configuration();
    let pool = view.node_pool(&job.node_pool).and_then(|pool| pool.scheduler_configuration.clone());
    let oversubscription = pool.and_then(|pool| pool.memory_oversubscription_enabled);
    let oversubscription = oversubscription.unwrap_or(configuration.memory_oversubscription_enabled);
    let mut checks = GroupChecks::new(group);
    checks.bind(view, job, group);
    let asked = Asked { view, job, group, checks, ask: GroupAsk::new(group, oversubscription) };
    let mut nodes = Vec::new();
    view.each_node(&mut |node| nodes.push(Arc::clone(node)));
    nodes.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    let wish = Wish { index, ..Wish::default() };
    let verdict = |node: Arc<Node>| {
        let tried = stack.slot(&node.id).map(|slot| stack.select_on(number, slot, &wish));
        let (choice, metric) = match tried {
            Some((choice, metric)) => (choice, metric.to_metric()),
            None => (None, AllocMetric::default()),
        };
        asked.verdict(node, choice, &metric)
    };
    nodes.into_iter().map(verdict).collect()
}

/// What is asked of each node.
struct Asked<'a> {
    view: &'a dyn ClusterView,
    job: &'a Job,
    group: &'a TaskGroup,
    checks: GroupChecks,
    ask: GroupAsk,
}

impl Asked<'_> {
    fn verdict(&self, node: Arc<Node>, choice: Option<Choice>, metric: &AllocMetric) -> NodeVerdict {
        if let Some(choice) = choice {
            let own = metric.score_meta_data.iter().find(|score| score.node_id == node.id);
            let score = own.map(|own| (own.norm_score, own.scores.clone().into_iter().collect()));
            return NodeVerdict { node, refusals: Vec::new(), score, preempts: choice.preempted };
        }
        let mut refusals = self.standing(&node);
        refusals.extend(self.broken_constraints(&node));
        refusals.extend(self.missing(&node));
        refusals.extend(self.capacity(&node));
        if refusals.is_empty() {
            // Rules about other allocations, which only the scheduler knows.
            let counted = metric.constraint_filtered.keys().chain(metric.dimension_exhausted.keys());
            refusals.extend(counted.map(|rule| Refusal::new(rule.clone(), self.about_others(rule))));
        }
        if refusals.is_empty() {
            refusals.push(Refusal::new("not a candidate", "the scheduler does not look at it"));
        }
        NodeVerdict { node, refusals, score: None, preempts: Vec::new() }
    }

    fn about_others(&self, rule: &str) -> String {
        if rule == operand::DISTINCT_HOSTS {
            return format!("an allocation of {} is on it already", self.job.id);
        }
        "other allocations are in the way".to_owned()
    }

    /// Status, drain, eligibility, pool, datacenter.
    fn standing(&self, node: &Node) -> Vec<Refusal> {
        let mut found = Vec::new();
        if node.status != NodeStatus::Ready {
            found.push(Refusal::new("status", format!("it is {}", node.status)));
        }
        if node.drain_strategy.is_some() {
            found.push(
                Refusal::new("drain", "it is being drained")
                    .with_remedy(format!("drover node drain -disable {}", node.id.short())),
            );
        } else if node.scheduling_eligibility == NodeEligibility::Ineligible {
            found.push(
                Refusal::new("eligibility", "it takes nothing new")
                    .with_remedy(format!("drover node eligibility -enable {}", node.id.short())),
            );
        }
        if !belongs(self.job, node) {
            let pool = crate::feasible::pool_of(node);
            if self.job.node_pool != drover_model::registry::ALL_NODE_POOL && pool != pool_name(self.job) {
                found.push(Refusal::new(format!("node_pool = {}", pool_name(self.job)), format!("it is in {pool}")));
            } else {
                let wanted = self.job.datacenters.join(", ");
                found.push(Refusal::new(format!("datacenters = {wanted}"), format!("it is in {}", node.datacenter)));
            }
        }
        found
    }

    fn broken_constraints(&self, node: &Node) -> Vec<Refusal> {
        let tasks = self.group.tasks.iter().flat_map(|task| &task.constraints);
        let all = self.job.constraints.iter().chain(&self.group.constraints).chain(tasks);
        let broken = |constraint: &&Constraint| CompiledConstraint::new(constraint).is_some_and(|c| !c.holds(node));
        let refusal = |constraint: &Constraint| {
            let rule = CompiledConstraint::new(constraint).map(|c| c.to_string()).unwrap_or_default();
            let left = Target::new(&constraint.left);
            let found = match left.value(node) {
                Some(value) => format!("it has {value:?}"),
                None => "it has no such value".to_owned(),
            };
            Refusal::new(rule.trim_end(), found)
        };
        all.filter(broken).map(refusal).collect()
    }

    /// Drivers, devices, networks, volumes.
    fn missing(&self, node: &Node) -> Vec<Refusal> {
        let mut found = Vec::new();
        for driver in self.checks.missing_drivers(node) {
            let why = match node.drivers.get(driver) {
                Some(info) if info.detected => format!("{driver} is unhealthy: {}", info.health_description),
                _ => format!("it has no {driver}"),
            };
            found.push(Refusal::new("missing drivers", why));
        }
        if !self.checks.has_devices(node) {
            let has: Vec<String> = node
                .node_resources
                .devices
                .iter()
                .map(|group| format!("{}/{}/{} x{}", group.vendor, group.kind, group.name, group.instances.len()))
                .collect();
            let has = if has.is_empty() { "it has none".to_owned() } else { format!("it has {}", has.join(", ")) };
            found.push(Refusal::new("missing devices", has));
        }
        if let Err(rule) = self.checks.check_network(node) {
            let networks = &node.node_resources.node_networks;
            let mut names: Vec<&str> = networks.iter().flat_map(|n| &n.addresses).map(|a| a.alias.as_str()).collect();
            names.dedup();
            let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            found.push(Refusal::new(rule, format!("its host networks: {has}")));
        }
        if let Err(rule) = self.checks.check_node(self.view, node, Some(0), None) {
            let has: Vec<&str> = node.host_volumes.keys().map(String::as_str).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            found.push(Refusal::new(rule, format!("its host volumes: {has}")));
        }
        found
    }

    /// CPU, memory, disk, ports, cores: what is free, and what would make room.
    fn capacity(&self, node: &Arc<Node>) -> Vec<Refusal> {
        let live: Vec<Arc<Allocation>> =
            self.view.allocs_of_node(&node.id).into_iter().filter(|alloc| !alloc.is_terminal()).collect();
        let mut usage = NodeUsage::new(Arc::clone(node), live.iter().map(|alloc| &**alloc));
        let mut ports = PortRng::new(0);
        let Err(dimension) = usage.offer(&self.ask, &mut ports) else { return Vec::new() };
        let whole = Amounts::of_node(node);
        let used = live.iter().filter_map(|alloc| alloc.allocated_resources.as_ref());
        let free = used.fold(whole, |free, held| free.minus(Amounts::of_alloc(held)));
        let asks = self.ask.amounts();
        let lacks: Vec<Lack> = [
            Lack { name: "cpu", unit: "MHz", asks: asks.cpu, free: free.cpu, whole: whole.cpu },
            Lack { name: "memory", unit: "MiB", asks: asks.memory, free: free.memory, whole: whole.memory },
            Lack { name: "disk", unit: "MiB", asks: asks.disk, free: free.disk, whole: whole.disk },
        ]
        .into_iter()
        .filter(|lack| lack.asks > lack.free)
        .collect();
        let mut remedies: Vec<String> = Vec::new();
        if !lacks.is_empty() && lacks.iter().all(|lack| lack.free > 0) && lacks.iter().any(|l| l.name == dimension) {
            let lower: Vec<String> =
                lacks.iter().map(|lack| format!("{} to {} {}", lack.name, lack.free, lack.unit)).collect();
            remedies.push(format!("lower {}", lower.join(" and ")));
        }
        if let Some((_, gone)) = preempt::make_room(&usage, live, u8::MAX, &self.ask, &mut ports) {
            let names: Vec<String> = gone.iter().map(|alloc| format!("{} {}", alloc.id.short(), alloc.name)).collect();
            remedies.push(format!("free {}", names.join(" and ")));
        }
        let remedy = remedies.join(", or ");
        if lacks.is_empty() {
            return vec![Refusal::new(dimension, "all of it is taken").with_remedy(remedy)];
        }
        let mut found: Vec<Refusal> = lacks.iter().map(Lack::refusal).collect();
        if let Some(last) = found.last_mut() {
            last.remedy = remedy;
        }
        found
    }
}

/// Something a node has too little of.
struct Lack {
    name: &'static str,
    unit: &'static str,
    asks: i64,
    free: i64,
    whole: i64,
}

impl Lack {
    fn refusal(&self) -> Refusal {
        let Self { name, unit, asks, free, whole } = self;
        let missing = asks - free;
        let found = format!("lacks {missing} {unit}: {asks} asked for, {free} of {whole} free");
        Refusal::new(*name, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_base::{JobKey, UnixNanos};
    use drover_model::registry::{NodePool, SchedulerConfiguration};
    use drover_model::{AllocatedResources, AllocatedTaskResources, Deployment, Task};

    struct Cluster(Vec<Arc<Node>>, Vec<Arc<Allocation>>);

    impl ClusterView for Cluster {
        fn index(&self) -> u64 {
            1
        }
        fn job(&self, _: &JobKey) -> Option<Arc<Job>> {
            None
        }
        fn each_node(&self, visit: &mut dyn FnMut(&Arc<Node>)) {
            self.0.iter().for_each(visit);
        }
        fn node(&self, id: &drover_model::NodeId) -> Option<Arc<Node>> {
            self.0.iter().find(|node| node.id == *id).cloned()
        }
        fn allocs_of_job(&self, _: &JobKey) -> Vec<Arc<Allocation>> {
            Vec::new()
        }
        fn allocs_of_node(&self, id: &drover_model::NodeId) -> Vec<Arc<Allocation>> {
            self.1.iter().filter(|alloc| alloc.node_id == *id).cloned().collect()
        }
        fn latest_deployment(&self, _: &JobKey) -> Option<Arc<Deployment>> {
            None
        }
        fn scheduler_configuration(&self) -> Arc<SchedulerConfiguration> {
            Arc::default()
        }
        fn node_pool(&self, _: &str) -> Option<Arc<NodePool>> {
            None
        }
    }

    fn node(name: &str, kernel: &str) -> Node {
        let mut node = Node {
            id: format!("{name}-0000-0000").into(),
            name: name.into(),
            datacenter: "dc1".into(),
            status: NodeStatus::Ready,
            ..Node::default()
        };
        node.node_resources.cpu.cpu_shares = 4000;
        node.node_resources.memory.memory_mb = 2048;
        node.node_resources.disk.disk_mb = 10_000;
        node.attributes.insert("kernel.name".into(), kernel.into());
        node.attributes.insert("driver.exec".into(), "1".into());
        node
    }

    fn held(node: &str, memory_mb: i64) -> Allocation {
        let mut task = AllocatedTaskResources::default();
        task.memory.memory_mb = memory_mb;
        let resources = AllocatedResources { tasks: [("t".to_owned(), task)].into(), ..AllocatedResources::default() };
        Allocation {
            id: "0a1b2c3d-0000".into(),
            name: "other.g[0]".into(),
            node_id: format!("{node}-0000-0000").into(),
            allocated_resources: Some(Arc::new(resources)),
            job: Some(Arc::new(Job { priority: 50, ..Job::default() })),
            create_time: UnixNanos(1),
            ..Allocation::default()
        }
    }

    fn verdicts(edit: impl FnOnce(&mut Node), constraint: (&str, &str, &str), memory_mb: i64) -> Vec<NodeVerdict> {
        let mut linux = node("linux", "linux");
        edit(&mut linux);
        let mut task = Task { name: "t".into(), driver: "exec".into(), ..Task::default() };
        task.resources.memory_mb = memory_mb;
        let group = TaskGroup { name: "g".into(), count: 1, tasks: vec![task], ..TaskGroup::default() };
        let constraint =
            Constraint { left: constraint.0.into(), operand: constraint.1.into(), right: constraint.2.into() };
        let job = Job {
            id: "web".into(),
            datacenters: vec!["*".into()],
            constraints: vec![constraint],
            task_groups: vec![group.clone()],
            ..Job::default()
        };
        let cluster = Cluster(vec![Arc::new(linux)], vec![Arc::new(held("linux", 1500))]);
        node_verdicts(&cluster, &job, &group, None)
    }

    const ANY: (&str, &str, &str) = ("${attr.kernel.name}", "is_set", "");

    #[test]
    fn what_lacks_is_told_with_what_would_help() {
        let found = verdicts(|_| {}, ANY, 1060);
        let refusal = &found[0].refusals[0];
        assert_eq!(refusal.found, "lacks 512 MiB: 1060 asked for, 548 of 2048 free");
        assert_eq!(refusal.remedy, "lower memory to 548 MiB, or free 0a1b2c3d other.g[0]");
    }

    #[test]
    fn a_node_that_is_too_small_has_no_remedy_but_a_smaller_task() {
        let found = verdicts(|_| {}, ANY, 9000);
        assert_eq!(found[0].refusals[0].remedy, "lower memory to 548 MiB");
    }

    #[test]
    fn all_reasons_are_told_at_once() {
        let found = verdicts(
            |node| {
                node.drivers.insert("exec".into(), drover_model::DriverInfo::default());
                node.datacenter = "dc1".into();
            },
            ("${attr.kernel.name}", "=", "windows"),
            9000,
        );
        let rules: Vec<&str> = found[0].refusals.iter().map(|refusal| refusal.rule.as_str()).collect();
        assert_eq!(rules, ["${attr.kernel.name} = windows", "missing drivers", "memory"]);
        assert_eq!(found[0].refusals[0].found, "it has \"linux\"");
    }

    #[test]
    fn a_node_that_fits_tells_its_score() {
        let found = verdicts(|_| {}, ANY, 100);
        assert!(found[0].refusals.is_empty());
        assert!(found[0].score.is_some());
    }
}
