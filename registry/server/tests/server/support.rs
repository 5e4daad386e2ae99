//! A server, its tokens, and packs to publish.

use drover_registry::archive::{self, Limits, MediaType, PackedArchive};
use drover_registry::sign::SignatureDocument;
use drover_registry_server::access::{Grant, NewToken};
use drover_registry_server::{App, Config, Handle, Server};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A running server.
pub struct Running {
    pub url: String,
    pub app: Arc<App>,
    pub folder: TempDir,
    pub client: Client,
    handle: Handle,
}

impl Running {
    /// With settings that `change` may change.
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    /// On what is in a folder.
    pub async fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        // Another test may have been first.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config::in_folder(folder.path().join("store"));
        config.listen = ([127, 0, 0, 1], 0).into();
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let (url, app) = (format!("http://{}", server.address()), Arc::clone(server.app()));
        let (send, receive) = tokio::sync::oneshot::channel();
        tokio::spawn(server.run(|handle| drop(send.send(handle))));
        Self { url, app, folder, client: Client::new(), handle: receive.await.unwrap() }
    }

    /// A token that may do what the texts say, as `shop:publish`.
    pub async fn token(&self, grants: &[&str]) -> String {
        let grants: Vec<Grant> = grants.iter().map(|grant| grant.parse().unwrap()).collect();
        let new =
            NewToken { subject: "tester".into(), grants, ttl: None, created_by: "test".into(), from_login: false };
        self.app.tokens().create(new).await.unwrap().0
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// The JSON at a path.
    pub async fn json(&self, path: &str) -> Value {
        self.get(path).send().await.unwrap().json().await.unwrap()
    }

    /// A request that publishes a pack under its own name.
    pub fn publishing(&self, token: &str, team: &str, pack: &Built) -> RequestBuilder {
        self.client
            .put(format!("{}/v1/packs/{team}/{}/versions/{}", self.url, pack.name, pack.version))
            .bearer_auth(token)
            .header("content-type", pack.archive.media_type.as_str())
            .header("drover-digest", pack.archive.digest.to_string())
            .body(pack.archive.bytes.clone())
    }

    pub async fn publish(&self, token: &str, team: &str, pack: &Built) -> Response {
        self.publishing(token, team, pack).send().await.unwrap()
    }

    pub fn stop(&self) {
        self.handle.stop();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// A pack as an archive.
pub struct Built {
    pub name: String,
    pub version: String,
    pub archive: PackedArchive,
}

/// A small pack; `note` makes its content differ.
pub fn pack(name: &str, version: &str, note: &str) -> Built {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "metadata.hcl",
        &format!(
            "pack {{\n  name = \"{name}\"\n  description = \"Runs {name}, {note}\"\n  version = \"{version}\"\n}}\napp {{\n  url = \"https://example.com/{name}\"\n  author = \"Example\"\n}}\n"
        ),
    );
    write(
        "variables.hcl",
        "variable \"port\" {\n  type = number\n  default = 8080\n  description = \"Where it listens\"\n}\nvariable \"password\" {\n  type = string\n  default = \"hunter2\"\n  sensitive = true\n}\n",
    );
    write(
        "README.md",
        &format!("# {name}\n\nA *pack* for tests: {note}.\n\n<script>alert(1)</script>\n\n```hcl\nport = 1\n```\n"),
    );
    write("templates/web.nomad.hcl.tera", "job \"web\" {\n  group \"web\" {\n    count = 1\n  }\n}\n");
    let archive = archive::pack(folder.path(), MediaType::TarGzip, &Limits::default()).unwrap();
    Built { name: name.to_owned(), version: version.to_owned(), archive }
}

/// The header of a signature.
pub fn header(signature: &SignatureDocument) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(serde_json::to_vec(signature).unwrap())
}

/// The status and the code of a refusal.
pub async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    (status, body["error"]["code"].as_str().unwrap().to_owned())
}

/// Copies a folder while others write in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            // A file that is being written may be gone again.
            let _gone = std::fs::copy(&source, &target);
        }
    }
}

/// Waits until something holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, check: impl Fn() -> F) {
    for _ in 0..200 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} does not happen");
}
