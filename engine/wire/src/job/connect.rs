//! The service mesh: sidecars and gateways.

use std::collections::BTreeMap;

use super::resources::Resources;
use super::settings::Settings;
use super::shape::shape;
use super::task::{LogConfig, VolumeMount, WorkloadIdentity};

shape! {
    /// A service's place in the mesh.
    ConsulConnect {
        native: bool = "Native",
        gateway: Option<ConsulGateway> = "Gateway",
        sidecar_service: Option<ConsulSidecarService> = "SidecarService",
        sidecar_task: Option<SidecarTask> = "SidecarTask",
    }

    /// The proxy beside a service.
    ConsulSidecarService {
        tags: Option<Vec<String>> = "Tags",
        port: String = "Port",
        proxy: Option<ConsulProxy> = "Proxy",
        disable_default_tcp_check: bool = "DisableDefaultTCPCheck",
        meta: Option<super::TextMap> = "Meta",
    }

    /// What is changed in the proxy's task. Times in nanoseconds.
    SidecarTask {
        name: String = "Name",
        driver: String = "Driver",
        user: String = "User",
        config: Option<Settings> = "Config",
        env: Option<super::TextMap> = "Env",
        resources: Option<Resources> = "Resources",
        meta: Option<super::TextMap> = "Meta",
        kill_timeout: Option<i64> = "KillTimeout",
        log_config: Option<LogConfig> = "LogConfig",
        shutdown_delay: Option<i64> = "ShutdownDelay",
        kill_signal: String = "KillSignal",
        volume_mounts: Option<Vec<VolumeMount>> = "VolumeMounts",
        identities: Option<Vec<WorkloadIdentity>> = "Identities",
    }

    /// A proxy's configuration.
    ConsulProxy {
        local_service_address: String = "LocalServiceAddress",
        local_service_port: i64 = "LocalServicePort",
        expose: Option<ConsulExposeConfig> = "Expose",
        expose_config: Option<ConsulExposeConfig> = "ExposeConfig",
        upstreams: Option<Vec<ConsulUpstream>> = "Upstreams",
        transparent_proxy: Option<ConsulTransparentProxy> = "TransparentProxy",
        config: Option<Settings> = "Config",
    }

    /// Paths that are reachable without the mesh.
    ConsulExposeConfig {
        paths: Option<Vec<ConsulExposePath>> = "Paths",
        path: Option<Vec<ConsulExposePath>> = "Path",
    }

    /// Such a path.
    ConsulExposePath {
        path: String = "Path",
        protocol: String = "Protocol",
        local_path_port: i64 = "LocalPathPort",
        listener_port: String = "ListenerPort",
    }

    /// A service that a task reaches through its proxy.
    ConsulUpstream {
        destination_name: String = "DestinationName",
        destination_namespace: String = "DestinationNamespace",
        destination_peer: String = "DestinationPeer",
        destination_partition: String = "DestinationPartition",
        destination_type: String = "DestinationType",
        local_bind_port: i64 = "LocalBindPort",
        datacenter: String = "Datacenter",
        local_bind_address: String = "LocalBindAddress",
        local_bind_socket_path: String = "LocalBindSocketPath",
        local_bind_socket_mode: String = "LocalBindSocketMode",
        mesh_gateway: Option<ConsulMeshGateway> = "MeshGateway",
        config: Option<Settings> = "Config",
    }

    /// How an upstream in another datacenter is reached.
    ConsulMeshGateway {
        mode: String = "Mode",
    }

    /// A proxy that takes all traffic.
    ConsulTransparentProxy {
        uid: String = "UID",
        outbound_port: u16 = "OutboundPort",
        exclude_inbound_ports: Option<Vec<String>> = "ExcludeInboundPorts",
        exclude_outbound_ports: Option<Vec<u16>> = "ExcludeOutboundPorts",
        exclude_outbound_cidrs: Option<Vec<String>> = "ExcludeOutboundCIDRs",
        exclude_uids: Option<Vec<String>> = "ExcludeUIDs",
        no_dns: bool = "NoDNS",
    }

    /// A gateway of the mesh.
    ConsulGateway {
        proxy: Option<ConsulGatewayProxy> = "Proxy",
        ingress: Option<ConsulIngressConfigEntry> = "Ingress",
        terminating: Option<ConsulTerminatingConfigEntry> = "Terminating",
        mesh: Option<ConsulMeshConfigEntry> = "Mesh",
    }

    /// A gateway's proxy. Times in nanoseconds.
    ConsulGatewayProxy {
        connect_timeout: Option<i64> = "ConnectTimeout",
        envoy_gateway_bind_tagged_addresses: bool = "EnvoyGatewayBindTaggedAddresses",
        envoy_gateway_bind_addresses: Option<BTreeMap<String, ConsulGatewayBindAddress>> = "EnvoyGatewayBindAddresses",
        envoy_gateway_no_default_bind: bool = "EnvoyGatewayNoDefaultBind",
        envoy_dns_discovery_type: String = "EnvoyDNSDiscoveryType",
        config: Option<Settings> = "Config",
    }

    /// Where a gateway listens.
    ConsulGatewayBindAddress {
        name: String = "Name",
        address: String = "Address",
        port: i64 = "Port",
    }

    /// A gateway for traffic from outside.
    ConsulIngressConfigEntry {
        tls: Option<ConsulGatewayTlsConfig> = "TLS",
        listeners: Option<Vec<ConsulIngressListener>> = "Listeners",
    }

    /// A gateway's TLS.
    ConsulGatewayTlsConfig {
        enabled: bool = "Enabled",
        tls_min_version: String = "TLSMinVersion",
        tls_max_version: String = "TLSMaxVersion",
        cipher_suites: Option<Vec<String>> = "CipherSuites",
        sds: Option<ConsulGatewayTlsSdsConfig> = "SDS",
    }

    /// Where a gateway's certificate comes from.
    ConsulGatewayTlsSdsConfig {
        cluster_name: String = "ClusterName",
        cert_resource: String = "CertResource",
    }

    /// A port of an ingress gateway.
    ConsulIngressListener {
        port: i64 = "Port",
        protocol: String = "Protocol",
        services: Option<Vec<ConsulIngressService>> = "Services",
    }

    /// A service behind an ingress gateway.
    ConsulIngressService {
        name: String = "Name",
        hosts: Option<Vec<String>> = "Hosts",
        tls: Option<ConsulGatewayTlsConfig> = "TLS",
        request_headers: Option<ConsulHttpHeaderModifiers> = "RequestHeaders",
        response_headers: Option<ConsulHttpHeaderModifiers> = "ResponseHeaders",
        max_connections: Option<u32> = "MaxConnections",
        max_pending_requests: Option<u32> = "MaxPendingRequests",
        max_concurrent_requests: Option<u32> = "MaxConcurrentRequests",
    }

    /// Changes of HTTP headers.
    ConsulHttpHeaderModifiers {
        add: Option<super::TextMap> = "Add",
        set: Option<super::TextMap> = "Set",
        remove: Option<Vec<String>> = "Remove",
    }

    /// A gateway for traffic to outside.
    ConsulTerminatingConfigEntry {
        services: Option<Vec<ConsulLinkedService>> = "Services",
    }

    /// A service behind a terminating gateway.
    ConsulLinkedService {
        name: String = "Name",
        ca_file: String = "CAFile",
        cert_file: String = "CertFile",
        key_file: String = "KeyFile",
        sni: String = "SNI",
    }
}

/// A gateway between datacenters.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ConsulMeshConfigEntry {}
