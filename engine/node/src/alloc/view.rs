//! What others may see of an allocation that runs, and how they reach it.

use super::core::AllocInput;
use super::dir::AllocDir;
use crate::checks::CheckResults;
use drover_drivers::{Driver, TaskHandle};
use drover_model::{Allocation, TaskEvent, TaskState};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What can be said to an allocation's runner.
#[derive(Debug)]
pub enum Message {
    /// For its state machine.
    Input(AllocInput),
    /// The servers changed it.
    Update(Arc<Allocation>),
    /// The servers forgot it: end it and remove everything.
    Remove,
    /// Something to show to people, for the task of that number.
    Note(usize, TaskEvent),
    /// A driver answered a start, for the task of that number.
    Started(usize, Result<drover_drivers::StartedTask, crate::task::core::Failure>),
    /// It is over: remove its directories.
    Collect(tokio::sync::oneshot::Sender<()>),
}

/// One task as others see it.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// Its driver, if this node has it.
    pub driver: Option<Arc<dyn Driver>>,
    /// The driver's handle while the driver has it.
    pub handle: Option<TaskHandle>,
    /// What people see.
    pub state: TaskState,
}

/// An allocation as others see it.
#[derive(Clone, Debug)]
pub struct View {
    /// As the servers sent it.
    pub alloc: Arc<Allocation>,
    /// Its tasks.
    pub tasks: BTreeMap<String, TaskView>,
    /// Every task is over.
    pub is_finished: bool,
    /// When it ended, for collecting the oldest first; nanoseconds since 1970.
    pub finished_at: i64,
}

/// Reaches a running allocation.
#[derive(Clone, Debug)]
pub struct AllocHandle {
    /// Its directories.
    pub dir: AllocDir,
    /// What others see.
    pub view: Arc<Mutex<View>>,
    /// The newest results of its checks.
    pub checks: Arc<Mutex<CheckResults>>,
    /// Becomes true when every task is over.
    pub finished: watch::Receiver<bool>,
    /// Changes whenever something about it does.
    pub changed: watch::Receiver<u64>,
    pub(crate) sender: mpsc::UnboundedSender<Message>,
}

impl AllocHandle {
    /// Says something to its runner; one that is gone needs to know nothing more.
    pub(crate) fn send(&self, message: Message) {
        let _ = self.sender.send(message);
    }
    /// A copy of what others see of a task.
    pub fn task(&self, name: &str) -> Option<TaskView> {
        self.view.lock().tasks.get(name).cloned()
    }
    /// Whether every task is over.
    pub fn is_finished(&self) -> bool {
        *self.finished.borrow()
    }
}
