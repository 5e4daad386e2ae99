//! Waiting for changes: a watch wakes only when something it named was touched.

use crate::Table;
use drover_model::{AllocId, DeploymentId, EvalId, JobKey, Namespace, NodeId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

/// What a watch may wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WatchKey {
    /// Any change of a table.
    Table(Table),
    /// A job, its versions, submissions, summary or scaling events.
    Job(JobKey),
    /// A node.
    Node(NodeId),
    /// Any allocation on a node.
    NodeAllocs(NodeId),
    /// An allocation.
    Alloc(AllocId),
    /// Any allocation of a job.
    JobAllocs(JobKey),
    /// An evaluation.
    Eval(EvalId),
    /// Any evaluation of a job.
    JobEvals(JobKey),
    /// A deployment.
    Deployment(DeploymentId),
    /// Any deployment of a job.
    JobDeployments(JobKey),
    /// Any instance of a service.
    Service(Namespace, String),
    /// A variable.
    Variable(Namespace, String),
    /// New events.
    Events,
}

#[derive(Debug, Default)]
struct Slot {
    fired: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Slot {
    fn fire(&self) {
        self.fired.store(true, Ordering::Release);
        if let Some(waker) = self.waker.lock().take() {
            waker.wake();
        }
    }
}

/// Who waits for what.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// By key and number, so that one of thousands is taken out quickly.
    slots: Mutex<HashMap<WatchKey, BTreeMap<u64, Arc<Slot>>>>,
    waiting: AtomicUsize,
    made: AtomicU64,
}

impl Registry {
    pub(crate) fn watch(self: &Arc<Self>, keys: Vec<WatchKey>) -> Watch {
        let slot = Arc::new(Slot::default());
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock();
        for key in &keys {
            slots.entry(key.clone()).or_default().insert(number, slot.clone());
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(slots);
        Watch { registry: self.clone(), keys, number, slot }
    }

    /// Whether anybody waits for anything.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0
    }

    /// Wakes all who wait for one of `keys`.
    pub(crate) fn fire<'a>(&self, keys: impl Iterator<Item = &'a WatchKey>) {
        let slots = self.slots.lock();
        if slots.is_empty() {
            return;
        }
        let ready: Vec<Arc<Slot>> = keys.filter_map(|key| slots.get(key)).flat_map(BTreeMap::values).cloned().collect();
        drop(slots);
        for slot in ready {
            slot.fire();
        }
    }

    /// Wakes everybody.
    pub(crate) fn fire_all(&self) {
        let ready: Vec<Arc<Slot>> = self.slots.lock().values().flat_map(BTreeMap::values).cloned().collect();
        for slot in ready {
            slot.fire();
        }
    }
}

/// Resolves once something it named was touched after it was made. Make the watch first, then take
/// the snapshot, then await: so no change is missed. It can be polled again, and stays resolved
/// until [`Watch::rearm`].
#[derive(Debug)]
pub struct Watch {
    registry: Arc<Registry>,
    keys: Vec<WatchKey>,
    number: u64,
    slot: Arc<Slot>,
}

impl Watch {
    /// Whether something was touched.
    pub fn is_fired(&self) -> bool {
        self.slot.fired.load(Ordering::Acquire)
    }

    /// Waits for the next touch. Take the snapshot after this call.
    pub fn rearm(&self) {
        self.slot.fired.store(false, Ordering::Release);
    }
}

impl Future for Watch {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_fired() {
            return Poll::Ready(());
        }
        *self.slot.waker.lock() = Some(context.waker().clone());
        // Fired between the check and the registration of the waker.
        if self.is_fired() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut slots = self.registry.slots.lock();
        for key in &self.keys {
            if let Some(list) = slots.get_mut(key) {
                list.remove(&self.number);
                if list.is_empty() {
                    slots.remove(key);
                }
            }
        }
        self.registry.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
