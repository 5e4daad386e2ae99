//! A real OpenBao server in its development mode, and a broker that it makes users of.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drover_secrets::providers::{Credentials, VaultDefaults, VaultProvider};
use drover_secrets::{Provider, ProviderError, ProviderSettings, Secret, SecretData, Taint};
use serde_json::{Value, json};

pub const ROOT: &str = "root-token-of-tests";

/// Where the binary is: `BAO_BIN`, else where peers are kept.
fn binary() -> Option<PathBuf> {
    let path = match std::env::var_os("BAO_BIN") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/drover-peers/bao"),
    };
    path.is_file().then_some(path)
}

pub struct Server {
    child: Child,
    pub address: String,
    pub folder: tempfile::TempDir,
    binary: PathBuf,
}

impl Server {
    /// None, with a word about it, where the binary is absent.
    pub fn start(tls: bool) -> Option<Self> {
        let Some(binary) = binary() else {
            eprintln!("skipped: there is no bao binary (BAO_BIN, ~/.cache/drover-peers/bao)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&binary);
        command.args(["server", "-dev", "-dev-no-store-token"]);
        command.args([format!("-dev-listen-address=127.0.0.1:{port}"), format!("-dev-root-token-id={ROOT}")]);
        if tls {
            command.args(["-dev-tls".to_owned(), format!("-dev-tls-cert-dir={}", folder.path().display())]);
        }
        command.env("HOME", folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        let child = command.spawn().unwrap();
        let scheme = if tls { "https" } else { "http" };
        let server = Self { child, address: format!("{scheme}://127.0.0.1:{port}"), folder, binary };
        let end = Instant::now() + Duration::from_secs(30);
        while server.command(&["status"]).is_none() {
            assert!(Instant::now() < end, "bao did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(server)
    }

    /// Runs the server's own command line as root; its output, none when it fails.
    pub fn command(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env("BAO_ADDR", &self.address).env("BAO_TOKEN", ROOT);
        command.env("HOME", self.folder.path()).env("NO_PROXY", "127.0.0.1");
        if self.address.starts_with("https") {
            command.env("BAO_CACERT", self.folder.path().join(CA));
        }
        let output = command.output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Writes as root; plain servers only.
    pub fn write(&self, path: &str, body: &Value) -> Value {
        self.request(path, Some(body)).unwrap_or_else(|| panic!("writing {path}"))
    }

    /// A request as root: writes when there is a body. None for an error.
    pub fn request(&self, path: &str, body: Option<&Value>) -> Option<Value> {
        let agent = ureq::Agent::new_with_defaults();
        let url = format!("{}/v1/{path}", self.address);
        let answer = match body {
            Some(body) => agent.post(&url).header("X-Vault-Token", ROOT).send_json(body),
            None => agent.get(&url).header("X-Vault-Token", ROOT).call(),
        };
        let mut answer = answer.ok()?;
        Some(answer.body_mut().read_json().unwrap_or(Value::Null))
    }

    /// A token that may do what `policy` says.
    pub fn token(&self, policy: &str) -> String {
        self.write("sys/policies/acl/tests", &json!({"policy": policy}));
        let made = self.write("auth/token/create", &json!({"policies": ["tests"], "ttl": "1h"}));
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The authority of a server with TLS.
pub const CA: &str = "vault-ca.pem";

/// A provider of this server as root, unless `options` say otherwise.
pub fn provider(address: &str, options: Value, secrets: &[(&str, &str)]) -> (VaultProvider, Taint) {
    let Value::Object(mut options) = options else { panic!("an object") };
    options.entry("address").or_insert_with(|| address.into());
    let settings = ProviderSettings { options, ..ProviderSettings::of("vault") };
    let known: Vec<(String, String)> = secrets.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let credentials = Credentials::new(move |reference| {
        let found = known.iter().find(|(name, _)| *name == reference.path());
        found.map(|(_, value)| Secret::from(value.as_str())).ok_or_else(|| format!("{reference} is not set"))
    });
    let defaults = VaultDefaults { token: Some(Secret::from(ROOT)), ..VaultDefaults::default() };
    let taint = Taint::default();
    (VaultProvider::new(&settings, &defaults, credentials, taint.clone()).unwrap(), taint)
}

/// One field, by a whole reference.
pub fn field(provider: &VaultProvider, reference: &str) -> Result<String, ProviderError> {
    let reference = reference.parse().unwrap();
    match provider.read(&reference)? {
        SecretData::Fields(fields) => Ok(fields[reference.field().unwrap()].expose().clone()),
        other => panic!("{other:?}"),
    }
}

/// What a server of messages answers when users are made and removed: enough for leases of real users.
pub struct Broker {
    pub address: String,
    pub users: Arc<Mutex<BTreeSet<String>>>,
}

impl Broker {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let users: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let known = Arc::clone(&users);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &known);
            }
        });
        Self { address, users }
    }
}

fn serve(mut stream: TcpStream, users: &Mutex<BTreeSet<String>>) {
    let head = read_request(&mut stream);
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if let Some(user) = path.strip_prefix("/api/users/") {
        match method {
            "PUT" => drop(users.lock().unwrap().insert(user.to_owned())),
            "DELETE" => drop(users.lock().unwrap().remove(user)),
            _ => {}
        }
    }
    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

/// Reads a request whole; answers its first line.
fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap_or(0);
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return String::new();
            }
            continue;
        };
        let wanted = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= wanted.unwrap_or(0) {
            return head.lines().next().unwrap_or_default().to_owned();
        }
    }
}

/// A server that answers every request with `answer` after `pause`, and counts them.
pub struct Stub {
    pub address: String,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub fn start(pause: Duration, answer: impl Fn(usize) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let line = read_request(&mut stream);
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(line);
                    seen.len()
                };
                std::thread::sleep(pause);
                let _ = stream.write_all(answer(number).as_bytes());
            }
        });
        Self { address, requests }
    }

    pub fn reply(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }
}
