//! Services of groups and tasks, and their checks.

use crate::{TextMap, WorkloadIdentity, wire_enum};
use drover_base::{Nanos, serde_null};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

wire_enum! {
    /// Where a service is registered.
    ServiceProvider {
        /// A Consul agent, or the built-in catalog where no Consul is configured.
        Consul = "consul",
        /// The engine's own catalog.
        Nomad = "nomad",
    } default Consul
}

/// Something that listens on a port under a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Service {
    /// The name, which may hold interpolations.
    pub name: String,
    /// The task whose interpolations and address it uses; may be empty for a group's service.
    pub task_name: String,
    /// A port label or number.
    pub port_label: String,
    /// `auto`, `host`, `driver`, `alloc`.
    pub address_mode: String,
    /// A fixed address instead.
    pub address: String,
    /// Let others change tags in Consul.
    pub enable_tag_override: bool,
    /// Tags.
    #[serde(with = "serde_null")]
    pub tags: Vec<String>,
    /// Tags while a canary.
    #[serde(with = "serde_null")]
    pub canary_tags: Vec<String>,
    /// Checks.
    #[serde(with = "serde_null")]
    pub checks: Vec<Check>,
    /// Consul Connect, kept as given: the mesh itself is not Drover's.
    pub connect: Option<serde_json::Value>,
    /// Meta.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
    /// Meta while a canary.
    #[serde(with = "serde_null")]
    pub canary_meta: TextMap,
    /// Weights of DNS answers.
    pub weights: Option<Weights>,
    /// Further addresses.
    #[serde(with = "serde_null")]
    pub tagged_addresses: TextMap,
    /// The namespace of the registration.
    pub namespace: String,
    /// `require_healthy`, `ignore_warnings`, `ignore`.
    pub on_update: String,
    /// Where it is registered.
    pub provider: ServiceProvider,
    /// Which Consul cluster.
    pub cluster: String,
    /// The identity it registers with.
    pub identity: Option<WorkloadIdentity>,
    /// For API gateways.
    pub kind: String,
}

/// Weights of DNS answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Weights {
    /// While passing.
    pub passing: i64,
    /// While warning.
    pub warning: i64,
}

/// A check of a service's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// `http`, `tcp`, `script`, `grpc`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Program of a script check.
    pub command: String,
    /// Its arguments.
    #[serde(with = "serde_null")]
    pub args: Vec<String>,
    /// Path (and query) of an http check.
    pub path: String,
    /// `http` or `https`.
    pub protocol: String,
    /// Port label or number, when not the service's.
    pub port_label: String,
    /// Connect: make the path reachable past the proxy.
    pub expose: bool,
    /// As the service's.
    pub address_mode: String,
    /// Between two runs.
    pub interval: Nanos,
    /// A run takes at most this long.
    pub timeout: Nanos,
    /// `passing`, `warning`, `critical` or empty.
    pub initial_status: String,
    /// For people.
    pub notes: String,
    /// Name that the server's certificate must have.
    #[serde(rename = "TLSServerName")]
    pub tls_server_name: String,
    /// Accept any certificate.
    #[serde(rename = "TLSSkipVerify")]
    pub tls_skip_verify: bool,
    /// Method of an http check; empty means GET.
    pub method: String,
    /// Headers of an http check.
    #[serde(with = "serde_null")]
    pub header: BTreeMap<String, Vec<String>>,
    /// Restart the task when the check fails.
    pub check_restart: Option<CheckRestart>,
    /// gRPC service name.
    #[serde(rename = "GRPCService")]
    pub grpc_service: String,
    /// gRPC over TLS.
    #[serde(rename = "GRPCUseTLS")]
    pub grpc_use_tls: bool,
    /// The task a script runs in.
    pub task_name: String,
    /// Successes before it counts as passing.
    pub success_before_passing: u32,
    /// Failures before it counts as critical.
    pub failures_before_critical: u32,
    /// Failures before it counts as warning.
    pub failures_before_warning: u32,
    /// Body of an http check.
    pub body: String,
    /// As the service's.
    pub on_update: String,
}

/// When a failing check restarts its task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckRestart {
    /// Failures in a row.
    pub limit: u32,
    /// Not before the task has run this long.
    pub grace: Nanos,
    /// Warnings do not count.
    pub ignore_warnings: bool,
}
