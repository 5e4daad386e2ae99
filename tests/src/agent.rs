//! A real agent on free ports.

use crate::drover;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How often an agent is started before there are no free ports.
const MAX_STARTS: usize = 3;

/// How an agent is started.
#[derive(Clone, Debug, Default)]
pub struct AgentOptions {
    /// Keep state in the test's folder instead of running with `-dev`.
    pub durable: bool,
    /// Start this binary instead of drover (the reference).
    pub binary: Option<PathBuf>,
    /// Keep state here instead of in the test's folder.
    pub data_dir: Option<PathBuf>,
    /// Settings of the configuration file beside those that every test has.
    pub config: Option<Value>,
}

/// A running agent; ended with its tasks when dropped.
pub struct Agent {
    folder: TempDir,
    options: AgentOptions,
    port: u16,
    process: Option<Child>,
}

impl Agent {
    /// Starts `drover agent -dev` and waits until its node is ready.
    pub fn dev() -> Self {
        Self::start(AgentOptions::default())
    }

    /// Starts an agent that keeps its state, so that it can be restarted.
    pub fn durable() -> Self {
        Self::start(AgentOptions { durable: true, ..AgentOptions::default() })
    }

    /// Starts an agent and waits until its node is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start(options: AgentOptions) -> Self {
        let mut agent = Self { folder: crate::files::folder(), options, port: 0, process: None };
        // Somebody else may take a port between the look and the start.
        for _ in 0..MAX_STARTS {
            agent.configure();
            match agent.try_start() {
                Ok(()) => return agent,
                Err(log) if log.contains("in use") => {}
                Err(log) => panic!("the agent ended: {log}"),
            }
        }
        panic!("no free ports: {}", agent.log());
    }

    /// Writes the configuration, with free ports.
    fn configure(&mut self) {
        let [port, rpc, serf] = free_ports();
        self.port = port;
        let mut config = json!({
            "ports": {"http": port, "rpc": rpc, "serf": serf}, "bind_addr": "127.0.0.1", "disable_update_check": true,
            "log_level": "DEBUG", "plugin": [{"raw_exec": [{"config": [{"enabled": true}]}]}],
        });
        if self.options.durable {
            let data_dir = self.options.data_dir.clone().unwrap_or_else(|| self.folder.path().join("data"));
            config["data_dir"] = json!(data_dir);
            config["server"] = json!({"enabled": true, "bootstrap_expect": 1});
            config["client"] = json!({"enabled": true, "network_interface": "lo"});
        }
        if let Some(Value::Object(more)) = &self.options.config {
            config.as_object_mut().expect("made as one above").extend(more.clone());
        }
        std::fs::write(self.folder.path().join("agent.json"), config.to_string()).expect("the folder is writable");
    }

    /// Starts the process again and waits until its node is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn restart(&mut self) {
        if let Err(log) = self.try_start() {
            panic!("the agent ended: {log}");
        }
    }

    fn try_start(&mut self) -> Result<(), String> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("the log opens");
        let errors = log.try_clone().expect("the log opens");
        let mut command = Command::new(self.options.binary.as_ref().unwrap_or_else(|| drover()));
        command.arg("agent");
        if !self.options.durable {
            command.arg("-dev");
        }
        command.arg("-config").arg(self.folder.path().join("agent.json"));
        command.stdin(Stdio::null()).stdout(log).stderr(errors).env_remove("AWS_CA_BUNDLE");
        // The agent in dev mode keeps its things there, and what is left of them must be found.
        command.env("TMPDIR", self.folder.path());
        let mut child = command.spawn().expect("the agent can be started");
        let outcome = crate::wait_for("a ready node", || {
            if child.try_wait().expect("a child can be waited for").is_some() {
                return Some(Err(self.log()));
            }
            let is_ready = self.try_get("/v1/nodes").is_some_and(|nodes| nodes[0]["Status"] == "ready");
            is_ready.then_some(Ok(()))
        });
        self.process = outcome.is_ok().then_some(child);
        outcome
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
    /// The test's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
    /// What the agent logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }
    fn log_path(&self) -> PathBuf {
        self.folder.path().join("agent.log")
    }
    /// The agent's process id.
    pub fn pid(&self) -> i32 {
        let child = self.process.as_ref().expect("the agent runs");
        i32::try_from(child.id()).expect("process ids are small")
    }

    /// kill -9, and waits for the end.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut child = self.process.take().expect("the agent runs");
        child.kill().expect("the agent can be killed");
        child.wait().expect("the agent can be waited for");
    }

    /// Sends a signal and waits for the end; the exit code, -1 when the signal ended it.
    ///
    /// # Panics
    /// When it does not run, or does not end in time.
    pub fn stop(&mut self, signal: Signal) -> i32 {
        kill(Pid::from_raw(self.pid()), signal).expect("the agent can be signalled");
        let mut child = self.process.take().expect("the agent runs");
        let ended = crate::wait_for("the agent's end", || child.try_wait().expect("a child can be waited for"));
        ended.code().unwrap_or(-1)
    }

    /// Runs `drover ARGS` against this agent.
    pub fn drover(&self, args: &[&str]) -> crate::Run {
        crate::run(&self.address(), args)
    }

    /// Registers a job as [`crate::jobs`] makes them.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn register(&self, submission: &Value) {
        self.put("/v1/jobs", submission);
    }

    /// Ids of the allocations of a job that are in a client status and wanted.
    pub fn allocations(&self, job: &str, status: &str) -> Vec<String> {
        let allocs = self.try_get(&format!("/v1/job/{job}/allocations")).unwrap_or(Value::Null);
        let allocs = allocs.as_array().cloned().unwrap_or_default();
        let is_wanted = |alloc: &&Value| alloc["ClientStatus"] == status && alloc["DesiredStatus"] == "run";
        allocs.iter().filter(is_wanted).filter_map(|alloc| alloc["ID"].as_str().map(str::to_owned)).collect()
    }

    /// Waits for an allocation of a job in a client status; its id.
    ///
    /// # Panics
    /// When there is none in time.
    #[track_caller]
    pub fn wait_alloc(&self, job: &str, status: &str) -> String {
        crate::wait_for(&format!("an allocation of {job} that is {status}"), || self.allocations(job, status).pop())
    }

    /// GET, as JSON.
    ///
    /// # Panics
    /// When the answer is not 200 with JSON.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.request("GET", path, None)
    }
    /// GET; `None` when it does not work.
    pub fn try_get(&self, path: &str) -> Option<Value> {
        ureq::get(format!("{}{path}", self.address())).call().ok()?.body_mut().read_json().ok()
    }
    /// PUT with a JSON body.
    ///
    /// # Panics
    /// When the answer is not 200.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.request("PUT", path, Some(body))
    }
    /// DELETE.
    ///
    /// # Panics
    /// When the answer is not 200.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Value {
        self.request("DELETE", path, None)
    }

    #[track_caller]
    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.address());
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build()
            .into();
        let answer = match (method, body) {
            ("PUT", Some(body)) => agent.put(&url).send_json(body),
            ("DELETE", _) => agent.delete(&url).call(),
            _ => agent.get(&url).call(),
        };
        let mut answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}\n{}", self.log()));
        let text = answer.body_mut().read_to_string().expect("the answer is text");
        assert_eq!(answer.status(), 200, "{method} {path}: {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("the answer is JSON") }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
        crate::processes::sweep(self.folder.path());
    }
}

impl Agent {
    fn end(&mut self) {
        if self.process.is_none() {
            return;
        }
        self.purge_jobs();
        let mut child = self.process.take().expect("checked above");
        let pid = i32::try_from(child.id()).expect("process ids are small");
        // The process may have ended by itself.
        let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        for _ in 0..400 {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Ends all tasks, so that nothing outlives the test.
    fn purge_jobs(&self) {
        let Some(Value::Array(jobs)) = self.try_get("/v1/jobs") else { return };
        for id in jobs.iter().filter_map(|job| job["ID"].as_str()) {
            // What cannot be purged is ended with the agent in dev mode.
            let _ = ureq::delete(format!("{}/v1/job/{id}", self.address())).call();
        }
        for _ in 0..400 {
            let Some(Value::Array(allocs)) = self.try_get("/v1/allocations") else { return };
            if !allocs.iter().any(|alloc| matches!(alloc["ClientStatus"].as_str(), Some("running" | "pending"))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }
}

/// Ports of loopback that nothing listens on now.
///
/// # Panics
/// When there are none.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    std::array::from_fn(|i| listeners[i].local_addr().expect("a bound port").port())
}
