//! Settings of the reference that are known and have no effect here yet. Files that hold them are taken; what they
//! asked for is said at start.

use serde_json::Value;

/// Their places. The last part may end with `*`.
const KNOWN: &[&str] = &[
    "client.artifact",
    "client.bind_wildcard_default_host_network",
    "client.bridge_network_hairpin_mode",
    "client.bridge_network_name",
    "client.bridge_network_subnet",
    "client.bridge_network_subnet_ipv6",
    "client.cgroup_parent",
    "client.chroot_env",
    "client.client_max_port",
    "client.client_min_port",
    "client.cni_config_dir",
    "client.cni_path",
    "client.common_plugin_dir",
    "client.cpu_disable_dmidecode",
    "client.disable_remote_exec",
    "client.drain_on_shutdown",
    "client.fingerprint",
    "client.gc_disk_usage_threshold",
    "client.gc_inode_usage_threshold",
    "client.gc_interval",
    "client.gc_parallel_destroys",
    "client.alloc_mounts_dir",
    "client.intro_token",
    "client.log_file",
    "client.network_speed",
    "client.no_host_uuid",
    "client.node_max_allocs",
    "client.nomad_service_discovery",
    "client.preferred_address_family",
    "client.users",
    "server.acl_token_gc_threshold",
    "server.authoritative_region",
    "server.csi_plugin_gc_threshold",
    "server.csi_volume_claim_gc_interval",
    "server.csi_volume_claim_gc_threshold",
    "server.default_scheduler_config",
    "server.deployment_query_rate_limit",
    "server.enable_event_broker",
    "server.enabled_schedulers",
    "server.event_buffer_size",
    "server.job_default_priority",
    "server.job_max_priority",
    "server.license_env",
    "server.license_path",
    "server.non_voting_server",
    "server.plan_rejection_tracker",
    "server.protocol_version",
    "server.raft_boltdb",
    "server.raft_logstore",
    "server.raft_snapshot_interval",
    "server.raft_snapshot_threshold",
    "server.raft_trailing_logs",
    "server.redundancy_zone",
    "server.rejoin_after_leave",
    "server.retry_interval",
    "server.retry_join",
    "server.retry_max",
    "server.search",
    "server.start_join",
    "server.start_timeout",
    "server.upgrade_version",
    "telemetry.circonus_*",
];

/// Takes these settings out of a configuration; answers the names of those that were there and are not just off.
pub(super) fn take_out(config: &mut Value) -> Vec<&'static str> {
    let mut found = Vec::new();
    for place in KNOWN {
        let Some((group, key)) = place.split_once('.') else { continue };
        let Some(Value::Object(group)) = config.get_mut(group) else { continue };
        let taken: Vec<Value> = match key.strip_suffix('*') {
            Some(prefix) => {
                let keys: Vec<String> = group.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
                keys.iter().filter_map(|key| group.remove(key)).collect()
            }
            None => group.remove(key).into_iter().collect(),
        };
        if taken.iter().any(|value| !matches!(value, Value::Null | Value::Bool(false))) {
            found.push(*place);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_settings_are_taken_out_and_named() {
        let mut config = json!({
            "client": {"cni_path": "/opt/cni/bin", "no_host_uuid": false, "enabled": true},
            "telemetry": {"circonus_api_token": "x"},
        });
        assert_eq!(take_out(&mut config), ["client.cni_path", "telemetry.circonus_*"]);
        assert_eq!(config, json!({"client": {"enabled": true}, "telemetry": {}}));
    }
}
