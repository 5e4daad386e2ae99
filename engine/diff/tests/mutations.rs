//! Every single change of a job is seen.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use drover_diff::{DiffType, RenderOptions, job_diff, render};
use drover_model::Job;
use proptest::prelude::*;
use serde_json::Value;

/// What the reference does not compare either.
const UNSEEN: &[&str] = &[
    "ID",
    "Status",
    "StatusDescription",
    "Version",
    "Stable",
    "CreateIndex",
    "ModifyIndex",
    "JobModifyIndex",
    "SubmitTime",
    "NomadTokenID",
    "Payload",
    "VersionTag",
    "Spreads",
    "Update",
    "Namespace",
    "Target",
];

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/tests/fixtures/job.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Paths to all simple values.
fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if !(path.is_empty() && UNSEEN.contains(&key.as_str())) && key != "Name" && key != "Type" {
                    leaves(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
                }
            }
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), out));
        }
        Value::Null => {}
        _ => out.push(path.to_owned()),
    }
}

fn mutate(value: &mut Value) -> bool {
    match value {
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(number) => *value = Value::from((number.as_i64().unwrap_or(0) + 1).min(100)),
        Value::String(text) if text.chars().all(|c| c.is_ascii_lowercase() || c == '_') && text.len() > 3 => {
            return false;
        }
        Value::String(text) => text.push('x'),
        _ => return false,
    }
    true
}

#[test]
fn every_mutation_is_seen() {
    let base = fixture();
    let old: Job = serde_json::from_value(base.clone()).unwrap();
    let mut paths = Vec::new();
    leaves(&base, "", &mut paths);
    let mut seen = 0;
    for path in &paths {
        let mut changed = base.clone();
        if !mutate(changed.pointer_mut(path).unwrap()) {
            continue;
        }
        let Ok(new) = serde_json::from_value::<Job>(changed) else { continue };
        if new == old {
            continue;
        }
        seen += 1;
        assert_eq!(job_diff(Some(&old), Some(&new), true).kind, DiffType::Edited, "{path}");
    }
    assert!(seen > 40, "only {seen} of {} paths could be changed", paths.len());
}

proptest! {
    #[test]
    fn meta_is_compared_key_by_key(
        old in prop::collection::btree_map("[a-c]{1,2}", "[a-z]{1,3}", 0..6),
        new in prop::collection::btree_map("[a-c]{1,2}", "[a-z]{1,3}", 0..6),
    ) {
        let job = |meta: &std::collections::BTreeMap<String, String>| Job { meta: meta.clone(), ..Job::default() };
        let diff = job_diff(Some(&job(&old)), Some(&job(&new)), false);
        prop_assert_eq!(diff.kind == DiffType::None, old == new);
        let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).count();
        prop_assert_eq!(diff.fields.len(), changed);
        let back = job_diff(Some(&job(&new)), Some(&job(&old)), false);
        prop_assert_eq!(back.fields.len(), changed);
    }
}

#[test]
fn texts_are_compared_line_by_line_and_masked() {
    let mut old: Job = serde_json::from_value(fixture()).unwrap();
    let lines = |changed: &str| {
        (0..20).map(|i| if i == 10 { format!("{changed}\n") } else { format!("line {i}\n") }).collect::<String>()
    };
    old.task_groups.truncate(1);
    old.task_groups[0].tasks[0].env.insert("FILE".into(), lines("password=hunter2"));
    let mut new = old.clone();
    new.task_groups[0].tasks[0].env.insert("FILE".into(), lines("password=swordfish"));
    new.task_groups[0].count += 1;
    let mask = |text: &str| text.replace("hunter2", "(sensitive)").replace("swordfish", "(sensitive)");
    let options = RenderOptions { context_lines: 1, ..RenderOptions::default() };
    let shown = render(&job_diff(Some(&old), Some(&new), true), &options);
    assert!(shown.contains("- password=hunter2") && shown.contains("+ password=swordfish"), "{shown}");
    assert!(shown.contains("line 9") && !shown.contains("line 8"), "{shown}");
    assert!(shown.contains("~ Count: 2 → 3"), "{shown}");
    let masked = render(&job_diff(Some(&old), Some(&new), true), &RenderOptions { mask: &mask, ..options });
    assert!(!masked.contains("hunter2") && !masked.contains("swordfish"), "{masked}");
}
