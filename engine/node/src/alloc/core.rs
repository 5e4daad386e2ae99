//! One allocation's life as a synchronous state machine over the lives of its tasks.
//!
//! It decides whose turn it is (lifecycle hooks), who must end (leader, failed siblings, sidecars), when services of
//! the group appear and disappear, and what the servers are told.

use super::status;
use crate::task::core::{Kill, TaskAction, TaskCore, TaskInput};
use crate::task::events;
use drover_base::{Nanos, UnixNanos};
use drover_model::task::LifecycleHook;
use drover_model::{AllocClientStatus, Task, TaskState};
use std::collections::BTreeMap;

/// Said of an allocation that ran for too long.
const MAX_RUN_EXCEEDED: &str = "allocation exceeded max_run_duration";

/// When a task runs relative to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Before the main tasks.
    Prestart,
    /// Before the main tasks and beside them.
    PrestartSidecar,
    /// A main task.
    Main,
    /// Once the main tasks run.
    Poststart,
    /// Once the main tasks run, and beside them.
    PoststartSidecar,
    /// After everything else.
    Poststop,
}

impl Role {
    /// The role that a task's definition gives it.
    pub fn of(task: &Task) -> Self {
        match &task.lifecycle {
            None => Self::Main,
            Some(lifecycle) => match (lifecycle.hook, lifecycle.sidecar) {
                (LifecycleHook::Prestart, false) => Self::Prestart,
                (LifecycleHook::Prestart, true) => Self::PrestartSidecar,
                (LifecycleHook::Poststart, false) => Self::Poststart,
                (LifecycleHook::Poststart, true) => Self::PoststartSidecar,
                (LifecycleHook::Poststop, _) => Self::Poststop,
            },
        }
    }
    /// Whether it runs beside the main tasks without being one.
    pub fn is_sidecar(self) -> bool {
        matches!(self, Self::PrestartSidecar | Self::PoststartSidecar)
    }
}

/// One task within its allocation.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The task's name.
    pub name: String,
    /// When it runs.
    pub role: Role,
    /// When it ends, the others end too.
    pub is_leader: bool,
    /// Its life.
    pub core: TaskCore,
}

/// What happens to an allocation.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is by far the most frequent, and lives shortly")]
pub enum AllocInput {
    /// Its directories are there.
    Begin,
    /// They could not be made.
    SetupFailed(String),
    /// Something happens to the task of that number.
    Task(usize, TaskInput),
    /// The servers do not want it any more.
    Stop {
        /// Without shutdown delays.
        at_once: bool,
    },
    /// The group's shutdown delay is over.
    GroupDelayOver,
    /// It has run for as long as it may.
    MaxRunOver,
    /// Someone wants tasks started again.
    Restart {
        /// Only this one.
        task: Option<usize>,
        /// Also those that are over.
        includes_dead: bool,
        /// Why, for people.
        reason: String,
        /// Whether it counts against the restart policy.
        is_failure: bool,
    },
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllocAction {
    /// For the task of that number.
    Task(usize, TaskAction),
    /// Put the group's services into the catalog and begin their checks.
    RegisterGroup,
    /// Take them out again.
    DeregisterGroup,
    /// Say [`AllocInput::GroupDelayOver`] later.
    GroupDelay(Nanos),
    /// Every task is over.
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopPhase {
    /// Nobody asked.
    None,
    /// The group's shutdown delay runs.
    Delay,
    /// Tasks are being ended, leader first, sidecars last.
    Ending,
}

/// One allocation's life.
#[derive(Clone, Debug)]
pub struct AllocCore {
    slots: Vec<Slot>,
    group_delay: Nanos,
    has_begun: bool,
    stop: StopPhase,
    stop_at_once: bool,
    stop_reason: &'static str,
    is_registered: bool,
    is_finished: bool,
    setup_error: Option<String>,
}

impl AllocCore {
    /// The allocation of these tasks, whose group waits for `group_delay` between leaving the catalog and stopping.
    pub fn new(slots: Vec<Slot>, group_delay: Nanos) -> Self {
        Self {
            slots,
            group_delay,
            has_begun: false,
            stop: StopPhase::None,
            stop_at_once: false,
            stop_reason: "",
            is_registered: false,
            is_finished: false,
            setup_error: None,
        }
    }

    /// Its tasks.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }
    /// Its tasks, to take over changed rules.
    pub fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.slots
    }
    /// The number of a task.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|slot| slot.name == name)
    }
    /// Whether every task is over.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }
    /// Whether the servers asked for its end.
    pub fn is_stopping(&self) -> bool {
        self.stop != StopPhase::None
    }
    /// What people see of its tasks.
    pub fn task_states(&self) -> BTreeMap<String, TaskState> {
        self.slots.iter().map(|slot| (slot.name.clone(), slot.core.state().clone())).collect()
    }

    /// What the servers are told.
    pub fn client_status(&self) -> (AllocClientStatus, String) {
        if let Some(error) = &self.setup_error {
            return (AllocClientStatus::Failed, error.clone());
        }
        let (status, description) = status::of_tasks(&self.slots);
        let is_over = status == AllocClientStatus::Complete;
        let description = if is_over && !self.stop_reason.is_empty() { self.stop_reason } else { description };
        (status, description.to_owned())
    }

    /// Handles one input at `now`; `jitter` is random, from 0 to 1.
    pub fn handle(&mut self, input: AllocInput, now: UnixNanos, jitter: f64) -> Vec<AllocAction> {
        let mut actions = Vec::new();
        match input {
            AllocInput::Begin => self.has_begun = true,
            AllocInput::SetupFailed(error) => self.fail_setup(error, now, &mut actions),
            AllocInput::Task(number, input) => self.give(number, input, now, jitter, &mut actions),
            AllocInput::Stop { at_once } => self.begin_stop("", at_once, &mut actions),
            AllocInput::MaxRunOver => self.begin_stop(MAX_RUN_EXCEEDED, false, &mut actions),
            AllocInput::GroupDelayOver => {
                if self.stop == StopPhase::Delay {
                    self.stop = StopPhase::Ending;
                }
            }
            AllocInput::Restart { task, includes_dead, reason, is_failure } => {
                self.restart(task, includes_dead, &reason, is_failure, now, jitter, &mut actions);
            }
        }
        self.advance(now, jitter, &mut actions);
        actions
    }

    fn give(&mut self, number: usize, input: TaskInput, now: UnixNanos, jitter: f64, out: &mut Vec<AllocAction>) {
        let Some(slot) = self.slots.get_mut(number) else { return };
        let actions = slot.core.handle(input, now, jitter);
        out.extend(actions.into_iter().map(|action| AllocAction::Task(number, action)));
    }

    fn fail_setup(&mut self, error: String, now: UnixNanos, out: &mut Vec<AllocAction>) {
        for number in 0..self.slots.len() {
            let event = events::setup_failure(now, &error);
            self.give(number, TaskInput::Doom(event), now, 0.0, out);
        }
        self.setup_error = Some(error);
    }

    fn begin_stop(&mut self, reason: &'static str, at_once: bool, out: &mut Vec<AllocAction>) {
        if self.stop != StopPhase::None {
            return;
        }
        self.stop_reason = reason;
        self.stop_at_once = at_once;
        let waits = self.is_registered && !at_once && self.group_delay.0 > 0 && self.any_live();
        self.deregister(out);
        if waits {
            self.stop = StopPhase::Delay;
            out.push(AllocAction::GroupDelay(self.group_delay));
        } else {
            self.stop = StopPhase::Ending;
        }
    }

    fn deregister(&mut self, out: &mut Vec<AllocAction>) {
        if std::mem::take(&mut self.is_registered) {
            out.push(AllocAction::DeregisterGroup);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one input")]
    fn restart(
        &mut self,
        task: Option<usize>,
        includes_dead: bool,
        reason: &str,
        is_failure: bool,
        now: UnixNanos,
        jitter: f64,
        out: &mut Vec<AllocAction>,
    ) {
        if self.is_stopping() || self.is_finished {
            return;
        }
        for number in 0..self.slots.len() {
            if task.is_some_and(|task| task != number) {
                continue;
            }
            let slot = &self.slots[number];
            let revives = includes_dead && !slot.core.is_live() && slot.role != Role::Poststop;
            let input =
                if revives { TaskInput::Revive } else { TaskInput::Restart { reason: reason.to_owned(), is_failure } };
            self.give(number, input, now, jitter, out);
        }
    }

    /// Brings everything forward that the newest input made possible or necessary.
    fn advance(&mut self, now: UnixNanos, jitter: f64, out: &mut Vec<AllocAction>) {
        loop {
            let before = out.len();
            self.end_those_who_must(now, jitter, out);
            self.begin_those_who_may(now, jitter, out);
            if out.len() == before {
                break;
            }
        }
        let runs = self.slots.iter().any(|slot| slot.role == Role::Main && slot.core.has_started());
        let is_ending = self.is_stopping() || !self.any_live_main();
        if runs && !is_ending && !self.is_registered {
            self.is_registered = true;
            out.push(AllocAction::RegisterGroup);
        } else if is_ending {
            self.deregister(out);
        }
        if !self.is_finished && !self.any_live() {
            self.is_finished = true;
            out.push(AllocAction::Finished);
        }
    }

    fn end_those_who_must(&mut self, now: UnixNanos, jitter: f64, out: &mut Vec<AllocAction>) {
        if self.stop == StopPhase::Ending {
            return self.end_in_order(now, jitter, out);
        }
        let events = if let Some(failed) = self.slots.iter().find(|slot| slot.core.has_failed()) {
            vec![events::sibling_failed(now, &failed.name)]
        } else if self.slots.iter().any(|slot| slot.is_leader && !slot.core.is_live()) {
            vec![events::leader_dead(now)]
        } else if !self.any_live_worker() {
            vec![events::main_dead(now)]
        } else {
            return;
        };
        self.kill_where(|slot| slot.role != Role::Poststop, &events, now, jitter, out);
    }

    /// The leader first, then the others, then the sidecars.
    fn end_in_order(&mut self, now: UnixNanos, jitter: f64, out: &mut Vec<AllocAction>) {
        let waves: [fn(&Slot) -> bool; 3] = [
            |slot| slot.is_leader,
            |slot| !slot.role.is_sidecar() && slot.role != Role::Poststop,
            |slot| slot.role.is_sidecar(),
        ];
        for wave in waves {
            if self.slots.iter().any(|slot| slot.core.is_live() && wave(slot)) {
                self.kill_where(wave, &[], now, jitter, out);
                // Those that had not begun are over already.
                if self.slots.iter().any(|slot| slot.core.is_live() && wave(slot)) {
                    return;
                }
            }
        }
    }

    fn kill_where(
        &mut self,
        chosen: impl Fn(&Slot) -> bool,
        events: &[drover_model::TaskEvent],
        now: UnixNanos,
        jitter: f64,
        out: &mut Vec<AllocAction>,
    ) {
        for number in 0..self.slots.len() {
            let slot = &self.slots[number];
            if !slot.core.is_live() || slot.core.is_killed() || !chosen(slot) {
                continue;
            }
            let kill =
                Kill { events: events.to_vec(), reason: self.stop_reason.to_owned(), at_once: self.stop_at_once };
            self.give(number, TaskInput::Kill(kill), now, jitter, out);
        }
    }

    fn begin_those_who_may(&mut self, now: UnixNanos, jitter: f64, out: &mut Vec<AllocAction>) {
        if !self.has_begun {
            return;
        }
        for number in 0..self.slots.len() {
            let slot = &self.slots[number];
            match slot.core.phase() {
                crate::task::core::Phase::Waiting if self.may_begin(slot.role) => {
                    self.give(number, TaskInput::Begin, now, jitter, out);
                }
                _ => {}
            }
        }
    }

    fn may_begin(&self, role: Role) -> bool {
        if role == Role::Poststop {
            return !self.any_live_except_poststop();
        }
        if self.is_stopping() {
            return false;
        }
        match role {
            Role::Prestart | Role::PrestartSidecar => true,
            Role::Main => self.slots.iter().all(|slot| match slot.role {
                Role::Prestart => !slot.core.is_live() && !slot.core.has_failed(),
                Role::PrestartSidecar => slot.core.has_started(),
                _ => true,
            }),
            Role::Poststart | Role::PoststartSidecar => {
                self.slots.iter().all(|slot| slot.role != Role::Main || slot.core.has_started())
            }
            Role::Poststop => true,
        }
    }

    fn any_live(&self) -> bool {
        self.slots.iter().any(|slot| slot.core.is_live())
    }
    fn any_live_main(&self) -> bool {
        self.slots.iter().any(|slot| slot.role == Role::Main && slot.core.is_live())
    }
    fn any_live_except_poststop(&self) -> bool {
        self.slots.iter().any(|slot| slot.role != Role::Poststop && slot.core.is_live())
    }
    /// Tasks that the sidecars are there for.
    fn any_live_worker(&self) -> bool {
        let is_worker = |role| matches!(role, Role::Main | Role::Prestart | Role::Poststart);
        self.slots.iter().any(|slot| is_worker(slot.role) && slot.core.is_live())
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
