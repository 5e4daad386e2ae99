//! `/v1/nodes`, `/v1/node/:id` and what is done to nodes.

use crate::blocking::read;
use crate::context::{Context, ReadOptions, check_id, check_prefix};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_base::Nanos;
use drover_model::node::DrainSpec;
use drover_model::{Node, NodeEligibility, NodeId};
use drover_server::answer::NodeUpdated;
use drover_server::request::DrainRequest;
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::answers::NodeUpdateAnswer;
use drover_wire::requests::{NodeDrainRequest, NodeEligibilityRequest};
use drover_wire::stubs::{NodeFields, NodeStub};
use serde::Serialize;
use std::sync::Arc;

fn key(node: &Node) -> PageKey {
    PageKey::Name(node.id.to_string())
}

/// A list of stubs, with what the query asks for.
pub(super) fn stubs<'a>(
    context: &Context,
    options: &ReadOptions,
    nodes: impl Iterator<Item = &'a Arc<Node>>,
    fields: NodeFields,
) -> Result<Reply> {
    let page = page(options, nodes, key, &[])?;
    let stubs: Vec<_> = page.items.iter().map(|node| NodeStub::new(node, fields)).collect();
    Ok(context.json(&stubs)?.with_next_token(page.next.as_deref()))
}

pub(super) fn fields(context: &Context) -> Result<NodeFields> {
    let flag = |name| {
        context
            .flag(name)
            .map(|flag| flag.unwrap_or(false))
            .map_err(|error| ApiError::bad_request(format!("Failed to parse node list fields: {}", error.message)))
    };
    Ok(NodeFields { resources: flag("resources")?, os: flag("os")? })
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    check_prefix("node", &options.prefix)?;
    let fields = fields(context)?;
    let keys = || vec![WatchKey::Table(Table::Nodes)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Nodes),
        |state| stubs(context, &options, state.nodes_by_prefix(&options.prefix), fields),
    )
    .await
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    let (id, action) = path.rsplit_once('/').unwrap_or((path, ""));
    match action {
        "allocations" => allocs(context, id).await,
        "evaluate" => evaluate(context, id).await,
        "drain" => drain(context, id).await,
        "eligibility" => eligibility(context, id).await,
        "purge" => purge(context, id).await,
        _ => object(context, path).await,
    }
}

async fn object(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    check_id("node", id)?;
    let id = NodeId::from(id);
    let index = |state: &Snapshot| match state.node(&id) {
        Some(node) => node.modify_index,
        None => state.table_index(Table::Nodes),
    };
    read(
        context,
        &options,
        || vec![WatchKey::Node(id.clone())],
        index,
        |state| {
            let node = state.node(&id).ok_or_else(|| ApiError::not_found("node not found"))?;
            context.json(&Node { secret_id: String::new(), ..(**node).clone() })
        },
    )
    .await
}

async fn allocs(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let id = NodeId::from(id);
    let index = |state: &Snapshot| match state.allocs_by_node(&id).map(|alloc| alloc.modify_index).max() {
        Some(newest) => newest,
        None => state.tables_index(&[Table::Nodes, Table::Allocs]),
    };
    read(
        context,
        &options,
        || vec![WatchKey::NodeAllocs(id.clone())],
        index,
        |state| {
            let acl = context.acl()?;
            let seen = state.allocs_by_node(&id);
            let seen = seen.filter(|alloc| acl.allows(&alloc.namespace, NamespaceCapability::ReadJob));
            context.json(&seen.map(|alloc| super::allocations::Document::new(alloc)).collect::<Vec<_>>())
        },
    )
    .await
}

fn updated(context: &Context, done: NodeUpdated) -> Result<Reply> {
    let answer = NodeUpdateAnswer {
        eval_ids: Some(done.eval_ids).filter(|ids| !ids.is_empty()),
        eval_create_index: done.eval_create_index,
        node_modify_index: done.node_modify_index,
        index: done.index,
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

async fn purge(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    updated(context, context.state.server.purge_node(&NodeId::from(id)).await?)
}

async fn drain(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: NodeDrainRequest = context.body()?;
    let spec = request
        .drain_spec
        .map(|spec| DrainSpec { deadline: Nanos(spec.deadline), ignore_system_jobs: spec.ignore_system_jobs });
    let request = DrainRequest { spec, mark_eligible: request.mark_eligible, meta: request.meta.unwrap_or_default() };
    updated(context, context.state.server.drain_node(&NodeId::from(id), request).await?)
}

async fn eligibility(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let request: NodeEligibilityRequest = context.body()?;
    let wanted: NodeEligibility = request
        .eligibility
        .parse()
        .map_err(|_| ApiError::refused(format!("invalid scheduling eligibility {:?}", request.eligibility)))?;
    let id = NodeId::from(id);
    if context.state.store().snapshot().node(&id).is_some_and(|node| node.scheduling_eligibility == wanted) {
        return updated(context, NodeUpdated::default());
    }
    let done = context.state.server.set_node_eligibility(&id, wanted).await?;
    // The reference leaves the node's index out of this answer.
    updated(context, NodeUpdated { node_modify_index: 0, ..done })
}

async fn evaluate(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    let id = NodeId::from(id);
    let done = context.state.server.evaluate_node(&id).await?;
    let state = context.state.store().snapshot();
    let eligibility = state.node(&id).map_or(NodeEligibility::Eligible, |node| node.scheduling_eligibility);
    let agent = &context.state.agent;
    let rpc = agent.rpc_addr.to_string();
    let answer = Evaluated {
        eval_ids: &done.eval_ids,
        eval_create_index: done.eval_create_index,
        features: 0,
        heartbeat_ttl: 0,
        index: done.index,
        known_leader: false,
        last_contact: 0,
        leader_rpc_addr: &rpc,
        next_token: "",
        node_modify_index: 0,
        num_nodes: state.node_count(),
        scheduling_eligibility: eligibility.as_str(),
        servers: [ServerAddress {
            datacenter: &agent.datacenter,
            rpc_advertise_addr: &rpc,
            rpc_major_version: 0,
            rpc_minor_version: 0,
        }],
        signed_identity: (),
    };
    Ok(context.json(&answer)?.written_at(done.index))
}

/// The answer to an evaluation of a node, which is the one that nodes get for a heartbeat.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluated<'a> {
    #[serde(rename = "EvalIDs")]
    eval_ids: &'a [drover_model::EvalId],
    eval_create_index: u64,
    features: u64,
    #[serde(rename = "HeartbeatTTL")]
    heartbeat_ttl: u64,
    index: u64,
    known_leader: bool,
    last_contact: u64,
    #[serde(rename = "LeaderRPCAddr")]
    leader_rpc_addr: &'a str,
    next_token: &'a str,
    node_modify_index: u64,
    num_nodes: usize,
    scheduling_eligibility: &'a str,
    servers: [ServerAddress<'a>; 1],
    signed_identity: (),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ServerAddress<'a> {
    datacenter: &'a str,
    #[serde(rename = "RPCAdvertiseAddr")]
    rpc_advertise_addr: &'a str,
    #[serde(rename = "RPCMajorVersion")]
    rpc_major_version: u32,
    #[serde(rename = "RPCMinorVersion")]
    rpc_minor_version: u32,
}
