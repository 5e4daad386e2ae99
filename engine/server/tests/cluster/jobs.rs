//! Registration, plans, scaling, versions, collection.

use super::*;
use drover_model::JobStatus;
use drover_server::request::{DeregisterOptions, RevertRequest, ScaleRequest};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_job_is_refused_with_everything_that_is_wrong() {
    let server = server().await;
    let mut job = service("a b", 1, "run");
    job["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMB"] = json!(1);
    let job: drover_wire::job::Job = serde_json::from_value(job).unwrap();
    let error = server.register_job(job.clone(), RegisterOptions::default()).await.unwrap_err();
    assert_eq!(error.status(), 500);
    assert!(error.message.starts_with("2 errors occurred:\n\t* Job ID contains a space\n"), "{error}");
    let validation = server.validate_job(job).unwrap();
    assert_eq!(validation.validation_errors.len(), 2);
    let mut elsewhere = service("web", 1, "run");
    elsewhere["NodePool"] = json!("nowhere");
    let job = serde_json::from_value(elsewhere).unwrap();
    let error = server.register_job(job, RegisterOptions::default()).await.unwrap_err();
    assert_eq!(error.message, "1 error occurred:\n\t* job \"web\" is in nonexistent node pool \"nowhere\"\n\n");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_registration_is_refused() {
    let server = server().await;
    let first = register(&server, service("web", 1, "run")).await;
    let again = |index| RegisterOptions { enforce_index: true, job_modify_index: index, ..RegisterOptions::default() };
    let job: drover_wire::job::Job = serde_json::from_value(service("web", 2, "run")).unwrap();
    let error = server.register_job(job.clone(), again(0)).await.unwrap_err();
    assert_eq!(error.message, "Enforcing job modify index 0: job already exists");
    server.register_job(job, again(first.job_modify_index)).await.unwrap();
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_be_done_and_does_nothing() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let submit = |count| serde_json::from_value::<drover_wire::job::Job>(service("web", count, "run")).unwrap();
    let plan = server.plan_job(submit(2)).await.unwrap();
    assert_eq!((plan.job_modify_index, plan.annotations.unwrap().desired_tg_updates["main"].place), (0, 2));
    assert!(server.state().snapshot().job(&key("web")).is_none());
    let registered = register(&server, service("web", 2, "run")).await;
    until_deployed(&server, "web", 0).await;
    let plan = server.plan_job(submit(3)).await.unwrap();
    assert_eq!(plan.job_modify_index, registered.job_modify_index);
    let updates = &plan.annotations.unwrap().desired_tg_updates["main"];
    assert_eq!((updates.place, updates.in_place_update), (1, 2));
    let plan = server.plan_job(submit(2)).await.unwrap();
    assert_eq!(plan.annotations.unwrap().desired_tg_updates["main"].ignore, 2);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_scale_within_their_policy_and_versions_come_back() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut job_text = service("web", 1, "run");
    job_text["TaskGroups"][0]["Scaling"] = json!({"Min": 1, "Max": 4, "Enabled": true});
    register(&server, job_text).await;
    until_deployed(&server, "web", 0).await;
    let scale = |count| ScaleRequest { group: "main".to_owned(), count: Some(count), ..ScaleRequest::default() };
    let error = server.scale_job(&key("web"), scale(9)).await.unwrap_err();
    assert_eq!(
        (error.status(), error.message.as_str()),
        (400, "group count was greater than scaling policy maximum: 9 > 4")
    );
    server.scale_job(&key("web"), scale(3)).await.unwrap();
    until_running(&server, "web", 3).await;
    until_deployed(&server, "web", 1).await;
    let events = server.state().snapshot().scaling_events(&key("web")).unwrap()["main"].clone();
    assert_eq!((events[0].count, events[0].previous_count), (Some(3), 1));
    server.revert_job(&key("web"), RevertRequest { version: 0, enforce_prior_version: None }).await.unwrap();
    until_running(&server, "web", 1).await;
    assert_eq!(job(&server, "web").version, 2);
    let error = server.revert_job(&key("web"), RevertRequest { version: 9, enforce_prior_version: None }).await;
    assert_eq!(error.unwrap_err().message, "job \"web\" in namespace \"default\" at version 9 not found");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_job_is_collected() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    register(&server, service("web", 2, "run")).await;
    until_deployed(&server, "web", 0).await;
    server.deregister_job(&key("web"), DeregisterOptions::default()).await.unwrap();
    until(&server, "the job dead", |snapshot| {
        let over = snapshot.allocs_by_job(&key("web")).all(|alloc| alloc.is_client_terminal());
        (over && snapshot.job(&key("web"))?.status == JobStatus::Dead).then_some(())
    })
    .await;
    server.system_gc().await.unwrap();
    let snapshot = server.state().snapshot();
    assert_eq!((snapshot.jobs().count(), snapshot.allocs().count(), snapshot.evals().count()), (0, 0, 0));
    assert_eq!(snapshot.deployments().count(), 0);
    let unknown = server.deregister_job(&key("web"), DeregisterOptions::default()).await.unwrap();
    assert_eq!(unknown.index, 0);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_allocation_is_replaced() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    register(&server, service("web", 1, "run")).await;
    let first = until_running(&server, "web", 1).await[0].clone();
    until_deployed(&server, "web", 0).await;
    server.stop_alloc(&first.id, Default::default()).await.unwrap();
    until(&server, "the replacement", |snapshot| {
        let running = running(snapshot, "web");
        (running.len() == 1 && running[0].id != first.id).then_some(())
    })
    .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_placed_within_milliseconds() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    register(&server, service("warm", 1, "run")).await;
    until_running(&server, "warm", 1).await;
    let mut best = Duration::MAX;
    for n in 0..10 {
        let id = format!("web-{n}");
        let before = std::time::Instant::now();
        register(&server, service(&id, 1, "run")).await;
        let mut watch = server.state().watch(vec![WatchKey::JobAllocs(key(&id))]);
        while server.state().snapshot().allocs_by_job(&key(&id)).count() == 0 {
            (&mut watch).await;
            watch.rearm();
        }
        best = best.min(before.elapsed());
    }
    // Generous, as tests share the machine; something that polls would not stay below it.
    assert!(best < Duration::from_millis(50), "the best of ten took {best:?}");
    server.shutdown().await;
}
