//! One group: what to place, to stop and to update.

use super::computed::{Placement, Reconciliation, Stop};
use super::deployments::Deployments;
use super::filters::{self, AllocSet, ByNode, Replaceable};
use super::names::NameIndex;
use super::reschedule::{When, when};
use super::updates::UpdateKind;
use super::{Input, why};
use crate::context::Ids;
use drover_base::{AllocId, Nanos, UnixNanos};
use drover_model::{
    AllocClientStatus, Allocation, DeploymentState, EvalStatus, EvalTrigger, Evaluation, Job, TaskGroup,
};
use std::collections::HashSet;
use std::sync::Arc;

/// Delayed replacements that are at most this far apart share an evaluation.
const FOLLOW_UP_BATCH: Nanos = Nanos::from_secs(5);
const RESCHEDULE_LATER: &str = "created for delayed rescheduling";
const DISCONNECT_TIMEOUT: &str = "created for delayed disconnect timeout";

/// One evaluation while its groups are being worked out.
pub(crate) struct State<'a, 'b> {
    pub(crate) input: &'a Input<'b>,
    pub(crate) job: &'a Job,
    pub(crate) deployments: Deployments,
    pub(crate) ids: &'a mut Ids,
    pub(crate) out: &'a mut Reconciliation,
}

/// A group's allocations, sorted.
#[derive(Default)]
struct Sorted {
    untainted: AllocSet,
    migrate: AllocSet,
    lost: AllocSet,
    now: AllocSet,
    later: Vec<(Arc<Allocation>, UnixNanos)>,
    unknown: AllocSet,
    disconnecting: AllocSet,
    canaries: AllocSet,
}

/// How far a group's update may go at the moment.
struct Gate {
    /// Canaries are out and wait for promotion.
    canarying: bool,
    /// New allocations may be placed freely.
    ready: bool,
    /// So many more may be updated.
    room: usize,
}

impl State<'_, '_> {
    /// A group that the job no longer has.
    pub(crate) fn removed_group(&mut self, name: &str, allocs: &AllocSet) {
        let stopped = filters::stop_whole_set(allocs, self.input.tainted, self.input.now, self.out);
        self.out.desired(name).stop += stopped;
    }

    /// Works out a group; `true` when its part of the deployment is done.
    pub(crate) fn group(&mut self, group: &TaskGroup, allocs: AllocSet) -> bool {
        self.out.desired(&group.name);
        let (mut state, existing) = self.deployments.state_of(group);
        let allocs = self.without_old(group, allocs);
        let all: Vec<Arc<Allocation>> = allocs.values().cloned().collect();
        let mut sorted = self.sort(group, allocs);
        let taken = [&sorted.untainted, &sorted.migrate, &sorted.now, &sorted.lost, &sorted.unknown];
        let mut names = NameIndex::new(&self.job.id, group, taken.into_iter().flat_map(AllocSet::values));
        let canarying = state.desired_canaries != 0 && !state.promoted;
        self.stop_surplus(group, &mut names, &mut sorted, canarying);

        let (in_place, destructive) = self.updates(group, &sorted.untainted);
        if !existing {
            state.desired_total += count(in_place.len() + destructive.len());
        }
        if canarying {
            sorted.untainted.retain(|id, _| !sorted.canaries.contains_key(id));
        }
        self.forget_surplus_failures(group, &mut sorted);
        let wants_canaries = self.canaries(group, &mut state, &sorted, &destructive, &mut names);
        let canarying = state.desired_canaries != 0 && !state.promoted;
        let mut gate = Gate {
            canarying,
            ready: !self.deployments.paused && !self.deployments.failed && !canarying,
            room: self.room(group, &sorted, &destructive, canarying),
        };
        let place = self.placements(group, &sorted, &mut names, canarying);
        if !existing {
            state.desired_total += count(place.len());
        }
        let nothing_left = in_place.is_empty()
            && destructive.is_empty()
            && place.is_empty()
            && sorted.migrate.is_empty()
            && sorted.now.is_empty()
            && sorted.later.is_empty()
            && !wants_canaries;
        let desired_total = state.desired_total.max(state.desired_canaries);
        let healthy = state.healthy_allocs >= desired_total && (state.desired_canaries == 0 || state.promoted);

        self.replace(group, &sorted, place, &mut gate);
        self.update_destructively(group, &destructive, &gate);
        self.migrate(group, &sorted.migrate, gate.canarying);
        self.note_later(group, &sorted);
        self.disconnect(group, &sorted);
        self.maybe_deploy(group, state, existing, &all, !destructive.is_empty() || !in_place.is_empty());
        self.out.in_place.extend(in_place.into_values());
        nothing_left && (!existing || healthy)
    }

    /// Leaves out what is of no interest: old terminal ones of batch jobs, and canaries of overtaken
    /// or failed deployments, which are stopped.
    fn without_old(&mut self, group: &TaskGroup, mut allocs: AllocSet) -> AllocSet {
        if self.input.is_batch() {
            let (kept, ignored) = filters::split_old_terminal(allocs, self.job.version, self.job.create_index);
            self.out.desired(&group.name).ignore += ignored;
            allocs = kept;
        }
        for id in self.deployments.stale_canaries() {
            let Some(canary) = allocs.remove(&id) else { continue };
            if !canary.is_terminal() {
                self.out.stop(&canary, why::NOT_NEEDED);
            }
            self.out.desired(&group.name).stop += 1;
        }
        allocs
    }

    fn sort(&mut self, group: &TaskGroup, mut allocs: AllocSet) -> Sorted {
        let (input, name) = (self.input, group.name.as_str());
        let mut sorted = Sorted::default();
        let canaries = self.take_canaries(&mut allocs);
        let ByNode { untainted, migrate, lost, disconnecting, unknown, expiring } =
            filters::by_node(allocs, input.tainted, input.now);
        sorted.migrate = migrate;
        sorted.lost = lost;
        sorted.lost.extend(expiring);
        sorted.canaries = canaries;
        sorted.disconnecting = disconnecting;
        sorted.unknown = unknown;
        for (id, alloc) in untainted {
            let is_active_deployment = self
                .deployments
                .current
                .as_ref()
                .is_some_and(|deployment| deployment.is_active() && alloc.deployment_id == deployment.id);
            match filters::replaceable(&alloc, input.is_batch()) {
                Replaceable::Ignored => self.out.desired(name).ignore += 1,
                Replaceable::Counts => {
                    sorted.untainted.insert(id, alloc);
                }
                Replaceable::ByPolicy => {
                    match when(&alloc, &input.eval.id, is_active_deployment, input.now) {
                        When::Now => {
                            sorted.now.insert(id, alloc);
                            continue;
                        }
                        When::Later(at) => sorted.later.push((Arc::clone(&alloc), at)),
                        When::Never => {}
                    }
                    if alloc.is_server_terminal() {
                        self.out.desired(name).ignore += 1;
                    } else {
                        sorted.untainted.insert(id, alloc);
                    }
                }
            }
        }
        sorted
    }

    /// The canaries of the deployment under way. Those on lost or draining nodes are stopped; new
    /// ones will be placed for them.
    fn take_canaries(&mut self, allocs: &mut AllocSet) -> AllocSet {
        let mut canaries = AllocSet::new();
        for id in self.deployments.canaries() {
            if let Some(alloc) = allocs.get(&id) {
                canaries.insert(id, Arc::clone(alloc));
            }
        }
        let ByNode { untainted, migrate, lost, unknown, .. } =
            filters::by_node(canaries, self.input.tainted, self.input.now);
        for (id, alloc) in &migrate {
            self.out.stop(alloc, why::MIGRATING);
            allocs.remove(id);
        }
        for (id, alloc) in &lost {
            self.out.stop_lost(alloc, why::LOST);
            allocs.remove(id);
        }
        untainted.into_iter().chain(unknown).collect()
    }

    /// Stops lost ones, and as many others as there are too many.
    fn stop_surplus(&mut self, group: &TaskGroup, names: &mut NameIndex<'_>, sorted: &mut Sorted, canarying: bool) {
        for alloc in sorted.lost.values() {
            self.out.stop_lost(alloc, why::LOST);
        }
        self.out.desired(&group.name).stop += sorted.lost.len() as u64;
        self.settle_reconnected(group, sorted);

        let is_held = |id: &AllocId| canarying && sorted.canaries.contains_key(id);
        let here = sorted.untainted.keys().filter(|id| !is_held(id)).count() + sorted.migrate.len();
        let mut surplus = here.saturating_sub(group.count as usize);
        if surplus == 0 {
            return;
        }
        let mut picked: Vec<Arc<Allocation>> = Vec::new();
        if !canarying && !sorted.canaries.is_empty() {
            let promoted: Vec<&str> = sorted.canaries.values().map(|alloc| alloc.name.as_str()).collect();
            let twins = sorted.untainted.values().filter(|alloc| {
                !alloc.is_terminal()
                    && !sorted.canaries.contains_key(&alloc.id)
                    && promoted.contains(&alloc.name.as_str())
            });
            picked.extend(twins.take(surplus).cloned());
            surplus -= picked.len();
        }
        if surplus > 0 && !sorted.migrate.is_empty() {
            let highest = NameIndex::new(&self.job.id, group, sorted.migrate.values()).highest(surplus);
            for alloc in sorted.migrate.values().filter(|alloc| highest.contains(&alloc.name)) {
                if surplus == 0 {
                    break;
                }
                names.release(alloc);
                picked.push(Arc::clone(alloc));
                surplus -= 1;
            }
        }
        // Failed ones that wait for their replacement go before those that run.
        let waits =
            |alloc: &Allocation| alloc.client_status == AllocClientStatus::Failed && !alloc.is_server_terminal();
        let mut rest: Vec<Arc<Allocation>> = sorted
            .untainted
            .values()
            .filter(|alloc| !alloc.is_terminal() || waits(alloc))
            .filter(|alloc| !is_held(&alloc.id) && !picked.iter().any(|p| p.id == alloc.id))
            .cloned()
            .collect();
        if surplus > 0 {
            let failed = rest.iter().filter(|alloc| waits(alloc)).count();
            let highest = names.highest(surplus.saturating_sub(failed));
            // Those with the highest numbers first, then whatever shares a name.
            rest.sort_by_key(|alloc| (!waits(alloc), !highest.contains(&alloc.name)));
            picked.extend(rest.into_iter().take(surplus));
        }
        for alloc in &picked {
            self.out.stop(alloc, why::NOT_NEEDED);
            sorted.untainted.remove(&alloc.id);
            sorted.migrate.remove(&alloc.id);
        }
        self.out.desired(&group.name).stop += picked.len() as u64;
    }

    /// Failed ones are only replaced as far as the count asks for them.
    fn forget_surplus_failures(&mut self, group: &TaskGroup, sorted: &mut Sorted) {
        let here = sorted.untainted.len() + sorted.migrate.len();
        let wanted = (group.count as usize).saturating_sub(here);
        let surplus: Vec<_> = in_order(&sorted.now).into_iter().skip(wanted).collect();
        for alloc in surplus {
            sorted.now.remove(&alloc.id);
            if alloc.is_server_terminal() {
                self.out.desired(&group.name).ignore += 1;
            } else {
                self.out.stop(&alloc, why::NOT_NEEDED);
                self.out.desired(&group.name).stop += 1;
            }
        }
    }

    /// An allocation that came back while its replacement runs: one of the two is stopped.
    fn settle_reconnected(&mut self, group: &TaskGroup, sorted: &mut Sorted) {
        let Some(disconnect) = &group.disconnect else { return };
        let is_running =
            |alloc: &Allocation| !alloc.is_server_terminal() && alloc.client_status == AllocClientStatus::Running;
        let pairs: Vec<(Arc<Allocation>, Arc<Allocation>)> = sorted
            .untainted
            .values()
            .filter_map(|replacement| {
                let original = sorted.untainted.get(&replacement.previous_allocation)?;
                (is_running(original) && !replacement.is_terminal() && !original.followup_eval_id.is_empty())
                    .then(|| (Arc::clone(original), Arc::clone(replacement)))
            })
            .collect();
        for (original, replacement) in pairs {
            let keep_original = match disconnect.reconcile.as_str() {
                "keep_replacement" => false,
                "keep_original" => true,
                "longest_running" => original.create_time <= replacement.create_time,
                _ => best_score(&original) >= best_score(&replacement),
            };
            let keep_original = keep_original && original.job_version() == self.job.version
                || replacement.client_status != AllocClientStatus::Running
                    && original.job_version() == self.job.version;
            let stopped = if keep_original { replacement } else { original };
            self.out.stop(&stopped, why::RECONNECTED);
            self.out.desired(&group.name).stop += 1;
            self.out.desired(&group.name).reconnect += u64::from(keep_original);
            sorted.untainted.remove(&stopped.id);
        }
    }

    /// What the new version of the job means for those that stay.
    fn updates(&mut self, group: &TaskGroup, untainted: &AllocSet) -> (AllocSet, AllocSet) {
        let (mut in_place, mut destructive) = (AllocSet::new(), AllocSet::new());
        for (id, alloc) in untainted {
            match (self.input.update_of)(alloc, group) {
                UpdateKind::None => self.out.desired(&group.name).ignore += 1,
                UpdateKind::InPlace => {
                    self.out.desired(&group.name).in_place_update += 1;
                    in_place.insert(id.clone(), Arc::clone(alloc));
                }
                UpdateKind::Destructive => {
                    destructive.insert(id.clone(), Arc::clone(alloc));
                }
            }
        }
        (in_place, destructive)
    }

    /// Places canaries where an update needs them first.
    fn canaries(
        &mut self,
        group: &TaskGroup,
        state: &mut DeploymentState,
        sorted: &Sorted,
        destructive: &AllocSet,
        names: &mut NameIndex<'_>,
    ) -> bool {
        let wanted = group.update.as_ref().map_or(0, |update| update.canary as usize);
        let here = sorted.canaries.len();
        if destructive.is_empty() || here >= wanted || state.promoted {
            return false;
        }
        state.desired_canaries = count(wanted);
        if !self.deployments.paused && !self.deployments.failed {
            let missing = wanted - here;
            self.out.desired(&group.name).canary += missing as u64;
            for name in names.next_canaries(missing, &sorted.canaries, destructive) {
                let group = group.name.clone();
                self.out.place.push(Placement { group, name, canary: true, ..Placement::default() });
            }
        }
        true
    }

    /// How many may be updated at once: `max_parallel`, less those that are not healthy yet; none as
    /// long as one is unhealthy.
    fn room(&self, group: &TaskGroup, sorted: &Sorted, destructive: &AllocSet, canarying: bool) -> usize {
        let Some(update) = group.update.as_ref().filter(|update| update.is_rolling()) else {
            return group.count as usize;
        };
        if destructive.is_empty() && sorted.migrate.is_empty() {
            return group.count as usize;
        }
        let mut room = update.max_parallel as usize;
        let Some(current) = &self.deployments.current else { return room };
        if self.deployments.paused || self.deployments.failed || canarying {
            return 0;
        }
        for alloc in sorted.untainted.values().filter(|alloc| alloc.deployment_id == current.id) {
            if alloc.is_unhealthy() {
                return 0;
            }
            if !alloc.is_healthy() {
                room = room.saturating_sub(1);
            }
        }
        room
    }

    fn placements(
        &self,
        group: &TaskGroup,
        sorted: &Sorted,
        names: &mut NameIndex<'_>,
        canarying: bool,
    ) -> Vec<Placement> {
        let replacement = |alloc: &Arc<Allocation>, reschedule: bool| Placement {
            group: group.name.clone(),
            name: alloc.name.clone(),
            canary: alloc.is_canary() && canarying,
            previous: Some(Arc::clone(alloc)),
            reschedule,
            stop_previous: None,
            downgrade: canarying && !alloc.is_canary(),
        };
        let mut place: Vec<Placement> = sorted.now.values().map(|alloc| replacement(alloc, true)).collect();
        let replaces_unknown = group.disconnect.as_ref().is_none_or(|disconnect| disconnect.replace != Some(false));
        let mut here = sorted.untainted.len() + sorted.migrate.len() + place.len();
        if !replaces_unknown {
            here += sorted.unknown.len() + sorted.disconnecting.len();
        }
        let lost = sorted.lost.values();
        let away = sorted.disconnecting.values().filter(|_| replaces_unknown);
        for alloc in lost.chain(away) {
            if here >= group.count as usize {
                break;
            }
            here += 1;
            place.push(replacement(alloc, false));
        }
        let missing = (group.count as usize).saturating_sub(here);
        place.extend(names.next(missing).into_iter().map(|name| Placement {
            group: group.name.clone(),
            name,
            downgrade: canarying,
            ..Placement::default()
        }));
        place
    }

    /// Accepts placements: all of them, or while a deployment holds things up only those that replace
    /// what was lost or has failed.
    fn replace(&mut self, group: &TaskGroup, sorted: &Sorted, place: Vec<Placement>, gate: &mut Gate) {
        let failed_deployment = self
            .deployments
            .current
            .as_ref()
            .filter(|_| self.deployments.failed)
            .map(|deployment| deployment.id.clone());
        let accepted: Vec<Placement> = if gate.ready {
            gate.room = gate.room.saturating_sub(place.len());
            place
        } else {
            let is_lost = |id: &AllocId| sorted.lost.contains_key(id) || sorted.disconnecting.contains_key(id);
            let of_failed =
                |alloc: &Allocation| failed_deployment.as_ref().is_some_and(|id| alloc.deployment_id == *id);
            let keep = |placement: &Placement| {
                placement.previous.as_ref().is_some_and(|previous| {
                    if placement.reschedule { !of_failed(previous) } else { is_lost(&previous.id) }
                })
            };
            place.into_iter().filter(keep).collect()
        };
        let desired = self.out.desired(&group.name);
        desired.place += accepted.len() as u64;
        for placement in &accepted {
            if let Some(previous) = placement.previous.as_ref().filter(|_| placement.reschedule) {
                self.out.stop(previous, why::RESCHEDULED);
                self.out.desired(&group.name).stop += 1;
            }
        }
        self.out.place.extend(accepted);
    }

    fn update_destructively(&mut self, group: &TaskGroup, destructive: &AllocSet, gate: &Gate) {
        let allowed = if gate.ready { gate.room.min(destructive.len()) } else { 0 };
        let desired = self.out.desired(&group.name);
        desired.destructive_update += allowed as u64;
        desired.ignore += (destructive.len() - allowed) as u64;
        for alloc in in_order(destructive).into_iter().take(allowed) {
            self.out.destructive.push(Placement {
                group: group.name.clone(),
                name: alloc.name.clone(),
                previous: Some(alloc),
                stop_previous: Some(why::UPDATING),
                ..Placement::default()
            });
        }
    }

    fn migrate(&mut self, group: &TaskGroup, migrate: &AllocSet, canarying: bool) {
        self.out.desired(&group.name).migrate += migrate.len() as u64;
        for alloc in in_order(migrate) {
            self.out.stop(&alloc, why::MIGRATING);
            if alloc.desired_transition.migrate_disable_placement == Some(true) {
                continue;
            }
            self.out.place.push(Placement {
                group: group.name.clone(),
                name: alloc.name.clone(),
                canary: alloc.is_canary(),
                downgrade: canarying && !alloc.is_canary(),
                previous: Some(alloc),
                ..Placement::default()
            });
        }
    }

    /// Delayed replacements: evaluations for later, noted on the allocations.
    fn note_later(&mut self, group: &TaskGroup, sorted: &Sorted) {
        let leaving = self.out.stop.iter().map(|stop| &stop.alloc.id);
        let updated = self.out.destructive.iter().filter_map(|update| update.previous.as_ref().map(|alloc| &alloc.id));
        let leaving: HashSet<&AllocId> = leaving.chain(updated).collect();
        let mut later = sorted.later.clone();
        later.retain(|(alloc, _)| !leaving.contains(&alloc.id));
        later.sort_by(|(a, at_a), (b, at_b)| at_a.cmp(at_b).then_with(|| a.id.cmp(&b.id)));
        self.out.desired(&group.name).reschedule_later += later.len() as u64;
        let mut batch: Option<Evaluation> = None;
        for (alloc, at) in later {
            let begins = batch.as_ref().and_then(|eval| eval.wait_until.nanos());
            let eval = match batch.take() {
                Some(eval) if begins.is_some_and(|begins| at.since(begins) < FOLLOW_UP_BATCH) => eval,
                finished => {
                    self.out.follow_ups.extend(finished);
                    self.follow_up(EvalTrigger::AllocReschedule, RESCHEDULE_LATER, at)
                }
            };
            let mut noted = (*alloc).clone();
            noted.followup_eval_id = eval.id.clone();
            self.out.notes.push(noted);
            batch = Some(eval);
        }
        self.out.follow_ups.extend(batch);
    }

    fn follow_up(&mut self, trigger: EvalTrigger, why: &str, at: UnixNanos) -> Evaluation {
        let eval = self.input.eval;
        Evaluation {
            id: self.ids.eval(),
            namespace: self.job.namespace.clone(),
            priority: eval.priority,
            kind: self.job.kind.as_str().to_owned(),
            triggered_by: trigger,
            job_id: self.job.id.clone(),
            job_modify_index: self.job.modify_index,
            status: EvalStatus::Pending,
            status_description: why.to_owned(),
            wait_until: at.into(),
            previous_eval: eval.id.clone(),
            create_time: self.input.now,
            modify_time: self.input.now,
            ..Evaluation::default()
        }
    }

    /// Running allocations whose node is out of reach become unknown, until they come back or their
    /// time is over.
    fn disconnect(&mut self, group: &TaskGroup, sorted: &Sorted) {
        let Some(first) = sorted.disconnecting.values().next() else { return };
        let after = filters::lost_after(first).unwrap_or(Nanos::ZERO);
        let eval = self.follow_up(EvalTrigger::MaxDisconnectTimeout, DISCONNECT_TIMEOUT, self.input.now.plus(after));
        for alloc in sorted.disconnecting.values() {
            let mut noted = (**alloc).clone();
            noted.client_status = AllocClientStatus::Unknown;
            noted.client_description = why::UNKNOWN.to_owned();
            noted.followup_eval_id = eval.id.clone();
            noted.modify_time = self.input.now;
            self.out.notes.push(noted);
        }
        self.out.desired(&group.name).disconnect += sorted.disconnecting.len() as u64;
        self.out.follow_ups.push(eval);
    }

    /// Makes the group part of a deployment when it is new or changes.
    fn maybe_deploy(
        &mut self,
        group: &TaskGroup,
        state: DeploymentState,
        existing: bool,
        all: &[Arc<Allocation>],
        changes: bool,
    ) {
        let is_rolling = group.update.as_ref().is_some_and(drover_model::UpdateStrategy::is_rolling);
        if existing || !is_rolling || state.desired_total == 0 || self.input.is_batch() {
            return;
        }
        let ran_before = all.iter().any(|alloc| {
            let created = alloc.job.as_ref().map_or(0, |job| job.create_index);
            alloc.job_version() == self.job.version && created == self.job.create_index
        });
        if ran_before && !changes {
            return;
        }
        let (eval, now) = (self.input.eval, self.input.now);
        self.deployments.attach(eval, now, self.job, &group.name, state, self.ids);
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// By their numbers.
fn in_order(allocs: &AllocSet) -> Vec<Arc<Allocation>> {
    let mut list: Vec<Arc<Allocation>> = allocs.values().cloned().collect();
    list.sort_by_key(|alloc| (alloc.index(), alloc.id.clone()));
    list
}

fn best_score(alloc: &Allocation) -> f64 {
    let scores = alloc.metrics.as_ref().map(|metric| &metric.score_meta_data);
    let own = scores.and_then(|scores| scores.iter().find(|score| score.node_id == alloc.node_id));
    own.map_or(0.0, |score| score.norm_score)
}

impl From<Stop> for Allocation {
    /// The allocation as the plan has it.
    fn from(stop: Stop) -> Self {
        let mut alloc = Self { job: None, ..(*stop.alloc).clone() };
        alloc.desired_status = drover_model::AllocDesiredStatus::Stop;
        stop.why.clone_into(&mut alloc.desired_description);
        if let Some(status) = stop.client_status {
            alloc.client_status = status;
        }
        if let Some(follow_up) = stop.follow_up {
            alloc.followup_eval_id = follow_up;
        }
        alloc
    }
}
