//! What a runner does for its tasks: hooks, drivers, services and checks.

use super::core::{AllocInput, Role};
use super::dir::AllocDir;
use super::runner::AllocRunner;
use super::view::Message;
use crate::checks::set::CheckSource;
use crate::context::NodeContext;
use crate::hooks::{self, HookContext};
use crate::identity::workload::Bearer;
use crate::services::{self, AddressSource, Owner};
use crate::task::config::TaskSource;
use crate::task::core::{Failure, Phase, Retry, TaskAction, TaskInput};
use crate::task::env::{TaskEnv, all_ports};
use crate::task::events::{self, Exit};
use drover_base::UnixNanos;
use drover_drivers::{Driver, DriverError, DriverNetwork, EventSink, FsIsolation, StartedTask, TaskHandle};
use drover_model::{Allocation, Namespace, Service, Task, TextMap};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What belongs to one task while it runs.
#[derive(Debug)]
pub struct TaskShell {
    /// Its driver, if this node has it.
    pub driver: Option<Arc<dyn Driver>>,
    /// The driver's handle while the driver has it.
    pub handle: Option<TaskHandle>,
    /// The network that the driver made for it.
    pub network: Option<DriverNetwork>,
    setup: Option<AbortHandle>,
    /// Serves the API at the task's socket.
    pub(super) api: Option<AbortHandle>,
    /// Renews the task's identities while it runs.
    pub(super) renewal: Option<AbortHandle>,
    registered: Vec<(Namespace, String)>,
}

impl TaskShell {
    /// A task that is not running.
    pub fn new(driver: Option<Arc<dyn Driver>>) -> Self {
        Self { driver, handle: None, network: None, setup: None, api: None, renewal: None, registered: Vec::new() }
    }

    /// Keeps what the driver answered to a start.
    pub fn took(&mut self, started: StartedTask) {
        self.handle = Some(started.handle);
        self.network = started.network;
    }

    fn isolation(&self) -> FsIsolation {
        self.driver.as_ref().map_or(FsIsolation::None, |driver| driver.capabilities().fs_isolation)
    }
}

/// Makes the shared directories, once its predecessor on this node is over.
pub async fn prepare(context: &NodeContext, alloc: &Allocation, dir: &AllocDir, is_new: bool) -> Result<(), String> {
    let group = alloc.group().ok_or("the job of this allocation has no such group")?;
    if let Some(network) = group.networks.iter().find(|network| !matches!(network.mode.as_str(), "" | "host" | "none"))
    {
        let maps_itself = |task: &Task| {
            context.driver(&task.driver).is_some_and(|driver| driver.capabilities().fs_isolation == FsIsolation::Image)
        };
        if !group.tasks.iter().all(maps_itself) {
            return Err(format!(
                "network mode {:?} is supported by this node only for tasks in images: use mode \"host\"",
                network.mode
            ));
        }
    }
    if is_new && !alloc.previous_allocation.is_empty() {
        let previous = context.alloc(&alloc.previous_allocation);
        if let Some(previous) = &previous {
            // Fails only when the runner is gone, which is as good as finished.
            let _ = previous.finished.clone().wait_for(|is_finished| *is_finished).await;
        }
        dir.build().map_err(|error| error.to_string())?;
        if group.ephemeral_disk.sticky || group.ephemeral_disk.migrate {
            let Some(previous) = previous else {
                tracing::warn!(alloc = %alloc.id, "previous allocation is not on this node: its data is not taken over");
                return Ok(());
            };
            let (dir, tasks) = (dir.clone(), group.tasks.iter().map(|task| task.name.clone()).collect::<Vec<_>>());
            let adopted = tokio::task::spawn_blocking(move || dir.adopt(&previous.dir, &tasks)).await;
            return match adopted {
                Ok(result) => result.map_err(|error| format!("failed to take over previous data: {error}")),
                Err(error) => Err(error.to_string()),
            };
        }
        return Ok(());
    }
    dir.build().map_err(|error| error.to_string())
}

impl AllocRunner {
    pub(super) fn task(&self, number: usize) -> Option<&Task> {
        self.alloc.group()?.task(&self.core.slots()[number].name)
    }

    pub(super) fn task_action(&mut self, number: usize, action: &TaskAction) {
        match action {
            TaskAction::Setup => self.set_up(number),
            TaskAction::CancelSetup => {
                abort(&mut self.shells[number].setup);
            }
            TaskAction::Start => self.start(number),
            TaskAction::Running => {
                self.offer_api(number);
                self.renew_identities(number);
                self.register_task(number);
            }
            TaskAction::Leaving => {
                abort(&mut self.shells[number].renewal);
                self.deregister_task(number);
            }
            TaskAction::Stop => self.stop_task(number),
            TaskAction::Backoff(delay) => self.task_later(*delay, number, TaskInput::BackoffOver),
            TaskAction::ShutdownDelay(delay) => self.task_later(*delay, number, TaskInput::ShutdownDelayOver),
            TaskAction::Ended => self.clean_up(number),
        }
    }

    /// Looks for the tasks that ran when the agent ended.
    pub(super) fn recover(&mut self) {
        for number in 0..self.shells.len() {
            if self.core.slots()[number].core.phase() == Phase::Recovering {
                self.recover_task(number);
            }
        }
    }

    fn recover_task(&mut self, number: usize) {
        let shell = &self.shells[number];
        let (driver, handle) = (shell.driver.clone(), shell.handle.clone());
        let sender = self.sender.clone();
        let wait = self.exit_of(number);
        self.context.spawn(async move {
            let found = match (driver, handle) {
                (Some(driver), Some(handle)) => match driver.recover(&handle).await {
                    Ok(()) => true,
                    Err(error) => {
                        tracing::warn!(task = handle.task_id, %error, "task was not found again");
                        false
                    }
                },
                _ => false,
            };
            send(&sender, number, TaskInput::Recovered { found });
            if found {
                wait.await;
            }
        });
    }

    fn source<'a>(&'a self, task: &'a Task, number: usize, node: &'a drover_model::Node) -> TaskSource<'a> {
        TaskSource {
            config: &self.context.config,
            node,
            alloc: &self.alloc,
            task,
            dir: &self.dir,
            isolation: self.shells[number].isolation(),
        }
    }

    fn set_up(&mut self, number: usize) {
        let Some(task) = self.task(number).cloned() else { return };
        let (context, alloc, dir) = (Arc::clone(&self.context), Arc::clone(&self.alloc), self.dir.clone());
        let (sender, isolation) = (self.sender.clone(), self.shells[number].isolation());
        let work = self.context.spawn(async move {
            let Some(job) = alloc.job.clone() else { return };
            let node = context.node();
            let source =
                TaskSource { config: &context.config, node: &node, alloc: &alloc, task: &task, dir: &dir, isolation };
            let env = source.env(&TextMap::new());
            let (notes, mut events) = mpsc::unbounded_channel();
            let forward = sender.clone();
            let hook = HookContext {
                job: &job,
                task: &task,
                dir: &dir,
                env: &env,
                notes: &notes,
                allows_file_artifacts: context.config.allows_file_artifacts,
            };
            let mut hooks = std::pin::pin!(hooks::run(&hook));
            let result = loop {
                tokio::select! {
                    biased;
                    Some(event) = events.recv() => send(&forward, number, TaskInput::Note(event)),
                    result = &mut hooks => break result,
                }
            };
            while let Ok(event) = events.try_recv() {
                send(&forward, number, TaskInput::Note(event));
            }
            send(&sender, number, TaskInput::SetupDone(result));
        });
        self.shells[number].setup = Some(work.abort_handle());
    }

    fn start(&mut self, number: usize) {
        let Some(task) = self.task(number).cloned() else { return };
        self.offer_api(number);
        let shell = &self.shells[number];
        let Some(driver) = shell.driver.clone() else {
            let message = format!("driver {:?} is not available on this node", task.driver);
            let failure = Failure { event: events::driver_failure(UnixNanos::now(), &message), retry: Retry::Never };
            // Not handled at once: this is called while actions are performed.
            let _ = self.sender.send(Message::Started(number, Err(failure)));
            return;
        };
        let (context, alloc, dir) = (Arc::clone(&self.context), Arc::clone(&self.alloc), self.dir.clone());
        let (sender, isolation) = (self.sender.clone(), shell.isolation());
        self.context.spawn(async move {
            let node = context.node();
            let source =
                TaskSource { config: &context.config, node: &node, alloc: &alloc, task: &task, dir: &dir, isolation };
            let result = start(&context, &source, driver.as_ref(), &sender, number).await;
            // A runner that is gone has left the task to the next agent.
            let _ = sender.send(Message::Started(number, result));
        });
    }

    /// Tells the end of a task once it comes.
    pub(super) fn wait_for_exit(&self, number: usize) {
        self.context.spawn(self.exit_of(number));
    }

    fn exit_of(&self, number: usize) -> impl Future<Output = ()> + Send + 'static {
        let shell = &self.shells[number];
        let (driver, handle) = (shell.driver.clone(), shell.handle.clone());
        let sender = self.sender.clone();
        async move {
            let (Some(driver), Some(handle)) = (driver, handle) else { return };
            let exit = match driver.wait(&handle).await {
                Ok(result) => Exit {
                    code: result.exit_code.into(),
                    signal: result.signal.into(),
                    oom_killed: result.oom_killed,
                    message: result.err.unwrap_or_default(),
                },
                Err(error) => Exit { code: -1, message: error.to_string(), ..Exit::default() },
            };
            send(&sender, number, TaskInput::Exited(exit));
        }
    }

    fn stop_task(&mut self, number: usize) {
        let shell = &self.shells[number];
        let (Some(driver), Some(handle)) = (shell.driver.clone(), shell.handle.clone()) else { return };
        let Some(task) = self.task(number) else { return };
        let timeout = task.kill_timeout.min(self.context.config.max_kill_timeout).as_duration();
        let signal = Some(task.kill_signal.clone()).filter(|signal| !signal.is_empty());
        self.context.spawn(async move {
            match driver.stop(&handle, timeout, signal.as_deref()).await {
                Ok(()) | Err(DriverError::TaskNotFound(_)) => {}
                Err(error) => {
                    tracing::warn!(task = handle.task_id, %error, "task could not be stopped, ending it by force");
                    if let Err(error) = driver.destroy(&handle).await {
                        tracing::error!(task = handle.task_id, %error, "task could not be ended");
                    }
                }
            }
        });
    }

    fn clean_up(&mut self, number: usize) {
        let shell = &mut self.shells[number];
        shell.setup = None;
        shell.network = None;
        abort(&mut shell.api);
        abort(&mut shell.renewal);
        let (Some(driver), Some(handle)) = (shell.driver.clone(), shell.handle.take()) else { return };
        self.context.spawn(async move {
            match driver.destroy(&handle).await {
                Ok(()) | Err(DriverError::TaskNotFound(_)) => {}
                Err(error) => tracing::warn!(task = handle.task_id, %error, "task could not be cleaned up"),
            }
        });
    }

    pub(super) fn register_group(&mut self) {
        let Some(group) = self.alloc.group() else { return };
        let group_name = group.name.clone();
        let services = group.services.clone();
        let first = self.core.slots().iter().position(|slot| slot.role == Role::Main).unwrap_or_default();
        self.register(first, "", Owner::Group(&group_name), &services);
    }

    pub(super) fn deregister_group(&mut self) {
        self.checks.stop("");
        let Some(group) = self.alloc.group() else { return };
        let prefix = format!("_nomad-task-{}-group-{}-", self.alloc.id, group.name);
        self.withdraw(|id| id.starts_with(&prefix));
    }

    fn register_task(&mut self, number: usize) {
        let Some(task) = self.task(number) else { return };
        let (name, services) = (task.name.clone(), task.services.clone());
        self.register(number, &name, Owner::Task(&name), &services);
    }

    fn deregister_task(&mut self, number: usize) {
        let name = self.core.slots()[number].name.clone();
        self.checks.stop(&name);
        let prefix = format!("_nomad-task-{}-{name}-", self.alloc.id);
        self.withdraw(|id| id.starts_with(&prefix));
    }

    /// After a change of the job.
    pub(super) fn register_again(&mut self) {
        for number in 0..self.shells.len() {
            if self.core.slots()[number].core.phase() == Phase::Running {
                self.deregister_task(number);
                self.register_task(number);
            }
        }
        if self.core.slots().iter().any(|slot| slot.core.phase() == Phase::Running) && !self.core.is_stopping() {
            self.deregister_group();
            self.register_group();
        }
    }

    /// Puts services into the catalog and begins their checks. `number` is the task whose environment counts.
    fn register(&mut self, number: usize, task_name: &str, owner: Owner<'_>, services: &[Service]) {
        if services.is_empty() {
            return;
        }
        let Some(task) = self.task(number).cloned() else { return };
        let node = self.context.node();
        let env: TaskEnv = self.source(&task, number, &node).env(&TextMap::new());
        let resources = self.alloc.allocated_resources.clone().unwrap_or_default();
        let ports = all_ports(&resources, &task.name);
        let node_ip = node.attributes.get("unique.network.ip-address").cloned().unwrap_or_default();
        let network = self.shells[number].network.clone();
        let address = AddressSource { ports: &ports, network: network.as_ref(), node_ip: &node_ip };
        let mut entries = Vec::new();
        for service in services {
            match services::registration(&self.alloc, &node, owner, service, &env, &address) {
                Some(entry) => entries.push(entry),
                None => tracing::warn!(
                    alloc = %self.alloc.id,
                    service = service.name,
                    port = service.port_label,
                    "service has no such port and is not registered"
                ),
            }
            let source = CheckSource {
                alloc_id: &self.alloc.id,
                alloc_name: &self.alloc.name,
                task: task_name,
                env: &env,
                address,
            };
            self.checks.start(&source, service, UnixNanos::now());
        }
        let keys = entries.iter().map(|entry| (entry.namespace.clone(), entry.id.clone()));
        self.shells[number].registered.extend(keys);
        self.context.outbox.register(entries);
    }

    fn withdraw(&mut self, is_chosen: impl Fn(&str) -> bool) {
        let mut gone = Vec::new();
        for shell in &mut self.shells {
            let (chosen, kept) = std::mem::take(&mut shell.registered).into_iter().partition(|(_, id)| is_chosen(id));
            shell.registered = kept;
            let chosen: Vec<_> = chosen;
            gone.extend(chosen);
        }
        if !gone.is_empty() {
            self.context.outbox.deregister(gone);
        }
    }
}

pub(super) fn abort(work: &mut Option<AbortHandle>) {
    if let Some(work) = work.take() {
        work.abort();
    }
}

pub(super) fn send(sender: &mpsc::UnboundedSender<Message>, number: usize, input: TaskInput) {
    // A runner that is gone needs to know nothing more.
    let _ = sender.send(Message::Input(AllocInput::Task(number, input)));
}

async fn start(
    context: &NodeContext,
    source: &TaskSource<'_>,
    driver: &dyn Driver,
    sender: &mpsc::UnboundedSender<Message>,
    number: usize,
) -> Result<StartedTask, Failure> {
    let now = UnixNanos::now;
    let fail = |message: String, retry| Failure { event: events::driver_failure(now(), &message), retry };
    let bearer = Bearer { context, alloc: source.alloc, task: source.task, dir: source.dir };
    let tokens = bearer
        .prepare()
        .await
        .map_err(|error| Failure { event: events::setup_failure(now(), &error.to_string()), retry: Retry::ByPolicy })?;
    let mut given = bearer.env(&tokens);
    let mut env = source.env(&given);
    if source.task.templates.iter().any(|template| template.envvars) {
        let (notes, _) = mpsc::unbounded_channel();
        let job = source.alloc.job.clone().unwrap_or_default();
        let hook = HookContext {
            job: &job,
            task: source.task,
            dir: source.dir,
            env: &env,
            notes: &notes,
            allows_file_artifacts: false,
        };
        let vars = hooks::templates::env_vars(&hook).map_err(|error| fail(error.to_string(), Retry::Never))?;
        given.extend(vars);
        env = source.env(&given);
    }
    let state_dir = context.state.task_dir(&source.alloc.id, &source.task.name);
    std::fs::create_dir_all(&state_dir)
        .map_err(|error| fail(format!("{}: {error}", state_dir.display()), Retry::ByPolicy))?;
    let config = source.driver_config(&env, state_dir).map_err(|message| fail(message, Retry::Never))?;
    driver.validate_config(&config.driver_config).map_err(|error| Failure {
        event: events::failed_validation(now(), &error.to_string()),
        retry: Retry::ByPolicy,
    })?;
    let (progress, mut messages) = mpsc::unbounded_channel();
    let sink = EventSink::new(progress);
    let mut starting = std::pin::pin!(driver.start(&config, &sink));
    let result = loop {
        tokio::select! {
            biased;
            Some(message) = messages.recv() => {
                let mut event = events::driver_message(now(), &message.message);
                event.details.extend(message.annotations);
                // A runner that is gone needs to know nothing more.
                let _ = sender.send(Message::Note(number, event));
            }
            result = &mut starting => break result,
        }
    };
    result.map_err(|error| {
        let retry = if error.is_recoverable() { Retry::ByPolicy } else { Retry::Never };
        match &error {
            DriverError::Validation(_) => {
                Failure { event: events::failed_validation(now(), &error.to_string()), retry: Retry::ByPolicy }
            }
            _ => fail(error.to_string(), retry),
        }
    })
}
