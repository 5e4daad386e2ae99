//! An agent's own life: what it says, how it stops, what it leaves, and who may have its data.

use drover_tests::{Agent, drover, eventually, free_ports, jobs, processes};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::process::{Command, Stdio};

/// One exec task (as root) or raw_exec task that never ends.
fn endless(id: &str) -> serde_json::Value {
    let driver = if nix::unistd::geteuid().is_root() { "exec" } else { "raw_exec" };
    jobs::submission(id, "service", driver, &json!({"command": "/bin/sleep", "args": ["600"]}))
}

fn mounts_below(folder: &std::path::Path) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.lines().filter(|line| line.contains(folder.to_str().unwrap())).map(str::to_owned).collect()
}

/// Directories of control groups with this in their name.
fn cgroups(part: &str) -> Vec<String> {
    let out = Command::new("find").args(["/sys/fs/cgroup", "-type", "d", "-name", &format!("*{part}*")]).output();
    String::from_utf8_lossy(&out.expect("find runs").stdout).lines().map(str::to_owned).collect()
}

#[test]
fn in_dev_mode_it_takes_everything_with_it() {
    let mut agent = Agent::dev();
    let text = agent.log();
    for line in [
        "==> Starting Drover agent...",
        "==> Drover agent configuration:",
        "==> Drover agent started! Log data will stream in below:",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
    agent.register(&endless("here"));
    let id = agent.wait_alloc("here", "running");
    let pid = wait_pid(&id);
    assert_eq!(agent.stop(Signal::SIGINT), 0, "{}", agent.log());
    assert!(!processes::is_running(pid), "its tasks end with it");
    assert_eq!(processes::of_allocation(&id), Vec::<i32>::new(), "no process is left");
    assert_eq!(mounts_below(agent.folder()), Vec::<String>::new(), "no mount is left");
    assert_eq!(cgroups(&id), Vec::<String>::new(), "no control group is left");
    let names =
        std::fs::read_dir(agent.folder()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name != "agent.json" && name != "agent.log").collect();
    assert_eq!(left, Vec::<String>::new(), "no file is left");
}

fn wait_pid(alloc: &str) -> i32 {
    drover_tests::wait_for("its process", || processes::of_allocation(alloc).pop())
}

#[test]
fn stopped_and_started_again_it_has_its_tasks() {
    let mut agent = Agent::durable();
    agent.register(&endless("here"));
    let id = agent.wait_alloc("here", "running");
    let pid = wait_pid(&id);
    let node = agent.get("/v1/nodes")[0]["ID"].clone();
    assert_eq!(agent.stop(Signal::SIGTERM), 0, "{}", agent.log());
    assert!(processes::is_running(pid), "tasks outlive their agent");
    agent.restart();
    assert_eq!(agent.get("/v1/nodes")[0]["ID"], node, "it is the same node");
    assert_eq!(agent.wait_alloc("here", "running"), id, "with the same allocation");
    assert!(processes::is_running(pid), "and the same process");
    // It is in control again.
    agent.delete("/v1/job/here");
    eventually("its task ends", || !processes::is_running(pid));
    eventually("its control group is gone", || cgroups(&id).is_empty());
}

#[test]
fn a_task_that_ended_without_it_is_noticed() {
    let mut agent = Agent::durable();
    let mut job = jobs::script("short", "batch", "exec sleep 600");
    job["Job"]["TaskGroups"][0]["RestartPolicy"] =
        json!({"Attempts": 0, "Interval": 60_000_000_000_i64, "Delay": 0, "Mode": "fail"});
    job["Job"]["TaskGroups"][0]["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
    agent.register(&job);
    let id = agent.wait_alloc("short", "running");
    let pid = wait_pid(&id);
    agent.kill();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    eventually("its end", || !processes::is_running(pid));
    agent.restart();
    assert_eq!(agent.wait_alloc("short", "failed"), id);
    let state = agent.get(&format!("/v1/allocation/{id}"))["TaskStates"]["t"].clone();
    let events = state["Events"].as_array().unwrap();
    let ended = events.iter().find(|event| event["Type"] == "Terminated").expect("how it ended is known");
    assert_eq!(ended["Details"]["signal"], "15", "its supervisor remembers how it ended: {state}");
}

#[test]
fn its_data_belongs_to_one_agent() {
    let agent = Agent::durable();
    let [port] = free_ports();
    let data = agent.folder().join("data");
    let second = Command::new(drover())
        .args(["agent", "-server", "-client", &format!("-http-port={port}"), "-data-dir"])
        .arg(&data)
        .stdin(Stdio::null())
        .output()
        .expect("drover can be started");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{text}");
    assert!(text.contains(data.to_str().unwrap()) && text.contains("in use"), "the folder is named: {text}");
    assert_eq!(agent.get("/v1/jobs"), json!([]), "the first one goes on");
}

#[test]
fn a_hangup_reads_the_configuration_again() {
    let agent = Agent::durable();
    kill(Pid::from_raw(agent.pid()), Signal::SIGHUP).unwrap();
    eventually("a word about it", || agent.log().contains("configuration read again"));
    assert_eq!(agent.get("/v1/jobs"), json!([]));
}
