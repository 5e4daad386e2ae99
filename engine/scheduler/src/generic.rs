//! Service and batch jobs: reconcile, then find nodes.

use crate::context::{Context, Ids};
use crate::explain::add_exhausted_resources;
use crate::feasible::{QuotaGate, candidates};
use crate::outcome::{Outcome, blocked_eval};
use crate::preempt;
use crate::reconcile::{
    Input, LAST_FAILED, Placement, Reconciliation, UpdateKind, is_destructive, next_tracker, reconcile, tainted_nodes,
};
use crate::stack::{Stack, Wish};
use drover_base::{DeploymentId, NodeId};
use drover_model::{
    AllocClientStatus, AllocDeploymentStatus, AllocDesiredStatus, AllocMetric, Allocation, ClusterView, EvalStatus,
    Evaluation, Job, PlacementPlan, PlanAnnotations, RescheduleTracker, TaskGroup,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Works out an evaluation of a service or batch job.
pub(crate) fn schedule(view: &dyn ClusterView, eval: &Evaluation, context: Context) -> Outcome {
    let mut ids = Ids::new(context.seed);
    let key = eval.job_key();
    let job = view.job(&key);
    let allocs = view.allocs_of_job(&key);
    let tainted = tainted_nodes(view, &allocs);
    let running = job.as_deref().filter(|job| !job.stop);
    let nodes = running.map(|job| candidates(view, job)).unwrap_or_default();
    let no_job = Job::default();
    let job_ref = job.as_deref().unwrap_or(&no_job);
    let mut stack = Stack::new(view, job_ref, nodes, ids.seed());
    let groups: HashMap<&str, usize> = running.map_or_else(HashMap::new, |job| {
        job.task_groups.iter().map(|group| (group.name.as_str(), stack.add_group(job, group))).collect()
    });
    stack.count_existing(&allocs);
    let unfit = RefCell::default();
    let result = {
        let looking = Looking { view, stack: &stack, groups: &groups, job: job_ref, unfit: &unfit };
        let update_of = |alloc: &Allocation, group: &TaskGroup| looking.update_of(alloc, group);
        let input = Input {
            eval,
            job: job.as_deref(),
            allocs,
            deployment: view.latest_deployment(&key),
            tainted: &tainted,
            now: context.now,
            update_of: &update_of,
        };
        reconcile(&input, &mut ids)
    };
    for (node, group) in unfit.into_inner() {
        stack.learn(&node, group);
    }
    let plan = PlacementPlan {
        eval_id: eval.id.clone(),
        priority: eval.priority,
        all_at_once: job_ref.all_at_once,
        job: job.clone(),
        deployment: result.deployment.clone(),
        deployment_updates: result.deployment_updates.clone(),
        snapshot_index: view.index(),
        ..PlacementPlan::default()
    };
    let deployment_id = result.active_deployment.as_ref().filter(|deployment| deployment.is_active());
    let run = Run {
        view,
        eval,
        context,
        job: job_ref,
        stack,
        groups: groups.into_iter().map(|(name, at)| (name.to_owned(), at)).collect(),
        older: HashMap::new(),
        ids,
        plan,
        deployment_id: deployment_id.map(|deployment| deployment.id.clone()).unwrap_or_default(),
        failed: BTreeMap::new(),
        quota: QuotaGate::new(view, job_ref),
        queued: job.iter().flat_map(|job| &job.task_groups).map(|group| (group.name.clone(), 0)).collect(),
    };
    run.apply(result)
}

/// The job against what runs of it.
struct Looking<'a> {
    view: &'a dyn ClusterView,
    stack: &'a Stack<'a>,
    groups: &'a HashMap<&'a str, usize>,
    job: &'a Job,
    /// Nodes that may not hold a group any more.
    unfit: &'a RefCell<Vec<(NodeId, usize)>>,
}

impl Looking<'_> {
    /// What the current job means for an allocation that stays.
    fn update_of(&self, alloc: &Allocation, group: &TaskGroup) -> UpdateKind {
        let Some(old) = &alloc.job else { return UpdateKind::Destructive };
        if old.job_modify_index == self.job.job_modify_index && old.create_index == self.job.create_index {
            return UpdateKind::None;
        }
        if is_destructive(old, self.job, &group.name) {
            return UpdateKind::Destructive;
        }
        if alloc.is_terminal() {
            return UpdateKind::None;
        }
        let node = self.view.node(&alloc.node_id);
        let Some((node, at)) = node.zip(self.groups.get(group.name.as_str())) else { return UpdateKind::Destructive };
        if self.stack.may_stay(self.job, *at, &node, alloc.index()) {
            return UpdateKind::InPlace;
        }
        self.unfit.borrow_mut().push((alloc.node_id.clone(), *at));
        UpdateKind::Destructive
    }
}

/// One evaluation while nodes are being found.
struct Run<'a> {
    view: &'a dyn ClusterView,
    eval: &'a Evaluation,
    context: Context,
    job: &'a Job,
    stack: Stack<'a>,
    groups: HashMap<String, usize>,
    /// Groups of older versions of the job, for what is not updated yet.
    older: HashMap<(u64, String), usize>,
    ids: Ids,
    plan: PlacementPlan,
    deployment_id: DeploymentId,
    failed: BTreeMap<String, AllocMetric>,
    queued: BTreeMap<String, u32>,
    quota: QuotaGate,
}

impl Run<'_> {
    fn apply(mut self, mut result: Reconciliation) -> Outcome {
        for stop in std::mem::take(&mut result.stop) {
            self.stack.stop(&stop.alloc);
            self.quota.release(&stop.alloc);
            self.plan.stop(self.stamped(stop.into()));
        }
        for noted in std::mem::take(&mut result.notes) {
            self.plan.place(self.stamped(noted));
        }
        for alloc in std::mem::take(&mut result.in_place) {
            let updated = self.updated_in_place(&alloc);
            self.plan.place(updated);
        }
        let placements: Vec<Placement> = result.destructive.drain(..).chain(result.place.drain(..)).collect();
        for placement in &placements {
            *self.queued.entry(placement.group.clone()).or_default() += 1;
        }
        for placement in placements {
            self.place(placement);
        }
        self.finish(result)
    }

    fn stamped(&self, mut alloc: Allocation) -> Allocation {
        alloc.modify_time = self.context.now;
        alloc
    }

    /// The same allocation under the new job: resources stay, the deployment is the current one.
    fn updated_in_place(&self, alloc: &Allocation) -> Allocation {
        let mut updated = Allocation { job: None, eval_id: self.eval.id.clone(), ..alloc.clone() };
        if updated.deployment_id != self.deployment_id {
            updated.deployment_id = self.deployment_id.clone();
            updated.deployment_status = None;
        }
        self.stamped(updated)
    }

    fn place(&mut self, placement: Placement) {
        if let Some(metric) = self.failed.get_mut(&placement.group) {
            metric.coalesced_failures += 1;
            if let Some(group) = self.job.group(&placement.group) {
                add_exhausted_resources(metric, group);
            }
            self.note_failure(&placement);
            return;
        }
        let older = self.older_job(&placement);
        let Some(group) = self.group_number(&placement.group, older.as_ref()) else { return };
        let previous = placement.previous.clone();
        if let (Some(previous), Some(_)) = (&previous, placement.stop_previous) {
            self.stack.stop(previous);
        }
        if self.is_over_quota(&placement) {
            return;
        }
        let failed_on = previous.as_deref().map(nodes_to_avoid).unwrap_or_default();
        let preferred = self.preferred_node(&placement);
        let name = Allocation { name: placement.name.clone(), ..Allocation::default() };
        let wish = Wish { failed_on: &failed_on, preferred: preferred.as_ref(), index: name.index() };
        let (choice, metric) = self.stack.select(group, &wish);
        let Some(choice) = choice else {
            if let (Some(previous), Some(_)) = (&previous, placement.stop_previous) {
                self.stack.keep(previous);
            }
            self.fail(&placement, metric.to_metric());
            return;
        };
        self.stack.place(group, &choice);
        self.take_quota(&placement);
        if let (Some(previous), Some(why)) = (&previous, placement.stop_previous) {
            let mut stopped = Allocation { job: None, ..(**previous).clone() };
            stopped.desired_status = AllocDesiredStatus::Stop;
            why.clone_into(&mut stopped.desired_description);
            let stopped = self.stamped(stopped);
            self.plan.stop(stopped);
        }
        if let Some(queued) = self.queued.get_mut(&placement.group) {
            *queued -= 1;
        }
        let now = self.context.now;
        let mut alloc = Allocation {
            id: self.ids.alloc(),
            namespace: self.job.namespace.clone(),
            eval_id: self.eval.id.clone(),
            node_id: choice.node.id.clone(),
            node_name: choice.node.name.clone(),
            job_id: self.job.id.clone(),
            allocated_resources: Some(choice.resources),
            metrics: Some(metric),
            client_status: AllocClientStatus::Pending,
            previous_allocation: previous.as_ref().map(|previous| previous.id.clone()).unwrap_or_default(),
            deployment_id: older.as_ref().map_or_else(|| self.deployment_id.clone(), |_| DeploymentId::default()),
            deployment_status: placement
                .canary
                .then(|| AllocDeploymentStatus { canary: true, ..AllocDeploymentStatus::default() }),
            reschedule_tracker: tracker(&placement, now),
            job: older,
            name: placement.name,
            task_group: placement.group,
            create_time: now,
            modify_time: now,
            ..Allocation::default()
        };
        preempt::record(&mut self.plan, &mut alloc, &choice.preempted);
        self.plan.place(alloc);
    }

    /// Whether the namespace's quota has no room for one more; the group has failed then.
    fn is_over_quota(&mut self, placement: &Placement) -> bool {
        let Some(group) = self.job.group(&placement.group) else { return false };
        let replaced = placement.previous.clone().filter(|_| placement.stop_previous.is_some());
        replaced.iter().for_each(|alloc| self.quota.release(alloc));
        let quota_exhausted = self.quota.exceeded(group);
        replaced.iter().for_each(|alloc| self.quota.keep(alloc));
        if quota_exhausted.is_empty() {
            return false;
        }
        replaced.iter().for_each(|alloc| self.stack.keep(alloc));
        let metric = AllocMetric { quota_exhausted, ..self.stack.common_metric() };
        self.fail(placement, metric);
        true
    }

    fn take_quota(&mut self, placement: &Placement) {
        let replaced = placement.previous.as_ref().filter(|_| placement.stop_previous.is_some());
        replaced.iter().for_each(|alloc| self.quota.release(alloc));
        if let Some(group) = self.job.group(&placement.group) {
            self.quota.take(group);
        }
    }

    /// While canaries are out, what is not a canary comes back as it was.
    fn older_job(&self, placement: &Placement) -> Option<Arc<Job>> {
        if !placement.downgrade {
            return None;
        }
        let own = placement.previous.as_ref().and_then(|previous| previous.job.clone());
        let job = own.or_else(|| {
            let siblings = self.view.allocs_of_job(&self.job.key());
            let running = siblings.into_iter().filter(|alloc| {
                alloc.task_group == placement.group && !alloc.is_canary() && alloc.job_version() < self.job.version
            });
            running.max_by_key(|alloc| (!alloc.is_terminal(), alloc.job_version())).and_then(|alloc| alloc.job.clone())
        })?;
        let is_older = job.version < self.job.version && job.create_index == self.job.create_index;
        (is_older && job.group(&placement.group).is_some()).then_some(job)
    }

    fn group_number(&mut self, name: &str, older: Option<&Arc<Job>>) -> Option<usize> {
        let Some(job) = older else { return self.groups.get(name).copied() };
        let key = (job.version, name.to_owned());
        if let Some(number) = self.older.get(&key) {
            return Some(*number);
        }
        let number = self.stack.add_group(job, job.group(name)?);
        self.older.insert(key, number);
        Some(number)
    }

    /// Sticky disks go back to where their data is.
    fn preferred_node(&self, placement: &Placement) -> Option<NodeId> {
        let group = self.job.group(&placement.group)?;
        let previous = placement.previous.as_ref()?;
        let sticky = group.ephemeral_disk.sticky || group.volumes.values().any(|volume| volume.sticky);
        let ready = sticky && self.view.node(&previous.node_id).is_some_and(|node| node.is_ready());
        ready.then(|| previous.node_id.clone())
    }

    fn fail(&mut self, placement: &Placement, mut metric: AllocMetric) {
        if let Some(group) = self.job.group(&placement.group) {
            add_exhausted_resources(&mut metric, group);
        }
        self.failed.insert(placement.group.clone(), metric);
        self.note_failure(placement);
    }

    /// A failed allocation whose replacement found no node may be tried again when there is capacity.
    fn note_failure(&mut self, placement: &Placement) {
        let Some(previous) = placement.previous.as_ref().filter(|_| placement.reschedule) else { return };
        let stopped = self.plan.node_update.get_mut(&previous.node_id);
        if let Some(stopped) = stopped.and_then(|list| list.iter_mut().find(|alloc| alloc.id == previous.id)) {
            let tracker = stopped.reschedule_tracker.get_or_insert_with(RescheduleTracker::default);
            LAST_FAILED.clone_into(&mut tracker.last_reschedule);
        }
    }

    fn finish(mut self, result: Reconciliation) -> Outcome {
        let now = self.context.now;
        let mut annotations = PlanAnnotations { desired_tg_updates: result.desired, ..PlanAnnotations::default() };
        preempt::annotate(&mut annotations, &self.plan);
        self.plan.annotations = self.eval.annotate_plan.then(|| annotations.clone());
        let mut eval = self.eval.clone();
        let was_blocked = eval.status == EvalStatus::Blocked;
        eval.failed_tg_allocs = self.failed;
        eval.queued_allocations = self.queued;
        eval.plan_annotations = Some(annotations);
        eval.snapshot_index = self.view.index();
        eval.modify_time = now;
        let latest = self.view.latest_deployment(&eval.job_key()).map(|deployment| deployment.id.clone());
        if let Some(id) = result.active_deployment.as_ref().map(|deployment| deployment.id.clone()).or(latest) {
            eval.deployment_id = id;
        }
        if let Some(next) = result.follow_ups.first() {
            eval.next_eval = next.id.clone();
        }
        let classes = self.stack.classes();
        let escaped = classes.has_escaped();
        let eligibility = if escaped { BTreeMap::new() } else { classes.eligibility() };
        let mut blocked = Vec::new();
        if !eval.failed_tg_allocs.is_empty() && was_blocked {
            eval.escaped_computed_class = escaped;
            eval.class_eligibility = eligibility;
            eval.quota_limit_reached = self.quota.reached();
        } else {
            if !eval.failed_tg_allocs.is_empty() {
                let mut next = blocked_eval(&eval, &mut self.ids, now);
                next.escaped_computed_class = escaped;
                next.class_eligibility = eligibility;
                next.quota_limit_reached = self.quota.reached();
                eval.blocked_eval = next.id.clone();
                blocked.push(next);
            }
            eval.status = EvalStatus::Complete;
            eval.status_description.clear();
        }
        Outcome { plan: self.plan, eval, blocked, follow_ups: result.follow_ups }
    }
}

/// Nodes on which earlier attempts failed.
fn nodes_to_avoid(previous: &Allocation) -> Vec<NodeId> {
    let events = previous.reschedule_tracker.iter().flat_map(|tracker| &tracker.events);
    let mut nodes: Vec<NodeId> = events.map(|event| event.prev_node_id.clone()).collect();
    if previous.client_status == AllocClientStatus::Failed {
        nodes.push(previous.node_id.clone());
    }
    nodes
}

fn tracker(placement: &Placement, now: drover_base::UnixNanos) -> Option<RescheduleTracker> {
    let previous = placement.previous.as_ref()?;
    if placement.reschedule {
        return Some(next_tracker(previous, now));
    }
    // A new version starts afresh; a moved allocation takes its past along.
    previous.reschedule_tracker.clone().filter(|_| placement.stop_previous.is_none())
}
