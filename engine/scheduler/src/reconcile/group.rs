//! One group: what to place, to stop and to update.

use super::computed::{Placement, Reconciliation, Stop};
use super::deployments::Deployments;
use super::filters::{self, AllocSet, ByNode, Replaceable};
use super::names::NameIndex;
use super::reschedule::{When, when};
use super::updates::UpdateKind;
use super::{Input, why};
use crate::context::Ids;
use drover_base::{AllocId, UnixNanos};
use drover_model::{Allocation, DeploymentState, Job, TaskGroup};
use std::sync::Arc;

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
pub(super) struct Sorted {
    pub(super) untainted: AllocSet,
    pub(super) migrate: AllocSet,
    pub(super) lost: AllocSet,
    /// Lost too, but their nodes may let them run for a while: they are replaced later.
    pub(super) held: AllocSet,
    pub(super) now: AllocSet,
    pub(super) later: Vec<(Arc<Allocation>, UnixNanos)>,
    pub(super) unknown: AllocSet,
    pub(super) disconnecting: AllocSet,
    pub(super) canaries: AllocSet,
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
        let taken = [&sorted.untainted, &sorted.migrate, &sorted.now, &sorted.lost, &sorted.held, &sorted.unknown];
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
            if alloc.followup_eval_id != input.eval.id && filters::may_still_run(&alloc, input.now) {
                sorted.held.insert(id, alloc);
                continue;
            }
            let is_active_deployment = self
                .deployments
                .current
                .as_ref()
                .is_some_and(|deployment| deployment.is_active() && alloc.deployment_id == deployment.id);
            match filters::replaceable(&alloc, input.is_batch()) {
                Replaceable::Ignored => {}
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
        let mut here = sorted.untainted.len() + sorted.migrate.len() + sorted.held.len() + place.len();
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
pub(super) fn in_order(allocs: &AllocSet) -> Vec<Arc<Allocation>> {
    let mut list: Vec<Arc<Allocation>> = allocs.values().cloned().collect();
    list.sort_by_key(|alloc| (alloc.index(), alloc.id.clone()));
    list
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
