//! Volumes of storage providers and their plugins: `/v1/volume/csi/…`, `/v1/volumes/{external,snapshot}`,
//! `/v1/plugins`, `/v1/plugin/csi/…`.

use super::guard::CSI_LIST;
use super::volumes::parsed;
use crate::blocking::read;
use crate::context::{Context, parse_bool};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::Namespace;
use drover_model::csi::{CsiPlugin, CsiVolume};
use drover_model::node_call::CsiSnapshot;
use drover_model::{AllocId, Allocation, NodeId, TextMap};
use drover_server::CsiVolumesWritten;
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::stubs::{AllocFields, AllocStub};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

/// What stands in the place of mount flags.
const REDACTED: &str = "[REDACTED]";
/// Fields that are the engine's own.
const PRIVATE: [&str; 4] = ["ReadClaims", "WriteClaims", "PastClaims", "Secrets"];

/// How a volume's plugin fares.
fn health(plugin: Option<&CsiPlugin>) -> Value {
    let none = CsiPlugin::default();
    let plugin = plugin.unwrap_or(&none);
    json!({
        "ControllersExpected": plugin.controllers_expected,
        "ControllersHealthy": plugin.controllers_healthy,
        "NodesExpected": plugin.nodes_expected,
        "NodesHealthy": plugin.nodes_healthy,
        "Schedulable": plugin.is_schedulable(),
    })
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (document, more) {
        fields.extend(more);
    }
}

/// A volume without its secrets, and without what its plugin does.
pub(super) fn shown(volume: &CsiVolume) -> Value {
    document(volume, None, &[])
}

fn document(volume: &CsiVolume, plugin: Option<&CsiPlugin>, allocs: &[AllocStub<'_>]) -> Value {
    let mut document = serde_json::to_value(volume).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        PRIVATE.iter().for_each(|name| drop(fields.remove(*name)));
    }
    let options = volume.mount_options.clone().unwrap_or_default();
    let flags = if options.mount_flags.is_empty() { Value::Null } else { json!([REDACTED]) };
    let holders = |claims: &std::collections::BTreeMap<AllocId, drover_model::csi::CsiClaim>| {
        Value::Object(claims.keys().map(|id| (id.to_string(), Value::Null)).collect())
    };
    merge(
        &mut document,
        json!({
            "MountOptions": {"FSType": options.fs_type, "MountFlags": flags},
            "Secrets": null,
            "Allocations": allocs,
            "ReadAllocs": holders(&volume.read_claims),
            "WriteAllocs": holders(&volume.write_claims),
        }),
    );
    merge(&mut document, health(plugin));
    document
}

fn stub(volume: &CsiVolume, plugin: Option<&CsiPlugin>) -> Value {
    let mut stub = json!({
        "ID": volume.id,
        "Namespace": volume.namespace,
        "Name": volume.name,
        "ExternalID": volume.external_id,
        "Topologies": volume.topologies,
        "AccessMode": volume.access_mode,
        "AttachmentMode": volume.attachment_mode,
        "CurrentReaders": volume.read_claims.len(),
        "CurrentWriters": volume.write_claims.len(),
        "PluginID": volume.plugin_id,
        "Provider": volume.provider,
        "ControllerRequired": volume.controller_required,
        "ResourceExhausted": volume.resource_exhausted,
        "CreateIndex": volume.create_index,
        "ModifyIndex": volume.modify_index,
        "CreateTime": volume.create_time,
        "ModifyTime": volume.modify_time,
    });
    merge(&mut stub, health(plugin));
    stub
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    let options = context.read_options()?;
    let (plugin, node) = (context.text("plugin_id"), context.text("node_id"));
    let keys = || vec![WatchKey::Table(Table::CsiVolumes)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::CsiVolumes),
        |state| {
            let found = state.csi_volumes().filter(|volume| {
                options.in_scope_for(&volume.namespace, CSI_LIST)
                    && volume.id.starts_with(&options.prefix)
                    && plugin.is_none_or(|plugin| volume.plugin_id == plugin)
                    && node.is_none_or(|node| volume.claims().any(|claim| *claim.node_id == *node))
            });
            let key = |volume: &CsiVolume| PageKey::Named(volume.namespace.clone(), volume.id.clone());
            let page = page(&options, found, key, &[])?;
            let stub = |volume: &&std::sync::Arc<CsiVolume>| stub(volume, state.csi_plugin(&volume.plugin_id).as_ref());
            let stubs: Vec<Value> = page.items.iter().map(stub).collect();
            Ok(context.json(&stubs)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

pub(super) async fn volume(context: &Context, path: &str) -> Result<Reply> {
    let (id, action) = path.split_once('/').map_or((path, None), |(id, action)| (id, Some(action)));
    let puts = context.method == Method::PUT;
    match action {
        None if context.is_read() => one(context, id).await,
        None if puts => register(context).await,
        None if context.is_delete() => deregister(context, id).await,
        Some("create") if puts => create(context).await,
        Some("delete") if context.is_delete() => delete(context, id).await,
        Some("detach") if context.is_delete() => detach(context, id).await,
        _ if puts || context.is_delete() => Err(ApiError::no_resource()),
        _ => Err(ApiError::method()),
    }
}

async fn one(context: &Context, id: &str) -> Result<Reply> {
    if id.is_empty() {
        return Err(ApiError::refused("missing volume ID"));
    }
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::CsiVolumes)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::CsiVolumes),
        |state| {
            let volume = state.csi_volume(&options.namespace, id);
            let volume = volume.ok_or_else(|| ApiError::not_found("volume not found"))?;
            let allocs = holders(state, volume);
            let plugin = state.csi_plugin(&volume.plugin_id);
            context.json(&document(volume, plugin.as_ref(), &stubs(&allocs)))
        },
    )
    .await
}

fn holders<'a>(state: &'a Snapshot, volume: &CsiVolume) -> Vec<&'a Allocation> {
    volume.claims().filter_map(|claim| state.alloc(&claim.alloc_id)).map(|alloc| &**alloc).collect()
}

fn stubs<'a>(allocs: &[&'a Allocation]) -> Vec<AllocStub<'a>> {
    let fields = AllocFields { resources: false, task_states: true };
    allocs.iter().map(|alloc| AllocStub::new(alloc, fields)).collect()
}

/// The volumes of a body.
fn given(context: &Context) -> Result<Vec<CsiVolume>> {
    let mut body: Value = context.body()?;
    let Some(Value::Array(volumes)) = body.get_mut("Volumes").map(Value::take) else { return Ok(Vec::new()) };
    let namespace = context.text("namespace");
    let volume = |document: Value| {
        let mut volume: CsiVolume = parsed(document)?;
        if let Some(namespace) = namespace.filter(|_| volume.namespace.is_empty()) {
            volume.namespace = namespace.into();
        }
        // Who holds a volume is not for clients to say.
        volume.read_claims.clear();
        volume.write_claims.clear();
        volume.past_claims.clear();
        let namespace = if volume.namespace.is_empty() { Namespace::DEFAULT } else { &*volume.namespace };
        context.allow_in(namespace, NamespaceCapability::CsiWriteVolume)?;
        Ok(volume)
    };
    volumes.into_iter().map(volume).collect()
}

/// What every answer of these routes ends with.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    index: u64,
    last_contact: u64,
    known_leader: bool,
    next_token: String,
}

impl Meta {
    const fn at(index: u64, next_token: String) -> Self {
        Self { index, last_contact: 0, known_leader: index > 0, next_token }
    }
}

pub(super) async fn register(context: &Context) -> Result<Reply> {
    written(context, &context.state.server.register_csi_volumes(given(context)?).await?)
}

async fn create(context: &Context) -> Result<Reply> {
    written(context, &context.state.server.create_csi_volumes(given(context)?).await?)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    volumes: Vec<Value>,
    warnings: &'static str,
    #[serde(flatten)]
    meta: Meta,
}

fn written(context: &Context, done: &CsiVolumesWritten) -> Result<Reply> {
    let volumes = done.volumes.iter().map(shown).collect();
    let answer = Written { volumes, warnings: "", meta: Meta::at(done.index, String::new()) };
    Ok(context.json(&answer)?.written_at(done.index))
}

async fn deregister(context: &Context, id: &str) -> Result<Reply> {
    let force = match context.text("force") {
        Some(text) => parse_bool(text).ok_or_else(|| ApiError::bad_request("invalid force value"))?,
        None => false,
    };
    let done = context.state.server.deregister_csi_volume(&context.namespace(), id, force).await;
    let done = done.map_err(|error| match error.status() {
        404 => ApiError::refused(error.message),
        _ => error.into(),
    })?;
    Ok(Reply::empty().written_at(done.index))
}

async fn delete(context: &Context, id: &str) -> Result<Reply> {
    let done = context.state.server.delete_csi_volume(&context.namespace(), id, secrets(context)).await?;
    Ok(Reply::empty().written_at(done.index))
}

async fn detach(context: &Context, id: &str) -> Result<Reply> {
    let node = context.text("node").ok_or_else(|| ApiError::bad_request("detach requires node ID"))?;
    let done = context.state.server.detach_csi_volume(&context.namespace(), id, &NodeId::from(node)).await?;
    Ok(Reply::empty().written_at(done.index))
}

/// `secrets` of the header `X-Nomad-CSI-Secrets` are not sent here: older clients put them into the query,
/// as `secret=name=value`.
fn secrets(context: &Context) -> TextMap {
    let pairs = context.params("secret").chain(context.params("secrets"));
    let pairs = pairs.flat_map(|text| text.split(',')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect()
}

/// The size and the place of a page that a plugin makes.
fn plugin_page(context: &Context) -> Result<(i32, String)> {
    let options = context.read_options()?;
    Ok((i32::try_from(options.per_page).unwrap_or(i32::MAX), options.next_token.unwrap_or_default()))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct External<T: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<T>>,
    #[serde(flatten)]
    meta: Meta,
}

pub(super) async fn external(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let (max, token) = plugin_page(context)?;
    let plugin = context.text("plugin_id").unwrap_or_default();
    let page = context.state.server.external_csi_volumes(plugin, max, &token).await?;
    let index = context.state.store().index();
    let answer = External { volumes: Some(page.items), meta: Meta::at(index, page.next_token.clone()) };
    Ok(context.json(&answer)?.read_at(index).with_next_token(Some(page.next_token.as_str()).filter(|t| !t.is_empty())))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Snapshots {
    snapshots: Option<Vec<CsiSnapshot>>,
    #[serde(flatten)]
    meta: Meta,
}

pub(super) async fn snapshot(context: &Context) -> Result<Reply> {
    let server = &context.state.server;
    if context.is_write() {
        let mut body: Value = context.body()?;
        let asked = match body.get_mut("Snapshots").map(Value::take) {
            Some(Value::Array(asked)) => asked.into_iter().map(parsed).collect::<Result<Vec<CsiSnapshot>>>()?,
            _ => Vec::new(),
        };
        let made = server.create_csi_snapshots(&context.namespace(), asked).await?;
        let snapshots = Some(made.into_iter().map(public).collect()).filter(|made: &Vec<_>| !made.is_empty());
        let answer = Snapshots { snapshots, meta: Meta::at(0, String::new()) };
        return Ok(context.json(&answer)?.read_without_leader());
    }
    let plugin = context.text("plugin_id").unwrap_or_default().to_owned();
    if context.is_delete() {
        let id = context.text("snapshot_id").unwrap_or_default().to_owned();
        let wanted = CsiSnapshot { id, plugin_id: plugin, secrets: secrets(context), ..CsiSnapshot::default() };
        server.delete_csi_snapshot(wanted).await?;
        return Ok(Reply::empty());
    }
    context.must_read()?;
    let (max, token) = plugin_page(context)?;
    let page = server.csi_snapshots(&plugin, secrets(context), max, &token).await?;
    let index = context.state.store().index();
    let snapshots = Some(page.items.into_iter().map(public).collect());
    let answer = Snapshots { snapshots, meta: Meta::at(index, page.next_token) };
    Ok(context.json(&answer)?.read_at(index))
}

fn public(snapshot: CsiSnapshot) -> CsiSnapshot {
    CsiSnapshot { secrets: TextMap::new(), ..snapshot }
}

pub(super) async fn plugins(context: &Context) -> Result<Reply> {
    context.must_read()?;
    match context.param("type") {
        None | Some("") => return context.json::<[(); 0]>(&[]),
        Some("csi") => {}
        // The reference answers nothing at all.
        Some(_) => return Ok(Reply::empty()),
    }
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::CsiPlugins)];
    read(context, &options, keys, plugins_index, |state| {
        let found: Vec<std::sync::Arc<CsiPlugin>> = state
            .csi_plugins()
            .filter(|plugin| plugin.id.starts_with(&options.prefix))
            .map(std::sync::Arc::new)
            .collect();
        let page = page(&options, found.iter(), |plugin: &CsiPlugin| PageKey::Name(plugin.id.clone()), &[])?;
        let stub = |plugin: &&std::sync::Arc<CsiPlugin>| {
            json!({
                "ID": plugin.id,
                "Provider": plugin.provider,
                "ControllerRequired": plugin.controller_required,
                "ControllersHealthy": plugin.controllers_healthy,
                "ControllersExpected": plugin.controllers_expected,
                "NodesHealthy": plugin.nodes_healthy,
                "NodesExpected": plugin.nodes_expected,
                "CreateIndex": plugin.create_index,
                "ModifyIndex": plugin.modify_index,
            })
        };
        let stubs: Vec<Value> = page.items.iter().map(stub).collect();
        Ok(context.json(&stubs)?.with_next_token(page.next.as_deref()))
    })
    .await
}

/// The list of plugins has an index even when there never was one.
fn plugins_index(state: &Snapshot) -> u64 {
    state.table_index(Table::CsiPlugins).max(1)
}

/// A plugin as events show it.
pub(super) fn plugin_document(plugin: &CsiPlugin) -> Value {
    let mut document = serde_json::to_value(plugin).unwrap_or_default();
    merge(&mut document, json!({"Allocations": null, "ControllerJobs": {}, "NodeJobs": {}}));
    document
}

pub(super) async fn plugin(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::CsiPlugins)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::CsiPlugins),
        |state| {
            let plugin = state.csi_plugin(id).ok_or_else(|| ApiError::not_found("plugin not found"))?;
            let instances = plugin.controllers.values().chain(plugin.nodes.values());
            let mut ids: Vec<&AllocId> = instances.map(|info| &info.alloc_id).collect();
            ids.sort_unstable();
            ids.dedup();
            let allocs: Vec<&Allocation> = ids.into_iter().filter_map(|id| state.alloc(id)).map(|a| &**a).collect();
            let mut document = plugin_document(&plugin);
            if !allocs.is_empty() {
                merge(&mut document, json!({"Allocations": stubs(&allocs)}));
            }
            context.json(&document)
        },
    )
    .await
}
