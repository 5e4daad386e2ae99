//! A rendering as conditions see it: `job.web.group.web.count`, `output.url`, `file["x"]`, `resources`, `var`.

use std::sync::Arc;

use drover_hcl::{EvalContext, Value};
use serde_json::{Map, Value as Json, json};

use crate::{Rendered, Resource};

/// Sets what a rendering gives.
pub(super) fn set(context: &mut EvalContext<'_>, rendered: &Rendered) {
    let Json::Object(parts) = parts(rendered) else { return };
    for (name, part) in parts {
        context.set(name.as_str(), Value::from_json(&part));
    }
    context.set("var", rendered.variables.clone());
    context.set("output", Value::Object(Arc::new(rendered.outputs.clone())));
}

fn parts(rendered: &Rendered) -> Json {
    let mut jobs = Map::new();
    let mut texts = Map::new();
    for job in &rendered.jobs {
        jobs.insert(job.id.clone(), view(&job.job));
        texts.insert(job.id.clone(), Json::String(job.text.clone()));
    }
    let files: Map<String, Json> =
        rendered.files.iter().map(|file| (short(&file.path).to_owned(), Json::String(file.text.clone()))).collect();
    let mut namespaces = Map::new();
    let mut variables = Map::new();
    for resource in &rendered.resources {
        match resource {
            Resource::Namespace(namespace) => {
                namespaces.insert(
                    namespace.name.clone(),
                    json!({"description": namespace.description, "meta": namespace.meta}),
                );
            }
            Resource::Variables(stored) => {
                variables.insert(stored.path.clone(), json!({"namespace": stored.namespace, "items": stored.items}));
            }
        }
    }
    let dependencies: Map<String, Json> = rendered
        .dependencies
        .iter()
        .map(|dependency| {
            let mut inner = parts(dependency);
            inner["output"] = Value::Object(Arc::new(dependency.outputs.clone())).to_json().unwrap_or_default();
            inner["var"] = dependency.variables.to_json().unwrap_or_default();
            (dependency.alias.clone(), inner)
        })
        .collect();
    json!({
        "job": jobs, "text": texts, "file": files, "resources": {"namespace": namespaces, "variables": variables},
        "message": rendered.message.clone().unwrap_or_default(), "dependency": dependencies,
        "jobs": rendered.jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>(),
        "pack": {"name": rendered.metadata.name, "version": rendered.metadata.version},
    })
}

fn short(path: &str) -> &str {
    path.strip_prefix("templates/").unwrap_or(path)
}

/// What a dry run says of a job.
pub(super) fn planned(answer: &Json) -> Json {
    let updates = answer["Annotations"]["DesiredTGUpdates"].as_object();
    let sum =
        |name: &str| -> u64 { updates.into_iter().flatten().filter_map(|(_, update)| update[name].as_u64()).sum() };
    let failed: Map<String, Json> = answer["FailedTGAllocs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(group, metric)| (group.clone(), view(metric)))
        .collect();
    json!({
        "placed": sum("Place"), "stopped": sum("Stop"), "updated_in_place": sum("InPlaceUpdate"), "replaced": sum("DestructiveUpdate"),
        "unplaced": failed, "warnings": answer["Warnings"].as_str().unwrap_or_default(), "diff": answer["Diff"]["Type"],
    })
}

/// Lists that HCL writes as blocks with a label, and what such a block is called.
const LABELLED: [(&str, &str); 2] = [("TaskGroups", "group"), ("Tasks", "task")];
/// Other names that HCL has for what the API calls differently.
const NAMES: [(&str, &str); 14] = [
    ("MemoryMB", "memory"),
    ("MemoryMaxMB", "memory_max"),
    ("DiskMB", "disk"),
    ("CPU", "cpu"),
    ("SizeMB", "size"),
    ("Services", "service"),
    ("Templates", "template"),
    ("Constraints", "constraint"),
    ("Affinities", "affinity"),
    ("Spreads", "spread"),
    ("Networks", "network"),
    ("Volumes", "volume"),
    ("VolumeMounts", "volume_mount"),
    ("Artifacts", "artifact"),
];
/// Maps whose keys are the person's own.
const OPEN: [&str; 5] = ["Env", "Meta", "Config", "Options", "CanaryMeta"];

/// The API's form with HCL's names, groups and tasks by name, and the whole as `raw`.
fn view(job: &Json) -> Json {
    let mut shown = renamed(job);
    if job["TaskGroups"].is_array() {
        shown["raw"] = job.clone();
    }
    shown
}

fn renamed(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let mut shown = Map::new();
            for (name, member) in members {
                let (name, member) = entry(name, member);
                shown.insert(name, member);
            }
            Json::Object(shown)
        }
        Json::Array(items) => Json::Array(items.iter().map(renamed).collect()),
        other => other.clone(),
    }
}

fn entry(name: &str, member: &Json) -> (String, Json) {
    if let (Some((_, block)), Json::Array(items)) = (LABELLED.iter().find(|(list, _)| *list == name), member) {
        let by_name = items.iter().map(|item| (item["Name"].as_str().unwrap_or_default().to_owned(), renamed(item)));
        return ((*block).to_owned(), Json::Object(by_name.collect()));
    }
    if OPEN.contains(&name) {
        return (snake(name), member.clone());
    }
    let shown = NAMES.iter().find(|(api, _)| *api == name).map_or_else(|| snake(name), |(_, hcl)| (*hcl).to_owned());
    (shown, renamed(member))
}

/// `MaxParallel` to `max_parallel`, `ID` to `id`.
fn snake(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut result = String::new();
    for (at, c) in characters.iter().enumerate() {
        let after_lower = at > 0 && !characters[at - 1].is_uppercase() && characters[at - 1] != '_';
        let before_lower = at > 0 && characters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (after_lower || before_lower) && !result.ends_with('_') && at > 0 {
            result.push('_');
        }
        result.extend(c.to_lowercase());
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_job_files() {
        for (api, hcl) in [
            ("MaxParallel", "max_parallel"),
            ("ID", "id"),
            ("JobID", "job_id"),
            ("MBits", "m_bits"),
            ("Count", "count"),
        ] {
            assert_eq!(snake(api), hcl);
        }
        let job = json!({"ID": "web", "TaskGroups": [{"Name": "g", "Count": 2, "Tasks": [{"Name": "t", "Env": {"A_B": "x"}, "Resources": {"MemoryMB": 64}}]}]});
        let shown = view(&job);
        assert_eq!(shown["group"]["g"]["task"]["t"]["env"]["A_B"], "x");
        assert_eq!(shown["group"]["g"]["task"]["t"]["resources"]["memory"], 64);
    }
}
