//! Batch jobs and dispatch.

use super::*;
use drover_model::{AllocClientStatus, EvalStatus, JobStatus};
use drover_server::request::DispatchRequest;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_job_ends() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    register(&server, batch("sum", 5, "finish")).await;
    until(&server, "the end of the job", |snapshot| {
        (snapshot.job(&key("sum"))?.status == JobStatus::Dead).then_some(())
    })
    .await;
    let snapshot = server.state().snapshot();
    assert!(snapshot.allocs_by_job(&key("sum")).all(|alloc| alloc.client_status == AllocClientStatus::Complete));
    assert_eq!(snapshot.allocs_by_job(&key("sum")).count(), 5);
    assert_eq!(snapshot.job_summary(&key("sum")).unwrap().summary["main"].complete, 5);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_ones_are_replaced_as_often_as_allowed() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut job = batch("flop", 1, "fail");
    job["TaskGroups"][0]["ReschedulePolicy"] = json!({
        "Attempts": 1, "Interval": 86_400_000_000_000_u64, "Delay": 5_000_000_000_u64, "DelayFunction": "constant",
    });
    register(&server, job).await;
    until(&server, "a later evaluation", |snapshot| {
        let mut later = snapshot.evals_by_job(&key("flop"));
        later.find(|eval| !eval.wait_until.is_zero() && eval.status == EvalStatus::Pending).map(|_| ())
    })
    .await;
    until(&server, "the replacement", |snapshot| {
        (snapshot.allocs_by_job(&key("flop")).filter(|alloc| alloc.is_client_terminal()).count() == 2).then_some(())
    })
    .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameterized_jobs_run_once_per_dispatch() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut job = batch("resize", 1, "finish");
    job["ParameterizedJob"] = json!({"Payload": "optional", "MetaRequired": ["size"]});
    let registered = register(&server, job).await;
    assert!(registered.eval_id.is_empty());
    let refused = server.dispatch_job(&key("resize"), DispatchRequest::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "Dispatch did not provide required meta keys: [size]");
    let request = DispatchRequest {
        payload: b"hello".to_vec(),
        meta: [("size".to_owned(), "10".to_owned())].into(),
        idempotency_token: "once".to_owned(),
        ..DispatchRequest::default()
    };
    let dispatched = server.dispatch_job(&key("resize"), request.clone()).await.unwrap();
    assert!(dispatched.dispatched_job_id.starts_with("resize/dispatch-"), "{}", dispatched.dispatched_job_id);
    let child = until(&server, "the end of the child", |snapshot| {
        snapshot.job(&key(&dispatched.dispatched_job_id)).filter(|job| job.status == JobStatus::Dead).cloned()
    })
    .await;
    assert_eq!((child.payload.as_deref(), child.meta["size"].as_str()), (Some("aGVsbG8="), "10"));
    let again = server.dispatch_job(&key("resize"), request).await.unwrap();
    assert_eq!(again.dispatched_job_id, dispatched.dispatched_job_id);
    assert!(again.eval_id.is_empty());
    server.shutdown().await;
}
