//! The tree of differences in a plan is the reference's, for every change of one value in 50 jobs.

use drover_tests::{Agent, AgentOptions, peer};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// So many jobs are compared at least.
const MIN_JOBS: usize = 50;
/// So many changes are compared at least.
const MIN_CHANGES: usize = 3000;
/// Fields of the job that name it or that servers set.
const NOT_CHANGED: [&str; 21] = [
    "ID",
    "Namespace",
    "Region",
    "Status",
    "StatusDescription",
    "Version",
    "Stable",
    "CreateIndex",
    "ModifyIndex",
    "JobModifyIndex",
    "SubmitTime",
    "NomadTokenID",
    "VersionTag",
    "ParentID",
    "Dispatched",
    "DispatchIdempotencyToken",
    "Stop",
    "ConsulNamespace",
    "VaultNamespace",
    // Without a node in the datacenter neither has counts, but one of them says so.
    "Datacenters",
    "Payload",
];
/// Changes that differ on purpose or without effect, by the end of their path.
const DIFFERENT: [&str; 4] = [
    // Of two services on one port the first goes: the reference shows the second one renamed, and gone.
    "/Services",
    // A number that no float holds is the same float.
    "/Config/max_int64",
    // The default identity has one name.
    "/Identity/Name",
    // A device of the old network block: the task differs, with no field to show for it.
    "/Resources/Networks/0/Device",
];

#[test]
fn every_single_change_has_the_tree_of_the_reference() {
    let Some(nomad) = peer("nomad") else { return };
    let jobs = jobs();
    if jobs.is_empty() {
        return;
    }
    let reference = Agent::start(AgentOptions { binary: Some(nomad), ..AgentOptions::default() });
    let ours = Agent::dev();
    let (mut compared, mut changes, mut wrong) = (0, 0, Vec::new());
    for (name, job) in jobs {
        let registration = json!({"Job": job});
        if try_put(&reference, "/v1/jobs", &registration).is_none()
            || try_put(&ours, "/v1/jobs", &registration).is_none()
        {
            continue;
        }
        compared += 1;
        for (path, changed) in changed(&job) {
            let plan = json!({"Job": changed, "Diff": true});
            let route = format!("/v1/job/{}/plan", job["ID"].as_str().unwrap());
            // What either refuses is for the tests of validation.
            let Some(wanted) = try_put(&reference, &route, &plan) else { continue };
            let Some(found) = try_put(&ours, &route, &plan) else { continue };
            changes += 1;
            let (wanted, found) = (sorted(wanted["Diff"].clone()), sorted(found["Diff"].clone()));
            if wanted != found {
                wrong.push(format!("{name} {path}:\n  wanted {wanted}\n  found  {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {changes} trees differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= MIN_JOBS && changes >= MIN_CHANGES, "only {changes} changes of {compared} jobs were compared");
}

/// PUT; `None` for what is refused.
fn try_put(agent: &Agent, path: &str, body: &Value) -> Option<Value> {
    ureq::put(format!("{}{path}", agent.address())).send_json(body).ok()?.body_mut().read_json().ok()
}

/// The canonical jobs of the recorded corpus, each with a name of its own and no node to run on.
fn jobs() -> Vec<(String, Value)> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/jobspec/cases");
    let Ok(entries) = std::fs::read_dir(cases) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut jobs = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".canonical.json") else { continue };
        let mut job: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        if job["TaskGroups"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        for (field, value) in [("ID", name), ("Name", name), ("Namespace", "default")] {
            job[field] = json!(value);
        }
        if job["Datacenters"].is_null() {
            job["Datacenters"] = json!(["dc1"]);
        }
        let mut constraints = job["Constraints"].as_array().cloned().unwrap_or_default();
        constraints.push(json!({"LTarget": "${attr.kernel.name}", "RTarget": "plan9", "Operand": "="}));
        job["Constraints"] = json!(constraints);
        jobs.push((name.to_owned(), job));
    }
    jobs
}

/// The job with one value changed, or the first item of one list gone, with the path.
fn changed(job: &Value) -> Vec<(String, Value)> {
    let mut paths = Vec::new();
    leaves(job, "", &mut paths);
    let is_compared = |path: &String| {
        let different =
            DIFFERENT.iter().any(|end| path.ends_with(end) && (*end != "/Services" || job["ID"] == "dynamic-basic"));
        !different && !NOT_CHANGED.contains(&path[1..].split('/').next().unwrap_or_default())
    };
    let one = |path: String| {
        let mut changed = job.clone();
        match changed.pointer_mut(&path).unwrap() {
            Value::Bool(flag) => *flag = !*flag,
            Value::String(text) => text.push('x'),
            Value::Array(items) => drop(items.remove(0)),
            value => match value.as_i64() {
                Some(number) => *value = json!(number + 1),
                None => *value = json!(value.as_f64().unwrap_or_default() + 1.0),
            },
        }
        (path, changed)
    };
    paths.into_iter().filter(is_compared).map(one).collect()
}

fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(items) => {
            if !items.is_empty() {
                out.push(path.to_owned());
            }
            items.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), out));
        }
        Value::Null => {}
        _ => out.push(path.to_owned()),
    }
}

/// The reference shows blocks of a set in an order that changes from run to run.
fn sorted(mut diff: Value) -> Value {
    diff.sort_all_objects();
    match &mut diff {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                *value = sorted(value.take());
                if let (true, Some(objects)) = (key == "Objects", value.as_array_mut()) {
                    let texts: BTreeSet<String> = objects.iter().map(Value::to_string).collect();
                    *value = json!(texts);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = sorted(item.take())),
        _ => {}
    }
    diff
}
