//! What both sides can do, over HTTP.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a step may take until nothing moves any more.
const LIMIT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(100);

/// One side of the comparison.
pub(crate) trait Engine: Sync {
    /// For messages.
    fn name(&self) -> &'static str;
    /// `http://ADDRESS:PORT`.
    fn address(&self) -> String;
    /// A node falls silent, without a word.
    fn kill(&self, node: &str);
    /// It comes back.
    fn revive(&self, node: &str);
    /// So long without a change counts as done.
    fn quiet(&self) -> Duration;

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .build()
            .into();
        let url = format!("{}{path}", self.address());
        let answer = match (method, body) {
            ("GET", _) => agent.get(&url).call(),
            ("DELETE", _) => agent.delete(&url).call(),
            (_, body) => agent.put(&url).send_json(body.unwrap_or(&json!({}))),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{}: {method} {path}: {error}", self.name()));
        let text = answer.body_mut().read_to_string().unwrap();
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (answer.status().as_u16(), value)
    }

    fn get(&self, path: &str) -> Value {
        let (status, value) = self.request("GET", path, None);
        assert_eq!(status, 200, "{}: GET {path}: {value}", self.name());
        value
    }

    fn put(&self, path: &str, body: &Value) -> Value {
        let (status, value) = self.request("PUT", path, Some(body));
        assert_eq!(status, 200, "{}: PUT {path}: {value}\n{body}", self.name());
        value
    }

    fn nodes(&self) -> Vec<Value> {
        self.get("/v1/nodes").as_array().cloned().unwrap_or_default()
    }

    fn node_id(&self, name: &str) -> String {
        let nodes = self.nodes();
        let node = nodes.iter().find(|node| node["Name"] == name && node["Status"] != "down");
        let node = node.or_else(|| nodes.iter().find(|node| node["Name"] == name));
        node.unwrap_or_else(|| panic!("no node {name}"))["ID"].as_str().unwrap().to_owned()
    }

    fn allocs(&self) -> Vec<Value> {
        self.get("/v1/allocations").as_array().cloned().unwrap_or_default()
    }

    /// Waits until nothing moves any more.
    fn settle(&self) {
        let began = Instant::now();
        let (mut last, mut since) = (String::new(), Instant::now());
        loop {
            let (evals, allocs) = (self.get("/v1/evaluations"), self.get("/v1/allocations"));
            let deployments = self.get("/v1/deployments");
            let picture = picture(&evals, &allocs, &deployments);
            if picture != last || is_busy(&evals, &allocs, &deployments) {
                (last, since) = (picture, Instant::now());
            }
            if since.elapsed() >= self.quiet() || began.elapsed() >= LIMIT {
                return;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Everything away, all nodes eligible, the configuration as it was at the start.
    fn clean(&self) {
        for job in self.get("/v1/jobs").as_array().into_iter().flatten() {
            let id = job["ID"].as_str().unwrap().replace('/', "%2F");
            self.request("DELETE", &format!("/v1/job/{id}?purge=true"), None);
        }
        for node in self.nodes() {
            let id = node["ID"].as_str().unwrap();
            if node["Drain"] == true {
                self.put(&format!("/v1/node/{id}/drain"), &json!({"DrainSpec": null, "MarkEligible": true}));
            } else if node["SchedulingEligibility"] != "eligible" {
                self.put(&format!("/v1/node/{id}/eligibility"), &json!({"Eligibility": "eligible"}));
            }
        }
        self.configure(&json!({}));
        self.settle();
        self.put("/v1/system/gc", &json!({}));
    }

    fn configure(&self, changes: &Value) {
        let mut configuration = json!({
            "SchedulerAlgorithm": "binpack", "MemoryOversubscriptionEnabled": false,
            "PreemptionConfig": {
                "SystemSchedulerEnabled": false, "SysBatchSchedulerEnabled": false,
                "BatchSchedulerEnabled": false, "ServiceSchedulerEnabled": false,
            },
        });
        configuration.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.put("/v1/operator/scheduler/configuration", &configuration);
    }

    /// Live allocations: `job/group vN class` and how many.
    fn counts(&self) -> BTreeMap<String, u64> {
        let classes: BTreeMap<String, String> =
            self.nodes().iter().map(|node| (text(&node["ID"]), text(&node["NodeClass"]))).collect();
        let mut counts = BTreeMap::new();
        for alloc in self.allocs() {
            let status = text(&alloc["ClientStatus"]);
            let is_over = matches!(status.as_str(), "failed" | "lost")
                || (status == "complete" && alloc["JobType"] != "batch" && alloc["JobType"] != "sysbatch");
            if alloc["DesiredStatus"] != "run" || is_over {
                continue;
            }
            let class = classes.get(alloc["NodeID"].as_str().unwrap()).cloned().unwrap_or_default();
            let job = job_name(alloc["JobID"].as_str().unwrap());
            let unknown = if status == "unknown" { " unknown" } else { "" };
            let key = format!("{job}/{} v{} {class}{unknown}", text(&alloc["TaskGroup"]), alloc["JobVersion"]);
            *counts.entry(key).or_default() += 1;
        }
        counts
    }

    /// Why something waits: the blocked evaluations' metrics by job and group.
    fn blocked(&self) -> BTreeMap<String, Value> {
        let mut reasons: BTreeMap<String, Value> = BTreeMap::new();
        for eval in self.get("/v1/evaluations?status=blocked").as_array().into_iter().flatten() {
            for (group, metric) in eval["FailedTGAllocs"].as_object().into_iter().flatten() {
                reasons.insert(format!("{}/{group}", job_name(eval["JobID"].as_str().unwrap())), reason(metric));
            }
        }
        reasons
    }

    /// Statuses of the newest deployment of each job.
    fn deployments(&self) -> BTreeMap<String, String> {
        let mut newest: BTreeMap<String, (u64, String)> = BTreeMap::new();
        for deployment in self.get("/v1/deployments").as_array().into_iter().flatten() {
            let index = deployment["CreateIndex"].as_u64().unwrap_or(0);
            let groups = deployment["TaskGroups"].as_object().into_iter().flatten();
            // The reference counts anew what a deployment wanted, long after it was done.
            let is_over = deployment["Status"] == "successful";
            let mut groups: Vec<String> = groups
                .map(|(name, state)| {
                    let wanted = if is_over { Value::Null } else { state["DesiredTotal"].clone() };
                    format!(
                        "{name}: {} wanted, {} canaries ({} placed), promoted {}, {} placed, {} healthy",
                        wanted,
                        state["DesiredCanaries"],
                        state["PlacedCanaries"].as_array().map_or(0, Vec::len),
                        state["Promoted"],
                        state["PlacedAllocs"],
                        state["HealthyAllocs"],
                    )
                })
                .collect();
            groups.sort();
            let shown = format!(
                "{} {} [{}]",
                text(&deployment["Status"]),
                text(&deployment["StatusDescription"]),
                groups.join("; ")
            );
            let entry = newest.entry(text(&deployment["JobID"])).or_default();
            if entry.0 <= index {
                *entry = (index, shown);
            }
        }
        newest.into_iter().map(|(job, (_, shown))| (job, shown)).collect()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Children of periodic and dispatched jobs have a time in their names.
fn job_name(id: &str) -> String {
    id.split_once('/').map_or_else(|| id.to_owned(), |(parent, _)| format!("{parent}/child"))
}

/// The part of a metric that is the same however the nodes were shuffled.
pub(crate) fn reason(metric: &Value) -> Value {
    let mut kept = serde_json::Map::new();
    for key in [
        "NodesEvaluated",
        "NodesFiltered",
        "NodesInPool",
        "NodePool",
        "NodesAvailable",
        "ClassFiltered",
        "ConstraintFiltered",
        "NodesExhausted",
        "ClassExhausted",
        "DimensionExhausted",
        "QuotaExhausted",
        "ResourcesExhausted",
        "CoalescedFailures",
    ] {
        kept.insert(key.to_owned(), metric[key].clone());
    }
    Value::Object(kept)
}

fn picture(evals: &Value, allocs: &Value, deployments: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    for eval in evals.as_array().into_iter().flatten() {
        lines.push(format!("{}{}", eval["ID"], eval["Status"]));
    }
    for alloc in allocs.as_array().into_iter().flatten() {
        lines.push(format!(
            "{}{}{}{}",
            alloc["ID"], alloc["ClientStatus"], alloc["DesiredStatus"], alloc["DeploymentStatus"]["Healthy"]
        ));
    }
    for deployment in deployments.as_array().into_iter().flatten() {
        lines.push(format!("{}{}", deployment["ID"], deployment["Status"]));
    }
    lines.sort();
    lines.concat()
}

fn is_busy(evals: &Value, allocs: &Value, deployments: &Value) -> bool {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let waits = |eval: &Value| eval["Status"] == "pending" && text(&eval["WaitUntil"]).is_empty();
    let moves = |alloc: &Value| {
        let (desired, client) = (text(&alloc["DesiredStatus"]), text(&alloc["ClientStatus"]));
        (desired == "run" && client == "pending")
            || (desired != "run" && matches!(client.as_str(), "running" | "pending"))
    };
    let rolls = |deployment: &Value| {
        deployment["Status"] == "running"
            && deployment["TaskGroups"].as_object().into_iter().flatten().any(|(_, state)| {
                let canaries = state["DesiredCanaries"].as_u64().unwrap_or(0);
                let waits =
                    canaries > 0 && state["Promoted"] == false && state["HealthyAllocs"].as_u64() >= Some(canaries);
                !waits
                    && state["HealthyAllocs"].as_u64() < state["DesiredTotal"].as_u64()
                    && state["UnhealthyAllocs"] == 0
                    && state["PlacedAllocs"].as_u64() > state["HealthyAllocs"].as_u64()
            })
    };
    list(evals).iter().any(waits) || list(allocs).iter().any(moves) || list(deployments).iter().any(rolls)
}
