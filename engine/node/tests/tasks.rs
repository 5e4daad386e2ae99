//! Tasks from placement to their end, with real processes.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests panic and tell")]

mod support;

use drover_model::policy::RestartMode;
use drover_model::service::ServiceProvider;
use drover_model::{JobType, Nanos, RestartPolicy, Service, TaskStateKind, UpdateStrategy};
use drover_node::fs::Origin;
use drover_node::logs::LogKind;
use std::time::{Duration, Instant};
use support::{Servers, alloc, group, kinds, node, shell};

async fn logs(node: &drover_node::NodeHandle, id: &str, task: &str, follow: bool) -> String {
    let mut stream = node.logs(&id.into(), task, LogKind::Stdout, Origin::Start, 0, follow).await.unwrap();
    let mut text = String::new();
    while let Some(frame) = stream.recv().await {
        text.push_str(std::str::from_utf8(&frame.data).unwrap());
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_job_runs_and_completes() {
    let (dir, servers) = (tempfile::tempdir().unwrap(), Servers::new());
    let node = node(dir.path(), &servers).await;
    let task = shell("t", "echo $NOMAD_TASK_NAME ${meta.rack} $PATH; pwd; cat local/x");
    let mut task = drover_model::Task { ..task };
    task.templates.push(drover_model::Template {
        embedded_tmpl: "plain".into(),
        dest_path: "local/x".into(),
        ..Default::default()
    });
    servers.place(alloc("batch-1", JobType::Batch, group(vec![task])));
    let done = servers.until_status("batch-1", "complete").await;
    assert_eq!(kinds(&done, "t"), ["Received", "Task Setup", "Started", "Terminated"]);
    assert_eq!(done.client_description, "All tasks have completed");
    let root = dir.path().join("alloc/batch-1/t");
    assert_eq!(logs(&node, "batch-1", "t", true).await, format!("t r1 /usr/bin:/bin\n{}\nplain", root.display()));
    let names: Vec<_> = node.fs_list(&"batch-1".into(), "").unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["alloc", "t"]);
    node.gc_alloc(&"batch-1".into()).await.unwrap();
    assert!(!dir.path().join("alloc/batch-1").exists());
    node.end_all(support::PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_restarts_by_policy_and_then_fails() {
    let (dir, servers) = (tempfile::tempdir().unwrap(), Servers::new());
    let node = node(dir.path(), &servers).await;
    let mut group = group(vec![shell("t", "exit 3")]);
    group.tasks[0].restart_policy = RestartPolicy {
        attempts: 1,
        interval: Nanos::from_mins(1),
        delay: Nanos::from_millis(20),
        mode: RestartMode::Fail,
        render_templates: false,
    };
    servers.place(alloc("policy-1", JobType::Service, group));
    let failed = servers.until_status("policy-1", "failed").await;
    assert_eq!(
        kinds(&failed, "t"),
        ["Received", "Task Setup", "Started", "Terminated", "Restarting", "Started", "Terminated", "Not Restarting"]
    );
    assert_eq!(failed.task_states["t"].restarts, 1);
    node.end_all(support::PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_survives_the_agent() {
    let (dir, servers) = (tempfile::tempdir().unwrap(), Servers::new());
    let first = node(dir.path(), &servers).await;
    servers.place(alloc("survive-1", JobType::Service, group(vec![shell("t", "echo $$; exec sleep 1000")])));
    servers.place(alloc("survive-2", JobType::Batch, group(vec![shell("t", "sleep 0.3; exit 4")])));
    servers.until_status("survive-1", "running").await;
    let running = servers.until_status("survive-2", "running").await;
    let before = servers.alloc("survive-1");
    first.shutdown();
    drop(first);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(servers.alloc("survive-2").task_states, running.task_states);

    let second = node(dir.path(), &servers).await;
    // What ended meanwhile is told with its exit code.
    let ended = servers.until_status("survive-2", "failed").await;
    assert!(ended.task_states["t"].events.iter().any(|event| event.exit_code == 4));
    let pid: i32 = logs(&second, "survive-1", "t", false).await.trim().parse().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    servers.stop("survive-1");
    let stopped = servers.until_status("survive-1", "complete").await;
    assert_eq!(stopped.task_states["t"].started_at, before.task_states["t"].started_at);
    assert_eq!(kinds(&stopped, "t")[2..], ["Started", "Killing", "Terminated", "Killed"]);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    second.end_all(support::PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_restart_and_signal_tasks() {
    let (dir, servers) = (tempfile::tempdir().unwrap(), Servers::new());
    let node = node(dir.path(), &servers).await;
    let script = "trap 'echo usr1' USR1; echo begun; while true; do sleep 0.02; done";
    servers.place(alloc("people-1", JobType::Service, group(vec![shell("t", script)])));
    servers.until_status("people-1", "running").await;
    let id = "people-1".into();
    let mut stream = node.logs(&id, "t", LogKind::Stdout, Origin::Start, 0, true).await.unwrap();
    assert_eq!(&stream.recv().await.unwrap().data[..], b"begun\n");
    node.signal(&id, Some("t"), "SIGUSR1").await.unwrap();
    assert_eq!(&stream.recv().await.unwrap().data[..], b"usr1\n");
    assert_eq!(node.signal(&id, Some("other"), "SIGUSR1").await.unwrap_err().to_string(), "Task not found");
    let error = node.restart(&id, Some("other"), false).unwrap_err().to_string();
    assert_eq!(error, "Could not find task runner for task: other");
    node.restart(&id, Some("t"), false).unwrap();
    let again = servers
        .until("people-1", |alloc| {
            let state = &alloc.task_states["t"];
            state.restarts == 1 && state.state == TaskStateKind::Running
        })
        .await;
    let kinds = kinds(&again, "t");
    assert_eq!(kinds[3..], ["Signaling", "Restart Signaled", "Terminated", "Restarting", "Started"]);
    let stats = node.alloc_stats(&id, None).await.unwrap();
    assert!(!stats["Tasks"]["t"]["Pids"].as_object().unwrap().is_empty(), "{stats}");
    // The servers forget it: it ends and everything goes.
    servers.change(|cluster, _| cluster.allocs.clear());
    let gone = async {
        while dir.path().join("alloc/people-1").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, gone).await.unwrap();
    node.end_all(support::PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_appear_with_their_health_and_disappear() {
    let (dir, servers) = (tempfile::tempdir().unwrap(), Servers::new());
    let node = node(dir.path(), &servers).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut group = group(vec![shell("t", "exec sleep 1000")]);
    let check = drover_model::Check {
        name: "c".into(),
        kind: "tcp".into(),
        interval: Nanos::from_secs(1),
        timeout: Nanos::from_secs(1),
        ..Default::default()
    };
    group.services.push(Service {
        name: "web-${NOMAD_ALLOC_INDEX}".into(),
        port_label: port.to_string(),
        provider: ServiceProvider::Nomad,
        checks: vec![check],
        ..Service::default()
    });
    group.update = Some(UpdateStrategy {
        max_parallel: 1,
        health_check: "checks".into(),
        min_healthy_time: Nanos::from_millis(50),
        healthy_deadline: Nanos::from_secs(10),
        ..UpdateStrategy::default()
    });
    let mut placed = alloc("services-1", JobType::Service, group);
    placed.deployment_id = "d1".into();
    servers.place(placed);
    servers.until("services-1", drover_model::Allocation::is_healthy).await;
    let id = format!("_nomad-task-services-1-group-g-web-0-{port}");
    let entry = servers.cluster.lock().unwrap().services[&id].clone();
    assert_eq!((entry.address.as_str(), entry.port, entry.service_name.as_str()), ("127.0.0.1", port, "web-0"));
    let results = node.checks(&"services-1".into()).unwrap();
    assert_eq!(results.values().next().unwrap().output, "nomad: tcp ok");
    servers.stop("services-1");
    servers.until_status("services-1", "complete").await;
    node.flushed().await;
    assert!(servers.cluster.lock().unwrap().services.is_empty());
    node.end_all(support::PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_batch_tasks_are_fast() {
    let (dir, servers) = (tempfile::tempdir().unwrap(), Servers::new());
    let node = node(dir.path(), &servers).await;
    let started = Instant::now();
    servers.change(|cluster, index| {
        for n in 0..100 {
            let mut placed = alloc(&format!("hundred-{n}"), JobType::Batch, group(vec![shell("t", "exit 0")]));
            placed.alloc_modify_index = index;
            cluster.allocs.insert(placed.id.clone(), placed);
        }
    });
    for n in 0..100 {
        servers.until_status(&format!("hundred-{n}"), "complete").await;
    }
    let (updates, messages) = {
        let cluster = servers.cluster.lock().unwrap();
        (cluster.updates, cluster.messages)
    };
    let took = started.elapsed();
    eprintln!("100 batch tasks: {took:?}, {updates} updates in {messages} messages");
    assert!(took < Duration::from_secs(10), "{took:?}");
    node.end_all(Duration::from_secs(5)).await;
    assert_eq!(std::fs::read_dir(dir.path().join("alloc")).unwrap().count(), 0);
}
