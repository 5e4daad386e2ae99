//! From a path to its route.
//!
//! Ids may hold any character, also `/`, so that families match their own suffixes.

mod acl;
mod agent;
mod allocations;
pub(crate) mod client;
mod csi;
mod deployments;
mod evaluations;
mod events;
mod guard;
mod job;
mod job_writes;
mod jobs;
mod login;
pub(crate) mod metrics;
mod namespaces;
mod node_pools;
mod nodes;
mod operator;
mod quotas;
mod regions;
mod scaling;
mod search;
mod services;
mod status;
mod statuses;
mod system;
mod ui;
mod unfinished;
pub(crate) mod vars;
mod volumes;
mod well_known;

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
pub use unfinished::{UNFINISHED, Unfinished};

/// The prefix of the API.
const PREFIX: &str = "/v1/";

/// Answers a request. `path` is decoded and clean.
pub(crate) async fn route(context: &Context, path: &str) -> Result<Reply> {
    let Some(rest) = path.strip_prefix(PREFIX) else {
        return match ui::route(context, path) {
            Some(page) => Ok(page),
            None => well_known::route(context, path).await,
        };
    };
    if let Some(reply) = unfinished::answer(&context.method, rest) {
        return reply;
    }
    let (head, tail) = rest.split_once('/').map_or((rest, None), |(head, tail)| (head, Some(tail)));
    guard::check(context, head, tail)?;
    match (head, tail) {
        ("jobs", None) => jobs::collection(context).await,
        ("jobs", Some("parse")) => jobs::parse(context),
        ("jobs", Some("statuses")) => statuses::statuses(context).await,
        ("validate", Some("job")) => jobs::validate(context),
        ("job", Some(tail)) => job::route(context, tail).await,
        ("allocations", None) => allocations::list(context).await,
        ("allocation", Some(tail)) => allocations::route(context, tail).await,
        ("evaluations", None) => evaluations::collection(context).await,
        ("evaluations", Some("count")) => evaluations::count(context).await,
        ("evaluation", Some(tail)) => evaluations::route(context, tail).await,
        ("deployments", None) => deployments::list(context).await,
        ("deployment", Some(tail)) => deployments::route(context, tail).await,
        ("nodes", None) => nodes::list(context).await,
        ("node", Some("pools")) => node_pools::collection(context).await,
        ("node", Some(tail)) => match tail.strip_prefix("pool/") {
            Some(tail) => node_pools::route(context, tail).await,
            None => nodes::route(context, tail).await,
        },
        ("namespaces", None) => namespaces::list(context).await,
        ("namespace", tail) => namespaces::route(context, tail.unwrap_or("")).await,
        ("services", None) => services::list(context).await,
        ("service", Some(tail)) => services::route(context, tail).await,
        ("vars", None) => vars::list(context).await,
        ("var", Some(tail)) => vars::route(context, tail).await,
        ("search", None) => search::prefix(context).await,
        ("search", Some("fuzzy")) => search::fuzzy(context).await,
        ("status", Some(tail)) => status::route(context, tail),
        ("regions", None) => regions::list(context),
        ("agent", Some(tail)) => agent::route(context, tail).await,
        ("operator", Some(tail)) => operator::route(context, tail).await,
        ("system", Some(tail)) => system::route(context, tail).await,
        ("client", Some(tail)) => client::route(context, tail).await,
        ("event", Some("stream")) => events::stream(context),
        ("metrics", None) => metrics::route(context).await,
        ("scaling", Some(tail)) => scaling::route(context, tail).await,
        ("volumes" | "volume" | "plugins" | "plugin", tail) => volumes::route(context, head, tail).await,
        ("quotas" | "quota" | "quota-usages", tail) => quotas::route(context, head, tail).await,
        ("acl", tail) => acl::route(context, tail.unwrap_or("")).await,
        _ => Err(ApiError::no_route()),
    }
}
