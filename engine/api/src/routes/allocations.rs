//! `/v1/allocations`, `/v1/allocation/:id` and what is below it.

use super::guard::{in_namespace, must_in};
use crate::blocking::read;
use crate::context::{Context, ReadOptions, check_id, check_prefix};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::{AllocId, AllocatedResources, AllocatedTaskResources, Allocation, Resources};
use drover_server::request::StopAlloc;
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::stubs::{AllocFields, AllocStub};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Fields that documents of allocations may lack.
pub(super) const OPTIONAL: &[&str] = &[
    "AllocatedResources",
    "ClientDescription",
    "DeploymentID",
    "DeploymentStatus",
    "DesiredDescription",
    "DesiredTransition",
    "FollowupEvalID",
    "Job",
    "Metrics",
    "NetworkStatus",
    "NextAllocation",
    "PreemptedAllocations",
    "PreemptedByAllocation",
    "PreviousAllocation",
    "RescheduleTracker",
    "SigningKeyID",
    "TaskStates",
];

fn created(alloc: &Allocation) -> PageKey {
    PageKey::Created(alloc.create_index, alloc.id.to_string())
}

fn named(alloc: &Allocation) -> PageKey {
    PageKey::Named(alloc.namespace.clone(), alloc.id.to_string())
}

/// A list of stubs in the order of creation.
pub(super) fn stubs<'a>(
    context: &Context,
    options: &ReadOptions,
    allocs: impl Iterator<Item = &'a Arc<Allocation>>,
    fields: AllocFields,
) -> Result<Reply> {
    let key = if options.prefix.is_empty() { created } else { named };
    let page = page(options, allocs, key, OPTIONAL)?;
    let stubs: Vec<_> = page.items.iter().map(|alloc| AllocStub::new(alloc, fields)).collect();
    Ok(context.json(&stubs)?.with_next_token(page.next.as_deref()))
}

/// What lists of allocations show, as the query says.
pub(super) fn fields(context: &Context) -> Result<AllocFields> {
    let default = AllocFields::default();
    Ok(AllocFields {
        resources: context.flag("resources")?.unwrap_or(default.resources),
        task_states: context.flag("task_states")?.unwrap_or(default.task_states),
    })
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    check_prefix("alloc", &options.prefix)?;
    let fields = fields(context)?;
    let keys = || vec![WatchKey::Table(Table::Allocs)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Allocs),
        |state| {
            let allocs = state.allocs_by_prefix(&options.prefix).filter(|alloc| options.in_scope(&alloc.namespace));
            stubs(context, &options, allocs, fields)
        },
    )
    .await
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    let Some((id, action)) = path.split_once('/') else { return object(context, path).await };
    match action {
        "stop" => stop(context, id).await,
        "services" => super::services::of_alloc(context, id).await,
        "checks" => super::client::allocation::checks(context, id),
        _ => Err(ApiError::no_resource()),
    }
}

async fn object(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    check_id("alloc", id)?;
    let id = AllocId::from(id);
    let index = |state: &Snapshot| match state.alloc(&id) {
        Some(alloc) => alloc.modify_index,
        None => state.table_index(Table::Allocs),
    };
    read(
        context,
        &options,
        || vec![WatchKey::Alloc(id.clone())],
        index,
        |state| {
            let alloc = state.alloc(&id).ok_or_else(|| ApiError::not_found("alloc not found"))?;
            if !in_namespace(context, &alloc.namespace, &[NamespaceCapability::ReadJob])? {
                // As if it were not there, but for the status.
                return Err(ApiError::refused(format!("Unknown allocation {:?}", &*id)));
            }
            context.json(&Document::new(alloc))
        },
    )
    .await
}

async fn stop(context: &Context, id: &str) -> Result<Reply> {
    context.must_write()?;
    check_id("alloc", id)?;
    let how = StopAlloc {
        no_shutdown_delay: context.flag("no_shutdown_delay")?.unwrap_or(false),
        reschedule: context.flag("reschedule")?.unwrap_or(false),
    };
    if let Some(alloc) = context.state.store().snapshot().alloc(&AllocId::from(id)) {
        must_in(context, &alloc.namespace, NamespaceCapability::AllocLifecycle)?;
    }
    let done = context.state.server.stop_alloc(&AllocId::from(id), how).await?;
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(rename = "EvalID")]
        eval_id: &'a str,
        index: u64,
    }
    Ok(context.json(&Answer { eval_id: &done.eval_id, index: done.index })?.written_at(done.index))
}

/// A whole allocation, with the older forms of its resources that clients still read.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    alloc: &'a Allocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Resources>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_resources: Option<Resources>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    task_resources: BTreeMap<&'a str, Resources>,
}

impl<'a> Document<'a> {
    pub(super) fn new(alloc: &'a Allocation) -> Self {
        let held = alloc.allocated_resources.as_deref();
        let tasks = held.into_iter().flat_map(|held| &held.tasks);
        Self {
            alloc,
            resources: held.map(total),
            shared_resources: held.map(shared),
            task_resources: tasks.map(|(name, task)| (name.as_str(), of_task(task))).collect(),
        }
    }
}

fn of_task(task: &AllocatedTaskResources) -> Resources {
    Resources {
        cpu: task.cpu.cpu_shares,
        cores: task.cpu.reserved_cores.len().try_into().unwrap_or(i64::MAX),
        memory_mb: task.memory.memory_mb,
        memory_max_mb: task.memory.memory_max_mb,
        networks: task.networks.clone(),
        ..empty()
    }
}

fn shared(held: &AllocatedResources) -> Resources {
    Resources { disk_mb: held.shared.disk_mb, networks: held.shared.networks.clone(), ..empty() }
}

fn total(held: &AllocatedResources) -> Resources {
    let mut total = shared(held);
    for task in held.tasks.values() {
        let task = of_task(task);
        total.cpu += task.cpu;
        total.cores += task.cores;
        total.memory_mb += task.memory_mb;
        total.memory_max_mb += if task.memory_max_mb > 0 { task.memory_max_mb } else { task.memory_mb };
    }
    total
}

fn empty() -> Resources {
    Resources { cpu: 0, memory_mb: 0, ..Resources::default() }
}
