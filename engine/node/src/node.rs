//! The node itself: registration, signs of life, allocations from the servers, collection of what is over.

use crate::alloc::core::AllocInput;
use crate::alloc::runner::AllocRunner;
use crate::alloc::view::Message;
use crate::config::NodeConfig;
use crate::context::NodeContext;
use crate::error::NodeError;
use crate::fingerprint;
use crate::handle::NodeHandle;
use crate::host_volumes::HostVolumes;
use crate::identity::Identity;
use crate::link::{AllocsReply, LinkError, ServerLink};
use crate::local_state::{LocalState, SavedAlloc};
use crate::meta::DynamicMeta;
use drover_base::{AllocId, UnixNanos};
use drover_drivers::{Driver, DriverFingerprint, Drivers};
use drover_model::{AllocClientStatus, Allocation};
use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

/// Drivers that answer within this time are part of the first registration.
const DRIVER_PATIENCE: Duration = Duration::from_millis(20);
/// Between looks at drivers.
const DRIVER_INTERVAL: Duration = Duration::from_secs(30);
/// The longest wait for a change of allocations.
const ALLOCS_WAIT: Duration = Duration::from_secs(5 * 60);
/// The wait after a failure of the servers.
const RETRY: Duration = Duration::from_millis(500);
/// A sign of life is sent after this share of the time allowed.
const HEARTBEAT_SHARE: f64 = 0.5;

/// The node of this host.
#[derive(Debug)]
pub struct Node;

impl Node {
    /// Starts it: takes over what ran before, then registers and follows the servers in the background.
    pub async fn start(
        config: NodeConfig,
        link: Arc<dyn ServerLink>,
        drivers: Drivers,
    ) -> Result<NodeHandle, NodeError> {
        let identity = Identity::load_or_create(&config.state_dir)?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&config.alloc_dir)
            .map_err(NodeError::io(&config.alloc_dir))?;
        let state = LocalState::open(&config.state_dir).map_err(NodeError::io(&config.state_dir))?;
        let kept = state.load().map_err(NodeError::io(&config.state_dir))?;
        let meta = DynamicMeta::load(&config.state_dir)?;
        let mut node = fingerprint::node(&config, &identity, &Default::default());
        node.meta = meta.over(&config.meta).meta;
        let host_volumes = HostVolumes::load(&config).map_err(NodeError::io(&config.state_dir))?;
        host_volumes.describe(&mut node);
        node.computed_class = fingerprint::computed_class(&node);
        tracing::info!(
            min = config.min_dynamic_port,
            max = config.max_dynamic_port,
            alloc_dir = %config.alloc_dir.display(),
            "using dynamic ports"
        );
        let context = Arc::new(NodeContext::new(config, state, drivers, meta, host_volumes, node, Arc::clone(&link)));

        first_fingerprints(&context).await;
        for (alloc, saved) in kept {
            run_alloc(&context, alloc, Some(saved));
        }
        let outbox = Arc::clone(&context.outbox);
        context.spawn(outbox.run(Arc::clone(&link)));
        context.spawn(keep_registered(Arc::clone(&context), Arc::clone(&link)));
        context.spawn(collect(Arc::clone(&context)));
        context.spawn(crate::host_volumes::restore(Arc::clone(&context)));
        Ok(NodeHandle::new(context))
    }
}

/// Asks all drivers, and goes on asking those that need longer in the background.
async fn first_fingerprints(context: &Arc<NodeContext>) {
    let drivers = context.drivers.iter().filter(|driver| context.config.allows_driver(driver.name()));
    let mut asked = Vec::new();
    for driver in drivers {
        let (context, driver) = (Arc::clone(context), Arc::clone(driver));
        let (first, answered) = tokio::sync::oneshot::channel();
        let work = Arc::clone(&context);
        context.spawn(watch_driver(work, driver, first));
        asked.push(answered);
    }
    // Those that are late register the node again.
    let _ = tokio::time::timeout(DRIVER_PATIENCE, futures::future::join_all(asked)).await;
}

async fn watch_driver(context: Arc<NodeContext>, driver: Arc<dyn Driver>, first: tokio::sync::oneshot::Sender<()>) {
    let mut first = Some(first);
    loop {
        let found = driver.fingerprint().await;
        context.change_node(|node| {
            let is_news = node.drivers.get(driver.name()).is_none_or(|known| known.healthy != found.healthy);
            if is_news {
                tell_of_driver(driver.name(), &found);
            }
            fingerprint::drivers::apply(node, driver.name(), &found, UnixNanos::now())
        });
        if let Some(first) = first.take() {
            // Nobody waits any more when it was late.
            let _ = first.send(());
        }
        tokio::time::sleep(DRIVER_INTERVAL).await;
    }
}

fn tell_of_driver(name: &str, found: &DriverFingerprint) {
    let (detected, healthy) = (found.detected, found.healthy);
    if detected {
        tracing::info!(driver = name, healthy, description = %found.health_description, "detected driver");
    } else {
        tracing::debug!(driver = name, description = %found.health_description, "driver not detected");
    }
}

/// Registers the node, keeps it alive, and follows its allocations once it is known.
async fn keep_registered(context: Arc<NodeContext>, link: Arc<dyn ServerLink>) {
    let mut follows = false;
    let mut must_register = true;
    loop {
        let answer = if must_register {
            link.register(drover_model::Node::clone(&context.node())).await
        } else {
            link.heartbeat(&context.node().id).await
        };
        match answer {
            Ok(heartbeat) => {
                if must_register {
                    tracing::info!(node_id = %context.node().id, "node registration complete");
                }
                must_register = false;
                if !follows {
                    follows = true;
                    context.spawn(crate::identity::own::keep(Arc::clone(&context), Arc::clone(&link)));
                    context.spawn(follow_allocs(Arc::clone(&context), Arc::clone(&link)));
                }
                let next = heartbeat.ttl.mul_f64(HEARTBEAT_SHARE * (0.8 + 0.2 * rand::random::<f64>()));
                tokio::select! {
                    () = tokio::time::sleep(next) => {}
                    () = context.node_changed.notified() => must_register = true,
                }
            }
            Err(LinkError::UnknownNode) if !must_register => must_register = true,
            Err(error) => {
                tracing::warn!(%error, "the servers did not answer, trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn follow_allocs(context: Arc<NodeContext>, link: Arc<dyn ServerLink>) {
    let node_id = context.node().id.clone();
    let mut index = 0;
    loop {
        match link.allocs(&node_id, index, ALLOCS_WAIT).await {
            Ok(reply) => {
                if reply.index != index {
                    index = reply.index;
                    apply(&context, &reply);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "allocations could not be read, trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Brings the running allocations in line with what the servers want.
fn apply(context: &Arc<NodeContext>, reply: &AllocsReply) {
    let wanted: BTreeSet<&AllocId> = reply.allocs.iter().map(|alloc| &alloc.id).collect();
    context.collected.lock().retain(|id| wanted.contains(id));
    let unwanted: Vec<_> = {
        let allocs = context.allocs.lock();
        allocs.iter().filter(|(id, _)| !wanted.contains(id)).map(|(_, handle)| handle.clone()).collect()
    };
    for handle in unwanted {
        handle.send(Message::Remove);
    }
    for alloc in &reply.allocs {
        if context.collected.lock().contains(&alloc.id) {
            continue;
        }
        match context.alloc(&alloc.id) {
            Some(handle) => {
                let known = handle.view.lock().alloc.alloc_modify_index;
                if alloc.alloc_modify_index > known || handle_lacks(&handle, alloc) {
                    handle.send(Message::Update(Arc::clone(alloc)));
                }
            }
            None if alloc.is_client_terminal() => {}
            None if alloc.is_server_terminal() => never_ran(context, alloc),
            None => run_alloc(context, Arc::clone(alloc), None),
        }
    }
}

/// Whether the servers' wish to end it has not arrived yet, whatever the indexes say.
fn handle_lacks(handle: &crate::alloc::view::AllocHandle, alloc: &Allocation) -> bool {
    alloc.is_server_terminal() && !handle.view.lock().alloc.is_server_terminal()
}

/// It was unwanted before it came here.
fn never_ran(context: &NodeContext, alloc: &Allocation) {
    let update = Allocation {
        id: alloc.id.clone(),
        namespace: alloc.namespace.clone(),
        node_id: alloc.node_id.clone(),
        job_id: alloc.job_id.clone(),
        task_group: alloc.task_group.clone(),
        client_status: AllocClientStatus::Complete,
        client_description: "Allocation was stopped before it started".into(),
        ..Allocation::default()
    };
    context.outbox.alloc(update, true);
}

fn run_alloc(context: &Arc<NodeContext>, alloc: Arc<Allocation>, kept: Option<SavedAlloc>) {
    let id = alloc.id.clone();
    match AllocRunner::new(Arc::clone(context), alloc, kept) {
        Ok((runner, handle)) => {
            context.allocs.lock().insert(id, handle);
            context.spawn(runner.run());
        }
        Err(error) => {
            tracing::error!(alloc = %id, %error, "allocation cannot be kept on disk");
            let update = Allocation {
                id,
                client_status: AllocClientStatus::Failed,
                client_description: format!("failed to setup alloc: {error}"),
                ..Allocation::default()
            };
            context.outbox.alloc(update, true);
        }
    }
}

/// Collects the oldest of the allocations that are over when there are too many.
async fn collect(context: Arc<NodeContext>) {
    loop {
        tokio::time::sleep(context.config.gc_interval).await;
        let mut finished: Vec<_> = context
            .allocs
            .lock()
            .values()
            .filter(|handle| handle.is_finished())
            .map(|handle| (handle.view.lock().finished_at, handle.clone()))
            .collect();
        let excess = finished.len().saturating_sub(context.config.gc_max_allocs);
        finished.sort_by_key(|(at, _)| *at);
        for (_, handle) in finished.into_iter().take(excess) {
            let (done, _) = tokio::sync::oneshot::channel();
            handle.send(Message::Collect(done));
        }
    }
}

/// Asks an allocation to end, as if the servers had.
pub fn end(handle: &crate::alloc::view::AllocHandle) {
    handle.send(Message::Input(AllocInput::Stop { at_once: true }));
}
