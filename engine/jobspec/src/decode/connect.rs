//! The service mesh: sidecars and gateways.

use drover_hcl::schema::Schema;
use drover_wire::job::{
    ConsulConnect, ConsulExposeConfig, ConsulExposePath, ConsulGateway, ConsulGatewayBindAddress, ConsulGatewayProxy,
    ConsulGatewayTlsConfig, ConsulGatewayTlsSdsConfig, ConsulHttpHeaderModifiers, ConsulIngressConfigEntry,
    ConsulIngressListener, ConsulIngressService, ConsulLinkedService, ConsulMeshConfigEntry, ConsulMeshGateway,
    ConsulProxy, ConsulSidecarService, ConsulTerminatingConfigEntry, ConsulTransparentProxy, ConsulUpstream,
    SidecarTask,
};

use super::job::push;
use super::{Decoder, Item};

const CONNECT: Schema = Schema::attributes(&["native"])
    .with_blocks(&[("gateway", &[]), ("sidecar_service", &[]), ("sidecar_task", &[])])
    .with_dynamic();
const SIDECAR_SERVICE: Schema = Schema::attributes(&["tags", "port", "disable_default_tcp_check"])
    .with_blocks(&[("proxy", &[]), ("meta", &[])])
    .with_dynamic();
const PROXY: Schema = Schema::attributes(&["local_service_address", "local_service_port"])
    .with_blocks(&[("expose", &[]), ("upstreams", &[]), ("transparent_proxy", &[]), ("config", &[])])
    .with_dynamic();
const EXPOSE: Schema = Schema::attributes(&[]).with_blocks(&[("path", &[])]).with_dynamic();
const PATH: Schema = Schema::attributes(&["path", "protocol", "local_path_port", "listener_port"]);
const UPSTREAM: Schema = Schema::attributes(&[
    "destination_name",
    "destination_namespace",
    "destination_peer",
    "destination_partition",
    "destination_type",
    "local_bind_port",
    "datacenter",
    "local_bind_address",
    "local_bind_socket_path",
    "local_bind_socket_mode",
])
.with_blocks(&[("mesh_gateway", &[]), ("config", &[])])
.with_dynamic();
const MESH_GATEWAY: Schema = Schema::attributes(&["mode"]);
const TRANSPARENT: Schema = Schema::attributes(&[
    "uid",
    "outbound_port",
    "exclude_inbound_ports",
    "exclude_outbound_ports",
    "exclude_outbound_cidrs",
    "exclude_uids",
    "no_dns",
]);
const SIDECAR_TASK: Schema =
    Schema::attributes(&["name", "driver", "user", "kill_timeout", "kill_signal", "shutdown_delay"])
        .with_blocks(&[
            ("config", &[]),
            ("env", &[]),
            ("resources", &[]),
            ("meta", &[]),
            ("logs", &[]),
            ("volume_mount", &[]),
            ("identity", &[]),
        ])
        .with_dynamic();
const GATEWAY: Schema = Schema::attributes(&[])
    .with_blocks(&[("proxy", &[]), ("ingress", &[]), ("terminating", &[]), ("mesh", &[])])
    .with_dynamic();
const GATEWAY_PROXY: Schema = Schema::attributes(&[
    "connect_timeout",
    "envoy_gateway_bind_tagged_addresses",
    "envoy_gateway_no_default_bind",
    "envoy_dns_discovery_type",
])
.with_blocks(&[("envoy_gateway_bind_addresses", &["name"]), ("config", &[])])
.with_dynamic();
const BIND_ADDRESS: Schema = Schema::attributes(&["address", "port"]);
const INGRESS: Schema = Schema::attributes(&[]).with_blocks(&[("tls", &[]), ("listener", &[])]).with_dynamic();
const TLS: Schema = Schema::attributes(&["enabled", "tls_min_version", "tls_max_version", "cipher_suites"])
    .with_blocks(&[("sds", &[])])
    .with_dynamic();
const SDS: Schema = Schema::attributes(&["cluster_name", "cert_resource"]);
const LISTENER: Schema = Schema::attributes(&["port", "protocol"]).with_blocks(&[("service", &[])]).with_dynamic();
const INGRESS_SERVICE: Schema =
    Schema::attributes(&["name", "hosts", "max_connections", "max_pending_requests", "max_concurrent_requests"])
        .with_blocks(&[("tls", &[]), ("request_headers", &[]), ("response_headers", &[])])
        .with_dynamic();
const HEADERS: Schema = Schema::attributes(&["remove"]).with_blocks(&[("add", &[]), ("set", &[])]).with_dynamic();
const TERMINATING: Schema = Schema::attributes(&[]).with_blocks(&[("service", &[])]).with_dynamic();
const LINKED_SERVICE: Schema = Schema::attributes(&["name", "ca_file", "cert_file", "key_file", "sni"]);
const NOTHING: Schema = Schema::attributes(&[]);

impl Decoder<'_> {
    pub(super) fn connect(&mut self, item: &Item<'_>) -> ConsulConnect {
        let fields = self.open(item, &CONNECT);
        let mut connect = ConsulConnect { native: self.plain_flag(&fields, "native"), ..ConsulConnect::default() };
        self.blocks(&fields, &CONNECT, &mut |decoder, item| match &*item.kind {
            "gateway" => connect.gateway = Some(decoder.gateway(item)),
            "sidecar_service" => connect.sidecar_service = Some(decoder.sidecar_service(item)),
            "sidecar_task" => connect.sidecar_task = Some(decoder.sidecar_task(item)),
            _ => {}
        });
        connect
    }

    fn sidecar_service(&mut self, item: &Item<'_>) -> ConsulSidecarService {
        let fields = self.open(item, &SIDECAR_SERVICE);
        let mut sidecar = ConsulSidecarService {
            tags: self.texts(&fields, "tags"),
            port: self.plain_text(&fields, "port"),
            disable_default_tcp_check: self.plain_flag(&fields, "disable_default_tcp_check"),
            ..ConsulSidecarService::default()
        };
        self.blocks(&fields, &SIDECAR_SERVICE, &mut |decoder, item| match &*item.kind {
            "proxy" => sidecar.proxy = Some(decoder.proxy(item)),
            "meta" => sidecar.meta = Some(decoder.text_block(item)),
            _ => {}
        });
        sidecar
    }

    fn proxy(&mut self, item: &Item<'_>) -> ConsulProxy {
        let fields = self.open(item, &PROXY);
        let mut proxy = ConsulProxy {
            local_service_address: self.plain_text(&fields, "local_service_address"),
            local_service_port: self.plain_integer(&fields, "local_service_port"),
            ..ConsulProxy::default()
        };
        self.blocks(&fields, &PROXY, &mut |decoder, item| match &*item.kind {
            "expose" => proxy.expose = Some(decoder.expose(item)),
            "upstreams" => push(&mut proxy.upstreams, decoder.upstream(item)),
            "transparent_proxy" => proxy.transparent_proxy = Some(decoder.transparent_proxy(item)),
            "config" => proxy.config = Some(decoder.settings(item)),
            _ => {}
        });
        proxy
    }

    fn expose(&mut self, item: &Item<'_>) -> ConsulExposeConfig {
        let fields = self.open(item, &EXPOSE);
        let mut expose = ConsulExposeConfig::default();
        self.blocks(&fields, &EXPOSE, &mut |decoder, item| {
            if &*item.kind == "path" {
                let fields = decoder.open(item, &PATH);
                let path = ConsulExposePath {
                    path: decoder.plain_text(&fields, "path"),
                    protocol: decoder.plain_text(&fields, "protocol"),
                    local_path_port: decoder.plain_integer(&fields, "local_path_port"),
                    listener_port: decoder.plain_text(&fields, "listener_port"),
                };
                push(&mut expose.paths, path);
            }
        });
        expose
    }

    fn upstream(&mut self, item: &Item<'_>) -> ConsulUpstream {
        let fields = self.open(item, &UPSTREAM);
        let mut upstream = ConsulUpstream {
            destination_name: self.plain_text(&fields, "destination_name"),
            destination_namespace: self.plain_text(&fields, "destination_namespace"),
            destination_peer: self.plain_text(&fields, "destination_peer"),
            destination_partition: self.plain_text(&fields, "destination_partition"),
            destination_type: self.plain_text(&fields, "destination_type"),
            local_bind_port: self.plain_integer(&fields, "local_bind_port"),
            datacenter: self.plain_text(&fields, "datacenter"),
            local_bind_address: self.plain_text(&fields, "local_bind_address"),
            local_bind_socket_path: self.plain_text(&fields, "local_bind_socket_path"),
            local_bind_socket_mode: self.plain_text(&fields, "local_bind_socket_mode"),
            mesh_gateway: None,
            config: None,
        };
        self.blocks(&fields, &UPSTREAM, &mut |decoder, item| match &*item.kind {
            "mesh_gateway" => {
                let fields = decoder.open(item, &MESH_GATEWAY);
                upstream.mesh_gateway = Some(ConsulMeshGateway { mode: decoder.plain_text(&fields, "mode") });
            }
            "config" => upstream.config = Some(decoder.settings(item)),
            _ => {}
        });
        upstream
    }

    fn transparent_proxy(&mut self, item: &Item<'_>) -> ConsulTransparentProxy {
        let fields = self.open(item, &TRANSPARENT);
        ConsulTransparentProxy {
            uid: self.plain_text(&fields, "uid"),
            outbound_port: self.plain_integer(&fields, "outbound_port"),
            exclude_inbound_ports: self.texts(&fields, "exclude_inbound_ports"),
            exclude_outbound_ports: self.ports(&fields, "exclude_outbound_ports"),
            exclude_outbound_cidrs: self.texts(&fields, "exclude_outbound_cidrs"),
            exclude_uids: self.texts(&fields, "exclude_uids"),
            no_dns: self.plain_flag(&fields, "no_dns"),
        }
    }

    fn sidecar_task(&mut self, item: &Item<'_>) -> SidecarTask {
        let fields = self.open(item, &SIDECAR_TASK);
        let mut task = SidecarTask {
            name: self.plain_text(&fields, "name"),
            driver: self.plain_text(&fields, "driver"),
            user: self.plain_text(&fields, "user"),
            kill_timeout: self.duration(&fields, "kill_timeout"),
            shutdown_delay: self.duration(&fields, "shutdown_delay"),
            kill_signal: self.plain_text(&fields, "kill_signal"),
            ..SidecarTask::default()
        };
        self.blocks(&fields, &SIDECAR_TASK, &mut |decoder, item| match &*item.kind {
            "config" => task.config = Some(decoder.settings(item)),
            "env" => task.env = Some(decoder.text_block(item)),
            "resources" => task.resources = Some(decoder.resources(item)),
            "meta" => task.meta = Some(decoder.text_block(item)),
            "logs" => task.log_config = Some(decoder.logs(item)),
            "volume_mount" => push(&mut task.volume_mounts, decoder.volume_mount(item)),
            "identity" => push(&mut task.identities, decoder.identity(item)),
            _ => {}
        });
        task
    }

    fn gateway(&mut self, item: &Item<'_>) -> ConsulGateway {
        let fields = self.open(item, &GATEWAY);
        let mut gateway = ConsulGateway::default();
        self.blocks(&fields, &GATEWAY, &mut |decoder, item| match &*item.kind {
            "proxy" => gateway.proxy = Some(decoder.gateway_proxy(item)),
            "ingress" => gateway.ingress = Some(decoder.ingress(item)),
            "terminating" => gateway.terminating = Some(decoder.terminating(item)),
            "mesh" => {
                decoder.open(item, &NOTHING);
                gateway.mesh = Some(ConsulMeshConfigEntry {});
            }
            _ => {}
        });
        gateway
    }

    fn gateway_proxy(&mut self, item: &Item<'_>) -> ConsulGatewayProxy {
        let fields = self.open(item, &GATEWAY_PROXY);
        let mut proxy = ConsulGatewayProxy {
            connect_timeout: self.duration(&fields, "connect_timeout"),
            envoy_gateway_bind_tagged_addresses: self.plain_flag(&fields, "envoy_gateway_bind_tagged_addresses"),
            envoy_gateway_no_default_bind: self.plain_flag(&fields, "envoy_gateway_no_default_bind"),
            envoy_dns_discovery_type: self.plain_text(&fields, "envoy_dns_discovery_type"),
            ..ConsulGatewayProxy::default()
        };
        self.blocks(&fields, &GATEWAY_PROXY, &mut |decoder, item| match &*item.kind {
            "envoy_gateway_bind_addresses" => {
                let fields = decoder.open(item, &BIND_ADDRESS);
                let address = ConsulGatewayBindAddress {
                    name: item.label(),
                    address: decoder.plain_text(&fields, "address"),
                    port: decoder.plain_integer(&fields, "port"),
                };
                proxy.envoy_gateway_bind_addresses.get_or_insert_default().insert(item.label(), address);
            }
            "config" => proxy.config = Some(decoder.settings(item)),
            _ => {}
        });
        proxy
    }

    fn ingress(&mut self, item: &Item<'_>) -> ConsulIngressConfigEntry {
        let fields = self.open(item, &INGRESS);
        let mut ingress = ConsulIngressConfigEntry::default();
        self.blocks(&fields, &INGRESS, &mut |decoder, item| match &*item.kind {
            "tls" => ingress.tls = Some(decoder.gateway_tls(item)),
            "listener" => push(&mut ingress.listeners, decoder.listener(item)),
            _ => {}
        });
        ingress
    }

    fn gateway_tls(&mut self, item: &Item<'_>) -> ConsulGatewayTlsConfig {
        let fields = self.open(item, &TLS);
        let mut tls = ConsulGatewayTlsConfig {
            enabled: self.plain_flag(&fields, "enabled"),
            tls_min_version: self.plain_text(&fields, "tls_min_version"),
            tls_max_version: self.plain_text(&fields, "tls_max_version"),
            cipher_suites: self.texts(&fields, "cipher_suites"),
            sds: None,
        };
        self.blocks(&fields, &TLS, &mut |decoder, item| {
            if &*item.kind == "sds" {
                let fields = decoder.open(item, &SDS);
                tls.sds = Some(ConsulGatewayTlsSdsConfig {
                    cluster_name: decoder.plain_text(&fields, "cluster_name"),
                    cert_resource: decoder.plain_text(&fields, "cert_resource"),
                });
            }
        });
        tls
    }

    fn listener(&mut self, item: &Item<'_>) -> ConsulIngressListener {
        let fields = self.open(item, &LISTENER);
        let mut listener = ConsulIngressListener {
            port: self.plain_integer(&fields, "port"),
            protocol: self.plain_text(&fields, "protocol"),
            services: None,
        };
        self.blocks(&fields, &LISTENER, &mut |decoder, item| {
            if &*item.kind == "service" {
                push(&mut listener.services, decoder.ingress_service(item));
            }
        });
        listener
    }

    fn ingress_service(&mut self, item: &Item<'_>) -> ConsulIngressService {
        let fields = self.open(item, &INGRESS_SERVICE);
        let mut service = ConsulIngressService {
            name: self.plain_text(&fields, "name"),
            hosts: self.texts(&fields, "hosts"),
            max_connections: self.bounded(&fields, "max_connections"),
            max_pending_requests: self.bounded(&fields, "max_pending_requests"),
            max_concurrent_requests: self.bounded(&fields, "max_concurrent_requests"),
            ..ConsulIngressService::default()
        };
        self.blocks(&fields, &INGRESS_SERVICE, &mut |decoder, item| match &*item.kind {
            "tls" => service.tls = Some(decoder.gateway_tls(item)),
            "request_headers" => service.request_headers = Some(decoder.header_modifiers(item)),
            "response_headers" => service.response_headers = Some(decoder.header_modifiers(item)),
            _ => {}
        });
        service
    }

    fn header_modifiers(&mut self, item: &Item<'_>) -> ConsulHttpHeaderModifiers {
        let fields = self.open(item, &HEADERS);
        let mut headers = ConsulHttpHeaderModifiers { remove: self.texts(&fields, "remove"), ..Default::default() };
        self.blocks(&fields, &HEADERS, &mut |decoder, item| match &*item.kind {
            "add" => headers.add = Some(decoder.text_block(item)),
            "set" => headers.set = Some(decoder.text_block(item)),
            _ => {}
        });
        headers
    }

    fn terminating(&mut self, item: &Item<'_>) -> ConsulTerminatingConfigEntry {
        let fields = self.open(item, &TERMINATING);
        let mut terminating = ConsulTerminatingConfigEntry::default();
        self.blocks(&fields, &TERMINATING, &mut |decoder, item| {
            if &*item.kind == "service" {
                let fields = decoder.open(item, &LINKED_SERVICE);
                let service = ConsulLinkedService {
                    name: decoder.plain_text(&fields, "name"),
                    ca_file: decoder.plain_text(&fields, "ca_file"),
                    cert_file: decoder.plain_text(&fields, "cert_file"),
                    key_file: decoder.plain_text(&fields, "key_file"),
                    sni: decoder.plain_text(&fields, "sni"),
                };
                push(&mut terminating.services, service);
            }
        });
        terminating
    }
}
