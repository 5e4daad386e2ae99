//! `/v1/vars`, `/v1/var/:path`.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::paging::{PageKey, page};
use crate::reply::Reply;
use drover_model::registry::StoredVariable;
use drover_model::{Namespace, TextMap};
use drover_server::ErrorKind;
use drover_server::answer::Variable;
use drover_server::request::VariableWrite;
use drover_state::{Table, WatchKey};
use drover_wire::requests::VariableBody;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// A variable as the wire has it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    namespace: &'a str,
    path: &'a str,
    create_index: u64,
    modify_index: u64,
    create_time: i64,
    modify_time: i64,
    lock: (),
    items: Option<&'a TextMap>,
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
            lock: (),
            // One that is not there has neither index nor items.
            items: (variable.modify_index > 0).then_some(&variable.items),
        }
    }
}

/// A variable without its items, as lists show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stub<'a> {
    namespace: &'a str,
    path: &'a str,
    create_index: u64,
    modify_index: u64,
    create_time: i64,
    modify_time: i64,
    lock: (),
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
            let found: Vec<&Arc<StoredVariable>> = if *options.namespace == *Namespace::ALL {
                state.variables().filter(|variable| variable.path.starts_with(&options.prefix)).collect()
            } else {
                state.variables_in(&options.namespace, &options.prefix).collect()
            };
            let key = |variable: &StoredVariable| PageKey::Named(variable.namespace.clone(), variable.path.clone());
            let page = page(&options, found.into_iter(), key, &[])?;
            let stub = |variable: &&'_ Arc<StoredVariable>| -> serde_json::Result<Box<serde_json::value::RawValue>> {
                serde_json::value::to_raw_value(&Stub {
                    namespace: &variable.namespace,
                    path: &variable.path,
                    create_index: variable.create_index,
                    modify_index: variable.modify_index,
                    create_time: variable.create_time.0,
                    modify_time: variable.modify_time.0,
                    lock: (),
                })
            };
            let list: serde_json::Result<Vec<_>> = page.items.iter().map(stub).collect();
            let list = list.map_err(|error| ApiError::refused(error.to_string()))?;
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
        let done = context.state.server.delete_variable(&context.namespace(), path, cas(context)?).await?;
        return Ok(Reply::empty().with_status(StatusCode::NO_CONTENT).written_at(done.index));
    }
    context.must_read()?;
    let options = context.read_options()?;
    let namespace = options.namespace.clone();
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

fn cas(context: &Context) -> Result<Option<u64>> {
    let Some(text) = context.text("cas") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        ApiError::bad_request(format!("can not parse cas: strconv.ParseUint: parsing {text:?}: invalid syntax"))
    })
}

async fn put(context: &Context, path: &str) -> Result<Reply> {
    if ["lock-acquire", "lock-renew", "lock-release"].iter().any(|operation| context.param(operation).is_some()) {
        let text = "locks on variables are not implemented in this version of Drover";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, text));
    }
    let body: VariableBody = context.body()?;
    let items = body.items.filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| ApiError::bad_request("variable missing required Items object"))?;
    let namespace = if body.namespace.is_empty() { context.namespace() } else { body.namespace.into() };
    let write = VariableWrite { namespace, path: path.to_owned(), items, cas: cas(context)? };
    match context.state.server.put_variable(write).await {
        Ok(done) => Ok(context.json(&Document::from(&done))?.written_at(done.modify_index)),
        // A variable that cannot be is refused with the index of an object that is not there.
        Err(error) if error.kind == ErrorKind::Invalid => Ok(Reply::from(ApiError::from(error)).written_at(0)),
        Err(error) => Err(error.into()),
    }
}
