//! `/v1/vars`, `/v1/var/:path`.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_acl::VariableCapability;
use drover_model::registry::{StoredVariable, VariableLock};
use drover_model::{Namespace, TextMap};
use drover_server::answer::Variable;
use drover_server::request::{VariableLockRequest, VariableWrite};
use drover_server::{ErrorKind, ServerError};
use drover_state::{Table, WatchKey};
use drover_wire::requests::VariableBody;
use http::StatusCode;
use serde::Serialize;
use serde::ser::SerializeMap;
use std::sync::Arc;

/// A variable as the wire has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    namespace: &'a str,
    path: &'a str,
    lock: Option<&'a VariableLock>,
    create_index: u64,
    create_time: i64,
    modify_index: u64,
    modify_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Option<&'a TextMap>>,
}

impl<'a> From<&'a Variable> for Document<'a> {
    fn from(variable: &'a Variable) -> Self {
        Self {
            namespace: &variable.namespace,
            path: &variable.path,
            create_index: variable.create_index,
            modify_index: variable.modify_index,
            create_time: variable.create_time.0,
            modify_time: variable.modify_time.0,
            lock: variable.lock.as_ref(),
            // One that is not there has neither index nor items.
            items: Some((variable.modify_index > 0).then_some(&variable.items)),
        }
    }
}

/// A variable without its items, as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    namespace: &'a str,
    path: &'a str,
    lock: Option<&'a VariableLock>,
    create_index: u64,
    create_time: i64,
    modify_index: u64,
    modify_time: i64,
}

impl<'a> From<&'a StoredVariable> for Stub<'a> {
    fn from(variable: &'a StoredVariable) -> Self {
        Self {
            namespace: &variable.namespace,
            path: &variable.path,
            lock: variable.lock.as_ref(),
            create_index: variable.create_index,
            create_time: variable.create_time.0,
            modify_index: variable.modify_index,
            modify_time: variable.modify_time.0,
        }
    }
}

/// A row of the list as filters see it: all of it lies below one field, as in the reference.
struct Row(Arc<StoredVariable>);

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("VariableMetadata", &Stub::from(&*self.0))?;
        map.end()
    }
}

/// The document of a variable, for refusals that show it.
pub(crate) fn variable_json(variable: &Variable) -> Vec<u8> {
    serde_json::to_vec(&Document::from(variable)).expect("texts and numbers can be written")
}

pub(super) async fn list(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let keys = || vec![WatchKey::Table(Table::Variables)];
    read(
        context,
        &options,
        keys,
        |state| state.table_index(Table::Variables),
        |state| {
            let row = |variable: &Arc<StoredVariable>| Arc::new(Row(variable.clone()));
            let access = context.access()?;
            let sees = |variable: &&Arc<StoredVariable>| {
                access.allows_variable(&variable.namespace, &variable.path, VariableCapability::List)
            };
            let found: Vec<Arc<Row>> = if *options.namespace == *Namespace::ALL {
                state
                    .variables()
                    .filter(|variable| variable.path.starts_with(&options.prefix))
                    .filter(sees)
                    .map(row)
                    .collect()
            } else {
                state.variables_in(&options.namespace, &options.prefix).filter(sees).map(row).collect()
            };
            let key = |Row(variable): &Row| PageKey::Named(variable.namespace.clone(), variable.path.clone());
            let page = page(&options, found.iter(), key, &[])?;
            let list: Vec<Stub<'_>> = page.items.iter().map(|row| Stub::from(&*row.0)).collect();
            Ok(context.json(&list)?.with_next_token(page.next.as_deref()))
        },
    )
    .await
}

pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    if path.is_empty() {
        return Err(ApiError::bad_request("missing variable path"));
    }
    if context.is_write() {
        return put(context, path).await;
    }
    if context.is_delete() {
        let cas = cas(context)?;
        if let Some(refusal) = allow_write(context, &context.namespace(), path, VariableCapability::Destroy)? {
            return Ok(refusal);
        }
        let done = context.state.server.delete_variable(&context.namespace(), path, cas).await?;
        return Ok(Reply::empty().with_status(StatusCode::NO_CONTENT).written_at(done.index));
    }
    if !context.is_read() {
        return Err(ApiError::bad_request("Invalid method"));
    }
    let options = context.read_options()?;
    let namespace = options.namespace.clone();
    allow(context, &namespace, path, VariableCapability::Read)?;
    let index = |state: &drover_state::Snapshot| match state.variable(&namespace, path) {
        Some(variable) => variable.modify_index,
        None => state.table_index(Table::Variables),
    };
    let keys = || vec![WatchKey::Variable(namespace.clone(), path.to_owned())];
    read(context, &options, keys, index, |_| {
        let found = context.state.server.get_variable(&namespace, path)?;
        let found = found.ok_or_else(|| ApiError::not_found("variable not found"))?;
        context.json(&Document::from(&found))
    })
    .await
}

/// As [`allow`], for writes, whose refusals carry the index of an object that is not there.
fn allow_write(
    context: &Context,
    namespace: &str,
    path: &str,
    capability: VariableCapability,
) -> Result<Option<Reply>> {
    match allow(context, namespace, path, capability) {
        Ok(()) => Ok(None),
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => Ok(Some(Reply::from(refusal).written_at(0))),
        Err(other) => Err(other),
    }
}

/// Refuses callers that may not do something with a variable.
fn allow(context: &Context, namespace: &str, path: &str, capability: VariableCapability) -> Result<()> {
    let may = context.access()?.allows_variable(namespace, path, capability);
    if may { Ok(()) } else { Err(ApiError::forbidden()) }
}

fn cas(context: &Context) -> Result<Option<u64>> {
    let Some(text) = context.text("cas") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        ApiError::bad_request(format!("can not parse cas: strconv.ParseUint: parsing {text:?}: invalid syntax"))
    })
}

/// What a write does with the variable's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LockOperation {
    Acquire,
    Renew,
    Release,
}

fn lock_operation(context: &Context) -> Result<Option<LockOperation>> {
    let known = [
        ("lock-acquire", LockOperation::Acquire),
        ("lock-renew", LockOperation::Renew),
        ("lock-release", LockOperation::Release),
    ];
    let mut asked = known.into_iter().filter(|(name, _)| context.param(name).is_some()).map(|(_, operation)| operation);
    let operation = asked.next();
    if asked.next().is_some() {
        return Err(ApiError::bad_request("multiple lock operations"));
    }
    if operation.is_some() && context.text("cas").is_some() {
        return Err(ApiError::bad_request("CAS can't be used with lock operations"));
    }
    Ok(operation)
}

async fn put(context: &Context, path: &str) -> Result<Reply> {
    let operation = lock_operation(context)?;
    let body: VariableBody = context.body()?;
    let lock = body.lock.map(serde_json::from_value::<Option<VariableLock>>).transpose();
    let lock = lock.map_err(|error| ApiError::bad_request(error.to_string()))?.flatten();
    let namespace = if body.namespace.is_empty() { context.namespace() } else { body.namespace.into() };
    if let Some(refusal) = allow_write(context, &namespace, path, VariableCapability::Write)? {
        return Ok(refusal);
    }
    if let Some(operation) = operation {
        let items = body.items.unwrap_or_default();
        let request = VariableLockRequest { namespace, path: path.to_owned(), items, lock: lock.unwrap_or_default() };
        return change_lock(context, operation, request).await;
    }
    let items = body.items.filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| ApiError::bad_request("variable missing required Items object"))?;
    let lock = lock.filter(|lock| !lock.id.is_empty());
    let write = VariableWrite { namespace, path: path.to_owned(), items, cas: cas(context)?, lock };
    match context.state.server.put_variable(write).await {
        Ok(done) => Ok(context.json(&Document::from(&done))?.written_at(done.modify_index)),
        // A variable that cannot be is refused with the index of an object that is not there.
        Err(error) if error.kind == ErrorKind::Invalid => Ok(Reply::from(ApiError::from(error)).written_at(0)),
        Err(error) => Err(error.into()),
    }
}

async fn change_lock(context: &Context, operation: LockOperation, request: VariableLockRequest) -> Result<Reply> {
    let server = &context.state.server;
    let refused = |error: ServerError| match error.kind {
        // What somebody else holds has no index here.
        ErrorKind::Conflict(_) => Err(ApiError { index: None, ..ApiError::from(error) }),
        _ => Ok(Reply::from(ApiError::from(error)).written_at(0)),
    };
    match operation {
        LockOperation::Acquire => match server.acquire_variable_lock(request).await {
            Ok(done) => Ok(context.json(&Document::from(&done))?.written_at(done.modify_index)),
            Err(error) => refused(error),
        },
        LockOperation::Release => match server.release_variable_lock(request).await {
            Ok(done) => Ok(context.json(&Document::from(&done))?.written_at(done.modify_index)),
            Err(error) => refused(error),
        },
        // Nothing is written, so that there is no index.
        LockOperation::Renew => {
            let renewed = server.renew_variable_lock(&request)?;
            context.json(&Document { items: None, ..Document::from(&renewed) })
        }
    }
}
