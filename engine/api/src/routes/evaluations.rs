//! `/v1/evaluations`, `/v1/evaluation/:id` and what is below it.

use super::allocations;
use super::guard::must_in;
use crate::blocking::read;
use crate::context::{Context, ReadOptions, check_id, check_prefix};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::eval::EvalStub;
use drover_model::{EvalId, Evaluation};
use drover_state::{Snapshot, Table, WatchKey};
use drover_wire::requests::EvalDeleteRequest;
use drover_wire::stubs::AllocFields;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Fields that documents of evaluations may lack.
const OPTIONAL: &[&str] = &[
    "AnnotatePlan",
    "BlockedEval",
    "ClassEligibility",
    "DeploymentID",
    "EscapedComputedClass",
    "FailedTGAllocs",
    "JobModifyIndex",
    "NextEval",
    "NodeID",
    "NodeModifyIndex",
    "PlanAnnotations",
    "PreviousEval",
    "QueuedAllocations",
    "QuotaLimitReached",
    "RelatedEvals",
    "SnapshotIndex",
    "StatusDescription",
    "Wait",
    "WaitUntil",
];

fn created(eval: &Evaluation) -> PageKey {
    PageKey::Created(eval.create_index, eval.id.to_string())
}

fn named(eval: &Evaluation) -> PageKey {
    PageKey::Named(eval.namespace.clone(), eval.id.to_string())
}

/// A list of whole evaluations in the order of creation.
pub(super) fn documents<'a>(
    context: &Context,
    options: &ReadOptions,
    evals: impl Iterator<Item = &'a Arc<Evaluation>>,
) -> Result<Reply> {
    let key = if options.prefix.is_empty() { created } else { named };
    let page = page(options, evals, key, OPTIONAL)?;
    Ok(context.json(&page.items)?.with_next_token(page.next.as_deref()))
}

pub(super) async fn collection(context: &Context) -> Result<Reply> {
    if context.is_delete() {
        return delete(context).await;
    }
    context.must_read()?;
    let options = context.read_options()?;
    let (status, job) = (context.text("status"), context.text("job"));
    if options.filter.is_some() && (status.is_some() || job.is_some()) {
        return Err(ApiError::bad_request("Filter expression cannot be used with other filter parameters"));
    }
    check_prefix("eval", &options.prefix)?;
    let keys = || vec![WatchKey::Table(Table::Evals)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Evals),
        |state| {
            let evals = scoped(state, &options)
                .filter(|eval| status.is_none_or(|status| eval.status.as_str() == status))
                .filter(|eval| job.is_none_or(|job| *eval.job_id == *job));
            documents(context, &options, evals)
        },
    )
    .await
}

fn scoped<'a>(state: &'a Snapshot, options: &'a ReadOptions) -> impl Iterator<Item = &'a Arc<Evaluation>> {
    state.evals_by_prefix(&options.prefix).filter(|eval| options.in_scope(&eval.namespace))
}

pub(super) async fn count(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        count: usize,
        index: u64,
        last_contact: u64,
        known_leader: bool,
        next_token: &'static str,
    }
    let keys = || vec![WatchKey::Table(Table::Evals)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Evals),
        |state| {
            let count = page(&options, scoped(state, &options), created, OPTIONAL)?.items.len();
            let index = state.table_index(Table::Evals);
            context.json(&Answer { count, index, last_contact: 0, known_leader: true, next_token: "" })
        },
    )
    .await
}

async fn delete(context: &Context) -> Result<Reply> {
    let request: EvalDeleteRequest = context.body()?;
    let ids = request.eval_ids.unwrap_or_default();
    let ids: Vec<EvalId> = match (ids.is_empty(), request.filter.is_empty()) {
        (true, true) => return Err(ApiError::bad_request("evals must be deleted by either ID or filter")),
        (false, false) => return Err(ApiError::bad_request("evals cannot be deleted by both ID and filter")),
        (false, true) => ids.into_iter().map(EvalId::from).collect(),
        (true, false) => {
            let options = ReadOptions { filter: Some(request.filter), ..context.read_options()? };
            let state = context.state.store().snapshot();
            let page = page(&options, scoped(&state, &options), created, OPTIONAL)?;
            page.items.iter().map(|eval| eval.id.clone()).collect()
        }
    };
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        count: usize,
        index: u64,
    }
    let count = ids.len();
    let done = context.state.server.delete_evals(ids).await?;
    Ok(context.json(&Answer { count, index: done.index })?.written_at(done.index))
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    context.must_read()?;
    if let Some(id) = path.strip_suffix("/allocations") {
        return allocs(context, id).await;
    }
    let with_related = context.flag("related")?.unwrap_or(false);
    let options = context.read_options()?;
    check_id("eval", path)?;
    let id = EvalId::from(path);
    let index = |state: &Snapshot| match state.eval(&id) {
        Some(eval) => eval.modify_index,
        None => state.table_index(Table::Evals),
    };
    read(
        context,
        &options,
        || vec![WatchKey::Eval(id.clone())],
        index,
        |state| {
            let eval = state.eval(&id).ok_or_else(|| ApiError::not_found("eval not found"))?;
            must_in(context, &eval.namespace, NamespaceCapability::ReadJob)?;
            if !with_related {
                return context.json(&**eval);
            }
            context.json(&Evaluation { related_evals: related(state, eval), ..(**eval).clone() })
        },
    )
    .await
}

/// Everything that hangs together with an evaluation by next, previous and blocked ones.
fn related(state: &Snapshot, eval: &Evaluation) -> Vec<EvalStub> {
    let links = |eval: &Evaluation| [eval.next_eval.clone(), eval.previous_eval.clone(), eval.blocked_eval.clone()];
    let mut seen = BTreeSet::from([eval.id.clone()]);
    let mut todo: Vec<EvalId> = links(eval).to_vec();
    let mut found = Vec::new();
    while let Some(id) = todo.pop() {
        if !id.is_empty()
            && seen.insert(id.clone())
            && let Some(eval) = state.eval(&id)
        {
            todo.extend(links(eval));
            found.push(EvalStub::from(&**eval));
        }
    }
    found.sort_by_key(|eval| eval.create_index);
    found
}

async fn allocs(context: &Context, id: &str) -> Result<Reply> {
    let options = context.read_options()?;
    let id = EvalId::from(id);
    let keys = || vec![WatchKey::Table(Table::Allocs)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Allocs),
        |state| {
            let acl = context.acl()?;
            let seen = state.allocs_by_eval(&id);
            let seen = seen.filter(|alloc| acl.allows(&alloc.namespace, NamespaceCapability::ReadJob));
            allocations::stubs(context, &options, seen, AllocFields::default())
        },
    )
    .await
}
