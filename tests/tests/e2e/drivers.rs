//! Tasks of each driver through the whole stack: what they see, what limits them, how they end, and what waits for them.

use drover_tests::{Agent, docker_available, eventually, free_ports, is_root, jobs, processes, wait_for};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An image that holds busybox and nothing else; `.ci/setup` makes it.
const IMAGE: &str = "busybox:local";

fn task(job: &mut Value) -> &mut Value {
    &mut job["Job"]["TaskGroups"][0]["Tasks"][0]
}

fn logs(agent: &Agent, alloc: &str) -> String {
    agent.drover(&["alloc", "logs", alloc]).expect_code(0).stdout
}

/// The texts of a task's events of one type, oldest first.
fn events(agent: &Agent, alloc: &str, kind: &str) -> Vec<String> {
    let state = agent.get(&format!("/v1/allocation/{alloc}"));
    let events = state["TaskStates"]["t"]["Events"].as_array().cloned().unwrap_or_default();
    events
        .iter()
        .filter(|event| event["Type"] == kind)
        .map(|event| event["DisplayMessage"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// With a static and a dynamic port; both are told to the task.
fn with_ports(mut job: Value) -> (Value, u16) {
    let [fixed] = free_ports();
    job["Job"]["TaskGroups"][0]["Networks"] = json!([{"Mode": "host", "ReservedPorts": [{"Label": "fixed", "Value": fixed}],
                                                      "DynamicPorts": [{"Label": "any"}]}]);
    (job, fixed)
}

#[test]
fn raw_exec_tasks_see_their_environment() {
    let agent = Agent::dev();
    let (mut job, fixed) = with_ports(jobs::script("env", "batch", "env | sort; echo problem >&2"));
    task(&mut job)["Env"] = json!({"GREETING": "hello ${NOMAD_JOB_NAME}", "PLACE": "${node.datacenter}"});
    task(&mut job)["Meta"] = json!({"colour": "blue"});
    agent.register(&job);
    let id = agent.wait_alloc("env", "complete");
    let out = logs(&agent, &id);
    for line in [
        format!("NOMAD_ALLOC_ID={id}"),
        format!("NOMAD_PORT_fixed={fixed}"),
        "NOMAD_JOB_NAME=env".into(),
        "NOMAD_GROUP_NAME=g".into(),
        "NOMAD_TASK_NAME=t".into(),
        "NOMAD_ALLOC_INDEX=0".into(),
        "NOMAD_MEMORY_LIMIT=16".into(),
        "NOMAD_CPU_LIMIT=20".into(),
        "NOMAD_META_colour=blue".into(),
        "GREETING=hello env".into(),
        "PLACE=dc1".into(),
    ] {
        assert!(out.lines().any(|shown| shown == line), "no {line:?} in\n{out}");
    }
    let dynamic = out.lines().find_map(|line| line.strip_prefix("NOMAD_HOST_PORT_any=")?.parse::<u16>().ok());
    assert!(dynamic.is_some_and(|port| (20_000..=32_000).contains(&port)), "a dynamic port: {out}");
    let errors = agent.drover(&["alloc", "logs", "-stderr", &id]).expect_code(0);
    assert_eq!(errors.stdout, "problem\n");
}

#[test]
fn a_port_is_given_out_once() {
    let agent = Agent::dev();
    let (mut job, fixed) = with_ports(jobs::script("", "service", "exec sleep 600"));
    let mut register = |id: String| {
        job["Job"]["ID"] = json!(id);
        job["Job"]["Name"] = json!(id);
        agent.register(&job);
        id
    };
    // Once on each address of the interface, to be exact.
    let mut placed = Vec::new();
    let waiting = loop {
        let id = register(format!("job-{}", placed.len()));
        let ended = wait_for("an evaluation", || {
            let evals = agent.get(&format!("/v1/job/{id}/evaluations"));
            let ended = |eval: &&Value| eval["TriggeredBy"] == "job-register" && eval["Status"] == "complete";
            evals.as_array()?.iter().find(ended).cloned()
        });
        if ended["FailedTGAllocs"].is_object() {
            let metric = &ended["FailedTGAllocs"]["g"]["DimensionExhausted"];
            assert_eq!(metric[format!("network: reserved port collision fixed={fixed}")], 1, "{ended}");
            break id;
        }
        placed.push(id);
        assert!(placed.len() < 8, "the same port is given out again and again");
    };
    agent
        .drover(&["job", "status", &waiting])
        .expect_code(0)
        .expect_text(&format!("reserved port collision fixed={fixed}"));
    // The place is taken as soon as it is free.
    agent.delete(&format!("/v1/job/{}", placed[0]));
    agent.wait_alloc(&waiting, "running");
}

#[test]
fn exit_codes_and_restarts_are_told() {
    let agent = Agent::dev();
    let mut job = jobs::script("fails", "batch", "echo try; exit 7");
    job["Job"]["TaskGroups"][0]["RestartPolicy"] =
        json!({"Attempts": 2, "Interval": 60_000_000_000_i64, "Delay": 50_000_000, "Mode": "fail"});
    job["Job"]["TaskGroups"][0]["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
    agent.register(&job);
    let id = agent.wait_alloc("fails", "failed");
    let state = agent.get(&format!("/v1/allocation/{id}"))["TaskStates"]["t"].clone();
    assert_eq!(state["Restarts"], 2, "{state}");
    assert_eq!(state["Failed"], true, "{state}");
    assert_eq!(events(&agent, &id, "Terminated"), ["Exit Code: 7"; 3]);
    assert_eq!(logs(&agent, &id), "try\ntry\ntry\n", "the log goes on over restarts");
    agent
        .drover(&["alloc", "status", &id])
        .expect_code(0)
        .expect_row("Client Status = failed")
        .expect_row("Total Restarts = 2");
}

#[test]
fn a_signal_ends_a_task_and_its_children() {
    let agent = Agent::dev();
    agent.register(&jobs::script("deaf", "service", "trap '' TERM INT; sleep 600 & wait; wait; wait"));
    let id = agent.wait_alloc("deaf", "running");
    let pids = wait_for("both processes", || Some(processes::of_allocation(&id)).filter(|pids| pids.len() == 2));
    agent.delete("/v1/job/deaf");
    eventually("all processes end, after the kill timeout by force", || {
        !pids.iter().any(|pid| processes::is_running(*pid))
    });
    eventually("the allocation is complete", || {
        agent.get(&format!("/v1/allocation/{id}"))["ClientStatus"] == "complete"
    });
}

/// Serves HTTP on a port; 200 when healthy, else 503.
struct Site {
    port: u16,
    is_healthy: Arc<AtomicBool>,
}

impl Site {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().unwrap().port();
        let is_healthy = Arc::new(AtomicBool::new(false));
        let answer = is_healthy.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let status = if answer.load(Ordering::Relaxed) { "200 OK" } else { "503 Service Unavailable" };
                // The caller may have gone.
                let _ = stream.read(&mut [0; 2048]);
                let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            }
        });
        Self { port, is_healthy }
    }
}

fn checked(id: &str, port: u16, check: &Value) -> Value {
    let mut job = jobs::script(id, "service", "exec sleep 600");
    let group = &mut job["Job"]["TaskGroups"][0];
    group["Networks"] = json!([{"Mode": "host", "ReservedPorts": [{"Label": "web", "Value": port}]}]);
    group["Services"] = json!([{"Name": id, "PortLabel": "web", "Provider": "nomad", "Checks": [check]}]);
    group["Update"] =
        json!({"MinHealthyTime": 0, "HealthyDeadline": 30_000_000_000_i64, "ProgressDeadline": 60_000_000_000_i64});
    job
}

#[test]
fn a_deployment_waits_for_its_http_check() {
    let agent = Agent::dev();
    let site = Site::new();
    let check =
        json!({"Name": "home", "Type": "http", "Path": "/", "Interval": 1_000_000_000, "Timeout": 1_000_000_000});
    agent.register(&checked("site", site.port, &check));
    let id = agent.wait_alloc("site", "running");
    let result = wait_for("a failed check", || {
        let checks = agent.get(&format!("/v1/client/allocation/{id}/checks"));
        let first = checks.as_object()?.values().next()?.clone();
        (first["Status"] == "failure").then_some(first)
    });
    assert_eq!(result["StatusCode"], 503, "{result}");
    let deployment = agent.get("/v1/job/site/deployment");
    assert_eq!(deployment["Status"], "running", "{deployment}");
    assert_eq!(deployment["TaskGroups"]["g"]["HealthyAllocs"], 0, "{deployment}");

    site.is_healthy.store(true, Ordering::Relaxed);
    eventually("a successful deployment", || agent.get("/v1/job/site/deployment")["Status"] == "successful");
    let service = agent.get("/v1/service/site");
    assert_eq!(service[0]["Port"], site.port, "{service}");
    assert_eq!(service[0]["AllocID"], id.as_str(), "{service}");
    agent.delete("/v1/job/site");
    eventually("its service is gone", || agent.get("/v1/service/site") == json!([]));
}

#[test]
fn a_deployment_fails_when_its_tcp_check_does_not_pass() {
    let agent = Agent::dev();
    let [port] = free_ports();
    let check = json!({"Name": "open", "Type": "tcp", "Interval": 1_000_000_000, "Timeout": 1_000_000_000});
    let mut job = checked("shut", port, &check);
    let update = &mut job["Job"]["TaskGroups"][0]["Update"];
    update["HealthyDeadline"] = json!(2_000_000_000_i64);
    update["ProgressDeadline"] = json!(3_000_000_000_i64);
    job["Job"]["TaskGroups"][0]["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
    agent.register(&job);
    eventually("a failed deployment", || agent.get("/v1/job/shut/deployment")["Status"] == "failed");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    agent.register(&{
        let mut job = checked("open", port, &check);
        job["Job"]["TaskGroups"][0]["Networks"] = json!([{"Mode": "host", "DynamicPorts": [{"Label": "other"}]}]);
        job["Job"]["TaskGroups"][0]["Services"][0]["PortLabel"] = json!(port.to_string());
        job
    });
    eventually("a successful deployment", || agent.get("/v1/job/open/deployment")["Status"] == "successful");
    drop(listener);
}

#[test]
fn exec_tasks_are_alone_and_nobody() {
    if !is_root() {
        return;
    }
    let agent = Agent::dev();
    let script = "id -u; id -g; ls -d /root/.profile /home/* /work 2>&1 | grep -c 'No such'; ls -d /alloc /local /secrets; touch /local/mine && echo local; touch /usr/mine 2>/dev/null || echo no; echo pid $$; echo secret > /secrets/x && echo wrote";
    let config = json!({"command": "/bin/sh", "args": ["-c", script]});
    agent.register(&jobs::submission("alone", "batch", "exec", &config));
    let id = agent.wait_alloc("alone", "complete");
    let out = logs(&agent, &id);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(&lines[..2], ["65534", "65534"], "it runs as nobody:\n{out}");
    for line in ["/alloc", "/local", "/secrets", "local", "no", "wrote"] {
        assert!(lines.contains(&line), "no {line:?} in\n{out}");
    }
    assert!(lines[2].parse::<u32>().is_ok_and(|missing| missing >= 2), "the host's folders are not there:\n{out}");
    let pid = lines.iter().find_map(|line| line.strip_prefix("pid ")?.parse::<u32>().ok());
    assert!(pid.is_some_and(|pid| pid < 10), "it has process ids of its own:\n{out}");
    assert!(!std::path::Path::new("/usr/mine").exists());
}

/// The value of a control group file of the process, of either version.
fn cgroup(pid: i32, controller: &str, v1: &str, v2: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = |wanted: &str| {
        text.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let names = parts.next()?;
            let path = parts.next()?;
            (names.split(',').any(|name| name == wanted)).then(|| path.to_owned())
        })
    };
    let unified = std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let file = match unified {
        true => format!("/sys/fs/cgroup{}/{v2}", path("")?),
        false => format!("/sys/fs/cgroup/{controller}{}/{v1}", path(controller)?),
    };
    Some(std::fs::read_to_string(file).ok()?.trim().to_owned())
}

#[test]
fn exec_tasks_have_limits() {
    if !is_root() {
        return;
    }
    let agent = Agent::dev();
    let config = json!({"command": "/bin/sleep", "args": ["600"]});
    let mut job = jobs::submission("limited", "service", "exec", &config);
    task(&mut job)["Resources"] = json!({"CPU": 50, "MemoryMB": 24});
    agent.register(&job);
    let id = agent.wait_alloc("limited", "running");
    let pid = wait_for("its process", || processes::of_allocation(&id).pop());
    let memory = cgroup(pid, "memory", "memory.limit_in_bytes", "memory.max");
    assert_eq!(memory.as_deref(), Some("25165824"), "24 MiB");
    let shares = cgroup(pid, "cpu", "cpu.shares", "cpu.weight").unwrap();
    assert!(shares == "50" || shares == "2" || shares == "3", "50 MHz: {shares}");

    let eater = json!({"command": "/usr/bin/tail", "args": ["/dev/zero"]});
    let mut job = jobs::submission("eater", "batch", "exec", &eater);
    job["Job"]["TaskGroups"][0]["RestartPolicy"] =
        json!({"Attempts": 0, "Interval": 60_000_000_000_i64, "Delay": 0, "Mode": "fail"});
    job["Job"]["TaskGroups"][0]["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
    agent.register(&job);
    let id = agent.wait_alloc("eater", "failed");
    let ended = events(&agent, &id, "Terminated");
    assert!(ended[0].contains("OOM") || ended[0].contains("137") || ended[0].contains("Signal: 9"), "{ended:?}");
}

#[test]
fn docker_tasks_run_with_ports_and_limits() {
    if !docker_available() {
        return;
    }
    let agent = Agent::dev();
    let script = "echo \"$GREETING from $NOMAD_TASK_NAME\"; mkdir /www; echo page > /www/index.html; exec httpd -f -p 8080 -h /www";
    let config = json!({"image": IMAGE, "command": "/bin/sh", "args": ["-c", script], "ports": ["web"]});
    let mut job = jobs::submission("boxed", "service", "docker", &config);
    job["Job"]["TaskGroups"][0]["Networks"] = json!([{"DynamicPorts": [{"Label": "web", "To": 8080}]}]);
    task(&mut job)["Env"] = json!({"GREETING": "hello"});
    task(&mut job)["Resources"] = json!({"CPU": 100, "MemoryMB": 32});
    agent.register(&job);
    let id = agent.wait_alloc("boxed", "running");
    eventually("its log", || logs(&agent, &id) == "hello from t\n");
    let alloc = agent.get(&format!("/v1/allocation/{id}"));
    let port = &alloc["AllocatedResources"]["Shared"]["Ports"][0];
    assert_eq!(port["To"], 8080, "{port}");
    let address = format!("{}:{}", port["HostIP"].as_str().unwrap(), port["Value"]);
    let page = wait_for("its page", || fetch(&address));
    assert!(page.ends_with("page\n"), "{page}");
    let inspect = |format: &str| {
        let out =
            Command::new("docker").args(["inspect", "-f", format, &format!("t-{id}")]).output().expect("docker runs");
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    assert_eq!(inspect("{{.HostConfig.Memory}} {{.HostConfig.CPUShares}} {{.State.Status}}"), "33554432 100 running");

    agent.delete("/v1/job/boxed?purge=true");
    eventually("the container is gone", || inspect("{{.Id}}").is_empty());
}

fn fetch(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    (!text.is_empty()).then_some(text)
}

#[test]
fn docker_tasks_that_cannot_start_say_why() {
    if !docker_available() {
        return;
    }
    let agent = Agent::dev();
    let policy = json!({"Attempts": 0, "Interval": 60_000_000_000_i64, "Delay": 0, "Mode": "fail"});
    let start = |id: &str, config: &Value| {
        let mut job = jobs::submission(id, "batch", "docker", config);
        job["Job"]["TaskGroups"][0]["RestartPolicy"] = policy.clone();
        job["Job"]["TaskGroups"][0]["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
        agent.register(&job);
        agent.wait_alloc(id, "failed")
    };
    let id = start("fails", &json!({"image": IMAGE, "command": "/bin/sh", "args": ["-c", "exit 9"]}));
    assert_eq!(events(&agent, &id, "Terminated").len(), 1);
    assert!(events(&agent, &id, "Terminated")[0].contains("Exit Code: 9"), "{:?}", events(&agent, &id, "Terminated"));
    let id = start("command", &json!({"image": IMAGE, "command": "/bin/nothing"}));
    let said = events(&agent, &id, "Driver Failure").join("; ");
    assert!(said.contains("/bin/nothing"), "{said}");
}
