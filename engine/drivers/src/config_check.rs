//! What a job's `config` block may hold, driver by driver, as data: it can be checked without a node.
//!
//! A driver reads its block strictly when a task starts; this finds the same names and types early. Drivers that are
//! not listed (plugins, and those that only tests use) are not checked.

use serde_json::{Map, Value};

/// A name that a block may hold.
struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// What a name holds.
enum Kind {
    Text,
    Bool,
    Number,
    Texts,
    /// Names with texts, once or repeated.
    TextMap,
    /// Blocks, once or repeated.
    Blocks(&'static [Field]),
    /// Anything: the names are not fixed.
    Free,
}

/// Something in a block that the driver will refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The names down to it: `["mount", "target"]`.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// For a name that there is not: those that there are.
    pub known: Vec<&'static str>,
}

const fn text(name: &'static str) -> Field {
    Field { name, kind: Kind::Text, required: false }
}

const fn needed(name: &'static str) -> Field {
    Field { name, kind: Kind::Text, required: true }
}

const fn flag(name: &'static str) -> Field {
    Field { name, kind: Kind::Bool, required: false }
}

const fn number(name: &'static str) -> Field {
    Field { name, kind: Kind::Number, required: false }
}

const fn texts(name: &'static str) -> Field {
    Field { name, kind: Kind::Texts, required: false }
}

const fn map(name: &'static str) -> Field {
    Field { name, kind: Kind::TextMap, required: false }
}

const fn blocks(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Kind::Blocks(fields), required: false }
}

const fn free(name: &'static str) -> Field {
    Field { name, kind: Kind::Free, required: false }
}

const RAW_EXEC: &[Field] = &[
    needed("command"),
    texts("args"),
    text("work_dir"),
    number("oom_score_adj"),
    texts("denied_envvars"),
    text("cgroup_v2_override"),
    map("cgroup_v1_override"),
];

const EXEC: &[Field] = &[
    needed("command"),
    texts("args"),
    text("work_dir"),
    text("pid_mode"),
    text("ipc_mode"),
    texts("cap_add"),
    texts("cap_drop"),
];

const MOUNT: &[Field] = &[
    text("type"),
    text("source"),
    needed("target"),
    flag("readonly"),
    blocks("bind_options", &[text("propagation")]),
    blocks(
        "volume_options",
        &[flag("no_copy"), map("labels"), blocks("driver_config", &[text("name"), map("options")])],
    ),
    blocks("tmpfs_options", &[number("size"), number("mode")]),
];

const DOCKER: &[Field] = &[
    needed("image"),
    flag("advertise_ipv6_address"),
    texts("args"),
    blocks("auth", &[text("username"), text("password"), text("email"), text("server_address")]),
    flag("auth_soft_fail"),
    texts("cap_add"),
    texts("cap_drop"),
    text("cgroupns"),
    text("command"),
    number("container_exists_attempts"),
    number("cpu_cfs_period"),
    flag("cpu_hard_limit"),
    blocks("devices", &[needed("host_path"), text("container_path"), text("cgroup_permissions")]),
    texts("dns_options"),
    texts("dns_search_domains"),
    texts("dns_servers"),
    texts("entrypoint"),
    texts("extra_hosts"),
    flag("force_pull"),
    texts("group_add"),
    blocks("healthchecks", &[flag("disable")]),
    text("hostname"),
    text("image_pull_timeout"),
    flag("init"),
    flag("interactive"),
    text("ipc_mode"),
    text("ipv4_address"),
    text("ipv6_address"),
    text("isolation"),
    map("labels"),
    text("load"),
    blocks("logging", &[text("type"), text("driver"), map("config")]),
    text("mac_address"),
    number("memory_hard_limit"),
    blocks("mount", MOUNT),
    blocks("mounts", MOUNT),
    texts("network_aliases"),
    text("network_mode"),
    number("oom_score_adj"),
    text("pid_mode"),
    number("pids_limit"),
    free("port_map"),
    texts("ports"),
    flag("privileged"),
    flag("readonly_rootfs"),
    text("runtime"),
    texts("security_opt"),
    number("shm_size"),
    map("storage_opt"),
    map("sysctl"),
    flag("tty"),
    map("ulimit"),
    text("userns_mode"),
    text("uts_mode"),
    text("volume_driver"),
    texts("volumes"),
    text("work_dir"),
];

/// Everything in a task's `config` that its driver would refuse; nothing for drivers that are not known here.
#[must_use]
pub fn check_config(driver: &str, config: &Map<String, Value>) -> Vec<ConfigFault> {
    let fields = match driver {
        "raw_exec" => RAW_EXEC,
        "exec" => EXEC,
        "docker" => DOCKER,
        _ => return Vec::new(),
    };
    let mut faults = Vec::new();
    check_block(fields, config, &mut Vec::new(), &mut faults);
    faults
}

fn check_block(fields: &[Field], block: &Map<String, Value>, path: &mut Vec<String>, faults: &mut Vec<ConfigFault>) {
    for (name, value) in block {
        path.push(name.clone());
        match fields.iter().find(|field| field.name == name) {
            None => faults.push(ConfigFault {
                path: path.clone(),
                message: format!("no argument or block is named {:?} here", path.join(".")),
                known: fields.iter().map(|field| field.name).collect(),
            }),
            Some(_) if value.is_null() => {}
            Some(field) => check_value(&field.kind, value, path, faults),
        }
        path.pop();
    }
    for field in fields.iter().filter(|field| field.required && block.get(field.name).is_none_or(Value::is_null)) {
        let message = format!("the argument {:?} is required", field.name);
        faults.push(ConfigFault { path: path.clone(), message, known: Vec::new() });
    }
}

fn check_value(kind: &Kind, value: &Value, path: &mut Vec<String>, faults: &mut Vec<ConfigFault>) {
    let wanted = match kind {
        Kind::Free => return,
        Kind::Text if is_scalar(value) => return,
        Kind::Text => "a string",
        Kind::Bool if is_late(value) || is_flag(value) => return,
        Kind::Bool => "a bool",
        Kind::Number if is_late(value) || is_number(value) => return,
        Kind::Number => "a number",
        Kind::Texts if value.as_array().is_some_and(|items| items.iter().all(is_scalar)) => return,
        Kind::Texts => "a list of strings",
        Kind::TextMap if maps(value).is_some_and(|maps| maps.iter().all(|map| map.values().all(is_scalar))) => return,
        Kind::TextMap => "a map of strings",
        Kind::Blocks(fields) => match maps(value) {
            Some(maps) => return maps.into_iter().for_each(|map| check_block(fields, map, path, faults)),
            None => "a block",
        },
    };
    let message = format!("{:?} has to be {wanted}, and is {}", path.join("."), kind_of(value));
    faults.push(ConfigFault { path: path.clone(), message, known: Vec::new() });
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Bool(_) | Value::Number(_))
}

/// Text that only the node can fill in.
fn is_late(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("${"))
}

fn is_flag(value: &Value) -> bool {
    value.is_boolean() || matches!(value.as_str(), Some("true" | "false" | "1" | "0"))
}

fn is_number(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok())
}

fn maps(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    match value {
        Value::Object(map) => Some(vec![map]),
        Value::Array(items) => items.iter().map(Value::as_object).collect(),
        _ => None,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DriverOptions, Drivers};
    use serde_json::json;

    fn messages(driver: &str, config: &Value) -> Vec<String> {
        let faults = check_config(driver, config.as_object().unwrap());
        faults.into_iter().map(|fault| format!("{}: {}", fault.path.join("."), fault.message)).collect()
    }

    #[test]
    fn names_types_and_what_is_missing_are_told_all_at_once() {
        let config = json!({"iamge": "redis", "force_pull": "perhaps", "mount": [{"type": "bind", "read_only": true}]});
        let expected = [
            "force_pull: \"force_pull\" has to be a bool, and is a string",
            "iamge: no argument or block is named \"iamge\" here",
            "mount.read_only: no argument or block is named \"mount.read_only\" here",
            "mount: the argument \"target\" is required",
            ": the argument \"image\" is required",
        ];
        let mut found = messages("docker", &config);
        found.sort();
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_only_the_node_knows_is_left_to_it() {
        assert!(
            messages("docker", &json!({"image": "${meta.image}", "shm_size": "${meta.size}", "tty": 1})).len() == 1
        );
        assert!(messages("podman", &json!({"anything": 1})).is_empty());
    }

    /// Names that jobs may have for other engines; here the driver refuses them when they are set.
    const ELSEWHERE: [&str; 5] = ["healthchecks", "load", "isolation", "cgroup_v1_override", "cgroup_v2_override"];

    /// A name that only the schema knows would let jobs pass that cannot run.
    #[test]
    fn drivers_know_every_name_of_their_schema() {
        let drivers = Drivers::new(&DriverOptions::new("/bin/true"));
        for (name, fields) in [("raw_exec", RAW_EXEC), ("exec", EXEC), ("docker", DOCKER)] {
            let driver = drivers.get(name).unwrap();
            for field in
                fields.iter().filter(|field| !matches!(field.kind, Kind::Free) && !ELSEWHERE.contains(&field.name))
            {
                let config = json!({field.name: null});
                let refusal = driver.validate_config(config.as_object().unwrap()).err().map(|error| error.to_string());
                let unknown = format!("named \"{}\"", field.name);
                assert!(!refusal.is_some_and(|text| text.contains(&unknown)), "{name} does not know {}", field.name);
            }
        }
    }
}
