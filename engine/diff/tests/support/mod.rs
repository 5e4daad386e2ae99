//! Jobs, and every change of one value in them.

use serde_json::Value;
use std::path::Path;

/// Set by servers, or a name by which things are paired: another name is another thing.
const NOT_CHANGED: &[&str] = &[
    "ID",
    "Name",
    "Namespace",
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
    "Target",
];
/// Parts that the reference's tree has no place for: below these names nothing is shown.
const LEFT_OUT: &[&str] = &["CSIPluginConfig", "Lifecycle", "ScalingPolicies", "Spreads", "Stagger"];

/// Whether the tree has no place for a path.
pub fn is_left_out(path: &str) -> bool {
    let mut names = path.split('/').skip(1);
    let first = names.clone().next();
    let of_task = path.contains("/Tasks/") && path.contains("/RestartPolicy/");
    of_task || first == Some("Update") || path.ends_with("/Scaling/Type") || names.any(|name| LEFT_OUT.contains(&name))
}

/// The model's own job, and those of the recorded trees.
pub fn fixtures() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let mut fixtures = vec![("model".to_owned(), read(&root.join("../model/tests/fixtures/job.json")))];
    for entry in std::fs::read_dir(root.join("tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        let recorded = read(&path);
        for case in recorded["cases"].as_array().into_iter().flatten() {
            let submitted: drover_wire::job::Job = serde_json::from_value(case["job"].clone()).unwrap();
            let Ok(admitted) = drover_wire::admission::admit(submitted) else { continue };
            fixtures.push((case["name"].as_str().unwrap().to_owned(), serde_json::to_value(admitted.job).unwrap()));
        }
    }
    fixtures
}

/// The job with one value changed, with the path of the value.
pub fn mutations(base: &Value) -> Vec<(String, Value)> {
    let mut paths = Vec::new();
    leaves(base, "", &mut paths);
    let one = |path: String| {
        let mut changed = base.clone();
        mutate(changed.pointer_mut(&path).unwrap());
        (path, changed)
    };
    paths.into_iter().map(one).collect()
}

fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if NOT_CHANGED.contains(&key.as_str()) {
                    continue;
                }
                leaves(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), out));
        }
        Value::Null => {}
        _ => out.push(path.to_owned()),
    }
}

fn mutate(value: &mut Value) {
    match value {
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(number) => *value = Value::from(number.as_i64().unwrap_or(0) + 1),
        Value::String(text) => text.push('x'),
        _ => {}
    }
}
