//! What the agent says of itself over HTTP.

use crate::config::AgentConfig;
use crate::settings::API_VERSION;
use drover_api::{AgentInfo, MetricsOptions};
use drover_model::TextMap;
use serde_json::{Value, json};
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
        config: describe(config, name),
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
        without_dispatched: telemetry.without_dispatched,
        prefix_filter: telemetry.prefix_filter.clone(),
        filter_default: telemetry.filter_default,
    }
}

/// The configuration as `/v1/agent/self` shows it; nothing in it is secret.
fn describe(config: &AgentConfig, name: &str) -> Value {
    json!({
        "Region": config.region,
        "Datacenter": config.datacenter,
        "NodeName": name,
        "DataDir": config.data_dir,
        "LogLevel": config.log_level,
        "LogJson": config.log_json,
        "DevMode": config.dev,
        "BindAddr": config.http.0.to_string(),
        "Addresses": {
            "HTTP": config.http.0.to_string(),
            "RPC": config.rpc.0.to_string(),
            "Serf": config.serf.0.to_string(),
        },
        "EnableDebug": config.enable_debug,
        "Ports": {"HTTP": config.http.1, "RPC": config.rpc.1, "Serf": config.serf.1},
        "Server": {"Enabled": config.server.is_some(), "BootstrapExpect": 1},
        "Client": {"Enabled": config.client.is_some()},
        "ACL": config.acl.describe(),
        "Version": {"Version": API_VERSION, "VersionPrerelease": "", "VersionMetadata": ""},
    })
}

/// Parts of the names of variables that may hold something secret.
const SECRET_WORDS: &[&str] = &["TOKEN", "SECRET", "PASS", "CREDENTIAL", "KEY", "AUTH", "LICENSE"];

/// The environment for those who look for the cause of a problem, without what may be secret.
pub(crate) fn environment() -> TextMap {
    let is_secret = |name: &str| SECRET_WORDS.iter().any(|word| name.to_ascii_uppercase().contains(word));
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).filter(|(name, _)| !is_secret(name)).collect()
}
