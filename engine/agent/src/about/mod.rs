//! What the agent says of itself over HTTP.

mod config;
mod defaults;

use crate::config::AgentConfig;
use crate::settings::API_VERSION;
use drover_api::{AgentInfo, MetricsOptions};
use drover_model::TextMap;
use std::ffi::OsString;

/// What the API needs to know of the agent.
pub(crate) fn info(config: &AgentConfig, name: &str, server_id: String) -> AgentInfo {
    AgentInfo {
        name: name.to_owned(),
        region: config.region.clone(),
        datacenter: config.datacenter.clone(),
        server_id,
        http_addr: config.advertise[0],
        rpc_addr: config.advertise[1],
        serf_addr: config.advertise[2],
        version: API_VERSION.to_owned(),
        is_server: config.server.is_some(),
        config: config::describe(config, name),
    }
}

/// Which numbers the API shows.
pub(crate) fn metrics(config: &AgentConfig) -> MetricsOptions {
    let telemetry = &config.telemetry;
    MetricsOptions {
        // Whoever tries things out wants to see everything.
        prometheus: telemetry.prometheus || config.dev,
        of_allocations: telemetry.of_allocations || config.dev,
        of_node: telemetry.of_node || config.dev,
        with_host: telemetry.with_host,
        without_dispatched: telemetry.without_dispatched,
        prefix_filter: telemetry.prefix_filter.clone(),
        filter_default: telemetry.filter_default,
    }
}

/// Parts of the names of variables that may hold something secret.
const SECRET_WORDS: &[&str] = &["TOKEN", "SECRET", "PASS", "CREDENTIAL", "KEY", "AUTH", "LICENSE"];

/// The environment for those who look for the cause of a problem, without what may be secret.
pub(crate) fn environment() -> TextMap {
    let is_secret = |name: &str| SECRET_WORDS.iter().any(|word| name.to_ascii_uppercase().contains(word));
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).filter(|(name, _)| !is_secret(name)).collect()
}
