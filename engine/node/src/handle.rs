//! What the rest of the agent does with a node.

use crate::alloc::core::AllocInput;
use crate::alloc::view::{AllocHandle, Message};
use crate::checks::CheckResults;
use crate::context::NodeContext;
use crate::error::NodeError;
use crate::fingerprint;
use crate::meta::NodeMetadata;
use crate::task::core::TaskInput;
use crate::task::events;
use drover_base::{AllocId, NodeId, UnixNanos};
use drover_drivers::{ExecRequest, ExecSession};
use drover_model::node_call::{NodeCall, NodeReply};
use drover_model::{Allocation, Node, TaskStateKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Said of restarts that people ask for.
const USER_RESTART: &str = "User requested task to restart";
const USER_RESTART_ALL: &str = "User requested all tasks to restart";
/// Said of restarts of what runs.
const USER_RESTART_RUNNING: &str = "User requested running tasks to restart";

/// Reaches a node that runs. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    pub(crate) context: Arc<NodeContext>,
    pub(crate) host: Arc<crate::stats::HostSampler>,
}

impl NodeHandle {
    pub(crate) fn new(context: Arc<NodeContext>) -> Self {
        Self { context, host: Arc::default() }
    }

    /// The node's id.
    pub fn node_id(&self) -> NodeId {
        self.context.node().id.clone()
    }
    /// The node as it was last found.
    pub fn node(&self) -> Arc<Node> {
        self.context.node()
    }
    /// The allocations that this node knows, as the servers sent them.
    pub fn allocs(&self) -> Vec<Arc<Allocation>> {
        self.context.allocs.lock().values().map(|handle| Arc::clone(&handle.view.lock().alloc)).collect()
    }
    /// One allocation, with its job; for permissions and names of tasks.
    pub fn alloc(&self, id: &AllocId) -> Result<Arc<Allocation>, NodeError> {
        Ok(Arc::clone(&self.find(id)?.view.lock().alloc))
    }

    /// The node's own signed identity, once it has one.
    pub fn identity(&self) -> Option<crate::SignedIdentity> {
        self.context.identity()
    }
    /// Has the node ask for a new identity now.
    pub fn renew_identity(&self) {
        self.context.renew_identity.notify_one();
    }
    /// From now on tasks find this API at their sockets.
    pub fn offer_task_api(&self, api: Arc<dyn crate::TaskApi>) {
        self.context.offer_task_api(api);
    }

    pub(crate) fn find(&self, id: &AllocId) -> Result<AllocHandle, NodeError> {
        self.context.alloc(id).ok_or_else(|| NodeError::UnknownAlloc(id.clone()))
    }

    /// Does what a server asks of this node's storage. `Err` is what people read.
    pub async fn storage_call(&self, call: NodeCall) -> Result<NodeReply, String> {
        crate::host_volumes::call(&self.context, call).await
    }

    /// The node's metadata.
    pub fn metadata(&self) -> NodeMetadata {
        self.context.dynamic_meta.over(&self.context.config.meta)
    }

    /// Changes the node's metadata, `None` unsets, and registers it with the servers.
    pub fn change_metadata(&self, changes: BTreeMap<String, Option<String>>) -> Result<NodeMetadata, NodeError> {
        self.context.dynamic_meta.apply(changes, &self.context.config.meta)?;
        let metadata = self.metadata();
        self.context.change_node(|node| {
            node.meta.clone_from(&metadata.meta);
            node.computed_class = fingerprint::computed_class(node);
            true
        });
        Ok(metadata)
    }

    /// The newest results of an allocation's checks, by id.
    pub fn checks(&self, id: &AllocId) -> Result<CheckResults, NodeError> {
        Ok(self.find(id)?.checks.lock().clone())
    }

    /// Restarts a task, or the running ones, or with `all_tasks` also those that are over.
    pub fn restart(&self, id: &AllocId, task: Option<&str>, all_tasks: bool) -> Result<(), NodeError> {
        let handle = self.find(id)?;
        let task = task.filter(|task| !task.is_empty());
        if task.is_some() && all_tasks {
            return Err(NodeError::OneTaskOrAll);
        }
        if handle.is_finished() || handle.view.lock().alloc.is_terminal() {
            return Err(NodeError::NotRestartable);
        }
        let number = task
            .map(|task| {
                let view = handle.view.lock();
                let group = view.alloc.group();
                let number = group.and_then(|group| group.tasks.iter().position(|known| known.name == task));
                number.ok_or_else(|| NodeError::NoTaskRunner(task.to_owned()))
            })
            .transpose()?;
        let reason = match (task, all_tasks) {
            (Some(_), _) => USER_RESTART,
            (None, true) => USER_RESTART_ALL,
            (None, false) => USER_RESTART_RUNNING,
        };
        handle.send(Message::Input(AllocInput::Restart {
            task: number,
            includes_dead: all_tasks,
            reason: reason.into(),
            is_failure: false,
        }));
        Ok(())
    }

    /// Sends a signal to a task, or to all of them. Names that are no signals are the driver's business.
    pub async fn signal(&self, id: &AllocId, task: Option<&str>, signal: &str) -> Result<(), NodeError> {
        let handle = self.find(id)?;
        let task = task.filter(|task| !task.is_empty());
        let names: Vec<String> = {
            let view = handle.view.lock();
            let group = view.alloc.group().into_iter();
            group.flat_map(|group| &group.tasks).map(|task| task.name.clone()).collect()
        };
        if task.is_some_and(|task| !names.iter().any(|name| name == task)) {
            return Err(NodeError::TaskNotFound);
        }
        let mut faults = Vec::new();
        for (number, name) in names.iter().enumerate() {
            if task.is_some_and(|task| task != name) {
                continue;
            }
            let fault = self.signal_task(&handle, number, name, signal).await;
            faults.extend(fault.err().map(|error| format!("Failed to signal task: {name}, err: {error}")));
        }
        if faults.is_empty() { Ok(()) } else { Err(NodeError::Signals(faults)) }
    }

    async fn signal_task(&self, handle: &AllocHandle, number: usize, name: &str, signal: &str) -> Result<(), String> {
        let view = handle.task(name).filter(|view| view.state.state == TaskStateKind::Running);
        let running = view.and_then(|view| view.driver.zip(view.handle));
        let Some((driver, task)) = running else { return Err("Task not running".into()) };
        let note = TaskInput::Note(events::signaling(UnixNanos::now(), signal));
        handle.send(Message::Input(AllocInput::Task(number, note)));
        if !fingerprint::is_signal(signal) {
            // The reference takes any name, and so must we; it has no effect.
            tracing::warn!(task = name, signal, "there is no such signal");
            return Ok(());
        }
        driver.signal(&task, signal).await.map_err(|error| error.to_string())
    }

    /// Runs a further command inside a task.
    pub async fn exec(&self, id: &AllocId, task: &str, request: ExecRequest) -> Result<ExecSession, NodeError> {
        let view = self.find(id)?.task(task).ok_or_else(|| NodeError::UnknownTask(task.to_owned()))?;
        let running = view.driver.zip(view.handle).filter(|_| view.state.state == TaskStateKind::Running);
        let Some((driver, handle)) = running else { return Err(NodeError::TaskNotRunning(task.to_owned())) };
        Ok(driver.exec(&handle, request).await?)
    }

    /// Removes what is kept of an allocation that is over.
    pub async fn gc_alloc(&self, id: &AllocId) -> Result<(), NodeError> {
        let handle = self.find(id)?;
        if !handle.is_finished() {
            return Err(NodeError::StillRunning(id.clone()));
        }
        let (done, collected) = tokio::sync::oneshot::channel();
        handle.send(Message::Collect(done));
        // Fails only when the runner is gone, and everything with it.
        let _ = collected.await;
        Ok(())
    }

    /// Removes what is kept of all allocations that are over.
    pub async fn gc_all(&self) {
        let ids: Vec<_> = self.context.allocs.lock().keys().cloned().collect();
        for id in ids {
            // Those that still run stay.
            let _ = self.gc_alloc(&id).await;
        }
    }

    /// Waits until the servers know everything that happened so far.
    pub async fn flushed(&self) {
        self.context.outbox.flushed().await;
    }

    /// Stops following the servers. Tasks go on, and the next agent with the same state directory takes them over.
    pub fn shutdown(&self) {
        self.context.stopped.cancel();
    }

    /// Ends all tasks and removes everything, for an agent that keeps nothing. Waits for at most `patience`.
    pub async fn end_all(&self, patience: Duration) {
        let handles: Vec<_> = self.context.allocs.lock().values().cloned().collect();
        for handle in &handles {
            crate::node::end(handle);
        }
        let all = handles.iter().map(|handle| {
            let mut finished = handle.finished.clone();
            async move { finished.wait_for(|is_finished| *is_finished).await.is_ok() }
        });
        if tokio::time::timeout(patience, futures::future::join_all(all)).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        self.gc_all().await;
        self.shutdown();
    }
}
