//! Requests that know the API's shapes and break them: no route panics, hangs, or answers with a server's error
//! where the reference does not.
//!
//! `DROVER_FUZZ_SECONDS` says for how long (5), `DROVER_FUZZ_SEED` repeats a run, and `DROVER_REFERENCE`
//! (`address:port`) sends every request to a running reference too, whose statuses are then compared.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::{Api, job};

/// The longest that an answer may take; debug builds on busy machines are slow.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a route that panicked answers.
const PANICKED: &str = "internal error";
const UUID: &str = "8ba85cef-22b2-4f1e-9d3b-3a4f0d8c1a11";

/// Paths, `{}` being ids. Streams, which do not end, and what ends or empties the agent are left out.
const PATHS: &[&str] = &[
    "jobs",
    "jobs/parse",
    "jobs/statuses",
    "validate/job",
    "job/{}",
    "job/{}/plan",
    "job/{}/evaluate",
    "job/{}/dispatch",
    "job/{}/revert",
    "job/{}/stable",
    "job/{}/scale",
    "job/{}/allocations",
    "job/{}/evaluations",
    "job/{}/deployments",
    "job/{}/deployment",
    "job/{}/summary",
    "job/{}/versions",
    "job/{}/submission",
    "job/{}/services",
    "job/{}/actions",
    "job/{}/periodic/force",
    "job/{}/versions/{}/tag",
    "allocations",
    "allocation/{}",
    "allocation/{}/stop",
    "allocation/{}/services",
    "evaluations",
    "evaluations/count",
    "evaluation/{}",
    "evaluation/{}/allocations",
    "deployments",
    "deployment/{}",
    "deployment/fail/{}",
    "deployment/pause/{}",
    "deployment/promote/{}",
    "deployment/unblock/{}",
    "deployment/allocations/{}",
    "deployment/allocation-health/{}",
    "nodes",
    "node/{}",
    "node/{}/allocations",
    "node/{}/evaluate",
    "node/{}/drain",
    "node/{}/eligibility",
    "node/pools",
    "node/pool/{}",
    "node/pool/{}/jobs",
    "node/pool/{}/nodes",
    "namespaces",
    "namespace",
    "namespace/{}",
    "services",
    "service/{}",
    "service/{}/{}",
    "vars",
    "var/{}",
    "search",
    "search/fuzzy",
    "status/leader",
    "status/peers",
    "regions",
    "agent/self",
    "agent/members",
    "agent/health",
    "operator/scheduler/configuration",
    "operator/raft/configuration",
    "operator/autopilot/configuration",
    "scaling/policies",
    "scaling/policy/{}",
    "volumes",
    "volume/csi/{}",
    "plugins",
    "quotas",
    "quota/{}",
    "acl/policies",
    "acl/policy/{}",
    "acl/tokens",
    "acl/token/{}",
    "acl/roles",
    "acl/bootstrap",
];

fn bodies() -> Vec<Value> {
    let one = job("known");
    vec![
        json!({"Job": one, "EnforceIndex": true, "JobModifyIndex": 3, "PolicyOverride": false, "PreserveCounts": true}),
        json!({"Job": one, "Diff": true}),
        json!({"JobHCL": "job \"a\" { group \"g\" { task \"t\" { driver = \"mock_driver\" } } }", "Canonicalize": true}),
        json!({"JobID": "known", "EvalOptions": {"ForceReschedule": true}}),
        json!({"Payload": "aGVsbG8=", "Meta": {"key": "value"}, "IdPrefixTemplate": "p"}),
        json!({"JobID": "known", "JobVersion": 0, "EnforcePriorVersion": 1, "Stable": true}),
        json!({"Count": 2, "Target": {"Group": "main"}, "Message": "m", "Error": false, "Meta": {"a": 1}}),
        json!({"Version": 0, "Description": "d"}),
        json!({"DeploymentID": UUID, "All": true, "Groups": ["main"], "Pause": true, "HealthyAllocationIDs": [UUID]}),
        json!({"NodeID": UUID, "DrainSpec": {"Deadline": 1000, "IgnoreSystemJobs": true}, "MarkEligible": true}),
        json!({"NodeID": UUID, "Eligibility": "ineligible"}),
        json!({"Name": "fuzz", "Description": "d", "Meta": {"a": "b"}, "Capabilities": {"EnabledTaskDrivers": ["x"]}}),
        json!({"Name": "fuzz", "SchedulerConfiguration": {"SchedulerAlgorithm": "spread"}, "NodeIdentityTTL": 1}),
        json!({"Path": "a/b", "Namespace": "default", "Items": {"key": "value"}, "ModifyIndex": 0}),
        json!({"Prefix": "8b", "Context": "all", "Text": "known"}),
        json!({"SchedulerAlgorithm": "binpack", "PreemptionConfig": {"ServiceSchedulerEnabled": true}}),
        json!({"Jobs": [{"ID": "known", "Namespace": "default"}]}),
        json!({"Filter": "JobID == \"known\""}),
    ]
}

/// Values that are no good almost anywhere.
fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(-1)),
        Just(json!(1e308)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[[[[]]]]]])),
        Just(json!({"ID": {"ID": {}}})),
        ".{0,12}".prop_map(Value::from),
        Just(json!("a".repeat(5000))),
        Just(json!("${attr.kernel.name}\u{0}\u{202e}")),
        Just(json!("*")),
    ]
}

/// One change of a document, at a place that `at` chooses.
fn change(value: &mut Value, at: &[u16], with: &Value, how: u8) {
    let turn = |len: usize| usize::from(at[0]) % len;
    match value {
        Value::Object(fields) if at.len() > 1 && !fields.is_empty() => {
            let key = fields.keys().nth(turn(fields.len())).cloned().unwrap();
            match how {
                0 if at.len() == 2 => drop(fields.remove(&key)),
                1 if at.len() == 2 => drop(fields.insert(format!("{key}X"), with.clone())),
                _ => change(&mut fields[&key], &at[1..], with, how),
            }
        }
        Value::Array(items) if at.len() > 1 && !items.is_empty() => {
            let place = turn(items.len());
            match how {
                0 if at.len() == 2 => items.clear(),
                1 if at.len() == 2 => items.push(with.clone()),
                _ => change(&mut items[place], &at[1..], with, how),
            }
        }
        place => *place = with.clone(),
    }
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("known".to_owned()),
        Just(UUID.to_owned()),
        Just("default".to_owned()),
        Just("0".to_owned()),
        Just("a%2Fb".to_owned()),
        Just("%00%ff".to_owned()),
        Just("*".to_owned()),
        Just("x".repeat(400)),
        "[a-z0-9-]{1,8}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "namespace",
        "prefix",
        "filter",
        "per_page",
        "next_token",
        "reverse",
        "pretty",
        "stale",
        "index",
        "wait",
        "meta",
        "resources",
        "task_states",
        "purge",
        "global",
        "version",
        "diffs",
        "all",
        "cas",
        "type",
        "os",
        "id",
        "region",
        "plugin_id",
        "diff_version",
        "diff_tag",
        "no_shutdown_delay",
        "idempotency_token",
    ]);
    let value = prop_oneof![
        Just("true"),
        Just("0"),
        Just("1"),
        Just("-1"),
        Just("abc"),
        Just("99999999999999999999"),
        Just("%2A"),
        Just(""),
        Just("1ms"),
        Just("default"),
        Just("ID+%3D%3D+%22known%22"),
        Just("ID+matches+%22%28a%2B%29%2Bb%22"),
        Just("%28%28%28%28ID"),
        Just("not+not+not+ID+is+empty"),
        Just("known.."),
        Just("%22"),
        Just("any+Foo+as+x+%7B"),
    ];
    // Waiting takes its time by design.
    let pairs = prop::collection::vec((name, value), 0..3);
    pairs.prop_map(|pairs| {
        let text = |(name, value): (&str, &str)| format!("{name}={value}");
        let pairs = pairs.into_iter().filter(|(name, _)| *name != "wait");
        let mut pairs: Vec<String> = pairs.map(text).collect();
        pairs.push("wait=1ms".to_owned());
        pairs.join("&")
    })
}

/// What is sent.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    path: String,
    body: Option<String>,
}

fn request() -> impl Strategy<Value = Sent> {
    let method = prop_oneof![
        4 => Just("GET"), 4 => Just("PUT"), 2 => Just("POST"), 2 => Just("DELETE"), 1 => Just("PATCH"), 1 => Just("OPTIONS"),
    ];
    let path = (prop::sample::select(PATHS), id(), id(), query()).prop_map(|(path, first, second, query)| {
        let path = path.replacen("{}", &first, 1).replacen("{}", &second, 1);
        format!("/v1/{path}?{query}")
    });
    let changes = prop::collection::vec((prop::collection::vec(any::<u16>(), 1..6), hostile(), 0u8..4), 0..4);
    let document = (prop::sample::select(bodies()), changes).prop_map(|(mut body, changes)| {
        for (at, with, how) in changes {
            change(&mut body, &at, &with, how);
        }
        body.to_string()
    });
    let document = document.boxed();
    let cut = (document.clone(), 0usize..400).prop_map(|(text, at)| text.chars().take(at).collect::<String>());
    let body = prop_oneof![
        6 => document.prop_map(Some),
        1 => cut.prop_map(Some),
        1 => Just(None),
        1 => Just(Some("[".repeat(3000))),
    ];
    (method, path, body).prop_map(|(method, path, body)| Sent { method, path, body })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_breaks_the_api() {
    let api = Api::start().await;
    api.register("known").await;
    let reference = std::env::var("DROVER_REFERENCE").ok();
    let seed = number("DROVER_FUZZ_SEED").unwrap_or_else(rand::random);
    let until = Instant::now() + Duration::from_secs(number("DROVER_FUZZ_SECONDS").unwrap_or(5));
    println!("seed {seed} (DROVER_FUZZ_SEED)");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (requests, mut sent, mut worse) = (request(), 0, Vec::new());
    while Instant::now() < until {
        let tried = requests.new_tree(&mut runner).unwrap().current();
        let (status, text) = send(&api.address(), &tried).await.unwrap_or_else(|error| panic!("{error}: {tried:?}"));
        assert!(!text.contains(PANICKED), "seed {seed}, request {sent}: a route panicked: {tried:?}");
        sent += 1;
        if let Some(reference) = &reference
            && status >= 500
            && let Ok((theirs, their_text)) = send(reference, &tried).await
            && theirs < 500
        {
            worse.push(format!("{status} {text:?}, the reference {theirs} {their_text:?}: {tried:?}"));
        }
    }
    println!("{sent} requests");
    assert_eq!(api.get("/v1/job/known").await.status, 200, "the API still answers");
    assert!(worse.is_empty(), "seed {seed}: {} of {sent}:\n{}", worse.len(), worse.join("\n"));
    api.stop().await;
}

async fn send(address: &str, sent: &Sent) -> Result<(u16, String), String> {
    let request =
        reqwest::Client::new().request(sent.method.parse().unwrap(), format!("http://{address}{}", sent.path));
    let request = request.body(sent.body.clone().unwrap_or_default()).timeout(PATIENCE);
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(|error| format!("{error:?}"))?;
    Ok((status, text.chars().take(200).collect()))
}
