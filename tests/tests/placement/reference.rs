//! The reference: one server and a client agent per node, on loopback.

use crate::engine::Engine;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

/// A node of the comparison.
pub(crate) struct NodeSpec {
    pub(crate) name: &'static str,
    class: &'static str,
    pool: &'static str,
    datacenter: &'static str,
    rack: &'static str,
    cpu: i64,
    memory: i64,
    gold: bool,
}

/// The nodes: of different sizes, racks and datacenters.
pub(crate) const NODES: &[NodeSpec] = &[
    node("a1", "alpha", "default", "dc1", "r1", 4000, 4096, true),
    node("a2", "alpha", "default", "dc1", "r2", 4000, 4096, false),
    node("b1", "beta", "default", "dc1", "r1", 2000, 2048, false),
    node("b2", "beta", "default", "dc2", "r2", 2000, 2048, false),
    node("c1", "gamma", "default", "dc2", "r3", 8000, 8192, true),
    node("p1", "pooled", "special", "dc1", "r1", 4000, 4096, false),
];

#[expect(clippy::too_many_arguments, reason = "a table")]
const fn node(
    name: &'static str,
    class: &'static str,
    pool: &'static str,
    datacenter: &'static str,
    rack: &'static str,
    cpu: i64,
    memory: i64,
    gold: bool,
) -> NodeSpec {
    NodeSpec { name, class, pool, datacenter, rack, cpu, memory, gold }
}

pub(crate) struct Reference {
    folder: TempDir,
    binary: std::path::PathBuf,
    http: u16,
    agents: Mutex<BTreeMap<String, Child>>,
}

impl Reference {
    pub(crate) fn start(binary: &Path) -> Self {
        let [http, rpc, serf] = drover_tests::free_ports();
        let this = Self {
            folder: drover_tests::files::folder(),
            binary: binary.to_path_buf(),
            http,
            agents: Mutex::default(),
        };
        this.configure(
            "server",
            [http, rpc, serf],
            &json!({"server": {
                "enabled": true, "bootstrap_expect": 1, "heartbeat_grace": "1s", "min_heartbeat_ttl": "1s",
            }}),
        );
        for spec in NODES {
            let mut meta = json!({"rack": spec.rack, "size": spec.cpu.to_string()});
            if spec.gold {
                meta["gold"] = json!("yes");
            }
            let client = json!({
                "enabled": true, "servers": [format!("127.0.0.1:{rpc}")], "node_class": spec.class,
                "node_pool": spec.pool, "cpu_total_compute": spec.cpu, "memory_total_mb": spec.memory,
                "disk_total_mb": 20_000, "meta": meta, "reserved": {"reserved_ports": "22"}, "gc_max_allocs": 500,
                "options": {
                    "fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean,cni,bridge,vault,consul",
                    "driver.allowlist": "mock_driver",
                },
            });
            this.configure(
                spec.name,
                drover_tests::free_ports(),
                &json!({"client": client, "datacenter": spec.datacenter}),
            );
        }
        this.spawn("server");
        drover_tests::eventually("a leader", || this.try_get("/v1/status/leader").is_some_and(|l| l != json!("")));
        NODES.iter().for_each(|spec| this.spawn(spec.name));
        this.wait_ready(NODES.len());
        this
    }

    fn configure(&self, name: &str, [http, rpc, serf]: [u16; 3], more: &Value) {
        let mut config = json!({
            "name": name, "bind_addr": "127.0.0.1", "data_dir": self.folder.path().join(name), "log_level": "WARN",
            "advertise": {"http": "127.0.0.1", "rpc": "127.0.0.1", "serf": "127.0.0.1"},
            "ports": {"http": http, "rpc": rpc, "serf": serf}, "disable_update_check": true,
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        std::fs::write(self.folder.path().join(format!("{name}.json")), config.to_string()).unwrap();
    }

    fn spawn(&self, name: &str) {
        let log =
            std::fs::File::options().create(true).append(true).open(self.folder.path().join(format!("{name}.log")));
        let log = log.unwrap();
        let mut command = Command::new(&self.binary);
        command.arg("agent").arg("-config").arg(self.folder.path().join(format!("{name}.json")));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).env_remove("AWS_CA_BUNDLE");
        self.agents.lock().unwrap().insert(name.to_owned(), command.spawn().unwrap());
    }

    fn wait_ready(&self, count: usize) {
        drover_tests::eventually("all clients of the reference", || {
            let nodes = self.try_get("/v1/nodes");
            let ready =
                nodes.and_then(|nodes| Some(nodes.as_array()?.iter().filter(|n| n["Status"] == "ready").count()));
            ready == Some(count)
        });
    }

    fn try_get(&self, path: &str) -> Option<Value> {
        ureq::get(format!("{}{path}", self.address())).call().ok()?.body_mut().read_json().ok()
    }

    /// What the clients say of themselves.
    pub(crate) fn describe_nodes(&self) -> Vec<Value> {
        let ids = self.nodes().into_iter().map(|node| node["ID"].as_str().unwrap().to_owned());
        ids.map(|id| self.get(&format!("/v1/node/{id}"))).collect()
    }
}

impl Engine for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }
    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }
    fn kill(&self, node: &str) {
        let mut child = self.agents.lock().unwrap().remove(node).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drover_tests::eventually("a node that is away", || {
            self.nodes().iter().any(|found| found["Name"] == node && found["Status"] != "ready")
        });
    }
    fn revive(&self, node: &str) {
        self.spawn(node);
        self.wait_ready(NODES.len());
    }
    fn quiet(&self) -> Duration {
        Duration::from_millis(1200)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let agents = std::mem::take(&mut *self.agents.lock().unwrap());
        for (_, mut child) in agents {
            let _ = child.kill();
            let _ = child.wait();
        }
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        let inside = |line: &&str| line.contains(&*self.folder.path().to_string_lossy());
        for line in mounts.lines().filter(inside) {
            if let Some(path) = line.split(' ').nth(1) {
                let _ = Command::new("umount").arg("-l").arg(path).status();
            }
        }
    }
}
