//! Runs one allocation: hands what happens to its state machine, and performs what that asks for.

use super::core::{AllocAction, AllocCore, AllocInput};
use super::dir::AllocDir;
use super::health::{Health, HealthCore};
use super::rules::{health_rules, rules, slots};
use super::shell::TaskShell;
use super::view::{AllocHandle, Message, TaskView, View};
use crate::checks::CheckSet;
use crate::checks::set::CheckReport;
use crate::context::NodeContext;
use crate::local_state::{Record, SavedAlloc, SavedTask};
use crate::task::core::TaskInput;
use crate::task::events;
use drover_base::{Nanos, UnixNanos};
use drover_model::{AllocClientStatus, AllocDeploymentStatus, Allocation};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A wait that ends with an input.
#[derive(Debug)]
enum Timer {
    Task(usize, TaskInput),
    Group(AllocInput),
    Health,
}

/// Runs one allocation.
#[derive(Debug)]
pub struct AllocRunner {
    pub(super) context: Arc<NodeContext>,
    pub(super) alloc: Arc<Allocation>,
    pub(super) dir: AllocDir,
    pub(super) core: AllocCore,
    pub(super) shells: Vec<TaskShell>,
    pub(super) checks: CheckSet,
    pub(super) sender: mpsc::UnboundedSender<Message>,
    inbox: mpsc::UnboundedReceiver<Message>,
    reports: mpsc::UnboundedReceiver<CheckReport>,
    timers: Vec<(Instant, Timer)>,
    health: Option<HealthCore>,
    deployment_status: Option<AllocDeploymentStatus>,
    setup_error: Option<String>,
    record: Record,
    saved: SavedAlloc,
    told: Option<Allocation>,
    view: Arc<Mutex<View>>,
    finished: watch::Sender<bool>,
    changed: watch::Sender<u64>,
    /// The servers forgot it: it is removed as soon as it is over.
    is_unwanted: bool,
    is_removed: bool,
}

impl AllocRunner {
    /// Takes an allocation over, with what was kept of it, and returns how to reach it. Nothing runs before
    /// [`AllocRunner::run`].
    pub fn new(
        context: Arc<NodeContext>,
        alloc: Arc<Allocation>,
        kept: Option<SavedAlloc>,
    ) -> std::io::Result<(Self, AllocHandle)> {
        let now = UnixNanos::now();
        let record = context.state.record(&alloc.id)?;
        let dir = AllocDir::new(&context.config.alloc_dir, &alloc.id);
        let is_kept = kept.is_some();
        let saved = kept.unwrap_or_default();
        let (slots, shells) = slots(&context, &alloc, is_kept.then_some(&saved), now);
        let group_delay = alloc.group().and_then(|group| group.shutdown_delay).unwrap_or_default();
        let core = AllocCore::new(slots, group_delay);
        let (checks, reports) = CheckSet::new();
        let (sender, inbox) = mpsc::unbounded_channel();
        let (finished, is_finished) = watch::channel(false);
        let (changed, changes) = watch::channel(0);
        let view = View { alloc: Arc::clone(&alloc), tasks: Default::default(), is_finished: false, finished_at: 0 };
        let view = Arc::new(Mutex::new(view));
        let handle = AllocHandle {
            dir: dir.clone(),
            view: Arc::clone(&view),
            checks: checks.results(),
            finished: is_finished,
            changed: changes,
            sender: sender.clone(),
        };
        if !is_kept {
            record.save_alloc(&alloc)?;
        }
        let mut runner = Self {
            deployment_status: saved.deployment_status.clone(),
            setup_error: saved.setup_error.clone(),
            context,
            alloc,
            dir,
            core,
            shells,
            checks,
            sender,
            inbox,
            reports,
            timers: Vec::new(),
            health: None,
            record,
            saved,
            told: None,
            view,
            finished,
            changed,
            is_unwanted: false,
            is_removed: false,
        };
        runner.show();
        Ok((runner, handle))
    }

    /// Runs it until it is over and forgotten.
    pub async fn run(mut self) {
        self.begin();
        while !self.is_removed {
            let wake = self.timers.iter().map(|(at, _)| *at).min();
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => self.message(message).await,
                    None => return,
                },
                Some(report) = self.reports.recv() => self.check_report(report),
                () = sleep_until(wake), if wake.is_some() => self.timers_due(),
            }
            if self.is_unwanted && self.core.is_finished() && !self.is_removed {
                self.is_removed = true;
                self.remove().await;
            }
        }
    }

    fn begin(&mut self) {
        let now = UnixNanos::now();
        let group = self.alloc.group();
        if let Some(limit) = group.and_then(|group| group.max_run_duration).filter(|limit| limit.0 > 0) {
            let left = Nanos(limit.0 - now.since(self.alloc.create_time).0);
            self.after(left, Timer::Group(AllocInput::MaxRunOver));
        }
        self.watch_health(now);
        let lives = self.core.slots().iter().any(|slot| slot.core.is_live());
        if lives && self.setup_error.is_none() {
            self.prepare();
            self.recover();
        } else {
            self.input(AllocInput::Begin);
        }
        if self.alloc.is_server_terminal() {
            self.stop();
        }
    }

    /// Directories and what a predecessor left, beside everything else.
    fn prepare(&mut self) {
        let (context, alloc, dir) = (Arc::clone(&self.context), Arc::clone(&self.alloc), self.dir.clone());
        let sender = self.sender.clone();
        let is_new = self.core.slots().iter().all(|slot| !slot.core.is_set_up());
        self.context.spawn(async move {
            let result = super::shell::prepare(&context, &alloc, &dir, is_new).await;
            let input = match result {
                Ok(()) => AllocInput::Begin,
                Err(error) => AllocInput::SetupFailed(error),
            };
            // A runner that is gone needs no answer.
            let _ = sender.send(Message::Input(input));
        });
    }

    async fn message(&mut self, message: Message) {
        match message {
            Message::Input(input) => {
                if let AllocInput::SetupFailed(error) = &input {
                    self.setup_error = Some(format!("failed to setup alloc: {error}"));
                }
                self.input(input);
            }
            Message::Note(number, event) => self.input(AllocInput::Task(number, TaskInput::Note(event))),
            Message::Started(number, result) => {
                let result = result.map(|started| {
                    self.shells[number].took(started);
                    self.wait_for_exit(number);
                });
                self.input(AllocInput::Task(number, TaskInput::Started(result)));
            }
            Message::Update(alloc) => self.update(&alloc),
            Message::Remove => {
                self.is_removed = self.core.is_finished();
                if self.is_removed {
                    self.remove().await;
                } else {
                    self.is_unwanted = true;
                    self.stop();
                }
            }
            Message::Collect(done) => {
                if self.core.is_finished() {
                    self.is_removed = true;
                    self.remove().await;
                }
                let _ = done.send(());
            }
        }
    }

    fn update(&mut self, alloc: &Arc<Allocation>) {
        let before = std::mem::replace(&mut self.alloc, Arc::clone(alloc));
        if let Err(error) = self.record.save_alloc(alloc) {
            tracing::warn!(alloc = %alloc.id, %error, "allocation cannot be kept");
        }
        self.view.lock().alloc = Arc::clone(alloc);
        if alloc.is_server_terminal() {
            return self.stop();
        }
        let now = UnixNanos::now();
        let job_changed = alloc.job_version() != before.job_version();
        if job_changed && let Some(group) = alloc.group() {
            for slot in self.core.slots_mut() {
                if let Some(task) = group.task(&slot.name) {
                    slot.core.update_rules(rules(&self.context, alloc, group, task));
                }
            }
            self.register_again();
        }
        if alloc.deployment_id != before.deployment_id {
            self.deployment_status = None;
            self.watch_health(now);
        }
        self.settle();
    }

    pub(super) fn stop(&mut self) {
        let at_once = self.alloc.desired_transition.no_shutdown_delay == Some(true);
        self.input(AllocInput::Stop { at_once });
    }

    /// One step: the state machine, its actions, and everyone who must know of the outcome.
    pub(super) fn input(&mut self, input: AllocInput) {
        let actions = self.core.handle(input, UnixNanos::now(), rand::random());
        for action in actions {
            match action {
                AllocAction::Task(number, action) => self.task_action(number, &action),
                AllocAction::RegisterGroup => self.register_group(),
                AllocAction::DeregisterGroup => self.deregister_group(),
                AllocAction::GroupDelay(delay) => self.after(delay, Timer::Group(AllocInput::GroupDelayOver)),
                AllocAction::Finished => self.health = None,
            }
        }
        self.settle();
    }

    pub(super) fn task_later(&mut self, delay: Nanos, number: usize, input: TaskInput) {
        self.after(delay, Timer::Task(number, input));
    }

    fn after(&mut self, delay: Nanos, timer: Timer) {
        self.timers.push((Instant::now() + delay.as_duration(), timer));
    }

    fn timers_due(&mut self) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.timers).into_iter().partition(|(at, _)| *at <= now);
        self.timers = later;
        let due: Vec<(Instant, Timer)> = due;
        for (_, timer) in due {
            match timer {
                Timer::Task(number, input) => self.input(AllocInput::Task(number, input)),
                Timer::Group(input) => self.input(input),
                Timer::Health => self.settle(),
            }
        }
    }

    fn check_report(&mut self, report: CheckReport) {
        let wanted = self.checks.record(report, UnixNanos::now());
        self.changed.send_modify(|n| *n += 1);
        match wanted {
            Some(wanted) => {
                let task = self.core.position(&wanted.task);
                let reason = wanted.reason;
                self.input(AllocInput::Restart { task, includes_dead: false, reason, is_failure: true });
            }
            None => self.settle(),
        }
    }

    fn watch_health(&mut self, now: UnixNanos) {
        let is_known = self.deployment_status.as_ref().is_some_and(|status| status.healthy.is_some());
        self.health = health_rules(&self.alloc).filter(|_| !is_known).map(|rules| HealthCore::new(rules, now));
    }

    /// Decides about health, keeps the state, shows it, and tells the servers.
    fn settle(&mut self) {
        let now = UnixNanos::now();
        self.look_at_health(now);
        let status = self.core.client_status().0;
        if status == AllocClientStatus::Failed
            && !self.alloc.deployment_id.is_empty()
            && self.deployment_status.as_ref().is_none_or(|status| status.healthy.is_none())
        {
            self.judged(false, now);
        }
        self.keep();
        self.show();
        self.tell();
        if self.core.is_finished() && !*self.finished.borrow() {
            self.record.close();
            self.finished.send_replace(true);
        }
    }

    fn look_at_health(&mut self, now: UnixNanos) {
        let Some(health) = &mut self.health else { return };
        match health.look(self.core.slots(), self.checks.all_pass(), now) {
            Health::Unknown { look_at } => {
                self.timers.retain(|(_, timer)| !matches!(timer, Timer::Health));
                self.after(look_at.since(now), Timer::Health);
            }
            Health::Healthy => self.judged(true, now),
            Health::Unhealthy(faults) => {
                self.judged(false, now);
                if !self.alloc.deployment_id.is_empty() {
                    for (number, text) in faults {
                        let note = TaskInput::Note(events::alloc_unhealthy(now, &text));
                        self.core.handle(AllocInput::Task(number, note), now, 0.0);
                    }
                }
            }
        }
    }

    fn judged(&mut self, is_healthy: bool, now: UnixNanos) {
        self.health = None;
        let canary = self.alloc.is_canary();
        self.deployment_status = Some(AllocDeploymentStatus {
            healthy: Some(is_healthy),
            timestamp: now.into(),
            canary,
            ..AllocDeploymentStatus::default()
        });
    }

    fn keep(&mut self) {
        let tasks = self.core.slots().iter().zip(&self.shells).map(|(slot, shell)| {
            let saved = SavedTask {
                state: slot.core.state().clone(),
                tracker: slot.core.tracker().clone(),
                is_set_up: slot.core.is_set_up(),
                handle: shell.handle.clone(),
                network: shell.network.clone(),
            };
            (slot.name.clone(), saved)
        });
        let saved = SavedAlloc {
            tasks: tasks.collect(),
            deployment_status: self.deployment_status.clone(),
            setup_error: self.setup_error.clone(),
            is_finished: self.core.is_finished(),
        };
        if saved == self.saved {
            return;
        }
        if let Err(error) = self.record.save(&saved) {
            tracing::warn!(alloc = %self.alloc.id, %error, "state cannot be kept");
        }
        self.saved = saved;
    }

    fn show(&mut self) {
        let tasks = self.core.slots().iter().zip(&self.shells).map(|(slot, shell)| {
            let view = TaskView {
                driver: shell.driver.clone(),
                handle: shell.handle.clone(),
                state: slot.core.state().clone(),
            };
            (slot.name.clone(), view)
        });
        let mut view = self.view.lock();
        view.tasks = tasks.collect();
        if self.core.is_finished() && !view.is_finished {
            view.is_finished = true;
            view.finished_at = UnixNanos::now().0;
        }
        drop(view);
        self.changed.send_modify(|n| *n += 1);
    }

    fn tell(&mut self) {
        let (client_status, client_description) = self.core.client_status();
        let client_description = self.setup_error.clone().unwrap_or(client_description);
        let update = Allocation {
            id: self.alloc.id.clone(),
            namespace: self.alloc.namespace.clone(),
            eval_id: self.alloc.eval_id.clone(),
            name: self.alloc.name.clone(),
            node_id: self.alloc.node_id.clone(),
            job_id: self.alloc.job_id.clone(),
            task_group: self.alloc.task_group.clone(),
            deployment_id: self.alloc.deployment_id.clone(),
            client_status,
            client_description,
            task_states: self.core.task_states(),
            deployment_status: self.deployment_status.clone(),
            network_status: Some(Box::default()),
            ..Allocation::default()
        };
        if self.told.as_ref() == Some(&update) {
            return;
        }
        let is_urgent = self.told.as_ref().is_none_or(|told| {
            told.client_status != update.client_status || told.deployment_status != update.deployment_status
        });
        let is_first = self.told.is_none() && client_status == AllocClientStatus::Pending;
        self.told = Some(update.clone());
        self.context.outbox.alloc(update, is_urgent && !is_first);
    }

    async fn remove(&mut self) {
        let (dir, state, id) = (self.dir.clone(), self.context.state.clone(), self.alloc.id.clone());
        self.context.collected.lock().insert(id.clone());
        self.context.allocs.lock().remove(&id);
        let removed = tokio::task::spawn_blocking(move || {
            dir.destroy()?;
            state.remove(&id)
        });
        match removed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(alloc = %self.alloc.id, %error, "allocation cannot be removed"),
            Err(error) => tracing::warn!(alloc = %self.alloc.id, %error, "removal of an allocation panicked"),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => tokio::time::sleep(Duration::MAX).await,
    }
}
