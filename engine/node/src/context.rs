//! What the parts of one node share.

use crate::alloc::view::AllocHandle;
use crate::config::NodeConfig;
use crate::host_volumes::HostVolumes;
use crate::identity::task_api::TaskApi;
use crate::link::{ServerLink, SignedIdentity};
use crate::local_state::LocalState;
use crate::meta::DynamicMeta;
use crate::sync::Outbox;
use drover_base::AllocId;
use drover_drivers::{Driver, Drivers};
use drover_model::Node;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::{Notify, watch};
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
    /// Dynamic host volumes.
    pub host_volumes: HostVolumes,
    /// Metadata that was changed at run time.
    pub dynamic_meta: DynamicMeta,
    /// The node as it was last found.
    node: RwLock<Arc<Node>>,
    /// The node changed, and must be registered again.
    pub node_changed: Notify,
    /// The end of everything in the background.
    pub stopped: CancellationToken,
    /// The servers.
    link: Arc<dyn ServerLink>,
    /// The node's own signed identity, once it has one.
    identity: RwLock<Option<SignedIdentity>>,
    /// The node wants a new identity now.
    pub renew_identity: Notify,
    /// What tasks find at their sockets, once the agent offers it.
    task_api: watch::Sender<Option<Arc<dyn TaskApi>>>,
}

impl NodeContext {
    /// A node that was found to be `node`.
    pub fn new(
        config: NodeConfig,
        state: LocalState,
        drivers: Drivers,
        dynamic_meta: DynamicMeta,
        host_volumes: HostVolumes,
        node: Node,
        link: Arc<dyn ServerLink>,
    ) -> Self {
        Self {
            config,
            state,
            drivers,
            outbox: Arc::default(),
            allocs: Mutex::default(),
            collected: Mutex::default(),
            dynamic_meta,
            host_volumes,
            node: RwLock::new(Arc::new(node)),
            node_changed: Notify::new(),
            stopped: CancellationToken::new(),
            link,
            identity: RwLock::default(),
            renew_identity: Notify::new(),
            task_api: watch::channel(None).0,
        }
    }

    /// The servers.
    pub fn link(&self) -> &dyn ServerLink {
        self.link.as_ref()
    }

    /// The node's own signed identity, once it has one.
    pub fn identity(&self) -> Option<SignedIdentity> {
        self.identity.read().clone()
    }

    /// The node has a new identity.
    pub fn set_identity(&self, signed: SignedIdentity) {
        *self.identity.write() = Some(signed);
    }

    /// What tasks find at their sockets.
    pub fn task_api(&self) -> watch::Receiver<Option<Arc<dyn TaskApi>>> {
        self.task_api.subscribe()
    }

    /// From now on tasks find this at their sockets.
    pub fn offer_task_api(&self, api: Arc<dyn TaskApi>) {
        self.task_api.send_replace(Some(api));
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
