//! `/v1/agent/…`: what the agent says of itself.

mod export;
mod host;
mod keyring;
mod members;
mod monitor;
mod myself;
mod pprof;
mod workers;

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use serde_json::{Map, json};

pub(super) async fn route(context: &Context, tail: &str) -> Result<Reply> {
    let (head, rest) = tail.split_once('/').map_or((tail, None), |(head, rest)| (head, Some(rest)));
    match (head, rest) {
        ("self", None) => myself::route(context),
        ("members", None) => members::list(context),
        ("servers", None) => members::servers(context),
        ("join", None) => members::join(context).await,
        ("force-leave", None) => members::force_leave(context),
        ("health", None) => health(context),
        ("schedulers", None) => workers::list(context),
        ("schedulers", Some("config")) => workers::configuration(context),
        ("host", None) => host::route(context).await,
        ("monitor", None) => monitor::route(context),
        ("monitor", Some("export")) => export::route(context).await,
        ("reload", None) => reload(context),
        ("keyring", Some(tail)) => keyring::route(context, tail),
        ("pprof", None) => Ok(Reply::redirect("/v1/agent/pprof/")),
        ("pprof", Some(profile)) => pprof::route(context, profile).await,
        _ => Err(ApiError::no_route()),
    }
}

fn health(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let kind = context.text("type");
    let wanted = |name: &str| kind.is_none_or(|kind| kind == name);
    let mut health = Map::new();
    let ok = json!({ "ok": true, "message": "ok" });
    if context.state.node.is_some() && wanted("client") {
        health.insert("client".into(), ok.clone());
    }
    if context.state.agent.is_server && wanted("server") {
        health.insert("server".into(), ok);
    }
    context.json(&health)
}

/// The same as the signal.
fn reload(context: &Context) -> Result<Reply> {
    context.must_write()?;
    (context.state.reload)().map_err(|error| ApiError::refused(format!("failed to reload configuration: {error}")))?;
    Ok(Reply::empty())
}
