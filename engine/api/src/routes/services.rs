//! `/v1/services`, `/v1/service/:name`, services of jobs and allocations.

use crate::blocking::read;
use crate::context::{Context, check_id};
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::NamespaceCapability;
use drover_model::{AllocId, Namespace, ServiceRegistration};
use drover_state::{Table, WatchKey};
use drover_wire::stubs::{NamespaceServices, ServiceStub};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

fn key(service: &ServiceRegistration) -> PageKey {
    PageKey::Name(service.id.clone())
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::Services)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Services),
        |state| {
            let found = state.services().filter(|service| options.in_scope(&service.namespace));
            let found = found.filter(|service| service.service_name.starts_with(&options.prefix));
            let mut by_namespace: BTreeMap<&Namespace, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
            // The reference does not filter this list.
            for service in found {
                let names = by_namespace.entry(&service.namespace).or_default();
                names.entry(&service.service_name).or_default().extend(service.tags.iter().map(String::as_str));
            }
            let stub = |(name, tags): (&str, BTreeSet<&str>)| ServiceStub {
                service_name: name.to_owned(),
                tags: tags.into_iter().map(str::to_owned).collect(),
            };
            let list = by_namespace.into_iter().map(|(namespace, names)| NamespaceServices {
                namespace: namespace.clone(),
                services: names.into_iter().map(stub).collect(),
            });
            context.json(&list.collect::<Vec<_>>())
        },
    )
    .await
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    if path.is_empty() {
        return Err(ApiError::bad_request("missing service name"));
    }
    if let Some((name, id)) = path.split_once('/') {
        return delete(context, name, id).await;
    }
    context.must_read()?;
    let options = context.read_options()?;
    let choose = context.text("choose").map(choice).transpose()?;
    let namespace = options.namespace.clone();
    let keys = || vec![WatchKey::Service(namespace.clone(), path.to_owned())];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Services),
        |state| {
            let found = state.services_by_name(&namespace, path);
            let mut found = page(&options, found, key, &[])?.items;
            if let Some((count, key)) = &choose {
                found = chosen(found, *count, key);
            }
            context.json(&found)
        },
    )
    .await
}

/// `NUMBER|KEY`.
fn choice(text: &str) -> Result<(usize, String)> {
    let fault = || {
        let text = "failed to choose services: Parameter for choose must be in form '<number>|<key>'";
        ApiError::bad_request(text)
    };
    let (count, key) = text.split_once('|').ok_or_else(fault)?;
    Ok((count.parse().map_err(|_| fault())?, key.to_owned()))
}

/// The same key chooses the same instances for as long as they are there (rendezvous hashing).
fn chosen<'a>(
    mut found: Vec<&'a Arc<ServiceRegistration>>,
    count: usize,
    key: &str,
) -> Vec<&'a Arc<ServiceRegistration>> {
    found.sort_by_cached_key(|service| {
        let mut hasher = DefaultHasher::new();
        (&service.alloc_id, key).hash(&mut hasher);
        hasher.finish()
    });
    found.truncate(count);
    found
}

async fn delete(context: &Context, name: &str, id: &str) -> Result<Reply> {
    if !context.is_delete() {
        return Err(ApiError::method());
    }
    let namespace = context.namespace();
    let state = context.state.store().snapshot();
    let is_there = state.service(id).is_some_and(|found| found.service_name == name && found.namespace == namespace);
    if !is_there {
        return Err(ApiError::refused("service registration not found"));
    }
    let done = context.state.server.delete_service(&namespace, id).await?;
    Ok(Reply::empty().written_at(done.index))
}

/// `/v1/job/:id/services`.
pub(super) async fn of_job(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let key_of_job = context.job_key(id);
    let keys = || vec![WatchKey::Table(Table::Services)];
    read(
        context,
        &options,
        keys,
        |state| if state.job(&key_of_job).is_some() { state.table_index(Table::Services) } else { 0 },
        |state| {
            if state.job(&key_of_job).is_none() {
                return Err(ApiError::not_found("job not found"));
            }
            let found = state.services().filter(|found| *found.job_id == *id && options.in_scope(&found.namespace));
            let page = page(&options, found, key, &[])?;
            Ok(context.json(&page.items)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

/// `/v1/allocation/:id/services`.
pub(super) async fn of_alloc(context: &Context, id: &str) -> Result<Reply> {
    context.must_read()?;
    check_id("alloc", id)?;
    let options = context.read_options()?;
    let id = AllocId::from(id);
    let keys = || vec![WatchKey::Table(Table::Services)];
    read(
        context,
        &options,
        keys,
        |state| if state.alloc(&id).is_some() { state.table_index(Table::Services) } else { 0 },
        |state| {
            if state.alloc(&id).is_none() {
                return Err(ApiError::not_found("allocation not found"));
            }
            let acl = context.acl()?;
            let seen = state.services_by_alloc(&id);
            let seen = seen.filter(|service| acl.allows(&service.namespace, NamespaceCapability::ReadJob));
            context.json(&seen.collect::<Vec<_>>())
        },
    )
    .await
}
