//! Servers for tests: started on free ports, stopped at the end.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use drover_registry::client::{ClientContext, Credentials, NetworkOptions};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A folder for everything of a test.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn context(&self) -> ClientContext {
        ClientContext {
            network: NetworkOptions { user_agent: "drover/test".to_owned(), ..NetworkOptions::default() },
            credentials: Arc::new(Credentials::default()),
            git_cache: self.path().join("git-cache"),
        }
    }
}

/// Debian's registry of images.
pub struct DockerRegistry {
    pub address: String,
    child: Child,
}

impl DockerRegistry {
    pub fn start(home: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let config = home.join("registry.yml");
        let images = home.join("images");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            images.display()
        );
        fs::write(&config, text).unwrap();
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            eprintln!("skipped: docker-registry is not installed (.ci/setup installs it)");
            return None;
        };
        let server = Self { address, child };
        wait_for(&server.address);
        Some(server)
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(address: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < until, "{address} does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn walk_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if entry.path().is_dir() {
            found.extend(walk_files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// `git http-backend` behind a server that knows just enough of CGI.
pub struct GitServer {
    pub address: String,
}

impl GitServer {
    /// An empty bare repository; none without git.
    pub fn repository(home: &Path) -> Option<PathBuf> {
        let path = home.join("packs.git");
        let made = Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(&path).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: git is not installed");
            return None;
        }
        for setting in ["http.receivepack", "uploadpack.allowReachableSHA1InWant"] {
            assert!(
                Command::new("git").arg("-C").arg(&path).args(["config", setting, "true"]).status().unwrap().success()
            );
        }
        Some(path)
    }

    /// Commits a folder and pushes it, without tags.
    pub fn commit(work: &Path, repository: &Path, message: &str) {
        let script = "git init -q -b main . && git add -A && git -c user.name=t -c user.email=t@t commit -q -m \"$0\" && git push -q \"$1\" main";
        let status =
            Command::new("sh").args(["-c", script, message]).arg(repository).current_dir(work).status().unwrap();
        assert!(status.success());
    }

    pub fn start(repository: &Path) -> Option<Self> {
        let backend = Command::new("git").arg("--exec-path").output().ok()?;
        let backend = PathBuf::from(String::from_utf8(backend.stdout).ok()?.trim()).join("git-http-backend");
        if !backend.is_file() {
            eprintln!("skipped: there is no git http-backend");
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let root = repository.parent().unwrap().to_owned();
        // The thread ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (backend, root) = (backend.clone(), root.clone());
                std::thread::spawn(move || serve(stream, &backend, &root));
            }
        });
        Some(Self { address })
    }
}

fn serve(stream: TcpStream, backend: &Path, root: &Path) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (method, target) = line.split_once(' ')?;
    let target = target.split(' ').next()?.to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut command = Command::new(backend);
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "transfer-encoding" => chunked = true,
            "content-type" => drop(command.env("CONTENT_TYPE", value)),
            "content-encoding" => drop(command.env("HTTP_CONTENT_ENCODING", value)),
            "git-protocol" => drop(command.env("GIT_PROTOCOL", value)),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
    }
    let mut child = command
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let feeder = std::thread::spawn(move || input.write_all(&body));
    let mut output = Vec::new();
    child.stdout.take()?.read_to_end(&mut output).ok()?;
    let _ = feeder.join();
    let _ = child.wait();
    let split = output.windows(4).position(|window| window == b"\r\n\r\n")?;
    let headers = String::from_utf8_lossy(&output[..split]).into_owned();
    let status = headers.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        output.len() - split - 4
    )
    .ok()?;
    stream.write_all(&output[split + 4..]).ok()
}
