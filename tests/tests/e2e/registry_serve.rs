//! `registry serve`: what was published stays, whatever happens to the server.

use drover_registry::Digest;
use drover_registry::archive::{Limits, MediaType, PackedArchive, pack};
use drover_tests::{Agent, drover, files, free_ports, run_in, wait_for};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A registry server; ended when dropped.
pub struct Registry {
    process: Child,
    /// Where it answers.
    pub url: String,
}

impl Registry {
    /// Starts one that keeps everything in `storage`.
    pub fn start(storage: &Path) -> Self {
        let mut process = Command::new(drover())
            .args(["registry", "serve", "-listen", "127.0.0.1:0", "-log-level", "ERROR", "-storage"])
            .arg(storage)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect(&line).to_owned();
        Self { process, url }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A token for the registry in `store` of a folder.
pub fn token(folder: &Path) -> String {
    let made = run_in(
        folder,
        &[],
        &["registry", "token", "create", "-storage", "store", "-subject", "me", "-grant", "*:publish"],
    );
    made.expect_code(0).stdout.trim().to_owned()
}

fn built(version: &str) -> PackedArchive {
    let folder = files::folder();
    files::write(folder.path(), "metadata.hcl", &format!("pack {{\n  name = \"web\"\n  version = \"{version}\"\n}}\n"));
    let job = "job \"web\" {\n  group \"g\" {\n    count = {{ count }}\n  }\n}\n";
    files::write(folder.path(), "templates/web.nomad.hcl.tera", job);
    files::write(folder.path(), "variables.hcl", "variable \"count\" {\n  type = number\n  default = 3\n}\n");
    pack(folder.path(), MediaType::TarGzip, &Limits::default()).unwrap()
}

/// The status of a publish; none when the server is gone.
fn publish(url: &str, token: &str, version: &str, archive: &PackedArchive) -> Option<u16> {
    let answer = ureq::put(&format!("{url}/v1/packs/shop/web/versions/{version}"))
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .header("authorization", &format!("Bearer {token}"))
        .header("content-type", archive.media_type.as_str())
        .header("drover-digest", &archive.digest.to_string())
        .send(&archive.bytes[..]);
    answer.ok().map(|answer| answer.status().as_u16())
}

fn json(url: &str) -> Option<Value> {
    ureq::get(url).call().ok()?.body_mut().read_json().ok()
}

fn download(url: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    ureq::get(url).call().unwrap().into_body().into_reader().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_server_that_is_killed_while_publishing_leaves_nothing_broken() {
    let folder = files::folder();
    let store = folder.path().join("store");
    let token = token(folder.path());
    let next = AtomicU32::new(0);
    let accepted: Mutex<BTreeMap<String, Digest>> = Mutex::default();
    for round in 0..5 {
        let server = Registry::start(&store);
        let url = server.url.clone();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let version = format!("1.{}.0", next.fetch_add(1, Ordering::Relaxed));
                        let archive = built(&version);
                        match publish(&url, &token, &version, &archive) {
                            Some(status) => {
                                assert_eq!(status, 201, "{version}");
                                accepted.lock().unwrap().insert(version, archive.digest);
                            }
                            None => break,
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(300 + 170 * round));
            server.kill();
        });
        let server = Registry::start(&store);
        let detail = json(&format!("{}/v1/packs/shop/web", server.url)).unwrap();
        let listed: BTreeMap<String, String> = detail["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| (version["version"].as_str().unwrap().into(), version["digest"].as_str().unwrap().into()))
            .collect();
        for (version, digest) in accepted.lock().unwrap().iter() {
            assert_eq!(listed.get(version), Some(&digest.to_string()), "{version} was accepted");
        }
        for (version, digest) in &listed {
            let bytes = download(&format!("{}/v1/packs/shop/web/versions/{version}/archive", server.url));
            assert_eq!(Digest::of(&bytes).to_string(), *digest, "{version}");
        }
    }
    assert!(accepted.lock().unwrap().len() > 5, "too few were published for the test to say anything");
}

#[test]
fn a_pack_is_rendered_for_its_page_and_a_hostile_one_does_no_harm() {
    let folder = files::folder();
    let token = token(folder.path());
    let server = Registry::start(&folder.path().join("store"));
    let good = built("1.0.0");
    assert_eq!(publish(&server.url, &token, "1.0.0", &good), Some(201));
    let example = format!("{}/v1/packs/shop/web/versions/1.0.0/example", server.url);
    let text = String::from_utf8(download(&example)).unwrap();
    assert!(text.contains("count = 3"), "{text}");
    let hostile = files::folder();
    files::write(hostile.path(), "metadata.hcl", "pack {\n  name = \"web\"\n  version = \"2.0.0\"\n}\n");
    let endless = "{% for a in range(end=99999) %}{% for b in range(end=99999) %}{{ a * b }}{% endfor %}{% endfor %}";
    files::write(hostile.path(), "templates/web.nomad.hcl.tera", endless);
    let hostile = pack(hostile.path(), MediaType::TarGzip, &Limits::default()).unwrap();
    assert_eq!(publish(&server.url, &token, "2.0.0", &hostile), Some(201), "it is a pack, if a bad one");
    let answer = ureq::get(&format!("{}/v1/packs/shop/web/versions/2.0.0/example", server.url))
        .config()
        .http_status_as_error(false)
        .build()
        .call()
        .unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    assert!(json(&format!("{}/v1/packs/shop/web", server.url)).is_some(), "the server goes on");
}

#[test]
fn tokens_are_made_listed_and_ended_beside_a_running_server() {
    let folder = files::folder();
    let store = folder.path().join("store");
    let server = Registry::start(&store);
    let token = token(folder.path());
    assert_eq!(publish(&server.url, &token, "1.0.0", &built("1.0.0")), Some(201));
    let listed = run_in(folder.path(), &[], &["registry", "token", "list", "-storage", "store"]).expect_code(0);
    assert!(listed.stdout.contains("*:publish") && !listed.stdout.contains(&token), "{}", listed.stdout);
    let id = token.split('_').nth(1).unwrap();
    run_in(folder.path(), &[], &["registry", "token", "revoke", "-storage", "store", id]).expect_code(0);
    wait_for("the token to end", || {
        (publish(&server.url, &token, "1.0.0", &built("1.0.0")) == Some(401)).then_some(())
    });
    run_in(folder.path(), &[], &["registry", "token", "list"]).expect_code(1).expect_text("-storage FOLDER");
    run_in(
        folder.path(),
        &[],
        &["registry", "token", "create", "-storage", "store", "-subject", "x", "-grant", "shop:own"],
    )
    .expect_code(1)
    .expect_text("there is no scope");
}

#[test]
fn the_example_runs_the_registry_as_a_job() {
    let agent = Agent::dev();
    let folder = files::folder();
    let example = files::copy_example("registry", folder.path());
    let [port] = free_ports();
    let address = agent.address();
    let (program, storage) = (drover().display().to_string(), folder.path().join("packs").display().to_string());
    let vars = [format!("program={program}"), format!("storage={storage}"), format!("port={port}")];
    let job = example.join("registry.nomad.hcl").display().to_string();
    let arguments = ["job", "run", "-detach", "-var", &vars[0], "-var", &vars[1], "-var", &vars[2], &job];
    run_in(folder.path(), &[("DROVER_ADDR", &address)], &arguments).expect_code(0);
    agent.wait_alloc("registry", "running");
    let info = wait_for("the registry to answer", || json(&format!("http://127.0.0.1:{port}/v1/")));
    assert_eq!(info["service"], "drover-registry");
}
