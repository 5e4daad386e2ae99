//! `/v1/volumes`, `/v1/volume/…`, and the dynamic host volumes among them with the claims of sticky groups.

use super::csi;
use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::Namespace;
use drover_model::volume::{HostVolume, VolumeClaim};
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::stubs::{AllocFields, AllocStub};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `head` is the first part of the path.
pub(super) async fn route(context: &Context, head: &str, tail: Option<&str>) -> Result<Reply> {
    match (head, tail) {
        ("volumes", None) => volumes(context).await,
        ("volumes", Some("claims")) => claims(context).await,
        ("volumes", Some("external")) => csi::external(context).await,
        ("volumes", Some("snapshot")) => csi::snapshot(context).await,
        ("volumes", Some(tail)) => match tail.strip_prefix("claim/") {
            Some(id) => delete_claim(context, id).await,
            None => Err(ApiError::no_route()),
        },
        ("volume", Some(tail)) => match tail.split_once('/') {
            Some(("csi", id)) => csi::volume(context, id).await,
            Some(("host", id)) => host_volume(context, id).await,
            Some(_) => Err(ApiError::no_resource()),
            None => Err(ApiError::no_route()),
        },
        ("plugins", None) => csi::plugins(context).await,
        ("plugin", Some(tail)) => match tail.strip_prefix("csi/") {
            Some(id) => csi::plugin(context, id).await,
            None => Err(ApiError::no_route()),
        },
        _ => Err(ApiError::no_route()),
    }
}

async fn volumes(context: &Context) -> Result<Reply> {
    if context.is_write() {
        return csi::register(context).await;
    }
    context.must_read()?;
    match context.param("type") {
        None | Some("") => context.json::<[(); 0]>(&[]),
        Some("csi") => csi::list(context).await,
        Some("host") => host_volumes(context).await,
        Some(_) => Err(ApiError::no_resource()),
    }
}

/// A host volume as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostStub<'a> {
    namespace: &'a str,
    #[serde(rename = "ID")]
    id: &'a str,
    name: &'a str,
    #[serde(rename = "PluginID")]
    plugin_id: &'a str,
    node_pool: &'a str,
    #[serde(rename = "NodeID")]
    node_id: &'a str,
    capacity_bytes: i64,
    state: drover_model::volume::HostVolumeState,
    create_index: u64,
    create_time: drover_model::UnixNanos,
    modify_index: u64,
    modify_time: drover_model::UnixNanos,
}

impl<'a> HostStub<'a> {
    fn of(volume: &'a HostVolume) -> Self {
        Self {
            namespace: &volume.namespace,
            id: &volume.id,
            name: &volume.name,
            plugin_id: &volume.plugin_id,
            node_pool: &volume.node_pool,
            node_id: &volume.node_id,
            capacity_bytes: volume.capacity_bytes,
            state: volume.state,
            create_index: volume.create_index,
            create_time: volume.create_time,
            modify_index: volume.modify_index,
            modify_time: volume.modify_time,
        }
    }
}

async fn host_volumes(context: &Context) -> Result<Reply> {
    let options = context.read_options()?;
    let acl = context.acl()?;
    let (pool, node) = (context.text("node_pool"), context.text("node_id"));
    let keys = || vec![WatchKey::Table(Table::HostVolumes)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::HostVolumes),
        |state| {
            let found = state.host_volumes().filter(|volume| {
                options.in_scope_for(&volume.namespace, &[NamespaceCapability::HostVolumeRead])
                    && acl.allows(&volume.namespace, NamespaceCapability::HostVolumeRead)
                    && volume.id.starts_with(&options.prefix)
                    && pool.is_none_or(|pool| volume.node_pool == pool)
                    && node.is_none_or(|node| *volume.node_id == *node)
            });
            let key = |volume: &HostVolume| PageKey::Named(volume.namespace.clone(), volume.id.clone());
            let page = page(&options, found, key, &[])?;
            let stubs: Vec<_> = page.items.iter().map(|volume| HostStub::of(volume)).collect();
            Ok(context.json(&stubs)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

/// A host volume with the allocations that use it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HostDocument<'a> {
    #[serde(flatten)]
    volume: &'a HostVolume,
    allocations: Option<Vec<AllocStub<'a>>>,
}

/// A host volume by itself.
pub(super) const fn host_document(volume: &HostVolume) -> HostDocument<'_> {
    HostDocument { volume, allocations: None }
}

async fn host_volume(context: &Context, id: &str) -> Result<Reply> {
    match id {
        "create" if context.is_write() => return write_host(context, Write::Create).await,
        "register" if context.is_write() => return write_host(context, Write::Register).await,
        "" => return Err(ApiError::no_resource()),
        _ => {}
    }
    if context.is_delete() {
        return delete_host(context, id).await;
    }
    if !context.is_read() {
        return Err(ApiError::no_resource());
    }
    let options = context.read_options()?;
    if id.contains('/') {
        return Err(ApiError::method());
    }
    let keys = || vec![WatchKey::Table(Table::HostVolumes)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::HostVolumes),
        |state| {
            let found = state.host_volume(id).filter(|volume| volume.namespace == options.namespace);
            let volume = found.ok_or_else(|| ApiError::not_found("volume not found"))?;
            let fields = AllocFields { resources: false, task_states: true };
            let allocations = users(state, volume).map(|alloc| AllocStub::new(alloc, fields)).collect();
            context.json(&HostDocument { volume, allocations: Some(allocations) })
        },
    )
    .await
}

fn users<'a>(state: &'a Snapshot, volume: &'a HostVolume) -> impl Iterator<Item = &'a drover_model::Allocation> {
    let on_node = state.allocs_by_node(&volume.node_id).map(|alloc| &**alloc);
    on_node.filter(|alloc| !alloc.is_client_terminal()).filter(|alloc| {
        let volumes = alloc.group().into_iter().flat_map(|group| group.volumes.values());
        let mut requests = volumes.filter(|request| request.kind == "host");
        requests.any(|request| request.source_of(alloc.index()) == volume.name)
    })
}

#[derive(Clone, Copy)]
enum Write {
    Create,
    Register,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    volume: HostDocument<'a>,
    warnings: &'a str,
    index: u64,
}

async fn write_host(context: &Context, what: Write) -> Result<Reply> {
    let mut body: Value = context.body()?;
    let volume = body.get_mut("Volume").map(Value::take).filter(|volume| !volume.is_null());
    let mut volume: HostVolume = parsed(volume.ok_or_else(|| ApiError::refused("missing volume definition"))?)?;
    if let Some(namespace) = context.text("namespace").filter(|_| volume.namespace.is_empty()) {
        volume.namespace = namespace.into();
    }
    let namespace = if volume.namespace.is_empty() { Namespace::DEFAULT } else { &*volume.namespace };
    context.allow_in(
        namespace,
        match what {
            Write::Create => NamespaceCapability::HostVolumeCreate,
            Write::Register => NamespaceCapability::HostVolumeRegister,
        },
    )?;
    let server = &context.state.server;
    let done = match what {
        Write::Create => server.create_host_volume(volume).await?,
        Write::Register => server.register_host_volume(volume).await?,
    };
    let written = Written { volume: host_document(&done.volume), warnings: &done.warnings, index: done.index };
    Ok(context.json(&written)?.written_at(done.index))
}

/// A document of a volume as clients send it: what they may not set is empty in it.
pub(super) fn parsed<T: DeserializeOwned>(mut document: Value) -> Result<T> {
    if let Some(fields) = document.as_object_mut() {
        for name in ["State", "CreateTime", "ModifyTime", "CreateIndex", "ModifyIndex", "Allocations"] {
            fields.remove(name);
        }
        fields.retain(|_, value| !value.is_null());
    }
    serde_json::from_value(document).map_err(|error| ApiError::bad_request(error.to_string()))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    index: u64,
}

async fn delete_host(context: &Context, id: &str) -> Result<Reply> {
    let id = id.strip_suffix("/delete").unwrap_or(id);
    let force = context.flag("force")?.unwrap_or(false);
    let done = context.state.server.delete_host_volume(&context.namespace(), id, force).await?;
    Ok(context.json(&Deleted { index: done.index })?.written_at(done.index))
}

async fn claims(context: &Context) -> Result<Reply> {
    let options = context.read_options()?;
    let (job, group, name) = (context.text("job_id"), context.text("task_group"), context.text("volume_name"));
    let keys = || vec![WatchKey::Table(Table::VolumeClaims)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::VolumeClaims),
        |state| {
            let found = state.volume_claims().filter(|claim| {
                options.in_scope(&claim.namespace)
                    && claim.id.starts_with(&options.prefix)
                    && job.is_none_or(|job| *claim.job_id == *job)
                    && group.is_none_or(|group| claim.task_group_name == group)
                    && name.is_none_or(|name| claim.volume_name == name)
            });
            let key = |claim: &VolumeClaim| PageKey::Named(claim.namespace.clone(), claim.id.clone());
            let page = page(&options, found, key, &[])?;
            Ok(context.json(&page.items)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

async fn delete_claim(context: &Context, id: &str) -> Result<Reply> {
    if !context.is_delete() {
        return Err(ApiError::method());
    }
    let done = context.state.server.delete_volume_claim(&context.namespace(), id).await;
    let done = done.map_err(|error| ApiError::refused(error.message))?;
    Ok(context.json(&Deleted { index: done.index })?.written_at(done.index))
}
