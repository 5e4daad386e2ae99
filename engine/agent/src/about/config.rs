//! The configuration as `/v1/agent/self` shows it; nothing in it is secret.

use super::defaults;
use crate::config::{AgentConfig, ClientSettings, LogFile, ServerSettings};
use crate::settings::API_VERSION;
use drover_base::Nanos;
use serde_json::{Map, Value, json};

pub(super) fn describe(config: &AgentConfig, name: &str) -> Value {
    let mut all = json!({
        "Region": config.region,
        "Datacenter": config.datacenter,
        "NodeName": name,
        "DataDir": config.data_dir,
        "DevMode": config.dev,
        "BindAddr": config.http.0.to_string(),
        "Addresses": {
            "HTTP": config.http.0.to_string(),
            "RPC": config.rpc.0.to_string(),
            "Serf": config.serf.0.to_string(),
        },
        "AdvertiseAddrs": {
            "HTTP": config.advertise[0].to_string(),
            "RPC": config.advertise[1].to_string(),
            "Serf": config.advertise[2].to_string(),
        },
        "EnableDebug": config.enable_debug,
        "Ports": {"HTTP": config.http.1, "RPC": config.rpc.1, "Serf": config.serf.1},
        "Server": server(config.server.as_ref()),
        "Client": client(config.client.as_ref()),
        "ACL": config.acl.describe(),
        "HTTPAPIResponseHeaders": config.response_headers,
        "Limits": {
            "HTTPMaxConnsPerClient": config.max_http_connections_per_client,
            "HTTPSHandshakeTimeout": "5s",
            "RPCHandshakeTimeout": "5s",
            "RPCMaxConnsPerClient": 100,
        },
        "Files": config.flags.config_paths,
        "ConfigPaths": config.flags.config_paths,
        "Telemetry": telemetry(config),
        "UI": pages(config.pages),
        "Version": {
            "BuildDate": null,
            "Revision": "",
            "Version": API_VERSION,
            "VersionPrerelease": "",
            "VersionMetadata": "",
        },
    });
    let plugins = config.plugins.keys().map(|name| json!({ "Name": name, "Args": null, "Config": null }));
    extend(&mut all, json!({ "Plugins": plugins.collect::<Vec<_>>() }));
    extend(&mut all, log(config));
    extend(&mut all, defaults::of("agent"));
    all
}

/// Adds what is not there yet.
fn extend(all: &mut Value, more: Value) {
    if let (Value::Object(all), Value::Object(more)) = (all, more) {
        for (name, value) in more {
            all.entry(name).or_insert(value);
        }
    }
}

fn pages(enabled: bool) -> Value {
    let mut all = json!({ "Enabled": enabled });
    extend(&mut all, defaults::of("ui"));
    all
}

fn log(config: &AgentConfig) -> Value {
    let file: Option<&LogFile> = config.log_file.as_ref();
    json!({
        "LogLevel": config.log_level,
        "LogJson": config.log_json,
        "LogIncludeLocation": config.log_location,
        "LogFile": file.map(|file| file.path.display().to_string()).unwrap_or_default(),
    })
}

fn telemetry(config: &AgentConfig) -> Value {
    let telemetry = &config.telemetry;
    let mut all = json!({
        "PrometheusMetrics": telemetry.prometheus || config.dev,
        "PublishAllocationMetrics": telemetry.of_allocations || config.dev,
        "PublishNodeMetrics": telemetry.of_node || config.dev,
        "DisableHostname": !telemetry.with_host,
        "DisableDispatchedJobSummaryMetrics": telemetry.without_dispatched,
        "PrefixFilter": Some(&telemetry.prefix_filter).filter(|rules| !rules.is_empty()),
        "FilterDefault": telemetry.filter_default,
    });
    extend(&mut all, defaults::of("telemetry"));
    all
}

/// A duration as it is written in a file; one that is not given is empty.
fn written(duration: Option<Nanos>) -> String {
    duration.map(|duration| duration.to_string()).unwrap_or_default()
}

fn server(settings: Option<&ServerSettings>) -> Value {
    let none = ServerSettings::default();
    let is_server = settings.is_some();
    let settings = settings.unwrap_or(&none);
    let mut all = json!({
        "Enabled": is_server,
        "BootstrapExpect": u8::from(is_server),
        "NumSchedulers": Some(settings.workers).filter(|workers| *workers > 0),
        "HeartbeatGrace": settings.heartbeat_grace.unwrap_or_default(),
        "MinHeartbeatTTL": settings.min_heartbeat_ttl.unwrap_or_default(),
        "EvalGCThreshold": written(settings.eval_gc_threshold),
        "BatchEvalGCThreshold": written(settings.batch_eval_gc_threshold),
        "FailoverHeartbeatTTL": settings.failover_heartbeat_ttl.unwrap_or_default(),
        "MaxHeartbeatsPerSecond": settings.max_heartbeats_per_second.unwrap_or_default(),
        "JobTrackedVersions": settings.jobs.tracked_versions,
        "JobGCThreshold": written(settings.job_gc_threshold),
        "JobGCInterval": written(settings.gc_interval),
        "DeploymentGCThreshold": written(settings.deployment_gc_threshold),
        "NodeGCThreshold": written(settings.node_gc_threshold),
        "RootKeyGCThreshold": written(settings.root_key_gc_threshold),
        "RootKeyGCInterval": written(settings.root_key_gc_interval),
        "RootKeyRotationThreshold": written(settings.root_key_rotation_threshold),
        "OIDCIssuer": settings.oidc_issuer.clone().unwrap_or_default(),
        "ClientIntroduction": {
            "Enforcement": "",
            "DefaultIdentityTTL": settings.introduction_ttl.0.unwrap_or_default(),
            "MaxIdentityTTL": settings.introduction_ttl.1.unwrap_or_default(),
        },
    });
    extend(&mut all, defaults::of("server"));
    all
}

fn client(settings: Option<&ClientSettings>) -> Value {
    let none = ClientSettings::default();
    let is_client = settings.is_some();
    let settings = settings.unwrap_or(&none);
    let file = &settings.file;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let volumes: Map<String, Value> = file
        .host_volume
        .iter()
        .map(|(name, volume)| {
            (name.clone(), json!({ "Name": name, "Path": volume.path, "ReadOnly": volume.read_only }))
        })
        .collect();
    let mut all = json!({
        "Enabled": is_client,
        "StateDir": text(&file.state_dir),
        "AllocDir": text(&file.alloc_dir),
        "NodeClass": text(&file.node_class),
        "NodePool": file.node_pool.clone().unwrap_or_else(|| "default".into()),
        "Meta": file.meta,
        "Options": file.options,
        "NetworkInterface": text(&file.network_interface),
        "CpuCompute": file.cpu_total_compute.unwrap_or(0),
        "MemoryMB": file.memory_total_mb.unwrap_or(0),
        "DiskTotalMB": file.disk_total_mb.unwrap_or(0),
        "DiskFreeMB": file.disk_free_mb.unwrap_or(0),
        "MinDynamicPort": settings.dynamic_ports.0,
        "MaxDynamicPort": settings.dynamic_ports.1,
        "MaxKillTimeout": settings.max_kill_timeout.to_string(),
        "GCMaxAllocs": file.gc_max_allocs.unwrap_or(50),
        "HostVolumePluginDir": text(&file.host_volume_plugin_dir),
        "HostVolumesDir": text(&file.host_volumes_dir),
        "HostVolumes": Some(volumes).filter(|volumes| !volumes.is_empty()),
        "Reserved": {
            "CPU": file.reserved.cpu.unwrap_or(0),
            "Cores": text(&file.reserved.cores),
            "DiskMB": file.reserved.disk.unwrap_or(0),
            "MemoryMB": file.reserved.memory.unwrap_or(0),
            "ReservedPorts": text(&file.reserved.reserved_ports),
        },
    });
    extend(&mut all, defaults::of("client"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FileConfig, Overrides, resolve};

    #[test]
    fn what_is_given_wins_over_what_is_assumed() {
        let file: FileConfig = serde_json::from_value(json!({
            "name": "n1",
            "server": { "eval_gc_threshold": "2h", "num_schedulers": 3 },
            "client": { "node_class": "large", "max_dynamic_port": 25000 },
        }))
        .unwrap();
        let config = resolve(file, &Overrides { dev: true, ..Overrides::default() }).unwrap();
        let shown = describe(&config, "n1");
        assert_eq!(shown["Server"]["EvalGCThreshold"], "2h0m0s");
        assert_eq!(shown["Server"]["NumSchedulers"], 3);
        assert_eq!(shown["Client"]["NodeClass"], "large");
        assert_eq!(shown["Client"]["MaxDynamicPort"], 25000);
        assert_eq!(shown["Client"]["Users"]["MinDynamicUser"], 80000);
        assert_eq!(shown["UI"]["Enabled"], true);
    }
}
