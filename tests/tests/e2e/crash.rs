//! kill -9 of the agent while 20 tasks run and a deployment is under way: after a restart the same
//! processes run, no log line is lost, the deployment completes, and no acknowledged write is missing.

use drover_tests::{Agent, eventually, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const TASKS: usize = 20;

fn counting_job() -> Value {
    let script = "i=0; while :; do i=$((i+1)); echo \"line $i\"; sleep 0.02; done";
    job("count", TASKS, &json!({"command": "/bin/sh", "args": ["-c", script]}), &json!({}))
}

fn rolling_job(version: u32) -> Value {
    let update = json!({"MaxParallel": 1, "MinHealthyTime": 700_000_000, "HealthyDeadline": 20_000_000_000_i64,
                        "ProgressDeadline": 60_000_000_000_i64, "HealthCheck": "task_states"});
    let mut job = job("roll", 4, &json!({"command": "/bin/sleep", "args": ["600"]}), &update);
    job["TaskGroups"][0]["Tasks"][0]["Env"] = json!({"VERSION": version.to_string()});
    job
}

fn job(name: &str, count: usize, config: &Value, update: &Value) -> Value {
    let mut group = json!({"Name": "g", "Count": count, "EphemeralDisk": {"SizeMB": 10},
        "Tasks": [{"Name": "t", "Driver": "raw_exec", "Config": config, "LogConfig": {"MaxFiles": 2, "MaxFileSizeMB": 4}, "Resources": {"CPU": 1, "MemoryMB": 10}}]});
    if update.get("MaxParallel").is_some() {
        group["Update"] = update.clone();
    }
    json!({"ID": name, "Name": name, "Type": "service", "Datacenters": ["dc1"], "TaskGroups": [group]})
}

fn running(agent: &Agent, job: &str) -> Vec<String> {
    let allocs = agent.try_get(&format!("/v1/job/{job}/allocations")).unwrap_or(Value::Null);
    let allocs = allocs.as_array().cloned().unwrap_or_default();
    let running = allocs.iter().filter(|alloc| alloc["ClientStatus"] == "running" && alloc["DesiredStatus"] == "run");
    running.map(|alloc| alloc["ID"].as_str().unwrap().to_owned()).collect()
}

/// Process id by allocation, found by the allocation's id in each process's environment.
fn pids(allocs: &[String]) -> BTreeMap<String, Vec<i32>> {
    let mut found: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let Ok(environ) = std::fs::read(entry.path().join("environ")) else { continue };
        let Ok(command) = std::fs::read_to_string(entry.path().join("cmdline")) else { continue };
        // The shell that counts, not the short-lived `sleep` below it, also before it has become one.
        if !command.starts_with("/bin/sh") || parent_is_shell(pid) {
            continue;
        }
        let text = String::from_utf8_lossy(&environ);
        for id in allocs.iter().filter(|id| text.contains(&format!("NOMAD_ALLOC_ID={id}"))) {
            found.entry(id.clone()).or_default().push(pid);
        }
    }
    found
}

fn parent_is_shell(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)).unwrap_or_default();
    std::fs::read_to_string(format!("/proc/{parent}/cmdline")).is_ok_and(|command| command.starts_with("/bin/sh"))
}

fn log_lines(agent: &Agent, alloc: &str) -> Vec<u64> {
    let out = agent.drover(&["alloc", "logs", alloc]).expect_code(0).stdout;
    out.lines().filter_map(|line| line.strip_prefix("line ")?.parse().ok()).collect()
}

#[test]
fn tasks_logs_deployment_and_writes_survive_kill_9() {
    let mut agent = Agent::durable();
    agent.put("/v1/jobs", &json!({"Job": counting_job()}));
    agent.put("/v1/jobs", &json!({"Job": rolling_job(1)}));
    let counting = wait_for("20 running tasks", || Some(running(&agent, "count")).filter(|ids| ids.len() == TASKS));
    eventually("the first deployment", || agent.get("/v1/job/roll/deployment")["Status"] == "successful");
    let before = pids(&counting);
    assert_eq!(before.len(), TASKS, "every allocation has its process: {before:?}");

    agent.put("/v1/jobs", &json!({"Job": rolling_job(2)}));
    wait_for("a deployment under way", || {
        let deployment = agent.get("/v1/job/roll/deployment");
        (deployment["JobVersion"] == 1 && deployment["TaskGroups"]["g"]["PlacedAllocs"].as_u64() >= Some(1))
            .then_some(())
    });
    let acknowledged = write_until_killed(&mut agent);
    assert!(!acknowledged.is_empty(), "some writes were acknowledged before the kill");
    assert_eq!(pids(&counting), before, "the tasks outlive the agent");

    agent.restart();
    let jobs = agent.get("/v1/jobs");
    let known: Vec<&str> = jobs.as_array().unwrap().iter().filter_map(|job| job["ID"].as_str()).collect();
    for id in &acknowledged {
        assert!(known.contains(&id.as_str()), "acknowledged write {id} is missing; {} jobs are there", known.len());
    }
    eventually("the deployment completes", || {
        let deployment = agent.get("/v1/job/roll/deployment");
        deployment["JobVersion"] == 1 && deployment["Status"] == "successful"
    });
    eventually("the same allocations run", || running(&agent, "count").len() == TASKS);
    assert_eq!(pids(&counting), before, "the same processes run");
    for id in &counting {
        let state = agent.get(&format!("/v1/allocation/{id}"));
        assert_eq!(state["TaskStates"]["t"]["Restarts"], 0, "no restart of {id}");
        let lines = log_lines(&agent, id);
        let expected: Vec<u64> = (1..=lines.len() as u64).collect();
        assert_eq!(lines, expected, "every line of {id} once and in order");
    }
}

/// Registers jobs without a pause until the agent is killed under it; returns those that were acknowledged.
fn write_until_killed(agent: &mut Agent) -> Vec<String> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let (address, list, ended) = (agent.address(), acknowledged.clone(), stop.clone());
    let writer = std::thread::spawn(move || {
        for i in 0.. {
            let id = format!("write-{i}");
            let mut job = job(&id, 0, &json!({"command": "/bin/true"}), &json!({}));
            job["Type"] = json!("batch");
            let sent = ureq::put(format!("{address}/v1/jobs")).send_json(json!({"Job": job}));
            match sent {
                Ok(_) => list.lock().unwrap().push(id),
                Err(_) => return,
            }
            if ended.load(Ordering::Relaxed) {
                return;
            }
        }
    });
    eventually("30 acknowledged writes", || acknowledged.lock().unwrap().len() >= 30);
    agent.kill();
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    let list = acknowledged.lock().unwrap();
    list.clone()
}
