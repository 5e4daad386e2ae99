//! System and sysbatch jobs: one allocation of each group on every node that can hold it.

use crate::context::{Context, Ids};
use crate::explain::add_exhausted_resources;
use crate::feasible::{QuotaGate, candidates, pool_name};
use crate::outcome::{Outcome, blocked_eval};
use crate::preempt;
use crate::reconcile::{
    Deployments, Input, Reconciliation, TaintedNodes, UpdateKind, is_destructive, stop_whole_set, tainted_nodes, why,
};
use crate::stack::{Stack, Wish};
use drover_base::{DeploymentId, NodeId};
use drover_model::alloc::alloc_name;
use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, AllocDesiredStatus, AllocMetric, Allocation, ClusterView,
    DeploymentState, EvalStatus, Evaluation, Job, JobType, Node, NodeStatus, PlacementPlan, PlanAnnotations, TaskGroup,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Works out an evaluation of a system or sysbatch job.
pub(crate) fn schedule(view: &dyn ClusterView, eval: &Evaluation, context: Context) -> Outcome {
    let mut ids = Ids::new(context.seed);
    let key = eval.job_key();
    let job = view.job(&key);
    let allocs = view.allocs_of_job(&key);
    let tainted = tainted_nodes(view, &allocs);
    let running = job.as_deref().filter(|job| !job.stop);
    let mut nodes = running.map(|job| candidates(view, job)).unwrap_or_default();
    nodes.nodes.sort_by(|a, b| a.id.cmp(&b.id));
    let eligible: Vec<Arc<Node>> = nodes.nodes.clone();
    let no_job = Job::default();
    let job_ref = job.as_deref().unwrap_or(&no_job);
    let mut out = Reconciliation::default();
    let deployments = {
        let input = Input {
            eval,
            job: job.as_deref(),
            allocs: Vec::new(),
            deployment: view.latest_deployment(&key),
            tainted: &tainted,
            now: context.now,
            update_of: &|_, _| UpdateKind::None,
        };
        Deployments::new(&input, &mut out)
    };
    let plan = PlacementPlan {
        eval_id: eval.id.clone(),
        priority: eval.priority,
        job: job.clone(),
        snapshot_index: view.index(),
        ..PlacementPlan::default()
    };
    let queued = job.iter().flat_map(|job| &job.task_groups).map(|group| (group.name.clone(), 0)).collect();
    let stack = Stack::new(view, job_ref, nodes, ids.seed());
    let deployment_id = deployments.current.as_ref().map(|current| current.id.clone()).unwrap_or_default();
    let mut run = Run {
        view,
        eval,
        context,
        job: job_ref,
        stack,
        ids,
        plan,
        out,
        deployments,
        deployment_id,
        tainted,
        failed: BTreeMap::new(),
        full_nodes: Vec::new(),
        queued,
        quota: QuotaGate::new(view, job_ref),
    };
    run.groups(running, &allocs, &eligible);
    run.finish()
}

struct Run<'a> {
    view: &'a dyn ClusterView,
    eval: &'a Evaluation,
    context: Context,
    job: &'a Job,
    stack: Stack<'a>,
    ids: Ids,
    plan: PlacementPlan,
    out: Reconciliation,
    deployments: Deployments,
    /// Of the deployment that new allocations belong to, even before it is made.
    deployment_id: DeploymentId,
    tainted: TaintedNodes,
    failed: BTreeMap<String, AllocMetric>,
    /// Nodes on which a group found no room: each gets a blocked evaluation.
    full_nodes: Vec<NodeId>,
    queued: BTreeMap<String, u32>,
    quota: QuotaGate,
}

/// One group while its nodes are gone through.
struct GroupRun {
    number: usize,
    state: DeploymentState,
    existing: bool,
    rolling: bool,
    /// Updates that may still be made in this evaluation.
    room: usize,
    /// Canaries that may still be placed.
    canaries: usize,
    pending: usize,
    changes: bool,
    ran_before: bool,
    filtered: Option<AllocMetric>,
    filtered_nodes: u32,
    on_nodes: u32,
}

/// What a node has of a group: the newest live allocation, other live ones, the newest that ended.
#[derive(Default)]
struct OnNode {
    live: Option<Arc<Allocation>>,
    surplus: Vec<Arc<Allocation>>,
    ended: Option<Arc<Allocation>>,
}

impl Run<'_> {
    fn groups(&mut self, running: Option<&Job>, allocs: &[Arc<Allocation>], eligible: &[Arc<Node>]) {
        let mut by_group: BTreeMap<&str, Vec<&Arc<Allocation>>> = BTreeMap::new();
        for alloc in allocs {
            by_group.entry(&alloc.task_group).or_default().push(alloc);
        }
        let mut complete = running.is_some();
        if let Some(job) = running {
            let numbers: Vec<usize> = job.task_groups.iter().map(|group| self.stack.add_group(job, group)).collect();
            self.stack.count_existing(allocs);
            for (group, number) in job.task_groups.iter().zip(numbers) {
                let own = by_group.remove(group.name.as_str()).unwrap_or_default();
                complete &= self.group(group, number, &own, eligible);
            }
        }
        for (name, allocs) in by_group {
            let set = allocs.into_iter().map(|alloc| (alloc.id.clone(), Arc::clone(alloc))).collect();
            let stopped = stop_whole_set(&set, &self.tainted, self.context.now, &mut self.out);
            self.out.desired(name).stop += stopped;
        }
        let deployments = std::mem::take(&mut self.deployments);
        deployments.finish(complete, &mut self.out);
    }

    fn group(&mut self, group: &TaskGroup, number: usize, allocs: &[&Arc<Allocation>], eligible: &[Arc<Node>]) -> bool {
        self.out.desired(&group.name);
        let (mut state, existing) = self.deployments.state_of(group);
        let rolling = self.job.kind == JobType::System
            && group.update.as_ref().is_some_and(drover_model::UpdateStrategy::is_rolling);
        let by_node = sort_by_node(allocs);
        let is_current = |alloc: &Arc<Allocation>| {
            alloc
                .job
                .as_ref()
                .is_some_and(|job| job.version == self.job.version && job.create_index == self.job.create_index)
        };
        if !existing && rolling {
            state.desired_canaries = self.canaries_for(group, &by_node, eligible.len());
        }
        let mut run = GroupRun {
            number,
            rolling,
            room: self.room(group, &by_node, &state, rolling),
            canaries: (state.desired_canaries as usize).saturating_sub(self.placed_canaries(group)),
            pending: 0,
            changes: false,
            ran_before: allocs.iter().any(|alloc| is_current(alloc)),
            filtered: None,
            filtered_nodes: 0,
            on_nodes: 0,
            state,
            existing,
        };
        let targets: HashSet<&NodeId> = eligible.iter().map(|node| &node.id).collect();
        for (node, on_node) in &by_node {
            if !targets.contains(node) {
                self.leave(group, on_node);
            }
        }
        for node in eligible {
            let empty = OnNode::default();
            self.node(group, &mut run, node, by_node.get(&node.id).unwrap_or(&empty));
        }
        self.finish_group(group, run)
    }

    /// Canaries are a share of the nodes, in percent, and only for changes of what runs already.
    fn canaries_for(&self, group: &TaskGroup, by_node: &HashMap<NodeId, OnNode>, nodes: usize) -> u32 {
        let percent = group.update.as_ref().map_or(0, |update| update.canary as usize);
        let changes = by_node
            .values()
            .filter_map(|on_node| on_node.live.as_ref())
            .any(|alloc| self.update_of(alloc, group) == UpdateKind::Destructive);
        if percent == 0 || !changes {
            return 0;
        }
        let at_once = group.update.as_ref().map_or(u32::MAX, |update| update.max_parallel);
        u32::try_from((nodes * percent).div_ceil(100)).unwrap_or(u32::MAX).min(at_once)
    }

    fn placed_canaries(&self, group: &TaskGroup) -> usize {
        let state = self.deployments.current.as_ref().and_then(|current| current.task_groups.get(&group.name));
        state.map_or(0, |state| state.placed_canaries.len())
    }

    /// How many may be updated now.
    fn room(
        &self,
        group: &TaskGroup,
        by_node: &HashMap<NodeId, OnNode>,
        state: &DeploymentState,
        rolling: bool,
    ) -> usize {
        if !rolling {
            return usize::MAX;
        }
        if self.deployments.paused || self.deployments.failed || (state.desired_canaries > 0 && !state.promoted) {
            return 0;
        }
        let mut room = group.update.as_ref().map_or(1, |update| update.max_parallel as usize);
        let Some(current) = &self.deployments.current else { return room };
        let live = by_node.values().filter_map(|on_node| on_node.live.as_ref());
        for alloc in live.filter(|alloc| alloc.deployment_id == current.id) {
            if alloc.is_unhealthy() {
                return 0;
            }
            if !alloc.is_healthy() {
                room = room.saturating_sub(1);
            }
        }
        room
    }

    /// Allocations on nodes that the job no longer targets, that went away, or that take nothing new.
    fn leave(&mut self, group: &TaskGroup, on_node: &OnNode) {
        for alloc in on_node.live.iter().chain(&on_node.surplus) {
            let node = self.view.node(&alloc.node_id);
            let is_down = node.as_ref().is_none_or(|node| node.status == NodeStatus::Down);
            let belongs = node.as_ref().is_some_and(|node| crate::feasible::belongs(self.job, node));
            let desired = self.out.desired(&group.name);
            if is_down {
                desired.stop += 1;
                self.out.stop_lost(alloc, why::LOST);
            } else if alloc.desired_transition.should_migrate() {
                desired.migrate += 1;
                self.out.stop(alloc, why::NODE_TAINTED);
            } else if belongs {
                desired.ignore += 1;
            } else {
                desired.stop += 1;
                self.out.stop(alloc, why::NOT_NEEDED);
            }
        }
        if on_node.live.is_none() && on_node.ended.is_some() {
            self.out.desired(&group.name).ignore += 1;
        }
    }

    fn node(&mut self, group: &TaskGroup, run: &mut GroupRun, node: &Arc<Node>, on_node: &OnNode) {
        for surplus in &on_node.surplus {
            self.out.stop(surplus, why::NOT_NEEDED);
            self.out.desired(&group.name).stop += 1;
        }
        let Some(live) = &on_node.live else {
            self.after_the_end(group, run, node, on_node.ended.as_ref());
            return;
        };
        if live.desired_transition.should_migrate() {
            self.out.stop(live, why::NODE_TAINTED);
            self.out.desired(&group.name).migrate += 1;
            return;
        }
        run.on_nodes += 1;
        self.wanted(group);
        match self.update_of(live, group) {
            UpdateKind::None => self.out.desired(&group.name).ignore += 1,
            UpdateKind::InPlace if self.stack.may_stay(self.job, run.number, node, live.index()) => {
                run.changes = true;
                self.out.desired(&group.name).in_place_update += 1;
                self.out.in_place.push(Arc::clone(live));
            }
            kind => {
                if kind == UpdateKind::InPlace {
                    self.stack.learn(&node.id, run.number);
                }
                self.replace(group, run, node, live);
            }
        }
    }

    /// What ended is placed again, except what a sysbatch job has done on the node.
    fn after_the_end(
        &mut self,
        group: &TaskGroup,
        run: &mut GroupRun,
        node: &Arc<Node>,
        ended: Option<&Arc<Allocation>>,
    ) {
        let is_sysbatch = self.job.kind == JobType::Sysbatch;
        let Some(done) = ended.filter(|ended| is_sysbatch && !ended.is_server_terminal()) else {
            self.wanted(group);
            if is_sysbatch {
                self.out.desired(&group.name).place += 1;
            }
            self.place(group, run, node, ended, false);
            return;
        };
        match self.update_of(done, group) {
            UpdateKind::None => self.out.desired(&group.name).ignore += 1,
            UpdateKind::InPlace => self.out.desired(&group.name).in_place_update += 1,
            UpdateKind::Destructive => {
                self.out.desired(&group.name).destructive_update += 1;
                if self.place(group, run, node, Some(done), false) {
                    self.stop_updated(done);
                }
            }
        }
    }

    /// As the reference counts: each node that a system job wants is one to place on, whatever is there.
    fn wanted(&mut self, group: &TaskGroup) {
        if self.job.kind == JobType::System {
            self.out.desired(&group.name).place += 1;
        }
    }

    fn replace(&mut self, group: &TaskGroup, run: &mut GroupRun, node: &Arc<Node>, live: &Arc<Allocation>) {
        run.changes = true;
        run.pending += 1;
        self.out.desired(&group.name).destructive_update += 1;
        let canary = run.canaries > 0 && !run.state.promoted;
        if canary {
            run.canaries -= 1;
        } else if run.room == 0 {
            // Updates behind canaries are queued, those behind `max_parallel` are not.
            if run.state.desired_canaries > 0 && !run.state.promoted {
                *self.queued.entry(group.name.clone()).or_default() += 1;
            }
            return;
        } else if run.room != usize::MAX {
            run.room -= 1;
        }
        run.on_nodes -= 1;
        self.stack.stop(live);
        self.quota.release(live);
        let filtered_before = run.filtered_nodes;
        if self.place(group, run, node, Some(live), canary) {
            self.stop_updated(live);
        } else if run.filtered_nodes > filtered_before {
            // The new version does not want the node any more: there is nothing to wait for.
            self.stop_updated(live);
            run.pending -= 1;
        } else {
            self.stack.keep(live);
            self.quota.keep(live);
            run.on_nodes += 1;
        }
    }

    fn stop_updated(&mut self, alloc: &Arc<Allocation>) {
        let mut stopped = Allocation { job: None, ..(**alloc).clone() };
        stopped.desired_status = AllocDesiredStatus::Stop;
        why::UPDATING.clone_into(&mut stopped.desired_description);
        stopped.modify_time = self.context.now;
        self.plan.stop(stopped);
    }

    /// Places the group on the node, if it will do.
    fn place(
        &mut self,
        group: &TaskGroup,
        run: &mut GroupRun,
        node: &Arc<Node>,
        previous: Option<&Arc<Allocation>>,
        canary: bool,
    ) -> bool {
        let Some(slot) = self.stack.slot(&node.id) else { return false };
        let quota_exhausted = self.quota.exceeded(group);
        if !quota_exhausted.is_empty() {
            let metric = AllocMetric { quota_exhausted, ..self.stack.common_metric() };
            self.refused(group, run, node, metric);
            return false;
        }
        let (choice, metric) = self.stack.select_on(run.number, slot, &Wish { index: Some(0), ..Wish::default() });
        let Some(choice) = choice else {
            self.refused(group, run, node, metric.to_metric());
            return false;
        };
        self.stack.place(run.number, &choice);
        self.quota.take(group);
        run.on_nodes += 1;
        run.pending += 1;
        let now = self.context.now;
        let mut alloc = Allocation {
            id: self.ids.alloc(),
            namespace: self.job.namespace.clone(),
            eval_id: self.eval.id.clone(),
            name: alloc_name(&self.job.id, &group.name, 0),
            node_id: node.id.clone(),
            node_name: node.name.clone(),
            job_id: self.job.id.clone(),
            task_group: group.name.clone(),
            allocated_resources: Some(choice.resources),
            metrics: Some(metric),
            client_status: AllocClientStatus::Pending,
            previous_allocation: previous.map(|previous| previous.id.clone()).unwrap_or_default(),
            deployment_id: DeploymentId::default(),
            deployment_status: canary
                .then(|| AllocDeploymentStatus { canary: true, ..AllocDeploymentStatus::default() }),
            create_time: now,
            modify_time: now,
            ..Allocation::default()
        };
        preempt::record(&mut self.plan, &mut alloc, &choice.preempted);
        self.plan.place(alloc);
        true
    }

    /// A node that breaks a constraint is none of the job's; one without room is waited for.
    fn refused(&mut self, group: &TaskGroup, run: &mut GroupRun, node: &Arc<Node>, mut metric: AllocMetric) {
        let desired = self.out.desired(&group.name);
        desired.place = desired.place.saturating_sub(1);
        if metric.nodes_filtered > 0 {
            run.filtered_nodes += 1;
            // The sum says nothing of the pool, as in the reference.
            let sum = run.filtered.get_or_insert_with(AllocMetric::default);
            sum.nodes_evaluated += metric.nodes_evaluated;
            sum.nodes_filtered += metric.nodes_filtered;
            for (text, n) in metric.constraint_filtered {
                *sum.constraint_filtered.entry(text).or_default() += n;
            }
            for (class, n) in metric.class_filtered {
                *sum.class_filtered.entry(class).or_default() += n;
            }
            return;
        }
        // A full node is waited for, but it does not hold the deployment up.
        *self.queued.entry(group.name.clone()).or_default() += 1;
        if !self.full_nodes.contains(&node.id) {
            self.full_nodes.push(node.id.clone());
        }
        if let Some(failed) = self.failed.get_mut(&group.name) {
            failed.coalesced_failures += 1;
        } else {
            add_exhausted_resources(&mut metric, group);
            pool_name(self.job).clone_into(&mut metric.node_pool);
            self.failed.insert(group.name.clone(), metric);
        }
    }

    fn finish_group(&mut self, group: &TaskGroup, mut run: GroupRun) -> bool {
        if run.on_nodes == 0
            && let Some(filtered) = run.filtered.take()
        {
            self.failed.entry(group.name.clone()).or_insert(filtered);
        }
        if !run.existing {
            run.state.desired_total = run.on_nodes;
        }
        let counts = self.out.desired(&group.name);
        if counts.destructive_update > 0 && !run.state.promoted {
            counts.canary = u64::from(run.state.desired_canaries);
        }
        let wants = run.state.desired_total.max(run.state.desired_canaries);
        let promoted = run.state.desired_canaries == 0 || run.state.promoted;
        let done = run.pending == 0 && (!run.existing || (run.state.healthy_allocs >= wants && promoted));
        if run.rolling && !run.existing && (!run.ran_before || run.changes) {
            self.deployments.attach(self.eval, self.context.now, self.job, &group.name, run.state, &mut self.ids);
        }
        done
    }

    fn update_of(&self, alloc: &Allocation, group: &TaskGroup) -> UpdateKind {
        let Some(old) = &alloc.job else { return UpdateKind::Destructive };
        if old.job_modify_index == self.job.job_modify_index && old.create_index == self.job.create_index {
            UpdateKind::None
        } else if is_destructive(old, self.job, &group.name) {
            UpdateKind::Destructive
        } else {
            UpdateKind::InPlace
        }
    }

    fn finish(mut self) -> Outcome {
        let now = self.context.now;
        for stop in std::mem::take(&mut self.out.stop) {
            let stopped = Allocation { modify_time: now, ..stop.into() };
            self.plan.stop(stopped);
        }
        if let Some(active) = self.out.active_deployment.as_ref().filter(|deployment| deployment.is_active()) {
            self.deployment_id = active.id.clone();
        } else {
            self.deployment_id = DeploymentId::default();
        }
        for alloc in self.plan.node_allocation.values_mut().flatten() {
            alloc.deployment_id = self.deployment_id.clone();
        }
        for alloc in std::mem::take(&mut self.out.in_place) {
            let mut updated = Allocation { job: None, eval_id: self.eval.id.clone(), ..(*alloc).clone() };
            if updated.deployment_id != self.deployment_id {
                updated.deployment_id = self.deployment_id.clone();
                updated.deployment_status = None;
            }
            updated.modify_time = now;
            self.plan.place(updated);
        }
        self.plan.deployment = self.out.deployment.take();
        self.plan.deployment_updates = std::mem::take(&mut self.out.deployment_updates);
        let mut annotations =
            PlanAnnotations { desired_tg_updates: std::mem::take(&mut self.out.desired), ..PlanAnnotations::default() };
        preempt::annotate(&mut annotations, &self.plan);
        self.plan.annotations = self.eval.annotate_plan.then(|| annotations.clone());
        let mut eval = self.eval.clone();
        eval.status = EvalStatus::Complete;
        eval.status_description.clear();
        let latest = self.view.latest_deployment(&eval.job_key()).map(|deployment| deployment.id.clone());
        eval.deployment_id =
            if self.deployment_id.is_empty() { latest.unwrap_or_default() } else { self.deployment_id.clone() };
        eval.failed_tg_allocs = self.failed;
        eval.queued_allocations = self.queued;
        eval.plan_annotations = Some(annotations);
        eval.snapshot_index = self.view.index();
        eval.modify_time = now;
        let classes = self.stack.classes();
        let escaped = classes.has_escaped();
        let eligibility = if escaped { BTreeMap::new() } else { classes.eligibility() };
        let mut blocked = Vec::with_capacity(self.full_nodes.len());
        for node in self.full_nodes {
            let mut next = blocked_eval(&eval, &mut self.ids, now);
            next.node_id = node;
            next.quota_limit_reached = self.quota.reached();
            next.escaped_computed_class = escaped;
            next.class_eligibility.clone_from(&eligibility);
            blocked.push(next);
        }
        Outcome { plan: self.plan, eval, blocked, follow_ups: Vec::new() }
    }
}

fn sort_by_node(allocs: &[&Arc<Allocation>]) -> HashMap<NodeId, OnNode> {
    let mut by_node: HashMap<NodeId, OnNode> = HashMap::new();
    let age = |alloc: &Allocation| (alloc.job_version(), alloc.create_index, alloc.create_time);
    for &alloc in allocs {
        let on_node = by_node.entry(alloc.node_id.clone()).or_default();
        let newest = if alloc.is_terminal() { &mut on_node.ended } else { &mut on_node.live };
        match newest {
            Some(known) if age(known) >= age(alloc) => {
                if !alloc.is_terminal() {
                    on_node.surplus.push(Arc::clone(alloc));
                }
            }
            _ => {
                let older = newest.replace(Arc::clone(alloc));
                on_node.surplus.extend(older.filter(|older| !older.is_terminal()));
            }
        }
    }
    by_node
}
