//! The API over HTTP: statuses, headers, bodies, waiting, paging.

mod support;

use serde_json::json;
use std::time::{Duration, Instant};
use support::{Api, job};

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_statuses_and_texts_that_clients_know() {
    let api = Api::start().await;
    let cases = [
        ("GET", "/v1/nothing", 404, ""),
        ("GET", "/nothing", 404, ""),
        ("GET", "/v1/jobs/", 404, ""),
        ("DELETE", "/v1/jobs", 405, "Invalid method"),
        ("HEAD", "/v1/jobs", 405, ""),
        ("PUT", "/v1/jobs", 400, "Request body is empty"),
        ("GET", "/v1/job/nope", 404, "job not found"),
        ("GET", "/v1/job/", 404, "job not found"),
        ("GET", "/v1/allocation/nope", 500, "alloc lookup failed: index error: UUID must be 36 characters"),
        ("GET", "/v1/allocation/00000000-0000-0000-0000-000000000000", 404, "alloc not found"),
        (
            "GET",
            "/v1/nodes?prefix=abc",
            500,
            "node lookup failed: index error: Input (without hyphens) must be even length",
        ),
        ("GET", "/v1/jobs?wait=soon", 400, "Invalid wait time"),
        ("GET", "/v1/jobs?index=-1", 400, "Invalid index"),
        ("GET", "/v1/jobs?stale=perhaps", 400, "Expect `true` or `false` for `stale` query string parameter"),
        ("GET", "/v1/jobs?per_page=many", 400, "Expect a number for `per_page` query string parameter"),
        ("GET", "/v1/jobs?region=elsewhere", 500, "No path to region"),
        ("GET", "/v1/quotas", 501, "Nomad Enterprise only endpoint"),
        ("GET", "/v1/job/web/submission", 400, "Unable to parse job submission version parameter"),
        ("GET", "/v1/job/nope/versions", 404, "job versions not found"),
    ];
    for (method, path, status, text) in cases {
        let answer = api.send(api.request(method, path)).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, text), "{method} {path}");
        if !text.is_empty() {
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{method} {path}");
        }
    }
    let missing = api.get("/v1/job/nope").await;
    assert_eq!((missing.index(), missing.header("x-nomad-knownleader")), (0, Some("true")));
    let bad = api.get("/v1/jobs?meta=perhaps").await;
    assert_eq!(bad.status, 500);
    assert!(bad.text.starts_with("Failed to parse value of \"meta\" (perhaps) as a bool: "), "{}", bad.text);
    let large = api.send(api.request("PUT", "/v1/jobs").body("x".repeat(70_000))).await;
    assert_eq!(large.status, 413);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_registered_read_changed_and_purged() {
    let api = Api::start().await;
    assert_eq!(api.get("/v1/jobs").await.text, "[]");
    let registered = api.register("web/1").await;
    assert_eq!(registered.status, 200, "{}", registered.text);
    let answer = registered.json();
    assert_eq!(answer["JobModifyIndex"], registered.json()["Index"]);
    assert_eq!(answer["KnownLeader"], false);
    assert_eq!(answer["EvalID"].as_str().unwrap().len(), 36);
    let read = api.get("/v1/job/web%2F1").await;
    assert_eq!(read.json()["ID"], "web/1");
    assert_eq!(read.header("x-nomad-lastcontact"), Some("0"));
    let list = api.get("/v1/jobs?meta=true").await.json();
    assert_eq!(list[0]["JobSummary"]["Children"]["Running"], 0);
    assert_eq!(list[0]["Meta"]["owner"], "team-a");
    assert_eq!(api.get("/v1/jobs").await.json()[0]["Meta"], json!(null));
    let changed = json!({"Job": {"ID": "web/1", "Meta": {"owner": "b"}, "Datacenters": ["dc1"], "TaskGroups": job("x")["TaskGroups"]}});
    assert_eq!(api.put("/v1/job/web%2F1", changed).await.status, 200);
    let versions = api.get("/v1/job/web/1/versions?diffs=true").await.json();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2);
    assert_eq!(versions["Diffs"][0]["Type"], "Edited");
    let other = api.put("/v1/job/other", json!({"Job": job("web/1")})).await;
    assert_eq!((other.status, other.text.as_str()), (400, "Job ID does not match name"));
    let refused = api.put("/v1/jobs", json!({"Job": job("web/1"), "EnforceIndex": true})).await;
    assert_eq!((refused.status, refused.text.as_str()), (500, "Enforcing job modify index 0: job already exists"));
    let purged = api.send(api.request("DELETE", "/v1/job/web/1?purge=true")).await;
    assert_eq!(purged.status, 200);
    assert_eq!(api.get("/v1/job/web/1").await.status, 404);
    let again = api.send(api.request("DELETE", "/v1/job/web/1?purge=true")).await.json();
    assert_eq!((again["EvalID"].as_str(), again["Index"].as_u64()), (Some(""), Some(0)));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_wait_for_a_newer_index() {
    let api = Api::start().await;
    api.register("web").await;
    let list = api.get("/v1/jobs").await;
    let begin = Instant::now();
    let timed_out = api.get(&format!("/v1/jobs?index={}&wait=300ms", list.index() + 100)).await;
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(timed_out.status, 200);
    let index = api.get("/v1/jobs").await.index();
    let path = format!("/v1/job/other?index={index}&wait=20s");
    let waiting = api.get(&path);
    let writing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        api.register("other").await
    };
    let begin = Instant::now();
    let (answer, _) = tokio::join!(waiting, writing);
    assert_eq!(answer.json()["ID"], "other");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged() {
    let api = Api::start().await;
    for id in ["report-a", "report-b", "nightly", "resize", "web"] {
        assert_eq!(api.register(id).await.status, 200);
    }
    let ids = |answer: &support::Answer| -> Vec<String> {
        answer.json().as_array().unwrap().iter().map(|job| job["ID"].as_str().unwrap().to_owned()).collect()
    };
    let first = api.get("/v1/jobs?per_page=2").await;
    assert_eq!(ids(&first), ["nightly", "report-a"]);
    assert_eq!(first.header("x-nomad-nexttoken"), Some("default.report-b"));
    let second = api.get("/v1/jobs?per_page=2&next_token=default.report-b").await;
    assert_eq!(ids(&second), ["report-b", "resize"]);
    let last = api.get("/v1/jobs?per_page=2&next_token=default.web").await;
    assert_eq!((ids(&last), last.header("x-nomad-nexttoken")), (vec!["web".to_owned()], None));
    assert_eq!(ids(&api.get("/v1/jobs?reverse=true").await)[0], "web");
    assert_eq!(ids(&api.get("/v1/jobs?prefix=report").await).len(), 2);
    assert_eq!(ids(&api.get("/v1/jobs?filter=ID+matches+%22%5Er.*a%24%22").await), ["report-a"]);
    let unknown = api.get("/v1/jobs?filter=Colour+%3D%3D+blue").await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("Colour"));
    let nonsense = api.get("/v1/jobs?filter=nonsense").await;
    assert!(nonsense.text.starts_with("failed to create result paginator: failed to read filter expression: "));
    assert_eq!(api.get("/v1/jobs?namespace=nowhere").await.text, "[]");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_pretty_compressed_and_redirected_when_asked() {
    let api = Api::start().await;
    let pretty = api.get("/v1/namespaces?pretty").await.text;
    assert!(pretty.starts_with("[\n    {\n") && pretty.ends_with("]\n"), "{pretty}");
    let zipped = api.send(api.request("GET", "/v1/job/nope").header("accept-encoding", "gzip")).await;
    assert_eq!((zipped.status, zipped.header("content-encoding")), (404, Some("gzip")));
    assert_eq!(api.get("/v1/jobs").await.header("content-encoding"), None);
    let root = api.get("/?a=b").await;
    assert_eq!((root.status, root.header("location")), (307, Some("/ui/?a=b")));
    assert_eq!(api.get("/v1//jobs").await.header("location"), Some("/v1/jobs"));
    let asked = api.request("OPTIONS", "/v1/vars").header("origin", "http://example.org");
    let preflight = api.send(asked.header("access-control-request-method", "GET")).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, Some("GET")));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_compare_and_set() {
    let api = Api::start().await;
    let missing = api.get("/v1/var/some/thing").await;
    assert_eq!((missing.status, missing.text.as_str()), (404, "variable not found"));
    let written = api.put("/v1/var/some/thing?cas=0", json!({"Items": {"a": "b"}})).await;
    assert_eq!(written.status, 200, "{}", written.text);
    assert_eq!(written.json()["Items"]["a"], "b");
    let conflict = api.put("/v1/var/some/thing?cas=0", json!({"Items": {"a": "c"}})).await;
    assert_eq!(conflict.status, 409);
    assert_eq!(conflict.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(conflict.json()["Items"]["a"], "b");
    let list = api.get("/v1/vars?prefix=some").await.json();
    assert_eq!((list[0]["Path"].as_str(), list[0].get("Items")), (Some("some/thing"), None));
    let gone = api.send(api.request("DELETE", "/v1/var/some/thing")).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_find_jobs_and_what_is_in_them() {
    let api = Api::start().await;
    api.register("frontend").await;
    let found = api.put("/v1/search", json!({"Prefix": "front", "Context": "all"})).await.json();
    assert_eq!(found["Matches"]["jobs"], json!(["frontend"]));
    assert_eq!(found["Truncations"]["jobs"], false);
    assert!(found["Matches"].get("allocs").is_none(), "an id cannot begin so");
    let fuzzy = api.put("/v1/search/fuzzy", json!({"Text": "sleep", "Context": "all"})).await.json();
    assert_eq!(fuzzy["Matches"]["tasks"], json!([{"ID": "sleep", "Scope": ["default", "frontend", "main"]}]));
    assert_eq!(fuzzy["Matches"]["commands"][0]["Scope"], json!(["default", "frontend", "main", "sleep"]));
    let wrong = api.put("/v1/search", json!({"Prefix": "f", "Context": "ships"})).await;
    assert!(wrong.status == 500 && wrong.text.contains("got \"ships\""), "{}", wrong.text);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_waiting_reads() {
    let api = Api::start().await;
    let request = api.request("GET", "/v1/jobs?index=1000&wait=60s");
    let waiting = tokio::spawn(async move { request.send().await.map(|response| response.status().as_u16()) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begin = Instant::now();
    api.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert_eq!(waiting.await.unwrap().unwrap(), 200);
}
