//! What the parts of one node share.

use crate::alloc::view::AllocHandle;
use crate::config::NodeConfig;
use crate::local_state::LocalState;
use crate::meta::DynamicMeta;
use crate::sync::Outbox;
use drover_base::AllocId;
use drover_drivers::{Driver, Drivers};
use drover_model::Node;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the parts of one node share.
#[derive(Debug)]
pub struct NodeContext {
    /// Its configuration.
    pub config: NodeConfig,
    /// What is kept on disk.
    pub state: LocalState,
    /// Its drivers.
    pub drivers: Drivers,
    /// What the servers are to be told.
    pub outbox: Arc<Outbox>,
    /// Its allocations by id.
    pub allocs: Mutex<BTreeMap<AllocId, AllocHandle>>,
    /// Allocations that were collected here while the servers still list them.
    pub collected: Mutex<HashSet<AllocId>>,
    /// Metadata that was changed at run time.
    pub dynamic_meta: DynamicMeta,
    /// The node as it was last found.
    node: RwLock<Arc<Node>>,
    /// The node changed, and must be registered again.
    pub node_changed: Notify,
    /// The end of everything in the background.
    pub stopped: CancellationToken,
}

impl NodeContext {
    /// A node that was found to be `node`.
    pub fn new(config: NodeConfig, state: LocalState, drivers: Drivers, dynamic_meta: DynamicMeta, node: Node) -> Self {
        Self {
            config,
            state,
            drivers,
            outbox: Arc::default(),
            allocs: Mutex::default(),
            collected: Mutex::default(),
            dynamic_meta,
            node: RwLock::new(Arc::new(node)),
            node_changed: Notify::new(),
            stopped: CancellationToken::new(),
        }
    }

    /// The node as it is now.
    pub fn node(&self) -> Arc<Node> {
        Arc::clone(&self.node.read())
    }

    /// Changes the node; has it registered again when `change` says so.
    pub fn change_node(&self, change: impl FnOnce(&mut Node) -> bool) {
        let mut slot = self.node.write();
        let mut node = Node::clone(&slot);
        if change(&mut node) {
            *slot = Arc::new(node);
            drop(slot);
            self.node_changed.notify_one();
        }
    }

    /// A driver that may be used here.
    pub fn driver(&self, name: &str) -> Option<Arc<dyn Driver>> {
        self.drivers.get(name).filter(|_| self.config.allows_driver(name))
    }

    /// An allocation of this node.
    pub fn alloc(&self, id: &str) -> Option<AllocHandle> {
        self.allocs.lock().get(id).cloned()
    }

    /// Runs something until the node stops.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        let stopped = self.stopped.clone();
        tokio::spawn(async move {
            stopped.run_until_cancelled(work).await;
        })
    }
}
