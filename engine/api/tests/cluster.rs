//! The routes about agents and the cluster, over HTTP, of an agent without a node.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use support::Api;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_statuses_and_texts_that_clients_know() {
    let api = Api::start().await;
    let unknown = "00000000-0000-0000-0000-000000000000";
    let cases = [
        ("POST", "/v1/status/leader".to_owned(), 405, "Invalid method".to_owned()),
        ("GET", "/v1/status/leader?region=mars".into(), 500, "No path to region".into()),
        ("GET", "/v1/agent/nothing".into(), 404, String::new()),
        ("PUT", "/v1/agent/servers".into(), 400, "missing server address".into()),
        ("PUT", "/v1/agent/join".into(), 400, "missing address to join".into()),
        ("GET", "/v1/agent/join?address=127.0.0.1:1".into(), 405, "Invalid method".into()),
        ("PUT", "/v1/agent/force-leave".into(), 400, "missing node to force leave".into()),
        ("GET", "/v1/agent/keyring/list".into(), 500, "1/1 nodes reported failure".into()),
        ("GET", "/v1/agent/monitor?log_level=loud".into(), 400, "Unknown log level: loud".into()),
        ("GET", "/v1/agent/pprof/nothing".into(), 404, "Pprof profile not found profile: nothing".into()),
        (
            "GET",
            format!("/v1/agent/monitor?node_id={unknown}"),
            500,
            format!("RPC Error:: 404,Unknown node \"{unknown}\""),
        ),
        ("GET", "/v1/client/fs/ls/".into(), 400, "must provide a valid alloc id".into()),
        ("GET", "/v1/client/fs/stat/xyz".into(), 400, "must provide a file name".into()),
        ("GET", "/v1/client/fs/burn/xyz".into(), 404, "Invalid method".into()),
        ("GET", "/v1/client/fs/cat/".into(), 200, "must provide a valid alloc id".into()),
        ("GET", format!("/v1/client/fs/ls/{unknown}"), 404, format!("Unknown allocation \"{unknown}\"")),
        (
            "GET",
            "/v1/client/fs/ls/xyz".into(),
            500,
            "alloc lookup failed: index error: UUID must be 36 characters".into(),
        ),
        ("GET", format!("/v1/client/allocation/{unknown}/stats"), 404, format!("Unknown allocation \"{unknown}\"")),
        ("GET", format!("/v1/client/allocation/{unknown}/signal"), 405, "Invalid method".into()),
        ("GET", format!("/v1/client/allocation/{unknown}/dance"), 404, "resource not found".into()),
        ("GET", format!("/v1/client/stats?node_id={unknown}"), 404, format!("Unknown node {unknown}")),
        (
            "GET",
            "/v1/event/stream?topic=Job:a:b:c".into(),
            400,
            "Invalid topic query: error parsing topics: \
            Invalid key value pair for topic, topic: Job:a:b:c"
                .into(),
        ),
        ("POST", "/v1/metrics".into(), 405, "Invalid method".into()),
        ("GET", "/v1/acl/tokens".into(), 400, "ACL support disabled".into()),
        ("POST", "/v1/acl/login".into(), 400, "Request body is empty".into()),
        ("GET", "/v1/volumes?type=cloud".into(), 404, "resource not found".into()),
        ("GET", "/v1/volume/csi/nothing".into(), 404, "volume not found".into()),
        ("GET", "/v1/plugin/csi/nothing".into(), 404, "plugin not found".into()),
        ("GET", "/v1/volumes/external?type=csi".into(), 500, "no such plugin".into()),
        ("GET", "/v1/scaling/policy/none".into(), 404, "policy not found".into()),
        ("PUT", "/v1/operator/raft/configuration".into(), 405, String::new()),
        ("GET", "/v1/operator/utilization".into(), 405, "Invalid method".into()),
        ("GET", "/.well-known/openid-configuration".into(), 404, "OIDC Discovery endpoint disabled".into()),
    ];
    for (method, path, status, text) in cases {
        let answer = api.send(api.request(method, &path)).await;
        assert_eq!((answer.status, answer.text), (status, text), "{method} {path}");
    }
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unfinished_route_says_so() {
    let api = Api::start().await;
    for unfinished in drover_api::UNFINISHED {
        let answer = api.get(&format!("/v1/{}/x", unfinished.path)).await;
        assert_eq!(answer.status, 501, "{}", unfinished.path);
        assert!(answer.text.contains("not implemented"), "{}", answer.text);
    }
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheduler_is_configured_with_compare_and_set() {
    let api = Api::start().await;
    let path = "/v1/operator/scheduler/configuration";
    let read = api.get(path).await.json();
    assert_eq!(read["SchedulerConfig"]["SchedulerAlgorithm"], "binpack");
    assert_eq!(read["SchedulerConfig"]["NodeLimitForFeasibilityChecks"], 0);
    let written = api.put(path, json!({"SchedulerAlgorithm": "spread"})).await;
    assert_eq!(
        (written.json()["Updated"].clone(), written.json()["Index"].clone()),
        (json!(true), written.index().into())
    );
    let refused = api.put(&format!("{path}?cas=9999"), json!({"SchedulerAlgorithm": "binpack"})).await;
    assert_eq!(refused.json()["Updated"], false, "somebody else has changed it");
    let index = api.get(path).await.json()["SchedulerConfig"]["ModifyIndex"].clone();
    let taken = api.put(&format!("{path}?cas={index}"), json!({"SchedulerAlgorithm": "binpack"})).await;
    assert_eq!(taken.json()["Updated"], true);
    let wrong = api.put(path, json!({"SchedulerAlgorithm": "luck"})).await;
    assert_eq!((wrong.status, wrong.text.as_str()), (400, "invalid scheduler algorithm: luck"));
    api.stop().await;
}

/// The documents of an event stream, signs of life left out.
async fn events(api: &Api, query: &str, count: usize) -> Vec<Value> {
    let response = api.request("GET", &format!("/v1/event/stream?{query}")).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let mut chunks = response.bytes_stream();
    let mut text = Vec::new();
    let found = timeout(Duration::from_secs(10), async {
        loop {
            let lines = String::from_utf8_lossy(&text);
            let whole = &lines[..lines.rfind('\n').map_or(0, |end| end + 1)];
            let documents = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let found: Vec<Value> = documents.filter(|document| document["Events"].is_array()).collect();
            if found.len() >= count {
                return found;
            }
            text.extend(chunks.next().await.unwrap().unwrap());
        }
    });
    found.await.expect("events come at once")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_as_they_happen() {
    let api = Api::start().await;
    api.register("noise").await;
    let (seen, _) = tokio::join!(events(&api, "topic=Job:web&topic=Evaluation:web", 2), async {
        // Whether the stream has begun or not: nothing is missed.
        api.register("web").await
    });
    let event = |line: usize| &seen[line]["Events"][0];
    assert_eq!(
        (&event(0)["Topic"], &event(0)["Type"], &event(0)["Key"]),
        (&json!("Job"), &json!("JobRegistered"), &json!("web"))
    );
    assert_eq!(event(0)["FilterKeys"], Value::Null);
    assert_eq!((&event(0)["Payload"]["Job"]["ID"], &event(0)["Payload"]["Deleted"]), (&json!("web"), &json!(false)));
    assert_eq!((&event(1)["Topic"], &event(1)["FilterKeys"]), (&json!("Evaluation"), &json!(["web", ""])));
    assert_eq!(seen[0]["Index"], seen[1]["Index"], "one write");

    let index = seen[0]["Index"].as_u64().unwrap();
    let again = events(&api, &format!("topic=Job&index={index}"), 1).await;
    assert_eq!(again[0]["Events"][0]["Key"], "web", "what is older is left out");
    let future = events(&api, "topic=*&index=999999", 1).await;
    assert!(future[0]["Index"].as_u64().unwrap() >= index, "the newest");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_told_in_both_forms() {
    let api = Api::start().await;
    api.register("web").await;
    let document = api.get("/v1/metrics").await.json();
    let named = |kind: &str, name: &str| {
        let found = document[kind].as_array().unwrap().iter().find(|metric| metric["Name"] == name);
        found.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!(named("Gauges", "nomad.nomad.broker.total_ready")["Labels"], json!({"host": "node-1"}));
    assert!(named("Counters", "nomad.nomad.rpc.request")["Count"].as_u64().unwrap() >= 1, "the registration");
    assert!(document["Timestamp"].as_str().unwrap().ends_with("0 +0000 UTC"), "{}", document["Timestamp"]);
    let text = api.get("/v1/metrics?format=prometheus").await;
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8; escaping=underscores"));
    assert!(
        text.text
            .contains("# TYPE nomad_nomad_job_status_dead gauge\nnomad_nomad_job_status_dead{host=\"node-1\"} 0\n")
    );
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_tells_of_itself() {
    let api = Api::start().await;
    let myself = api.get("/v1/agent/self").await.json();
    assert_eq!(myself["stats"]["nomad"]["leader"], "true");
    assert_eq!(myself["member"]["Name"], "node-1.global");
    assert_eq!(api.get("/v1/agent/health").await.json(), json!({"server": {"ok": true, "message": "ok"}}));
    assert_eq!(api.get("/v1/regions").await.json(), json!(["global"]));
    let health = api.get("/v1/operator/autopilot/health").await.json();
    assert_eq!((&health["Healthy"], &health["Voters"]), (&json!(true), &json!(["server"])));
    let joined = api.put("/v1/agent/join?address=127.0.0.1:1", json!({})).await.json();
    let fault = joined["error"].as_str().unwrap();
    assert!(fault.contains("failed to join 127.0.0.1:1: dial tcp 127.0.0.1:1"), "{fault}");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_jobs_are_listed() {
    let api = Api::start().await;
    let mut job = support::job("web");
    job["TaskGroups"][0]["Scaling"] = json!({"Min": 1, "Max": 4, "Enabled": true, "Policy": {"cooldown": "1m"}});
    let answer = api.put("/v1/jobs", json!({ "Job": job })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = api.get("/v1/scaling/policies").await.json();
    assert_eq!(list[0]["Target"], json!({"Namespace": "default", "Job": "web", "Group": "main"}));
    assert_eq!(list[0].get("Policy"), None, "only the policy itself has it");
    assert_eq!(api.get("/v1/scaling/policies?job=other").await.json(), json!([]));
    let policy = api.get(&format!("/v1/scaling/policy/{}", list[0]["ID"].as_str().unwrap())).await.json();
    assert_eq!((&policy["Max"], &policy["Policy"]["cooldown"]), (&json!(4), &json!("1m")));
    api.stop().await;
}
