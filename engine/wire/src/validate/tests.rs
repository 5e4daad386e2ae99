//! The recorded refusals of the reference, where the recordings lie beside the project.

use crate::admission::admit;
use crate::job;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What only a cluster can refuse, or the HTTP layer.
const ELSEWHERE: &[&str] =
    &["wrong namespace", "wrong region", "unknown node pool", "no job in the body", "job without an ID"];

#[test]
fn refusals_read_as_recorded() {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/http");
    let Ok(scenario) = std::fs::read_to_string(recordings.join("cases/jobs-errors.scn")) else { return };
    let golden: Value = read(recordings.join("golden/jobs-errors.json"));
    let mut checked = 0;
    let mut faults = Vec::new();
    for step in scenario.split("\n== ").skip(1) {
        let (name, text) = step.split_once('\n').unwrap();
        let Some(wanted) = golden[name]["text"].as_array().filter(|_| !ELSEWHERE.contains(&name)) else { continue };
        if !text.starts_with("PUT /v1/jobs") || golden[name]["status"] != 500 {
            continue;
        }
        checked += 1;
        let wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
        let wanted = wanted.join("\n");
        let job: job::Job = serde_json::from_value(build(&recordings, text)).unwrap();
        match admit(job) {
            Ok(_) => faults.push(format!("{name}: accepted, wanted\n{wanted}")),
            Err(problems) if !matches(&wanted, &problems.to_text()) => {
                faults.push(format!("{name}: wanted\n{wanted}but got\n{problems}"));
            }
            Err(_) => {}
        }
    }
    assert!(faults.is_empty(), "{} of {checked} differ:\n{}", faults.len(), faults.join("\n"));
    assert!(checked > 25, "only {checked} recordings were found");
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The job that a step submits.
fn build(recordings: &Path, step: &str) -> Value {
    let mut request = json!({});
    for line in step.lines() {
        if let Some(body) = line.strip_prefix("body ") {
            let name = if body.contains("@script") { "script" } else { "sleep" };
            request["Job"] = match body.contains('@') {
                true => read(recordings.join(format!("inputs/{name}.json"))),
                false => serde_json::from_str::<Value>(body).unwrap()["Job"].take(),
            };
        } else if let Some((path, value)) = line.strip_prefix("set ").and_then(|line| line.split_once(" = ")) {
            set(&mut request, path, serde_json::from_str(value).unwrap());
        }
    }
    request["Job"].take()
}

fn set(target: &mut Value, path: &str, value: Value) {
    let mut place = target;
    for part in path.split('.') {
        place = match part.parse::<usize>() {
            Err(_) => &mut place[part],
            Ok(index) => {
                let list = place.as_array_mut().unwrap();
                if list.len() == index {
                    list.push(Value::Null);
                }
                &mut list[index]
            }
        };
    }
    *place = value;
}

/// Recorded durations are masked.
fn matches(wanted: &str, got: &str) -> bool {
    let pattern = regex::escape(wanted).replace("<duration>", "[0-9.]+[a-zµ0-9.]*");
    regex::Regex::new(&format!("^{pattern}$")).unwrap().is_match(got)
}
