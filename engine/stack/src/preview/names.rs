//! The engine's names in the words of a job file.

/// Objects that a new job has by default and that say nothing about it.
const NOISE: [&str; 8] = [
    "RestartPolicy",
    "Migrate",
    "ReschedulePolicy",
    "EphemeralDisk",
    "LogConfig",
    "Disconnect",
    "Consul",
    "Datacenters",
];

/// Fields that say nothing when a job is created, whatever their value.
const NOISE_FIELDS: [&str; 16] = [
    "ID",
    "Name",
    "Namespace",
    "Region",
    "NodePool",
    "Priority",
    "Leader",
    "KillTimeout",
    "ChangeMode",
    "LeftDelim",
    "RightDelim",
    "Perms",
    "Splay",
    "Stagger",
    "DiskMB",
    "Address",
];

/// Fields whose values are nanoseconds.
const DURATIONS: [&str; 21] = [
    "CanaryDeadline",
    "Delay",
    "HealthyDeadline",
    "Interval",
    "KillTimeout",
    "LostAfter",
    "MaxClientDisconnect",
    "MaxDelay",
    "MinHealthyTime",
    "ProgressDeadline",
    "ShutdownDelay",
    "Splay",
    "Stagger",
    "StopAfterClientDisconnect",
    "StopOnClientAfter",
    "TTL",
    "Timeout",
    "VaultGrace",
    "Grace",
    "Max",
    "Min",
];

/// Attributes that only the engine's own constraints ask for: what a job that uses a feature needs of a node.
const IMPLIED: [&str; 5] = [
    "${attr.nomad.service_discovery}",
    "${attr.nomad.version}",
    "${attr.os.signals}",
    "${attr.vault.version}",
    "${attr.consul.version}",
];

/// Whether this value makes the part that holds it one that the engine adds by itself.
pub(super) fn is_implied(class: &str, field: &str, value: &str) -> bool {
    class == "Constraint" && field == "LTarget" && IMPLIED.contains(&value)
}

/// Whether a new job's object is all defaults as a rule.
pub(super) fn is_noise(class: &str) -> bool {
    NOISE.contains(&class)
}

/// Whether a new job's field says nothing.
pub(super) fn is_default(name: &str, value: &str) -> bool {
    matches!(value, "" | "false" | "0")
        || (name == "Audience" && value == "nomadproject.io")
        || (name == "AddressMode" && value == "auto")
        || (name == "Cluster" && value == "default")
        || (name == "HostNetwork" && value == "default")
        || (name == "HealthCheck" && value == "checks")
        || (name == "OnUpdate" && value == "require_healthy")
        || NOISE_FIELDS.contains(&name)
        || name.starts_with("Meta[drover.")
        || name.starts_with("Meta[pack.")
}

/// `EmbeddedTmpl` -> `data`, `Env[A]` -> `env.A`, `MinHealthyTime` -> `min_healthy_time`.
pub(super) fn field(class: &str, name: &str) -> String {
    if class == "Config" {
        return name.to_owned();
    }
    if let Some((map, key)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        return format!("{}.{key}", words(map));
    }
    match name {
        "LTarget" => "attribute".to_owned(),
        "RTarget" => "value".to_owned(),
        "Operand" => "operator".to_owned(),
        "EmbeddedTmpl" => "data".to_owned(),
        "DestPath" => "destination".to_owned(),
        "SourcePath" => "source".to_owned(),
        "MemoryMB" => "memory".to_owned(),
        "MemoryMaxMB" => "memory_max".to_owned(),
        "CPU" => "cpu".to_owned(),
        other => words(other),
    }
}

/// `RestartPolicy` -> `restart_policy`.
pub(crate) fn words(name: &str) -> String {
    if let "Static Port" | "Dynamic Port" = name {
        return name.to_lowercase();
    }
    let characters: Vec<char> = name.chars().collect();
    let mut result = String::with_capacity(name.len() + 4);
    for (index, c) in characters.iter().enumerate() {
        let starts_word = c.is_uppercase()
            && index > 0
            && (characters[index - 1].is_lowercase()
                || characters.get(index + 1).is_some_and(|next| next.is_lowercase()));
        if starts_word && characters[index - 1] != '_' {
            result.push('_');
        }
        result.extend(c.to_lowercase());
    }
    result
}

/// Durations as people write them, texts quoted, numbers and truth values bare.
pub(super) fn value(name: &str, text: &str) -> String {
    if DURATIONS.contains(&name)
        && let Ok(nanos) = text.parse::<i64>()
    {
        return drover_base::Nanos(nanos).to_string();
    }
    let bare = text.parse::<f64>().is_ok() || matches!(text, "true" | "false" | drover_secrets::MASK);
    let quoted_always = name.contains('[');
    if bare && !quoted_always || text.ends_with('…') { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_a_job_file() {
        assert_eq!(field("Task", "Env[MY_PORT]"), "env.MY_PORT");
        assert_eq!(field("Template", "EmbeddedTmpl"), "data");
        assert_eq!(words("MaxParallel"), "max_parallel");
        assert_eq!(words("MemoryMB"), "memory_mb");
        assert_eq!(field("Config", "args[0]"), "args[0]");
    }
}
