//! An API on a free port, over a server that keeps everything in memory.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use drover_api::{AgentInfo, ApiState, Limits, LogLines, ServeHandle, serve};
use drover_server::{Server, ServerConfig};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

pub struct Api {
    pub server: Server,
    base: String,
    client: reqwest::Client,
    handle: Option<ServeHandle>,
}

/// An answer: status, headers and body.
pub struct Answer {
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
    pub fn index(&self) -> u64 {
        self.header("x-nomad-index").unwrap().parse().unwrap()
    }
}

impl Api {
    pub async fn start() -> Self {
        let server = Server::open(ServerConfig::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http_addr = listener.local_addr().unwrap();
        let agent = AgentInfo {
            name: "node-1".to_owned(),
            region: "global".to_owned(),
            datacenter: "dc1".to_owned(),
            server_id: "server".to_owned(),
            http_addr,
            rpc_addr: http_addr,
            serf_addr: http_addr,
            version: "2.0.5".to_owned(),
            is_server: true,
            config: json!({}),
        };
        let limits = Limits { max_body_bytes: 64 * 1024, max_connections_per_client: 8, ..Limits::default() };
        let handle = serve(listener, ApiState::new(server.clone(), None, agent, limits, LogLines::new()));
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { server, base: format!("http://{http_addr}"), client, handle: Some(handle) }
    }

    /// Address and port.
    pub fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.timeout(Duration::from_secs(30)).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PUT", path).body(body.to_string())).await
    }

    pub async fn register(&self, id: &str) -> Answer {
        self.put("/v1/jobs", json!({"Job": job(id)})).await
    }

    pub async fn stop(mut self) {
        self.handle.take().unwrap().shutdown().await.unwrap();
        self.server.shutdown().await;
    }
}

pub fn job(id: &str) -> Value {
    json!({"ID": id, "Name": id, "Type": "service", "Datacenters": ["dc1"], "Meta": {"owner": "team-a"}, "TaskGroups": [{
        "Name": "main", "Count": 1,
        "Tasks": [{"Name": "sleep", "Driver": "raw_exec", "Config": {"command": "/bin/sleep", "args": ["600"]}}],
    }]})
}
