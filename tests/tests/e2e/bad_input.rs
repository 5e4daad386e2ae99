//! What people get wrong, and what the machine refuses: each a clear error that names the place or the thing,
//! with the exit code that is documented, and nothing half-written.

use drover_tests::{Agent, AgentOptions, Run, drover, eventually, files, free_ports, is_root, jobs, run_in};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const STACK: &str =
    "stack \"s\" {}\njob \"a\" {\n  file = \"a.nomad.hcl\"\n}\njob \"b\" {\n  file = \"b.nomad.hcl\"\n}\n";

/// Fails unless nothing was written to the engine.
#[track_caller]
fn untouched(agent: &Agent) {
    for path in ["/v1/jobs", "/v1/vars", "/v1/evaluations"] {
        assert_eq!(agent.get(path), json!([]), "nothing is written to {path}");
    }
}

#[test]
fn mistakes_in_job_files_are_shown_with_their_place() {
    let agent = Agent::dev();
    let folder = files::folder();
    let good = jobs::shell("a", "batch", "true", "");
    let check = |old: &str, new: &str, expected: &[&str]| {
        assert!(good.contains(old), "{old:?} is in the job");
        files::write(folder.path(), "a.nomad.hcl", &good.replacen(old, new, 1));
        for (command, code) in [
            (vec!["job", "run"], 1),
            (vec!["job", "validate"], 1),
            (vec!["job", "plan"], 255),
            (vec!["apply", "-auto-approve"], 1),
        ] {
            let args: Vec<&str> = command.into_iter().chain(["a.nomad.hcl"]).collect();
            let mut run = run_in(folder.path(), &[("DROVER_ADDR", &agent.address())], &args).expect_code(code);
            for text in expected {
                run = run.expect_text(text);
            }
        }
    };
    check("group \"g\" {", "group \"g\" ", &["a.nomad.hcl:3:"]);
    check("type =", "tipe =", &["a.nomad.hcl:2:3", "did you mean \"type\"?"]);
    check("resources {", "resorces {", &["a.nomad.hcl:19:", "did you mean \"resources\"?"]);
    check("cpu    = 20", "cpu    = \"many\"", &["a.nomad.hcl:20:"]);
    check("cpu    = 20", "cpu    = var.cpu", &["a.nomad.hcl:20:"]);
    check("cpu    = 20", "cpu    = max(1, nothing)", &["a.nomad.hcl:20:", "nothing"]);
    untouched(&agent);
}

#[test]
fn a_fault_in_one_job_of_a_stack_writes_none() {
    let agent = Agent::dev();
    let folder = files::folder();
    files::write(folder.path(), "s.drover.hcl", STACK);
    files::write(folder.path(), "a.nomad.hcl", &jobs::shell("a", "batch", "true", ""));
    files::write(folder.path(), "b.nomad.hcl", &jobs::shell("b", "batch", "true", "").replace("driver =", "drivr ="));
    let apply = || run_in(folder.path(), &[("DROVER_ADDR", &agent.address())], &["apply", "-auto-approve", "."]);
    apply().expect_code(1).expect_text("b.nomad.hcl:9:7").expect_text("did you mean \"driver\"?");
    // What only the engine can find stops all of it too.
    files::write(folder.path(), "b.nomad.hcl", &jobs::shell("b", "batch", "true", "count = -1"));
    apply().expect_code(1).expect_text("b");
    untouched(&agent);
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    let folder = files::folder();
    files::write(folder.path(), "a.nomad.hcl", &jobs::shell("a", "batch", "true", ""));
    let [port] = free_ports();
    let address = format!("http://127.0.0.1:{port}");
    let run = |args: &[&str]| run_in(folder.path(), &[("DROVER_ADDR", &address)], args);
    for args in [
        &["job", "run", "a.nomad.hcl"][..],
        &["apply", "-auto-approve", "a.nomad.hcl"],
        &["plan", "a.nomad.hcl"],
        &["job", "status"],
        &["node", "status"],
    ] {
        run(args).expect_code(1).expect_text(&format!("127.0.0.1:{port}")).expect_no("panicked");
    }
    run(&["job", "plan", "a.nomad.hcl"]).expect_code(255).expect_text(&format!("127.0.0.1:{port}"));
    let wrong = run_in(folder.path(), &[("DROVER_ADDR", "ftp://127.0.0.1:4646")], &["job", "status"]).expect_code(1);
    wrong.expect_text("ftp://127.0.0.1:4646");
    // Something else that answers there.
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").expect("an answer");
    });
    run(&["job", "status"]).expect_code(1).expect_no("panicked");
    server.join().unwrap();
}

#[test]
fn drivers_that_are_not_there_are_named() {
    let [port] = free_ports();
    let docker = json!({"docker": [{"config": [{"endpoint": format!("unix:///nonexistent/docker-{port}.sock")}]}]});
    let agent = Agent::start(AgentOptions { config: Some(json!({"plugin": [docker]})), ..AgentOptions::default() });
    let folder = files::folder();
    let run = |args: &[&str]| run_in(folder.path(), &[("DROVER_ADDR", &agent.address())], args);
    for driver in ["docker", "cobol"] {
        let config = if driver == "docker" { "image = \"busybox:local\"" } else { "" };
        let text = jobs::file(driver, "batch", driver, config, "");
        files::write(folder.path(), "a.nomad.hcl", &text);
        let placed = run(&["job", "run", "a.nomad.hcl"]).expect_code(2);
        let placed = placed
            .expect_text("failed to place all allocations")
            .expect_text("Constraint \"missing drivers\": 1 nodes excluded by filter");
        placed.expect_no("panicked");
        files::write(folder.path(), "b.nomad.hcl", &jobs::file(&format!("{driver}-b"), "batch", driver, config, ""));
        let applied = run(&["apply", "-auto-approve", "b.nomad.hcl"]).expect_code(3);
        applied.expect_text("missing drivers").expect_text(driver);
    }
    let health = agent.get(&format!("/v1/node/{}", agent.get("/v1/nodes")[0]["ID"].as_str().unwrap()));
    assert_eq!(health["Drivers"]["docker"]["Healthy"], false, "{}", health["Drivers"]);
    run(&["node", "status", "-verbose", "-self"]).expect_code(0).expect_text("docker");
}

/// Starts an agent that must not start, and returns what it did.
fn agent_that_fails(args: &[&str]) -> Run {
    let folder = files::folder();
    let mut child = Command::new(drover());
    child
        .arg("agent")
        .args(args)
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().expect("drover can be started");
    eventually("the agent's end", || child.try_wait().expect("a child can be waited for").is_some());
    let out = child.wait_with_output().expect("it has ended");
    let leftover: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert_eq!(leftover, Vec::<PathBuf>::new(), "an agent that does not start leaves nothing");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: out.status.code().unwrap_or(-1), stdout: text(&out.stdout), stderr: text(&out.stderr) }
}

#[test]
fn a_port_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().unwrap().port().to_string();
    let run = agent_that_fails(&["-dev", &format!("-http-port={port}")]).expect_code(1);
    run.expect_text(&format!("127.0.0.1:{port}")).expect_text("in use").expect_text("-http-port").expect_no("panicked");
}

#[test]
fn mistakes_in_configuration_files_are_shown_with_their_place() {
    let folder = files::folder();
    let check = |name: &str, text: &str, expected: &[&str]| {
        let path = files::write(folder.path(), name, text);
        let mut run =
            agent_that_fails(&["-dev", "-config", path.to_str().unwrap()]).expect_code(1).expect_no("panicked");
        for text in expected {
            run = run.expect_text(text);
        }
    };
    check("a.hcl", "server {\n  enabled = true\n", &["a.hcl:"]);
    check("b.hcl", "\nclient {\n  enabeld = true\n}\n", &["b.hcl:3:3", "enabeld"]);
    check("c.hcl", "ports {\n  http = \"many\"\n}\n", &["c.hcl:2:", "http"]);
    check("d.json", "{\n  \"ports\": {\"http\": 1,}\n}\n", &["d.json:2:"]);
    check("e.hcl", "plugin \"cobol\" {\n  config {\n  }\n}\n", &["cobol"]);
    check("f.hcl", "plugin \"raw_exec\" {\n  config {\n    enabled = 3\n  }\n}\n", &["raw_exec", "enabled"]);
    agent_that_fails(&["-dev", "-config", "/nonexistent/x.hcl"]).expect_code(1).expect_text("/nonexistent/x.hcl");
    agent_that_fails(&[]).expect_code(1).expect_text("-dev");
    agent_that_fails(&["-server"]).expect_code(1).expect_text("data_dir");
    let port = format!("-http-port={}", free_ports::<1>()[0]);
    agent_that_fails(&["-server", &port, "-data-dir=/proc/nothing"]).expect_code(1).expect_text("/proc/nothing");
}

/// A file system with room for two segments of the log, and a little more.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(at: &Path) -> Self {
        std::fs::create_dir_all(at).expect("folders can be made");
        mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::empty(), Some("size=48m,mode=0755")).expect("root can mount");
        Self(at.to_owned())
    }
    /// Takes all that is left.
    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.join("filler")).expect("there is room for a name");
        let block = [0_u8; 4096];
        while file.write_all(&block).is_ok() {}
    }
    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("the filler is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached also while something still has files open on it.
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else() {
    if !is_root() {
        return;
    }
    let folder = files::folder();
    let disk = SmallDisk::new(&folder.path().join("disk"));
    let options = AgentOptions { durable: true, data_dir: Some(disk.0.join("data")), ..AgentOptions::default() };
    let mut agent = Agent::start(options);
    agent.register(&jobs::script("before", "service", "exec sleep 600"));
    agent.wait_alloc("before", "running");
    disk.fill();

    let address = agent.address();
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    // The log may have room for a few more that it took before, and for small ones when large ones do not fit.
    for padding in [64 << 10, 8 << 10, 1 << 10, 0] {
        let (status, body) = drover_tests::wait_for("a refused write", || {
            let id = format!("fill-{}-{padding}", accepted.len());
            let mut job = jobs::script(&id, "batch", "true");
            job["Job"]["Meta"] = json!({"padding": "x".repeat(padding)});
            job["Job"]["TaskGroups"][0]["Count"] = json!(0);
            let (status, body) = put(&address, "/v1/jobs", &job);
            if status == 200 {
                accepted.push(id);
                return None;
            }
            refused.push(id);
            Some((status, body))
        });
        assert_eq!(status, 500, "{body}");
        assert!(body.to_lowercase().contains("no space left on device"), "the refusal says why: {body}");
    }
    files::write(folder.path(), "a.nomad.hcl", &jobs::shell("during", "batch", "true", ""));
    let run = run_in(folder.path(), &[("DROVER_ADDR", &address)], &["job", "run", "a.nomad.hcl"]).expect_code(1);
    assert!(run.stderr.to_lowercase().contains("no space left on device"), "{}", run.all());
    refused.push("during".to_owned());
    assert_eq!(agent.get("/v1/job/before")["Status"], "running", "reads and tasks go on");
    assert_eq!(agent.allocations("before", "running").len(), 1);
    let exists =
        |agent: &Agent, id: &str| agent.get("/v1/jobs?prefix=").as_array().unwrap().iter().any(|job| job["ID"] == id);
    assert!(!refused.iter().any(|id| exists(&agent, id)), "refused writes have no effect: {refused:?}");

    disk.free();
    eventually("writes work again", || put(&address, "/v1/jobs", &jobs::script("after", "batch", "true")).0 == 200);
    agent.wait_alloc("after", "complete");
    agent.kill();
    agent.restart();
    for id in accepted.iter().map(String::as_str).chain(["before", "after"]) {
        assert!(exists(&agent, id), "the acknowledged write {id} is there after a restart");
    }
    assert!(!refused.iter().any(|id| exists(&agent, id)), "nor have they after a restart: {refused:?}");
}

fn put(address: &str, path: &str, body: &Value) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    match agent.put(format!("{address}{path}")).send_json(body) {
        Ok(mut answer) => (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default()),
        Err(error) => (0, error.to_string()),
    }
}
