//! What a scenario does, and what is seen then.

use crate::engine::{Engine, reason, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Changes of the scheduler's configuration.
    Configure(Value),
    Register(Value),
    /// Only the dry run.
    Plan(Value),
    Stop(&'static str),
    Scale(&'static str, u32),
    Promote(&'static str),
    Fail(&'static str),
    Revert(&'static str, u64),
    /// Node and seconds of the deadline.
    Drain(&'static str, i64),
    /// The same, but system jobs stay.
    DrainButSystem(&'static str),
    Undrain(&'static str),
    Eligible(&'static str, bool),
    /// One allocation of a job, the one with the lowest name.
    StopOne(&'static str),
    Dispatch(&'static str),
    Force(&'static str),
    Kill(&'static str),
    Revive(&'static str),
}

/// What is seen after a step.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// The dry run before a registration: counts, and what cannot be placed.
    plan: BTreeMap<String, Value>,
    counts: BTreeMap<String, u64>,
    blocked: BTreeMap<String, Value>,
    deployments: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn difference(&self, other: &Self) -> String {
        let mut lines = Vec::new();
        let as_text = |seen: &Self| {
            let mut all: Vec<(String, String)> = Vec::new();
            all.extend(seen.plan.iter().map(|(key, value)| (format!("plan {key}"), value.to_string())));
            all.extend(seen.counts.iter().map(|(key, value)| (format!("count {key}"), value.to_string())));
            all.extend(seen.blocked.iter().map(|(key, value)| (format!("blocked {key}"), value.to_string())));
            all.extend(seen.deployments.iter().map(|(key, value)| (format!("deployment {key}"), value.clone())));
            all.into_iter().collect::<BTreeMap<_, _>>()
        };
        let (wanted, got) = (as_text(self), as_text(other));
        for key in wanted.keys().chain(got.keys().filter(|key| !wanted.contains_key(*key))) {
            let (wanted, got) = (wanted.get(key), got.get(key));
            if wanted != got {
                let shown = |side: Option<&String>| side.cloned().unwrap_or_else(|| "nothing".to_owned());
                lines.push(format!("  {key}\n    reference: {}\n    drover:    {}", shown(wanted), shown(got)));
            }
        }
        lines.join("\n")
    }
}

pub(crate) fn take(engine: &dyn Engine, step: &Step) -> Seen {
    let mut seen = Seen::default();
    let job = |id: &str| format!("/v1/job/{id}");
    let node = |name: &str| format!("/v1/node/{}", engine.node_id(name));
    match step {
        Step::Configure(changes) => engine.configure(changes),
        Step::Plan(spec) => seen.plan = plan(engine, spec),
        Step::Register(spec) => {
            seen.plan = plan(engine, spec);
            engine.put("/v1/jobs", &json!({"Job": spec}));
        }
        Step::Stop(id) => {
            engine.request("DELETE", &job(id), None);
        }
        Step::Scale(id, count) => {
            let scale = json!({"Count": count, "Target": {"Group": "g"}, "Message": "scenario"});
            engine.put(&format!("{}/scale", job(id)), &scale);
        }
        Step::Promote(id) | Step::Fail(id) => {
            let deployment = text(&engine.get(&format!("{}/deployment", job(id)))["ID"]);
            let verb = if matches!(step, Step::Promote(_)) { "promote" } else { "fail" };
            let body = json!({"DeploymentID": deployment, "All": true});
            engine.put(&format!("/v1/deployment/{verb}/{deployment}"), &body);
        }
        Step::Revert(id, version) => {
            engine.put(&format!("{}/revert", job(id)), &json!({"JobID": id, "JobVersion": version}));
        }
        Step::Drain(name, seconds) => {
            let spec = json!({"Deadline": seconds * 1_000_000_000, "IgnoreSystemJobs": false});
            engine.put(&format!("{}/drain", node(name)), &json!({"DrainSpec": spec}));
        }
        Step::DrainButSystem(name) => {
            let spec = json!({"Deadline": 3_600_000_000_000_i64, "IgnoreSystemJobs": true});
            engine.put(&format!("{}/drain", node(name)), &json!({"DrainSpec": spec}));
        }
        Step::Undrain(name) => {
            engine.put(&format!("{}/drain", node(name)), &json!({"DrainSpec": null, "MarkEligible": true}));
        }
        Step::Eligible(name, eligible) => {
            let word = if *eligible { "eligible" } else { "ineligible" };
            engine.put(&format!("{}/eligibility", node(name)), &json!({"Eligibility": word}));
        }
        Step::StopOne(id) => {
            let allocs = engine.allocs();
            let mut own: Vec<_> = allocs.iter().filter(|a| a["JobID"] == *id && a["DesiredStatus"] == "run").collect();
            own.sort_by_key(|alloc| text(&alloc["Name"]));
            engine.put(&format!("/v1/allocation/{}/stop", text(&own[0]["ID"])), &json!({}));
        }
        Step::Dispatch(id) => {
            engine.put(&format!("{}/dispatch", job(id)), &json!({"Meta": {"who": "me"}}));
        }
        Step::Force(id) => {
            engine.put(&format!("{}/periodic/force", job(id)), &json!({}));
        }
        Step::Kill(name) => engine.kill(name),
        Step::Revive(name) => engine.revive(name),
    }
    engine.settle();
    seen.counts = engine.counts();
    seen.blocked = engine.blocked();
    seen.deployments = engine.deployments();
    seen
}

fn plan(engine: &dyn Engine, spec: &Value) -> BTreeMap<String, Value> {
    let path = format!("/v1/job/{}/plan", text(&spec["ID"]));
    let answer = engine.put(&path, &json!({"Job": spec, "Diff": false}));
    let mut seen = BTreeMap::new();
    for (group, counts) in answer["Annotations"]["DesiredTGUpdates"].as_object().into_iter().flatten() {
        let changed: serde_json::Map<String, Value> = counts
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, n)| **n != json!(0))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        seen.insert(format!("{group} does"), Value::Object(changed));
    }
    let preempted = answer["Annotations"]["PreemptedAllocs"].as_array().map_or(0, Vec::len);
    seen.insert("preempts".to_owned(), json!(preempted));
    for (group, metric) in answer["FailedTGAllocs"].as_object().into_iter().flatten() {
        seen.insert(format!("{group} fails"), reason(metric));
    }
    seen
}
