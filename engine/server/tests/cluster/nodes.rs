//! Nodes that come, fall silent and are drained.

use super::*;
use drover_model::node::DrainSpec;
use drover_model::{EvalStatus, Nanos, NodeEligibility, NodeStatus};
use drover_server::HeartbeatConfig;
use drover_server::request::DrainRequest;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_placed_waits_for_a_node() {
    let server = server().await;
    let registered = register(&server, service("web", 1, "run")).await;
    let blocked = until(&server, "a blocked evaluation", |snapshot| {
        let eval = snapshot.eval(&registered.eval_id)?;
        snapshot.eval(&eval.blocked_eval).filter(|blocked| blocked.status == EvalStatus::Blocked).cloned()
    })
    .await;
    assert_eq!(blocked.status_description, "created to place remaining allocations");
    assert_eq!(server.broker_stats().blocked, 1);
    let _node = FakeNode::join(&server, "one").await;
    until_running(&server, "web", 1).await;
    until(&server, "nothing blocked", |_| (server.broker_stats().blocked == 0).then_some(())).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_that_comes_free_is_used() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let big = |id: &str| {
        let mut job = service(id, 1, "run");
        job["TaskGroups"][0]["Tasks"][0]["Resources"] = json!({"CPU": 3000, "MemoryMB": 64});
        job
    };
    register(&server, big("first")).await;
    until_running(&server, "first", 1).await;
    register(&server, big("second")).await;
    until(&server, "the second blocked", |_| (server.broker_stats().blocked == 1).then_some(())).await;
    server.deregister_job(&key("first"), drover_server::request::DeregisterOptions::default()).await.unwrap();
    until_running(&server, "second", 1).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_silent_node_moves() {
    let heartbeat = HeartbeatConfig {
        min_ttl: Nanos::from_millis(100),
        grace: Nanos::from_millis(100),
        ..HeartbeatConfig::default()
    };
    let server = Server::open(ServerConfig { heartbeat, ..ServerConfig::default() }).await.unwrap();
    let one = FakeNode::join(&server, "one").await;
    register(&server, service("web", 2, "run")).await;
    until_running(&server, "web", 2).await;
    one.crash();
    let beats = |node: &FakeNode| {
        let (server, id) = (server.clone(), node.id.clone());
        tokio::spawn(async move {
            while server.heartbeat(&id).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        })
    };
    let two = FakeNode::join(&server, "two").await;
    let beating = beats(&two);
    until(&server, "the silent node down", |snapshot| {
        (snapshot.node(&one.id)?.status == NodeStatus::Down).then_some(())
    })
    .await;
    until(&server, "both on the other node", |snapshot| {
        let running = running(snapshot, "web");
        (running.len() == 2 && running.iter().all(|alloc| alloc.node_id == two.id)).then_some(())
    })
    .await;
    beating.abort();
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_is_emptied_and_stays_out() {
    let server = server().await;
    let one = FakeNode::join(&server, "one").await;
    register(&server, service("web", 3, "run")).await;
    until_deployed(&server, "web", 0).await;
    let two = FakeNode::join(&server, "two").await;
    let spec = DrainSpec { deadline: Nanos::from_hours(1), ignore_system_jobs: false };
    server.drain_node(&one.id, DrainRequest { spec: Some(spec), ..DrainRequest::default() }).await.unwrap();
    let node =
        until(&server, "the end of the drain", |snapshot| snapshot.node(&one.id).filter(|node| !node.drain).cloned())
            .await;
    assert_eq!(node.scheduling_eligibility, NodeEligibility::Ineligible);
    assert_eq!(node.last_drain.as_ref().unwrap().status, "complete");
    assert_eq!(node.events.last().unwrap().message, "Node drain complete");
    let running = until_running(&server, "web", 3).await;
    assert!(running.iter().all(|alloc| alloc.node_id == two.id));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn system_jobs_come_to_every_node() {
    let server = server().await;
    let _one = FakeNode::join(&server, "one").await;
    let mut job = service("agent", 1, "run");
    job["Type"] = json!("system");
    job["TaskGroups"][0]["Update"] = Value::Null;
    register(&server, job).await;
    until_running(&server, "agent", 1).await;
    let _two = FakeNode::join(&server, "two").await;
    until_running(&server, "agent", 2).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_never_overcommitted_by_plans_at_the_same_time() {
    let server = server().await;
    let mut nodes = Vec::new();
    for n in 0..4 {
        nodes.push(FakeNode::join(&server, &format!("node-{n}")).await);
    }
    let big = |n: usize| {
        let mut job = service(&format!("big-{n}"), 1, "run");
        job["TaskGroups"][0]["Tasks"][0]["Resources"] = json!({"CPU": 3000, "MemoryMB": 64});
        job
    };
    let registrations = (0..12).map(|n| {
        let (server, job) = (server.clone(), big(n));
        tokio::spawn(async move { register(&server, job).await })
    });
    for registration in registrations.collect::<Vec<_>>() {
        registration.await.unwrap();
    }
    until(&server, "four running and eight waiting", |snapshot| {
        let running = snapshot.allocs().filter(|alloc| !alloc.is_terminal()).count();
        (running == 4 && server.broker_stats().blocked == 8).then_some(())
    })
    .await;
    let snapshot = server.state().snapshot();
    for node in &nodes {
        assert_eq!(snapshot.allocs_by_node(&node.id).count(), 1, "two plans met on one node");
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_a_lost_node_are_not_listed_any_more() {
    let heartbeat = HeartbeatConfig {
        min_ttl: Nanos::from_millis(50),
        grace: Nanos::from_millis(50),
        ..HeartbeatConfig::default()
    };
    let server = Server::open(ServerConfig { heartbeat, ..ServerConfig::default() }).await.unwrap();
    let node = FakeNode::join(&server, "one").await;
    let service = drover_model::ServiceRegistration {
        id: "_nomad-task-1".to_owned(),
        service_name: "web".to_owned(),
        namespace: "default".into(),
        node_id: node.id.clone(),
        ..drover_model::ServiceRegistration::default()
    };
    server.upsert_services(vec![service]).await.unwrap();
    assert_eq!(server.state().snapshot().services().count(), 1);
    until(&server, "no services", |snapshot| (snapshot.services().count() == 0).then_some(())).await;
    assert_eq!(server.state().snapshot().node(&node.id).unwrap().status, NodeStatus::Down);
    server.shutdown().await;
}
