//! `/v1/node/pools`, `/v1/node/pool/:name`, its nodes and jobs.

use super::{jobs, nodes};
use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::{Acl, NamespaceCapability, NodePoolCapability};
use drover_model::registry::{ALL_NODE_POOL, NodePool};
use drover_state::{Table, WatchKey};
use drover_wire::stubs::JobStub;
use serde::Serialize;

/// A pool as the wire has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    #[serde(flatten)]
    pool: &'a NodePool,
    /// Tells versions apart; built-in pools have none.
    hash: Option<String>,
}

impl<'a> Document<'a> {
    fn new(pool: &'a NodePool) -> Self {
        let built_in = pool.create_index <= 1;
        Self { pool, hash: (!built_in).then(|| crate::hash::of(pool)) }
    }
}

fn key(pool: &NodePool) -> PageKey {
    PageKey::Name(pool.name.clone())
}

pub(super) async fn collection(context: &Context) -> Result<Reply> {
    if context.is_write() {
        return put(context, None).await;
    }
    context.must_read()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::NodePools)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::NodePools),
        |state| {
            let acl = context.acl()?;
            let pools = state.node_pools().filter(|pool| pool.name.starts_with(&options.prefix));
            let pools = pools.filter(|pool| acl.allows_node_pool(&pool.name, NodePoolCapability::Read));
            let page = page(&options, pools, key, &[])?;
            let list: Vec<_> = page.items.iter().map(|pool| Document::new(pool)).collect();
            Ok(context.json(&list)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    if let Some(name) = path.strip_suffix("/nodes") {
        return pool_nodes(context, name).await;
    }
    if let Some(name) = path.strip_suffix("/jobs") {
        return pool_jobs(context, name).await;
    }
    if context.is_write() {
        return put(context, Some(path)).await;
    }
    if context.is_delete() {
        let done = context.state.server.delete_node_pool(path).await?;
        return Ok(Reply::empty().written_at(done.index));
    }
    context.must_read()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::NodePools)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::NodePools),
        |state| {
            let pool = state.node_pool(path).ok_or_else(|| ApiError::not_found("node pool not found"))?;
            context.json(&Document::new(pool))
        },
    )
    .await
}

/// The pool of a body. The time that identities are valid is a number of nanoseconds, or a duration as `720h`.
fn given(context: &Context) -> Result<NodePool> {
    context.body()
}

async fn put(context: &Context, name: Option<&str>) -> Result<Reply> {
    let pool = given(context)?;
    if name.is_some_and(|name| name != pool.name) {
        return Err(ApiError::bad_request("Node pool name does not match request path"));
    }
    context.allow(|acl| acl.allows_node_pool(&pool.name, NodePoolCapability::Write))?;
    let done = context.state.server.upsert_node_pool(pool).await?;
    Ok(Reply::empty().written_at(done.index))
}

async fn pool_nodes(context: &Context, name: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    context.allow(Acl::can_read_node)?;
    let fields = nodes::fields(context)?;
    let keys = || vec![WatchKey::Table(Table::Nodes)];
    let index = |state: &drover_state::Snapshot| match state.node_pool(name) {
        Some(_) => state.table_index(Table::Nodes),
        None => 0,
    };
    read(context, &options, keys, index, |state| {
        let of_pool = state.nodes().filter(|node| name == ALL_NODE_POOL || node.node_pool == name);
        nodes::stubs(context, &options, of_pool, fields)
    })
    .await
}

async fn pool_jobs(context: &Context, name: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let tables = [Table::Jobs, Table::JobSummaries];
    let keys = || tables.map(WatchKey::Table).to_vec();
    read(
        context,
        &options,
        keys,
        |state| state.tables_index(&tables),
        |state| {
            let acl = context.acl()?;
            let of_pool = state.jobs().filter(|job| job.node_pool == name && options.in_scope(&job.namespace));
            let of_pool = of_pool.filter(|job| acl.allows(&job.namespace, NamespaceCapability::ListJobs));
            let page = page(&options, of_pool, jobs::key, &[])?;
            let summaries: Vec<_> = page.items.iter().map(|job| state.job_summary(&job.key())).collect();
            let stubs = page.items.iter().zip(&summaries);
            let stubs = stubs.map(|(job, summary)| JobStub::new(job, summary.map(AsRef::as_ref), false));
            Ok(context.json(&stubs.collect::<Vec<_>>())?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}
