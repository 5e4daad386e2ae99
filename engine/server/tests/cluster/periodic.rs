//! Periodic jobs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn periodic_jobs_are_launched_by_the_clock_and_by_hand() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut job = batch("tick", 1, "finish");
    job["Periodic"] = json!({"Enabled": true, "SpecType": "cron", "Specs": ["* * * * * * *"]});
    let registered = register(&server, job).await;
    assert!(registered.eval_id.is_empty());
    let child = until(&server, "a child", |snapshot| snapshot.children_of(&key("tick")).next().cloned()).await;
    assert!(child.id.starts_with("tick/periodic-"), "{}", child.id);
    assert!(server.state().snapshot().periodic_launch(&key("tick")).is_some());

    let mut rare = batch("rare", 1, "finish");
    rare["Periodic"] = json!({"Enabled": true, "SpecType": "cron", "Specs": ["0 0 1 1 *"]});
    register(&server, rare).await;
    let forced = server.periodic_force(&key("rare")).await.unwrap();
    until(&server, "the forced child", |snapshot| {
        let eval = snapshot.eval(&forced.eval_id)?;
        snapshot.job(&eval.job_key()).map(|_| ())
    })
    .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn launches_do_not_overlap_when_forbidden() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let mut job = batch("slow", 1, "start");
    job["Periodic"] = json!({"Enabled": true, "SpecType": "cron", "Specs": ["* * * * * * *"], "ProhibitOverlap": true});
    register(&server, job).await;
    until(&server, "a child", |snapshot| snapshot.children_of(&key("slow")).next().cloned()).await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert_eq!(server.state().snapshot().children_of(&key("slow")).count(), 1);
    server.shutdown().await;
}
