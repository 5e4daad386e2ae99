//! Dynamic host volumes: made or registered on one node, then reported by it.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_base::uuid;
use drover_model::node_call::{NodeCall, NodeReply};
use drover_model::volume::{ATTACHMENT_MODES, HOST_ACCESS_MODES, HostVolume, HostVolumeState, VolumeCapability};
use drover_model::{Allocation, Namespace, Node, NodeId, UnixNanos, registry::DEFAULT_NODE_POOL};
use drover_state::{Applied, Command, Snapshot, StorageCommand};
use drover_wire::problems::Problems;

/// Characters of a UUID.
const UUID_LEN: usize = 36;

/// A volume that was made or registered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostVolumeWritten {
    /// As it is now; pending until its node reports it.
    pub volume: HostVolume,
    /// For people.
    pub warnings: String,
    /// Raft index.
    pub index: u64,
}

impl Server {
    /// Makes a volume on a node that satisfies its constraints, or changes one that is there.
    ///
    /// # Errors
    /// It is faulty, no node will do, or the plugin failed.
    pub async fn create_host_volume(&self, mut volume: HostVolume) -> Result<HostVolumeWritten> {
        let snapshot = self.inner.store.snapshot();
        let known = settle(&mut volume, &snapshot)?;
        check_state(&volume, known.as_ref(), &snapshot)?;
        self.check_volume_quota(&snapshot, &volume, known.as_ref())?;
        if volume.node_id.is_empty() {
            volume.node_id = choose(&volume, &snapshot)?.id.clone();
        }
        if let Some(node) = snapshot.node(&volume.node_id) {
            volume.node_pool.clone_from(&node.node_pool);
        }
        if volume.id.is_empty() {
            volume.id = uuid::random();
        }
        let reply = self.inner.nodes.call(&volume.node_id, NodeCall::CreateHostVolume(volume.clone())).await;
        match reply.map_err(|error| ServerError::refused(format!("HostVolume.Create error: {error}")))? {
            NodeReply::HostVolume { path, bytes } => {
                volume.host_path = path;
                volume.capacity_bytes = bytes;
            }
            _ => return Err(ServerError::refused("HostVolume.Create error: the node answered something else")),
        }
        self.store_host_volume(volume).await
    }

    /// Takes up a directory or device of a node as a volume.
    ///
    /// # Errors
    /// It is faulty, or the node does not have the path.
    pub async fn register_host_volume(&self, mut volume: HostVolume) -> Result<HostVolumeWritten> {
        if volume.host_path.is_empty() && !volume.node_id.is_empty() {
            return Err(ServerError::refused("cannot register volume: host path is required"));
        }
        let snapshot = self.inner.store.snapshot();
        if volume.node_id.is_empty() {
            return Err(ServerError::refused("cannot register volume: node ID is required"));
        }
        let known = settle(&mut volume, &snapshot)?;
        check_state(&volume, known.as_ref(), &snapshot)?;
        self.check_volume_quota(&snapshot, &volume, known.as_ref())?;
        if volume.id.is_empty() {
            volume.id = uuid::random();
        }
        let call = NodeCall::RegisterHostVolume(volume.clone());
        let reply = self.inner.nodes.call(&volume.node_id, call).await;
        reply.map_err(|error| ServerError::refused(format!("HostVolume.Register error: {error}")))?;
        self.store_host_volume(volume).await
    }

    async fn store_host_volume(&self, mut volume: HostVolume) -> Result<HostVolumeWritten> {
        let now = UnixNanos::now();
        volume.state = HostVolumeState::Pending;
        if volume.create_time.0 == 0 {
            volume.create_time = now;
        }
        volume.modify_time = now;
        let command = Command::Storage(StorageCommand::UpsertHostVolumes(vec![volume.clone()]));
        let index = self.inner.propose(command).await?.index;
        Ok(HostVolumeWritten { volume, warnings: String::new(), index })
    }

    /// Removes a volume, and what the plugin made for it. `force`: also when its node is gone for good.
    ///
    /// # Errors
    /// It is unknown, in use, or the plugin failed.
    pub async fn delete_host_volume(&self, namespace: &Namespace, id: &str, force: bool) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        let found = snapshot.host_volume(id).filter(|volume| volume.namespace == *namespace);
        let volume = found.ok_or_else(|| ServerError::refused(format!("no such volume: {id}")))?;
        let users: Vec<&str> = users_of(&snapshot, volume).map(|alloc| &*alloc.id).collect();
        if !users.is_empty() {
            return Err(ServerError::refused(format!("volume {id} in use by allocations: [{}]", users.join(" "))));
        }
        if !(force && snapshot.node(&volume.node_id).is_none()) {
            let call = NodeCall::DeleteHostVolume((**volume).clone());
            let reply = self.inner.nodes.call(&volume.node_id, call).await;
            reply.map_err(|error| ServerError::refused(format!("HostVolume.Delete error: {error}")))?;
        }
        let command = StorageCommand::DeleteHostVolume { namespace: namespace.clone(), id: id.to_owned() };
        let committed = self.inner.propose(Command::Storage(command)).await?;
        if committed.applied == Applied::Found(false) {
            return Err(ServerError::refused(format!("no such volume: {id}")));
        }
        Ok(Written { index: committed.index })
    }

    /// Ends a group's hold on a sticky volume: its allocations may go elsewhere from now on.
    ///
    /// # Errors
    /// There is no such claim.
    pub async fn delete_volume_claim(&self, namespace: &Namespace, id: &str) -> Result<Written> {
        let command = StorageCommand::DeleteVolumeClaim { namespace: namespace.clone(), id: id.to_owned() };
        Ok(Written { index: self.inner.propose(Command::Storage(command)).await?.index })
    }
}

/// Allocations that may have the volume mounted.
pub(crate) fn users_of<'a>(snapshot: &'a Snapshot, volume: &'a HostVolume) -> impl Iterator<Item = &'a Allocation> {
    let uses = |alloc: &&Allocation| {
        alloc
            .group()
            .into_iter()
            .flat_map(|group| group.volumes.values())
            .any(|request| request.kind == "host" && request.source_of(alloc.index()) == volume.name)
    };
    let on_node = snapshot.allocs_by_node(&volume.node_id).map(|alloc| &**alloc);
    on_node.filter(|alloc| !alloc.is_client_terminal()).filter(uses)
}

/// Defaults and checks that need no cluster; the known volume when this is an update.
fn settle(volume: &mut HostVolume, snapshot: &Snapshot) -> Result<Option<HostVolume>> {
    if volume.namespace.is_empty() {
        volume.namespace = Namespace::DEFAULT.into();
    }
    let known = if volume.id.is_empty() { None } else { snapshot.host_volume(&volume.id).cloned() };
    if let Some(known) = &known {
        fill_from(volume, known);
    }
    if volume.requested_capabilities.is_empty() {
        volume.requested_capabilities.push(VolumeCapability {
            attachment_mode: "file-system".to_owned(),
            access_mode: "single-node-writer".to_owned(),
        });
    }
    let problems = problems_of(volume, known.as_deref());
    match problems.clone().into_list().as_slice() {
        [] => {}
        [only] => return Err(ServerError::refused(format!("volume validation failed: {only}"))),
        _ => return Err(ServerError::refused(format!("volume validation failed: {}", problems.into_text()))),
    }
    if snapshot.namespace(&volume.namespace).is_none() {
        let text = format!("volume validation failed: no such namespace {:?}", &*volume.namespace);
        return Err(ServerError::refused(text));
    }
    Ok(known.map(|known| (*known).clone()))
}

/// An update may leave out what never changes.
fn fill_from(volume: &mut HostVolume, known: &HostVolume) {
    for (given, stored) in [
        (&mut volume.name, &known.name),
        (&mut volume.plugin_id, &known.plugin_id),
        (&mut volume.node_pool, &known.node_pool),
        (&mut volume.host_path, &known.host_path),
    ] {
        if given.is_empty() {
            given.clone_from(stored);
        }
    }
    if volume.node_id.is_empty() {
        volume.node_id = known.node_id.clone();
    }
    volume.capacity_bytes = volume.capacity_bytes.max(known.capacity_bytes);
    volume.create_time = known.create_time;
}

fn problems_of(volume: &HostVolume, known: Option<&HostVolume>) -> Problems {
    let mut problems = Problems::default();
    if !volume.id.is_empty() && volume.id.len() != UUID_LEN {
        problems.add(format!("invalid ID {:?}", volume.id));
    }
    problems.add_if(volume.name.is_empty(), "missing name");
    let (min, max) = (volume.requested_capacity_min_bytes, volume.requested_capacity_max_bytes);
    if max > 0 && max < min {
        problems.add(format!("capacity_max ({max}) must be larger than capacity_min ({min})"));
    }
    for able in &volume.requested_capabilities {
        if !ATTACHMENT_MODES.contains(&able.attachment_mode.as_str()) {
            problems.add(format!("invalid attachment mode: {:?}", able.attachment_mode));
        } else if !HOST_ACCESS_MODES.contains(&able.access_mode.as_str()) {
            problems.add(format!("invalid access mode: {:?}", able.access_mode));
        }
    }
    for constraint in &volume.constraints {
        problems.nest("invalid constraint", drover_wire::admission::constraint_problems(constraint));
    }
    let Some(known) = known else { return problems };
    let text = |what: &str| format!("{what} cannot be updated");
    for (what, differs) in [
        ("plugin ID", volume.plugin_id != known.plugin_id),
        ("node ID", volume.node_id != known.node_id),
        ("name", volume.name != known.name),
        ("namespace", volume.namespace != known.namespace),
        ("host path", volume.host_path != known.host_path),
    ] {
        problems.add_if(differs, &text(what));
    }
    if max > 0 && max < known.capacity_bytes {
        let text = format!(
            "capacity_max ({max}) cannot be less than existing provisioned capacity ({})",
            known.capacity_bytes
        );
        problems.add(text);
    }
    problems
}

/// What only the cluster knows.
fn check_state(volume: &HostVolume, known: Option<&HostVolume>, snapshot: &Snapshot) -> Result<()> {
    let failed = |why: String| {
        Err(ServerError::refused(format!("validating volume {:?} against state failed: {why}", volume.name)))
    };
    if !volume.node_pool.is_empty() && snapshot.node_pool(&volume.node_pool).is_none() {
        return failed(format!("node pool {:?} does not exist", volume.node_pool));
    }
    if !volume.node_id.is_empty() {
        if volume.node_id.len() != UUID_LEN {
            return failed(format!("node lookup failed: index error: UUID must be {UUID_LEN} characters"));
        }
        if snapshot.node(&volume.node_id).is_none() {
            return failed(format!("node {:?} does not exist", &*volume.node_id));
        }
    }
    if let (None, false) = (known, volume.id.is_empty()) {
        return failed(format!("no such volume {:?}: an ID is given to update volumes only", volume.id));
    }
    Ok(())
}

/// Places a volume: any node of its pool with the plugin, within its constraints and without one of that name.
fn choose<'a>(volume: &HostVolume, snapshot: &'a Snapshot) -> Result<&'a Node> {
    let plugin = format!("plugins.host_volume.{}.version", volume.plugin_id);
    let (mut existing, mut infeasible) = (0, 0);
    let mut best: Option<(&Node, usize)> = None;
    let pool = if volume.node_pool.is_empty() { DEFAULT_NODE_POOL } else { &volume.node_pool };
    let with_name: Vec<&NodeId> =
        snapshot.host_volumes().filter(|other| other.name == volume.name).map(|other| &other.node_id).collect();
    for node in snapshot.nodes().filter(|node| node.is_ready()) {
        if pool != drover_model::registry::ALL_NODE_POOL && node.node_pool != pool && !volume.node_pool.is_empty() {
            continue;
        }
        if node.host_volumes.contains_key(&volume.name) || with_name.contains(&&node.id) {
            existing += 1;
        } else if !node.attributes.contains_key(&plugin) || !drover_scheduler::meets(node, &volume.constraints) {
            infeasible += 1;
        } else if best.is_none_or(|(_, least)| node.host_volumes.len() < least) {
            best = Some((node, node.host_volumes.len()));
        }
    }
    best.map(|(node, _)| node).ok_or_else(|| {
        ServerError::refused(format!(
            "could not place volume {:?}: no node meets constraints: {existing} nodes had existing volume, 0 nodes \
             filtered by node pool governance, {infeasible} nodes were infeasible",
            volume.name
        ))
    })
}
