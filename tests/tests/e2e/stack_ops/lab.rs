//! A folder, an engine and a name that no other scenario has.

use drover_tests::{Agent, Run, files, run_in};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// Where one scenario works.
pub struct Lab<'a> {
    pub agent: &'a Agent,
    pub folder: TempDir,
    /// The stack's name, and the beginning of everything that it makes.
    pub name: String,
}

impl<'a> Lab<'a> {
    pub fn new(agent: &'a Agent, name: &str) -> Self {
        Self { agent, folder: files::folder(), name: name.to_owned() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the stack's file; `NAME` stands for the lab's name.
    pub fn stack(&self, blocks: &str) {
        let text = format!("stack \"NAME\" {{}}\n{blocks}").replace("NAME", &self.name);
        files::write(self.path(), "s/s.drover.hcl", &text);
    }

    /// Writes a job file; its job is called `NAME-id` and runs a shell script with `V=value`.
    pub fn job(&self, id: &str, value: &str, script: &str) {
        files::write(self.path(), &format!("s/{id}.nomad.hcl"), &job(&self.name, id, value, script));
    }

    /// As [`Self::job`], of a job whose task cannot be started at all.
    pub fn broken_job(&self, id: &str, value: &str) {
        self.job(id, value, "exit 3");
        files::edit(&self.path().join(format!("s/{id}.nomad.hcl")), "\"/bin/sh\"", "\"/nothing/there\"");
    }

    /// A stack of jobs that run for long, each after the one before it.
    pub fn chain(&self, jobs: &[(&str, &str)]) {
        let mut blocks = String::new();
        for (place, (id, value)) in jobs.iter().enumerate() {
            self.job(id, value, "exec sleep 600");
            let after = place.checked_sub(1).map(|before| format!("depends_on = [job.{}]", jobs[before].0));
            blocks.push_str(&block(id, &after.unwrap_or_default()));
        }
        self.stack(&blocks);
    }

    pub fn drover(&self, args: &[&str]) -> Run {
        self.drover_at(&self.agent.address(), args)
    }

    pub fn drover_at(&self, address: &str, args: &[&str]) -> Run {
        run_in(self.path(), &[("DROVER_ADDR", address)], args)
    }

    pub fn apply(&self, more: &[&str]) -> Run {
        self.drover(&[&["apply", "-auto-approve"], more, &["s"]].concat())
    }

    pub fn plan_code(&self) -> i32 {
        self.drover(&["plan", "-detailed-exitcode", "s"]).code
    }

    /// The job `NAME-id`.
    pub fn live(&self, id: &str) -> Option<Value> {
        self.agent.try_get(&format!("/v1/job/{}-{id}", self.name))
    }

    /// What the engine holds of the lab, without what differs from run to run.
    pub fn state(&self) -> Value {
        let list = self.agent.get(&format!("/v1/jobs?prefix={}-", self.name));
        let mut jobs = serde_json::Map::new();
        for id in list.as_array().unwrap().iter().filter_map(|job| job["ID"].as_str()) {
            let job = self.agent.get(&format!("/v1/job/{id}"));
            let group = &job["TaskGroups"][0];
            self.settle(id, &job);
            let what = json!({
                "stopped": job["Stop"], "v": group["Tasks"][0]["Env"]["V"], "count": group["Count"],
                "owner": job["Meta"]["drover.stack"], "resource": job["Meta"]["drover.resource"],
                "running": self.agent.allocations(id, "running").len(),
            });
            jobs.insert(id.to_owned(), what);
        }
        let mut variables = serde_json::Map::new();
        for stub in self.agent.get(&format!("/v1/vars?prefix={}/", self.name)).as_array().unwrap() {
            let path = stub["Path"].as_str().unwrap();
            variables.insert(path.to_owned(), self.agent.get(&format!("/v1/var/{path}"))["Items"].clone());
        }
        let is_locked = self.agent.try_get(&format!("/v1/var/drover/stacks/{}/lock", self.name)).is_some();
        json!({"jobs": jobs, "variables": variables, "locked": is_locked, "history": self.history()})
    }

    /// Waits for a while until as much of a job runs as it asks for; some jobs never get there.
    fn settle(&self, id: &str, job: &Value) {
        let wanted = if job["Stop"] == true { 0 } else { job["TaskGroups"][0]["Count"].as_u64().unwrap_or(0) };
        for _ in 0..200 {
            if self.agent.allocations(id, "running").len() as u64 == wanted {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
    }

    /// The releases: number, result, and what it did.
    pub fn history(&self) -> Value {
        let run = self.drover(&["history", "-json", &self.name]);
        if run.code != 0 {
            return Value::Null;
        }
        let releases = run.json()["history"].as_array().unwrap().clone();
        let short = |release: Value| {
            let sorted = |key: &str| {
                let mut list = release[key].as_array().cloned().unwrap_or_default();
                list.sort_by_key(ToString::to_string);
                Value::Array(list)
            };
            json!([
                release["number"],
                release["status"],
                release["is_kept"],
                sorted("created"),
                sorted("updated"),
                sorted("deleted"),
                sorted("not_done"),
                sorted("reverted"),
            ])
        };
        releases.into_iter().map(short).collect()
    }
}

/// A stack's block for the job file of that name.
pub fn block(id: &str, more: &str) -> String {
    format!("job \"{id}\" {{\n  file = \"{id}.nomad.hcl\"\n  wait = \"running\"\n  timeout = \"20s\"\n  {more}\n}}\n")
}

fn job(name: &str, id: &str, value: &str, script: &str) -> String {
    format!(
        r#"job "{name}-{id}" {{
  group "g" {{
    count = 1
    update {{
      min_healthy_time  = "0s"
      healthy_deadline  = "3s"
      progress_deadline = "4s"
    }}
    restart {{
      attempts = 0
      mode     = "fail"
    }}
    reschedule {{
      attempts  = 0
      unlimited = false
    }}
    ephemeral_disk {{
      size = 10
    }}
    task "t" {{
      driver = "raw_exec"
      config {{
        command = "/bin/sh"
        args    = ["-c", {script}]
      }}
      env {{
        V = "{value}"
      }}
      kill_timeout = "1s"
      logs {{
        max_files     = 1
        max_file_size = 1
      }}
      resources {{
        cpu    = 10
        memory = 10
      }}
    }}
  }}
}}
"#,
        script = Value::from(script)
    )
}
