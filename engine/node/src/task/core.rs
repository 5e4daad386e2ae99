//! One task's life as a synchronous state machine: inputs in, actions out.
//!
//! It owns the [`TaskState`] that people see. Time and randomness come with each input.

use super::events::{self, Exit};
use super::restart::{Cause, RestartTracker, Verdict};
use drover_base::{Nanos, UnixNanos, WireTime};
use drover_model::alloc::MAX_TASK_EVENTS;
use drover_model::{RestartPolicy, TaskEvent, TaskState, TaskStateKind};

/// What of a task's definition its life depends on.
#[derive(Clone, Debug, Default)]
pub struct TaskRules {
    /// Its restart policy.
    pub restart: RestartPolicy,
    /// Whether an end with code 0 is a reason to start it again.
    pub restarts_on_success: bool,
    /// Until it is killed by force.
    pub kill_timeout: Nanos,
    /// Between leaving the catalog and being stopped.
    pub shutdown_delay: Nanos,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its turn has not come.
    Waiting,
    /// It was running when the agent ended, and is being looked for.
    Recovering,
    /// Hooks prepare it.
    Setup,
    /// The driver starts it.
    Starting,
    /// It runs.
    Running,
    /// It left the catalog and will be stopped.
    ShutdownDelay,
    /// The driver stops it.
    Stopping,
    /// It will be started again later.
    Backoff,
    /// It is over.
    Dead,
}

/// Why preparation or start failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What people see.
    pub event: TaskEvent,
    /// Whether and how trying again may help.
    pub retry: Retry,
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The restart policy decides.
    ByPolicy,
    /// Trying again cannot help, and an event says so.
    Never,
    /// The event itself has said that the task failed.
    AlreadySaid,
}

/// What happens to a task.
#[derive(Clone, Debug)]
pub enum TaskInput {
    /// Its turn has come.
    Begin,
    /// Hooks are done.
    SetupDone(Result<(), Failure>),
    /// The driver started it, or could not.
    Started(Result<(), Failure>),
    /// Whether it still ran when the agent came back.
    Recovered {
        /// The driver has it again.
        found: bool,
    },
    /// It ended.
    Exited(Exit),
    /// The wait before a restart is over.
    BackoffOver,
    /// The wait before a stop is over.
    ShutdownDelayOver,
    /// It is to end.
    Kill(Kill),
    /// It is to be stopped and started again.
    Restart {
        /// Why, for people.
        reason: String,
        /// Whether it counts against the restart policy.
        is_failure: bool,
    },
    /// It is over, and is to run once more.
    Revive,
    /// Something to show to people.
    Note(TaskEvent),
    /// The allocation could not be set up at all.
    Doom(TaskEvent),
}

/// How a task is to end.
#[derive(Clone, Debug, Default)]
pub struct Kill {
    /// What led to it.
    pub events: Vec<TaskEvent>,
    /// Text of the `Killing` event; empty for the usual one.
    pub reason: String,
    /// Without its shutdown delay.
    pub at_once: bool,
}

/// What the shell must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskAction {
    /// Run the hooks before its start.
    Setup,
    /// Abandon them.
    CancelSetup,
    /// Start it.
    Start,
    /// It runs: announce it.
    Running,
    /// It is about to end or has ended: withdraw it.
    Leaving,
    /// Stop it: signal, wait, kill.
    Stop,
    /// Say [`TaskInput::BackoffOver`] later.
    Backoff(Nanos),
    /// Say [`TaskInput::ShutdownDelayOver`] later.
    ShutdownDelay(Nanos),
    /// It is over: clean up what the driver keeps.
    Ended,
}

#[derive(Clone, Copy, Debug)]
struct RestartWish {
    is_failure: bool,
}

/// One task's life.
#[derive(Clone, Debug)]
pub struct TaskCore {
    rules: TaskRules,
    phase: Phase,
    state: TaskState,
    tracker: RestartTracker,
    is_set_up: bool,
    kill: Option<Kill>,
    restart: Option<RestartWish>,
}

impl TaskCore {
    /// A task that the node just took over.
    pub fn new(rules: TaskRules, now: UnixNanos) -> Self {
        let mut core = Self {
            rules,
            phase: Phase::Waiting,
            state: TaskState::default(),
            tracker: RestartTracker::default(),
            is_set_up: false,
            kill: None,
            restart: None,
        };
        core.emit(events::received(now));
        core
    }

    /// A task as it was kept before the agent ended. `has_handle` says that a driver had started it.
    pub fn restore(
        rules: TaskRules,
        state: TaskState,
        tracker: RestartTracker,
        is_set_up: bool,
        has_handle: bool,
    ) -> Self {
        let phase = match state.state {
            TaskStateKind::Dead => Phase::Dead,
            _ if has_handle => Phase::Recovering,
            _ => Phase::Waiting,
        };
        Self { rules, phase, state, tracker, is_set_up, kill: None, restart: None }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }
    /// What people see.
    pub fn state(&self) -> &TaskState {
        &self.state
    }
    /// Its restarts in the current interval.
    pub fn tracker(&self) -> &RestartTracker {
        &self.tracker
    }
    /// Whether its hooks are done.
    pub fn is_set_up(&self) -> bool {
        self.is_set_up
    }
    /// Whether it is not over.
    pub fn is_live(&self) -> bool {
        self.phase != Phase::Dead
    }
    /// Whether it is over and failed.
    pub fn has_failed(&self) -> bool {
        self.phase == Phase::Dead && self.state.failed
    }
    /// Whether it ever ran.
    pub fn has_started(&self) -> bool {
        self.state.started_at.is_some()
    }
    /// Whether it was told to end.
    pub fn is_killed(&self) -> bool {
        self.kill.is_some()
    }
    /// Takes over changed rules of an updated job.
    pub fn update_rules(&mut self, rules: TaskRules) {
        self.rules = rules;
    }

    /// Handles one input at `now`; `jitter` is random, from 0 to 1.
    pub fn handle(&mut self, input: TaskInput, now: UnixNanos, jitter: f64) -> Vec<TaskAction> {
        match input {
            TaskInput::Begin if self.phase == Phase::Waiting => {
                if !self.is_set_up {
                    self.emit(events::setup(now, "Building Task Directory"));
                }
                self.prepare()
            }
            TaskInput::SetupDone(result) if self.phase == Phase::Setup => match result {
                Ok(()) => {
                    self.is_set_up = true;
                    self.prepare()
                }
                Err(failure) => self.fail(failure, now, jitter),
            },
            TaskInput::Started(result) if self.phase == Phase::Starting => match result {
                Ok(()) => self.started(now),
                Err(failure) => self.fail(failure, now, jitter),
            },
            TaskInput::Recovered { found } if self.phase == Phase::Recovering => self.recovered(found, now),
            TaskInput::Exited(exit) => self.exited(&exit, now, jitter),
            TaskInput::BackoffOver if self.phase == Phase::Backoff => self.prepare(),
            TaskInput::ShutdownDelayOver if self.phase == Phase::ShutdownDelay => {
                self.phase = Phase::Stopping;
                vec![TaskAction::Stop]
            }
            TaskInput::Kill(kill) => self.killed(kill, now),
            TaskInput::Restart { reason, is_failure } => self.restarted(&reason, is_failure, now),
            TaskInput::Revive if self.phase == Phase::Dead => {
                self.phase = Phase::Waiting;
                self.kill = None;
                self.restart = None;
                self.tracker = RestartTracker::default();
                self.state.state = TaskStateKind::Pending;
                self.state.failed = false;
                self.state.finished_at = None;
                self.state.started_at = None;
                self.state.restarts += 1;
                self.state.last_restart = Some(now.into());
                Vec::new()
            }
            TaskInput::Note(event) => {
                self.emit(event);
                Vec::new()
            }
            TaskInput::Doom(event) if self.phase == Phase::Waiting => {
                self.emit(event);
                self.state.failed = true;
                self.die(now)
            }
            _ => Vec::new(),
        }
    }

    fn emit(&mut self, event: TaskEvent) {
        self.state.events.push(event);
        let excess = self.state.events.len().saturating_sub(MAX_TASK_EVENTS);
        self.state.events.drain(..excess);
    }

    fn prepare(&mut self) -> Vec<TaskAction> {
        let (phase, action) =
            if self.is_set_up { (Phase::Starting, TaskAction::Start) } else { (Phase::Setup, TaskAction::Setup) };
        self.phase = phase;
        vec![action]
    }

    fn started(&mut self, now: UnixNanos) -> Vec<TaskAction> {
        self.emit(events::started(now));
        self.state.state = TaskStateKind::Running;
        self.state.started_at = Some(now.into());
        self.running(now)
    }

    fn recovered(&mut self, found: bool, now: UnixNanos) -> Vec<TaskAction> {
        if found {
            return self.running(now);
        }
        if self.kill.is_some() {
            return self.die(now);
        }
        self.state.state = TaskStateKind::Pending;
        self.prepare()
    }

    fn running(&mut self, now: UnixNanos) -> Vec<TaskAction> {
        self.phase = Phase::Running;
        if self.kill.is_some() {
            return self.begin_stop(now);
        }
        vec![TaskAction::Running]
    }

    fn exited(&mut self, exit: &Exit, now: UnixNanos, jitter: f64) -> Vec<TaskAction> {
        if !matches!(self.phase, Phase::Running | Phase::ShutdownDelay | Phase::Stopping) {
            return Vec::new();
        }
        let mut actions = vec![TaskAction::Leaving];
        self.emit(events::terminated(now, exit));
        let wish = self.restart.take();
        if self.kill.is_some() {
            self.emit(events::killed(now));
            actions.extend(self.die(now));
        } else if wish.is_some_and(|wish| !wish.is_failure) {
            actions.extend(self.restart_after("", Nanos::ZERO, now));
        } else {
            let cause = if wish.is_none() && exit.is_success() { Cause::Success } else { Cause::Failure };
            actions.extend(self.judge(cause, now, jitter));
        }
        actions
    }

    fn fail(&mut self, failure: Failure, now: UnixNanos, jitter: f64) -> Vec<TaskAction> {
        self.emit(failure.event);
        if self.kill.is_some() {
            return self.die(now);
        }
        match failure.retry {
            Retry::ByPolicy => self.judge(Cause::Failure, now, jitter),
            Retry::Never => self.judge(Cause::Unrecoverable, now, jitter),
            Retry::AlreadySaid => {
                self.state.failed = true;
                self.die(now)
            }
        }
    }

    fn judge(&mut self, cause: Cause, now: UnixNanos, jitter: f64) -> Vec<TaskAction> {
        let on_success = self.rules.restarts_on_success;
        match self.tracker.judge(&self.rules.restart, cause, on_success, now, jitter) {
            Verdict::Restart { reason, delay } => self.restart_after(reason, delay, now),
            Verdict::Fail { reason } => {
                self.emit(events::not_restarting(now, &reason));
                self.state.failed = true;
                self.die(now)
            }
            Verdict::Done => self.die(now),
        }
    }

    fn restart_after(&mut self, reason: &str, delay: Nanos, now: UnixNanos) -> Vec<TaskAction> {
        self.emit(events::restarting(now, reason, delay));
        self.state.state = TaskStateKind::Pending;
        self.state.restarts += 1;
        self.state.last_restart = Some(WireTime::from(now));
        if delay.is_zero() {
            return self.prepare();
        }
        self.phase = Phase::Backoff;
        vec![TaskAction::Backoff(delay)]
    }

    fn killed(&mut self, kill: Kill, now: UnixNanos) -> Vec<TaskAction> {
        if self.kill.is_some() || self.phase == Phase::Dead {
            return Vec::new();
        }
        for event in &kill.events {
            self.emit(event.clone());
        }
        self.emit(events::killing(now, self.rules.kill_timeout, &kill.reason));
        self.kill = Some(kill);
        match self.phase {
            Phase::Waiting | Phase::Backoff => self.die(now),
            Phase::Setup => {
                let mut actions = vec![TaskAction::CancelSetup];
                actions.extend(self.die(now));
                actions
            }
            Phase::Running => self.begin_stop(now),
            // It is stopped as soon as the driver answers, or is being stopped already.
            Phase::Recovering | Phase::Starting | Phase::ShutdownDelay | Phase::Stopping | Phase::Dead => Vec::new(),
        }
    }

    fn begin_stop(&mut self, now: UnixNanos) -> Vec<TaskAction> {
        let delay = self.rules.shutdown_delay;
        let waits = self.kill.as_ref().is_some_and(|kill| !kill.at_once) && !delay.is_zero();
        if waits {
            self.emit(events::waiting_shutdown_delay(now, delay));
            self.phase = Phase::ShutdownDelay;
            return vec![TaskAction::Leaving, TaskAction::ShutdownDelay(delay)];
        }
        self.phase = Phase::Stopping;
        vec![TaskAction::Leaving, TaskAction::Stop]
    }

    fn restarted(&mut self, reason: &str, is_failure: bool, now: UnixNanos) -> Vec<TaskAction> {
        match self.phase {
            Phase::Running => {
                self.emit(events::restart_signaled(now, reason));
                self.restart = Some(RestartWish { is_failure });
                self.begin_stop(now)
            }
            Phase::Backoff if !is_failure => {
                self.emit(events::restart_signaled(now, reason));
                self.prepare()
            }
            _ => Vec::new(),
        }
    }

    fn die(&mut self, now: UnixNanos) -> Vec<TaskAction> {
        self.phase = Phase::Dead;
        self.state.state = TaskStateKind::Dead;
        self.state.finished_at = Some(now.into());
        vec![TaskAction::Ended]
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
