//! Trees recorded from the reference: one change after the other, and new jobs with everything in them.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use drover_diff::{DiffType, JobDiff, ObjectDiff, annotate, job_diff};
use drover_model::{Job, PlanAnnotations};
use serde_json::Value;

fn recorded() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/recorded.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn job(submitted: &Value) -> Job {
    let submitted: drover_wire::job::Job = serde_json::from_value(submitted.clone()).unwrap();
    drover_wire::admission::admit(submitted).unwrap_or_else(|problems| panic!("{problems:?}")).job
}

/// The order of constraints that are all new is random in the reference; so are the ones it adds itself.
fn settle(diff: &mut JobDiff) {
    let sort = |objects: &mut Vec<ObjectDiff>| {
        objects.retain(|object| object.name != "Constraint" || !is_implied(object));
        objects.sort_by_key(|object| if object.name == "Volume" { format!("{object:?}") } else { String::new() });
    };
    for group in &mut diff.task_groups {
        sort(&mut group.objects);
        group.tasks.iter_mut().for_each(|task| sort(&mut task.objects));
    }
}

fn is_implied(object: &ObjectDiff) -> bool {
    let implied = ["${attr.nomad.", "${attr.plugins.", "${attr.consul.", "${attr.os.signals}"];
    object.fields.iter().any(|field| {
        field.name == "LTarget" && implied.iter().any(|i| field.new.starts_with(i) || field.old.starts_with(i))
    })
}

fn check(name: &str, old: Option<&Job>, case: &Value, failures: &mut Vec<String>) {
    let new = job(&case["job"]);
    let mut got = job_diff(old, Some(&new), true);
    let annotations: PlanAnnotations = serde_json::from_value(case["annotations"].clone()).unwrap();
    annotate(&mut got, Some(&annotations));
    let mut want: JobDiff = serde_json::from_value(case["diff"].clone()).unwrap();
    assert_eq!(serde_json::to_value(&want).unwrap(), case["diff"], "the wire form of {name}");
    settle(&mut got);
    settle(&mut want);
    if got != want {
        let lines = |diff: &JobDiff| serde_json::to_string_pretty(diff).unwrap();
        let text = similar::TextDiff::from_lines(lines(&want), lines(&got)).unified_diff().to_string();
        failures.push(format!("== {name} (- want, + got)\n{text}"));
    }
}

#[test]
fn trees_are_those_of_the_reference() {
    let recorded = recorded();
    let base = job(&recorded["base"]);
    let mut failures = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        check(case["name"].as_str().unwrap(), Some(&base), case, &mut failures);
    }
    for case in recorded["new"].as_array().unwrap() {
        check(case["name"].as_str().unwrap(), None, case, &mut failures);
    }
    assert!(failures.is_empty(), "{} differ\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_job_does_not_differ_from_itself() {
    let recorded = recorded();
    for case in recorded["cases"].as_array().unwrap().iter().chain(recorded["new"].as_array().unwrap()) {
        let job = job(&case["job"]);
        for contextual in [false, true] {
            let diff = job_diff(Some(&job), Some(&job), contextual);
            assert_eq!(diff.kind, DiffType::None, "{}", case["name"]);
            assert!(diff.task_groups.iter().all(|group| group.kind == DiffType::None && group.objects.is_empty()));
        }
    }
}
