//! Jobs that tests submit.

use serde_json::{Value, json};

/// A job file with one group of one raw_exec task that runs a shell script. `more` stands in the group.
pub fn shell(id: &str, kind: &str, script: &str, more: &str) -> String {
    let config = format!("command = \"/bin/sh\"\n        args = [\"-c\", {}]", Value::from(script));
    file(id, kind, "raw_exec", &config, more)
}

/// A job file with one group `g` of one task `t`. `more` stands in the group.
pub fn file(id: &str, kind: &str, driver: &str, config: &str, more: &str) -> String {
    format!(
        r#"job "{id}" {{
  type = "{kind}"
  group "g" {{
    {more}
    ephemeral_disk {{
      size = 10
    }}
    task "t" {{
      driver = "{driver}"
      config {{
        {config}
      }}
      kill_timeout = "1s"
      logs {{
        max_files     = 2
        max_file_size = 4
      }}
      resources {{
        cpu    = 20
        memory = 16
      }}
    }}
  }}
}}
"#
    )
}

/// A submission with one group `g` of one task `t`.
pub fn submission(id: &str, kind: &str, driver: &str, config: &Value) -> Value {
    json!({"Job": {"ID": id, "Name": id, "Type": kind, "Datacenters": ["dc1"], "TaskGroups": [{
        "Name": "g", "Count": 1, "EphemeralDisk": {"SizeMB": 10},
        "Tasks": [{"Name": "t", "Driver": driver, "Config": config, "KillTimeout": 1_000_000_000,
                   "LogConfig": {"MaxFiles": 2, "MaxFileSizeMB": 4},
                   "Resources": {"CPU": 20, "MemoryMB": 16}}],
    }]}})
}

/// As [`submission`], for a shell script under raw_exec.
pub fn script(id: &str, kind: &str, script: &str) -> Value {
    submission(id, kind, "raw_exec", &json!({"command": "/bin/sh", "args": ["-c", script]}))
}
