//! Quotas: what does not fit waits, and comes when there is room.

use super::*;
use drover_model::quota::{QuotaLimit, QuotaResources, QuotaSpec};
use drover_model::registry::NamespaceSpec;
use drover_server::request::DeregisterOptions;

fn quota(cpu: i64) -> QuotaSpec {
    let region_limit = Some(QuotaResources { cpu: Some(cpu), ..QuotaResources::default() });
    let limit = QuotaLimit { region: "global".into(), region_limit, ..QuotaLimit::default() };
    QuotaSpec { name: "small".into(), limits: vec![limit], ..QuotaSpec::default() }
}

fn namespace(quota: &str) -> NamespaceSpec {
    NamespaceSpec { name: "team".into(), quota: quota.into(), ..NamespaceSpec::default() }
}

fn in_team(id: &str, count: u32) -> Value {
    let mut job = service(id, count, "run");
    job["Namespace"] = json!("team");
    job["TaskGroups"][0]["Update"] = Value::Null;
    job
}

fn team(id: &str) -> JobKey {
    JobKey::new("team", id)
}

fn running(snapshot: &Snapshot, id: &str) -> usize {
    snapshot.allocs_by_job(&team(id)).filter(|alloc| !alloc.is_terminal()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_a_quota_waits_until_it_grows_or_empties() {
    let server = server().await;
    let _node = FakeNode::join(&server, "one").await;
    let missing = server.upsert_namespace(namespace("small")).await.unwrap_err();
    assert_eq!(missing.message, "namespace \"team\" using non-existent quota \"small\"");
    server.upsert_quota(quota(250)).await.unwrap();
    server.upsert_namespace(namespace("small")).await.unwrap();

    let done = register(&server, in_team("web", 3)).await;
    let eval =
        until(&server, "the evaluation", |s| s.eval(&done.eval_id).filter(|eval| eval.status.is_terminal()).cloned())
            .await;
    let metric = &eval.failed_tg_allocs["main"];
    assert_eq!(metric.quota_exhausted, ["cpu exhausted (300 needed > 250 limit)"]);
    let blocked = until(&server, "the blocked one", |s| s.eval(&eval.blocked_eval).cloned()).await;
    assert_eq!(blocked.quota_limit_reached, "small");
    assert_eq!(running(&server.state().snapshot(), "web"), 2);
    let usage = server.quota_usage(&server.state().snapshot(), "small").unwrap();
    assert_eq!(usage.used.values().next().unwrap().region_limit.as_ref().unwrap().cpu, Some(200));

    server.upsert_quota(quota(350)).await.unwrap();
    until(&server, "the third", |s| (running(s, "web") == 3).then_some(())).await;

    register(&server, in_team("late", 1)).await;
    until(&server, "late to wait", |s| {
        s.evals_by_job(&team("late")).find(|eval| eval.quota_limit_reached == "small").cloned()
    })
    .await;
    server.deregister_job(&team("web"), DeregisterOptions::default()).await.unwrap();
    until(&server, "late to run", |s| (running(s, "late") == 1).then_some(())).await;

    let used = server.delete_quota("small").await.unwrap_err();
    assert_eq!(used.message, "quota \"small\" is used by namespace \"team\"");
    server.upsert_namespace(namespace("")).await.unwrap();
    server.delete_quota("small").await.unwrap();
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_at_once_never_exceed_it() {
    let server = server().await;
    let _nodes = [FakeNode::join(&server, "one").await, FakeNode::join(&server, "two").await];
    server.upsert_quota(quota(500)).await.unwrap();
    server.upsert_namespace(namespace("small")).await.unwrap();
    let names: Vec<String> = (0..12).map(|n| format!("job-{n}")).collect();
    for name in &names {
        register(&server, in_team(name, 1)).await;
    }
    let all = |s: &Snapshot| names.iter().map(|name| running(s, name)).sum::<usize>();
    until(&server, "all evaluations", |s| {
        assert!(all(s) <= 5, "the quota holds at any time");
        let waiting = s.evals().filter(|eval| eval.quota_limit_reached == "small" && eval.should_block()).count();
        (all(s) == 5 && waiting == 7).then_some(())
    })
    .await;
    server.shutdown().await;
}
