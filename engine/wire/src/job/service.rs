//! Services and their checks.

use std::collections::BTreeMap;

use super::connect::ConsulConnect;
use super::shape::shape;
use super::task::WorkloadIdentity;

shape! {
    /// A service in the catalog.
    Service {
        name: String = "Name",
        tags: Option<Vec<String>> = "Tags",
        canary_tags: Option<Vec<String>> = "CanaryTags",
        enable_tag_override: bool = "EnableTagOverride",
        port_label: String = "PortLabel",
        address_mode: String = "AddressMode",
        address: String = "Address",
        checks: Option<Vec<ServiceCheck>> = "Checks",
        check_restart: Option<CheckRestart> = "CheckRestart",
        connect: Option<ConsulConnect> = "Connect",
        meta: Option<super::TextMap> = "Meta",
        canary_meta: Option<super::TextMap> = "CanaryMeta",
        tagged_addresses: Option<super::TextMap> = "TaggedAddresses",
        task_name: String = "TaskName",
        on_update: String = "OnUpdate",
        identity: Option<WorkloadIdentity> = "Identity",
        weights: Option<ServiceWeights> = "Weights",
        provider: String = "Provider",
        cluster: String = "Cluster",
        kind: String = "Kind",
    }

    /// How much of the traffic a service's instance gets.
    ServiceWeights {
        passing: i64 = "Passing",
        warning: i64 = "Warning",
    }

    /// A check of a service. Times in nanoseconds.
    ServiceCheck {
        name: String = "Name",
        kind: String = "Type",
        command: String = "Command",
        args: Option<Vec<String>> = "Args",
        path: String = "Path",
        protocol: String = "Protocol",
        port_label: String = "PortLabel",
        expose: bool = "Expose",
        address_mode: String = "AddressMode",
        advertise: String = "Advertise",
        interval: i64 = "Interval",
        timeout: i64 = "Timeout",
        initial_status: String = "InitialStatus",
        notes: String = "Notes",
        tls_server_name: String = "TLSServerName",
        tls_skip_verify: bool = "TLSSkipVerify",
        header: Option<BTreeMap<String, Vec<String>>> = "Header",
        method: String = "Method",
        check_restart: Option<CheckRestart> = "CheckRestart",
        grpc_service: String = "GRPCService",
        grpc_use_tls: bool = "GRPCUseTLS",
        task_name: String = "TaskName",
        success_before_passing: i64 = "SuccessBeforePassing",
        failures_before_critical: i64 = "FailuresBeforeCritical",
        failures_before_warning: i64 = "FailuresBeforeWarning",
        body: String = "Body",
        on_update: String = "OnUpdate",
    }

    /// When failing checks restart a task. Times in nanoseconds.
    CheckRestart {
        limit: i64 = "Limit",
        grace: Option<i64> = "Grace",
        ignore_warnings: bool = "IgnoreWarnings",
    }
}
