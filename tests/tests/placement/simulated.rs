//! Drover's side: its server and its HTTP API, with nodes that pretend.

use crate::engine::Engine;
use crate::fake_node::FakeNode;
use drover_api::{AgentInfo, ApiState, Limits, LogLines, serve};
use drover_model::{Nanos, Node};
use drover_server::{HeartbeatConfig, Server, ServerConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) struct Simulated {
    runtime: Runtime,
    server: Server,
    address: SocketAddr,
    nodes: Mutex<BTreeMap<String, FakeNode>>,
    /// How a node describes itself, by name.
    descriptions: BTreeMap<String, Node>,
}

impl Simulated {
    /// A cluster of nodes that describe themselves so.
    pub(crate) fn start(nodes: Vec<Value>) -> Self {
        let runtime = Runtime::new().unwrap();
        let heartbeat =
            HeartbeatConfig { min_ttl: Nanos::from_secs(1), grace: Nanos::from_secs(1), ..HeartbeatConfig::default() };
        let descriptions: BTreeMap<String, Node> = nodes
            .into_iter()
            .map(|node| {
                let mut node: Node = serde_json::from_value(node).unwrap();
                node.secret_id = drover_base::uuid::random();
                (node.name.clone(), node)
            })
            .collect();
        let (server, address, running) = runtime.block_on(async {
            let server = Server::open(ServerConfig { heartbeat, ..ServerConfig::default() }).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let agent = AgentInfo {
                name: "drover".to_owned(),
                region: "global".to_owned(),
                datacenter: "dc1".to_owned(),
                server_id: "drover".to_owned(),
                http_addr: address,
                rpc_addr: address,
                serf_addr: address,
                version: "2.0.5".to_owned(),
                is_server: true,
                config: json!({}),
            };
            let state = ApiState::new(server.clone(), None, agent, Limits::default(), LogLines::new());
            serve(listener, state);
            let mut running = BTreeMap::new();
            for node in descriptions.values() {
                running.insert(node.name.clone(), FakeNode::join(&server, node.clone()).await);
            }
            (server, address, running)
        });
        Self { runtime, server, address, nodes: Mutex::new(running), descriptions }
    }
}

impl Engine for Simulated {
    fn name(&self) -> &'static str {
        "drover"
    }
    fn address(&self) -> String {
        format!("http://{}", self.address)
    }
    fn kill(&self, node: &str) {
        self.nodes.lock().unwrap().remove(node);
        drover_tests::eventually("a node that is away", || {
            self.nodes().iter().any(|found| found["Name"] == node && found["Status"] != "ready")
        });
    }
    fn revive(&self, node: &str) {
        let description = self.descriptions[node].clone();
        let joined = self.runtime.block_on(FakeNode::join(&self.server, description));
        self.nodes.lock().unwrap().insert(node.to_owned(), joined);
    }
    fn quiet(&self) -> Duration {
        Duration::from_millis(700)
    }
}
