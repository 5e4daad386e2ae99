//! Volumes of storage providers: registered or made, claimed by allocations, snapshots.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use crate::storage::{controller_of, release};
use drover_model::csi::{CSI_ACCESS_MODES, CsiClaim, CsiClaimMode, CsiClaimState, CsiPlugin, CsiVolume};
use drover_model::node_call::{CsiExternalVolume, CsiSnapshot, NodeCall, NodeReply};
use drover_model::volume::ATTACHMENT_MODES;
use drover_model::{Namespace, NodeId, TextMap, UnixNanos};
use drover_state::{Command, Snapshot, StorageCommand};
use drover_wire::problems::Problems;

/// Volumes that were registered or made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CsiVolumesWritten {
    /// As they were given, with what the plugin says.
    pub volumes: Vec<CsiVolume>,
    /// Raft index.
    pub index: u64,
}

/// What a node needs to mount a volume that one of its allocations took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CsiClaimed {
    /// The volume, with its secrets.
    pub volume: CsiVolume,
    /// What its controller said when it was attached.
    pub publish_context: TextMap,
}

/// A page of a list that a plugin made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginPage<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; empty: this is the last.
    pub next_token: String,
}

impl Server {
    /// Registers volumes that their provider has already.
    ///
    /// # Errors
    /// They are faulty, or there is no such plugin.
    pub async fn register_csi_volumes(&self, mut volumes: Vec<CsiVolume>) -> Result<CsiVolumesWritten> {
        let snapshot = self.inner.store.snapshot();
        check_given(&volumes)?;
        for volume in &mut volumes {
            let plugin = settle(volume, &snapshot)?;
            if let Some(stored) = snapshot.csi_volume(&volume.namespace, &volume.id) {
                merge(volume, stored)?;
            } else {
                volume.topologies =
                    volume.requested_topologies.as_ref().map(|wanted| wanted.required.clone()).unwrap_or_default();
            }
            if plugin.controller_required {
                let controller = controller_of(&snapshot, &plugin.id)?;
                self.inner.nodes.call(&controller, NodeCall::CsiValidate(volume.clone())).await?;
            }
        }
        self.store_csi_volumes(volumes).await
    }

    /// Has volumes made by their plugin, and registers them.
    ///
    /// # Errors
    /// They are faulty, there is no such plugin, or it failed.
    pub async fn create_csi_volumes(&self, mut volumes: Vec<CsiVolume>) -> Result<CsiVolumesWritten> {
        let snapshot = self.inner.store.snapshot();
        check_given(&volumes)?;
        for volume in &mut volumes {
            let plugin = settle(volume, &snapshot)?;
            if let Some(stored) = snapshot.csi_volume(&volume.namespace, &volume.id) {
                merge(volume, stored)?;
            }
            let controller = creator_of(&snapshot, &plugin)?;
            match self.inner.nodes.call(&controller, NodeCall::CsiCreate(volume.clone())).await? {
                NodeReply::CsiVolume { external_id, capacity, context, topologies } => {
                    volume.external_id = external_id;
                    volume.capacity = capacity;
                    volume.context = context;
                    volume.topologies = topologies;
                }
                _ => return Err(ServerError::refused("the plugin's node answered something else")),
            }
        }
        self.store_csi_volumes(volumes).await
    }

    async fn store_csi_volumes(&self, volumes: Vec<CsiVolume>) -> Result<CsiVolumesWritten> {
        let command = StorageCommand::UpsertCsiVolumes { volumes: volumes.clone(), now: UnixNanos::now() };
        let index = self.inner.propose(Command::Storage(command)).await?.index;
        Ok(CsiVolumesWritten { volumes, index })
    }

    /// Forgets a volume. `force`: also when allocations that are over still hold it.
    ///
    /// # Errors
    /// It is unknown or in use.
    pub async fn deregister_csi_volume(&self, namespace: &Namespace, id: &str, force: bool) -> Result<Written> {
        let command = StorageCommand::DeregisterCsiVolume { namespace: namespace.clone(), id: id.to_owned(), force };
        Ok(Written { index: self.inner.propose(Command::Storage(command)).await?.index })
    }

    /// Has a volume removed at its provider, and forgets it.
    ///
    /// # Errors
    /// It is unknown or in use, or the plugin failed.
    pub async fn delete_csi_volume(&self, namespace: &Namespace, id: &str, secrets: TextMap) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        let found = snapshot.csi_volume(namespace, id);
        let mut volume = (**found.ok_or_else(|| ServerError::refused(format!("volume not found: {id}")))?).clone();
        if volume.is_in_use() {
            return Err(ServerError::refused(format!("volume in use: {id}")));
        }
        volume.secrets.extend(secrets);
        let controller = controller_of(&snapshot, &volume.plugin_id)?;
        self.inner.nodes.call(&controller, NodeCall::CsiDelete(volume)).await?;
        self.deregister_csi_volume(namespace, id, false).await
    }

    /// Lets go of everything that a node holds of a volume.
    ///
    /// # Errors
    /// The volume or the node is unknown, or a plugin failed.
    pub async fn detach_csi_volume(&self, namespace: &Namespace, id: &str, node: &NodeId) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        let volume = snapshot.csi_volume(namespace, id).ok_or_else(|| ServerError::refused("no such volume"))?;
        let claims: Vec<CsiClaim> = volume.claims().filter(|claim| claim.node_id == *node).cloned().collect();
        for claim in claims {
            let begun = volume.past_claims.get(&claim.alloc_id).cloned().unwrap_or(claim);
            release(&self.inner, &snapshot, volume, &begun).await?;
        }
        Ok(Written { index: self.inner.store.index() })
    }

    /// An allocation takes a volume: the claim is stored, and the controller attaches the volume to the node.
    ///
    /// # Errors
    /// The volume is unknown or taken, or the controller failed.
    pub async fn claim_csi_volume(&self, namespace: &Namespace, id: &str, mut claim: CsiClaim) -> Result<CsiClaimed> {
        let snapshot = self.inner.store.snapshot();
        let volume = snapshot.csi_volume(namespace, id);
        let volume = volume.ok_or_else(|| ServerError::refused(format!("volume not found: {id}")))?;
        let node = snapshot.node(&claim.node_id).ok_or_else(|| ServerError::refused("node not found"))?;
        let instance = node.csi_node_plugins.get(&volume.plugin_id).and_then(|info| info.node_info.as_ref());
        claim.external_node_id = instance.map(|info| info.id.clone()).unwrap_or_default();
        claim.state = CsiClaimState::Taken;
        self.store_claim(volume, &claim).await?;
        let mut publish_context = TextMap::new();
        if volume.controller_required {
            let controller = controller_of(&snapshot, &volume.plugin_id)?;
            let call = NodeCall::CsiAttach { volume: (**volume).clone(), claim: claim.clone() };
            match self.inner.nodes.call(&controller, call).await {
                Ok(NodeReply::Context(context)) => publish_context = context,
                Ok(_) => {}
                Err(error) => {
                    claim.state = CsiClaimState::ReadyToFree;
                    self.store_claim(volume, &claim).await?;
                    return Err(error);
                }
            }
        }
        let newest = self.inner.store.snapshot();
        let volume = newest.csi_volume(namespace, id).unwrap_or(volume);
        Ok(CsiClaimed { volume: (**volume).clone(), publish_context })
    }

    /// A node has unmounted what one of its allocations held; the rest is released here.
    ///
    /// # Errors
    /// The controller failed; it is tried again in the background.
    pub async fn unpublish_csi_volume(&self, namespace: &Namespace, id: &str, mut claim: CsiClaim) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        if let Some(volume) = snapshot.csi_volume(namespace, id) {
            let stored = volume.claims().find(|stored| stored.alloc_id == claim.alloc_id);
            if let Some(stored) = stored {
                claim = CsiClaim { state: CsiClaimState::NodeDetached, ..stored.clone() };
                self.store_claim(volume, &claim).await?;
                release(&self.inner, &snapshot, volume, &claim).await?;
            }
        }
        Ok(Written { index: self.inner.store.index() })
    }

    async fn store_claim(&self, volume: &CsiVolume, claim: &CsiClaim) -> Result<Written> {
        let command = StorageCommand::ClaimCsiVolume {
            namespace: volume.namespace.clone(),
            id: volume.id.clone(),
            claim: claim.clone(),
            now: UnixNanos::now(),
        };
        Ok(Written { index: self.inner.propose(Command::Storage(command)).await?.index })
    }

    /// The volumes that a plugin's provider has.
    ///
    /// # Errors
    /// There is no such plugin, or it failed.
    pub async fn external_csi_volumes(
        &self,
        plugin: &str,
        max: i32,
        token: &str,
    ) -> Result<PluginPage<CsiExternalVolume>> {
        let controller = controller_of(&self.inner.store.snapshot(), plugin)?;
        let call = NodeCall::CsiList { plugin: plugin.to_owned(), max, token: token.to_owned() };
        match self.inner.nodes.call(&controller, call).await? {
            NodeReply::CsiVolumes { volumes, next_token } => Ok(PluginPage { items: volumes, next_token }),
            _ => Ok(PluginPage::default()),
        }
    }

    /// Makes snapshots of volumes.
    ///
    /// # Errors
    /// All faults at once.
    pub async fn create_csi_snapshots(
        &self,
        namespace: &Namespace,
        asked: Vec<CsiSnapshot>,
    ) -> Result<Vec<CsiSnapshot>> {
        let state = self.inner.store.snapshot();
        let mut made = Vec::new();
        let mut problems = Problems::default();
        for mut snapshot in asked {
            let Some(volume) = state.csi_volume(namespace, &snapshot.source_volume_id) else {
                problems.add(format!("no such volume {:?}", snapshot.source_volume_id));
                continue;
            };
            snapshot.plugin_id.clone_from(&volume.plugin_id);
            snapshot.external_source_volume_id.clone_from(&volume.external_id);
            for (name, value) in &volume.secrets {
                snapshot.secrets.entry(name.clone()).or_insert_with(|| value.clone());
            }
            match self.snapshot_call(&state, NodeCall::CsiSnapshot(snapshot.clone()), &snapshot.plugin_id).await {
                Ok(page) => made.extend(page.items.into_iter().map(|found| CsiSnapshot {
                    source_volume_id: snapshot.source_volume_id.clone(),
                    plugin_id: snapshot.plugin_id.clone(),
                    name: snapshot.name.clone(),
                    ..found
                })),
                Err(error) => problems.add(error.message),
            }
        }
        problems.into_result().map_err(|problems| ServerError::refused(problems.into_text()))?;
        Ok(made)
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// There is no such plugin, or it failed.
    pub async fn delete_csi_snapshot(&self, snapshot: CsiSnapshot) -> Result<()> {
        let state = self.inner.store.snapshot();
        let plugin = snapshot.plugin_id.clone();
        let done = self.snapshot_call(&state, NodeCall::CsiDeleteSnapshot(snapshot), &plugin).await;
        done.map(drop).map_err(|error| {
            let mut problems = Problems::default();
            problems.add(error.message);
            ServerError::refused(problems.into_text())
        })
    }

    /// The snapshots that a plugin's provider has.
    ///
    /// # Errors
    /// There is no such plugin, or it failed.
    pub async fn csi_snapshots(
        &self,
        plugin: &str,
        secrets: TextMap,
        max: i32,
        token: &str,
    ) -> Result<PluginPage<CsiSnapshot>> {
        let call = NodeCall::CsiListSnapshots { plugin: plugin.to_owned(), secrets, max, token: token.to_owned() };
        self.snapshot_call(&self.inner.store.snapshot(), call, plugin).await
    }

    async fn snapshot_call(&self, state: &Snapshot, call: NodeCall, plugin: &str) -> Result<PluginPage<CsiSnapshot>> {
        let controller = controller_of(state, plugin)?;
        match self.inner.nodes.call(&controller, call).await? {
            NodeReply::CsiSnapshots { snapshots, next_token } => Ok(PluginPage { items: snapshots, next_token }),
            _ => Ok(PluginPage::default()),
        }
    }
}

fn check_given(volumes: &[CsiVolume]) -> Result<()> {
    if volumes.is_empty() { Err(ServerError::refused("missing volume definition")) } else { Ok(()) }
}

/// A node whose controller makes volumes.
fn creator_of(snapshot: &Snapshot, plugin: &CsiPlugin) -> Result<NodeId> {
    let able = plugin
        .controllers
        .values()
        .any(|info| info.controller_info.as_ref().is_some_and(|info| info.supports_create_delete));
    if !able {
        return Err(ServerError::refused(format!("plugin has no controller that can create volumes: {}", plugin.id)));
    }
    controller_of(snapshot, &plugin.id)
}

/// Checks a volume, and fills in what its plugin says.
fn settle(volume: &mut CsiVolume, snapshot: &Snapshot) -> Result<CsiPlugin> {
    if volume.namespace.is_empty() {
        volume.namespace = Namespace::DEFAULT.into();
    }
    let problems = problems_of(volume);
    if !problems.is_empty() {
        return Err(ServerError::refused(format!("validation: {}", problems.join(", "))));
    }
    let plugin = snapshot
        .csi_plugin(&volume.plugin_id)
        .ok_or_else(|| ServerError::refused(format!("no CSI plugin named: {} could be found", volume.plugin_id)))?;
    if snapshot.namespace(&volume.namespace).is_none() {
        let text = format!("volume {} is in nonexistent namespace {}", volume.id, volume.namespace);
        return Err(ServerError::refused(text));
    }
    volume.provider.clone_from(&plugin.provider);
    volume.provider_version.clone_from(&plugin.version);
    volume.controller_required = plugin.controller_required;
    volume.access_mode.clear();
    volume.attachment_mode.clear();
    Ok(plugin)
}

fn problems_of(volume: &CsiVolume) -> Vec<String> {
    let mut problems = Vec::new();
    let mut add_if = |wrong: bool, text: &str| {
        if wrong {
            problems.push(text.to_owned());
        }
    };
    add_if(volume.id.is_empty(), "missing volume id");
    add_if(volume.plugin_id.is_empty(), "missing plugin id");
    add_if(
        !volume.snapshot_id.is_empty() && !volume.clone_id.is_empty(),
        "only one of snapshot_id and clone_id is allowed",
    );
    add_if(volume.requested_capabilities.is_empty(), "must include at least one capability block");
    for able in &volume.requested_capabilities {
        let known = CSI_ACCESS_MODES.contains(&able.access_mode.as_str());
        add_if(!known, &format!("unknown access mode: {}", able.access_mode));
        let known = ATTACHMENT_MODES.contains(&able.attachment_mode.as_str());
        add_if(!known, &format!("unknown attachment mode: {}", able.attachment_mode));
    }
    let required =
        volume.requested_topologies.iter().flat_map(|wanted| wanted.required.iter().chain(&wanted.preferred));
    for topology in required {
        add_if(topology.segments.is_empty(), "missing topology segments field");
    }
    problems
}

/// What may not change of a volume that is there.
fn merge(volume: &mut CsiVolume, stored: &CsiVolume) -> Result<()> {
    let changed = |what: &str| Err(ServerError::refused(format!("volume {what} cannot be updated")));
    for (what, given, known) in [
        ("plugin ID", &mut volume.plugin_id, &stored.plugin_id),
        ("external ID", &mut volume.external_id, &stored.external_id),
        ("snapshot ID", &mut volume.snapshot_id, &stored.snapshot_id),
        ("clone ID", &mut volume.clone_id, &stored.clone_id),
    ] {
        if given.is_empty() {
            given.clone_from(known);
        } else if given != known && !known.is_empty() {
            return changed(what);
        }
    }
    let writers = stored.write_claims.values().any(|claim| claim.mode == CsiClaimMode::Write);
    if writers && !volume.requested_capabilities.iter().any(|able| able.access_mode == stored.access_mode) {
        return changed("capability in use");
    }
    if volume.secrets.is_empty() {
        volume.secrets.clone_from(&stored.secrets);
    }
    volume.topologies.clone_from(&stored.topologies);
    volume.capacity = stored.capacity;
    Ok(())
}
