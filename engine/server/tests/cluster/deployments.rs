//! Deployments: healthy, in batches, failed, reverted, with canaries, paused.

use super::*;
use drover_model::DeploymentStatus;
use drover_model::deployment::description;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_deploys_healthy_and_becomes_stable() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    register(&server, service("web", 3, "run")).await;
    let deployment = until_deployed(&server, "web", 0).await;
    assert_eq!(deployment.status, DeploymentStatus::Successful);
    assert_eq!(deployment.status_description, description::SUCCESSFUL);
    assert_eq!(deployment.task_groups["main"].healthy_allocs, 3);
    assert!(job(&server, "web").stable);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_replaces_all_in_batches() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    register(&server, service("web", 3, "run")).await;
    until_deployed(&server, "web", 0).await;
    let mut changed = service("web", 3, "run");
    changed["TaskGroups"][0]["Tasks"][0]["Env"]["COLOUR"] = json!("red");
    register(&server, changed).await;
    let mut least = usize::MAX;
    until(&server, "the end of the update", |snapshot| {
        least = least.min(running(snapshot, "web").len());
        let deployment = snapshot.deployments_by_job(&key("web")).find(|deployment| deployment.job_version == 1)?;
        (deployment.status == DeploymentStatus::Successful).then_some(())
    })
    .await;
    assert!(least >= 2, "only {least} were left running during the update");
    let running = until_running(&server, "web", 3).await;
    assert!(running.iter().all(|alloc| alloc.job_version() == 1));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_update_goes_back_to_the_stable_version() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let careful = |behave: &str| {
        let mut job = service("web", 1, behave);
        job["TaskGroups"][0]["Update"]["AutoRevert"] = json!(true);
        job["TaskGroups"][0]["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
        job
    };
    register(&server, careful("run")).await;
    until_deployed(&server, "web", 0).await;
    register(&server, careful("fail")).await;
    let failed = until_deployed(&server, "web", 1).await;
    assert_eq!(failed.status, DeploymentStatus::Failed);
    assert_eq!(failed.status_description, "Failed due to unhealthy allocations - rolling back to job version 0");
    let back = until_deployed(&server, "web", 2).await;
    assert_eq!(back.status, DeploymentStatus::Successful);
    let job = job(&server, "web");
    assert_eq!((job.version, job.task_groups[0].tasks[0].env["BEHAVE"].as_str()), (2, "run"));
    until_running(&server, "web", 1).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canaries_wait_for_promotion() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let with_canary = |colour: &str| {
        let mut job = service("web", 2, "run");
        job["TaskGroups"][0]["Update"]["Canary"] = json!(1);
        job["TaskGroups"][0]["Tasks"][0]["Env"]["COLOUR"] = json!(colour);
        job
    };
    register(&server, with_canary("blue")).await;
    until_deployed(&server, "web", 0).await;
    register(&server, with_canary("red")).await;
    let deployment = until(&server, "a healthy canary", |snapshot| {
        let deployment = snapshot.deployments_by_job(&key("web")).find(|deployment| deployment.job_version == 1)?;
        (deployment.task_groups["main"].healthy_allocs == 1).then(|| deployment.clone())
    })
    .await;
    assert_eq!(deployment.status_description, description::NEEDS_PROMOTION);
    assert_eq!(running(&server.state().snapshot(), "web").len(), 3);
    server.promote_deployment(&deployment.id, None).await.unwrap();
    let done = until_deployed(&server, "web", 1).await;
    assert_eq!(done.status, DeploymentStatus::Successful);
    let running = until_running(&server, "web", 2).await;
    assert!(running.iter().all(|alloc| alloc.job_version() == 1));
    let again = server.promote_deployment(&deployment.id, None).await.unwrap_err();
    assert_eq!((again.status(), again.to_string().as_str()), (500, "can't promote terminal deployment"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canaries_promote_themselves_when_told_so() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    for (version, colour) in ["blue", "red"].into_iter().enumerate() {
        let mut job = service("web", 2, "run");
        job["TaskGroups"][0]["Update"]["Canary"] = json!(1);
        job["TaskGroups"][0]["Update"]["AutoPromote"] = json!(true);
        job["TaskGroups"][0]["Tasks"][0]["Env"]["COLOUR"] = json!(colour);
        register(&server, job).await;
        assert_eq!(until_deployed(&server, "web", version as u64).await.status, DeploymentStatus::Successful);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_without_progress_fails_at_its_deadline() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut job = service("web", 1, "start");
    job["TaskGroups"][0]["Update"]["HealthyDeadline"] = json!(100_000_000);
    job["TaskGroups"][0]["Update"]["ProgressDeadline"] = json!(200_000_000);
    job["TaskGroups"][0]["Tasks"][0]["KillTimeout"] = json!(100_000_000);
    register(&server, job).await;
    let failed = until_deployed(&server, "web", 0).await;
    assert_eq!(failed.status_description, description::PROGRESS_DEADLINE);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_deployment_goes_on_when_told_so() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut manual = service("web", 2, "start");
    manual["TaskGroups"][0]["Update"]["HealthCheck"] = json!("manual");
    register(&server, manual).await;
    let running = until_running(&server, "web", 2).await;
    let id = running[0].deployment_id.clone();
    server.pause_deployment(&id, true).await.unwrap();
    let healthy = running.iter().map(|alloc| alloc.id.clone()).collect();
    server.set_alloc_health(&id, healthy, Vec::new()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let paused = server.state().snapshot().deployment(&id).unwrap().clone();
    assert_eq!(paused.status_description, description::PAUSED);
    server.pause_deployment(&id, false).await.unwrap();
    assert_eq!(until_deployed(&server, "web", 0).await.status, DeploymentStatus::Successful);
    server.shutdown().await;
}
