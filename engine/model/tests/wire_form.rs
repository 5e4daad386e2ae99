//! The serde form of the model is the read form of the wire: recorded answers survive a round trip.
//! A failure names the first field that was lost, added or changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use drover_model::registry::JobSummary;
use drover_model::{Allocation, Deployment, Evaluation, Job, Node, ServiceRegistration};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn check<T: DeserializeOwned + Serialize>(name: &str) {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let typed: T = serde_json::from_value(recorded.clone()).unwrap();
    let mut differences = Vec::new();
    compare(name, &recorded, &serde_json::to_value(&typed).unwrap(), &mut differences);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn compare(path: &str, want: &Value, got: &Value, out: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            for (key, value) in want {
                match got.get(key) {
                    Some(other) => compare(&format!("{path}.{key}"), value, other, out),
                    None => out.push(format!("{path}.{key}: lost {value}")),
                }
            }
            for key in got.keys().filter(|key| !want.contains_key(*key)) {
                out.push(format!("{path}.{key}: added {}", got[key]));
            }
        }
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            for (i, (want, got)) in want.iter().zip(got).enumerate() {
                compare(&format!("{path}[{i}]"), want, got, out);
            }
        }
        _ if want == got => {}
        _ => out.push(format!("{path}: want {want}, got {got}")),
    }
}

#[test]
fn recorded_reads_round_trip() {
    check::<Job>("job");
    check::<Allocation>("alloc");
    check::<Allocation>("alloc_failed");
    check::<Evaluation>("eval");
    check::<Evaluation>("eval_done");
    check::<Deployment>("deployment");
    check::<Node>("node");
    check::<JobSummary>("summary");
    check::<ServiceRegistration>("service");
}
