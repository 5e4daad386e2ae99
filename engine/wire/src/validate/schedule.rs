//! Periodic and parameterized jobs.

use super::{items, text};
use crate::cron;
use crate::job::{ParameterizedJobConfig, PeriodicConfig};
use crate::problems::Problems;

pub(super) fn periodic(periodic: &PeriodicConfig) -> Problems {
    let mut problems = Problems::default();
    let spec = text(&periodic.spec);
    let specs = items(&periodic.specs);
    problems.add_if(spec.is_empty() && specs.is_empty(), "Must specify a spec");
    problems.add_if(!spec.is_empty() && !specs.is_empty(), "Only cron or crons may be used");
    let zone = text(&periodic.time_zone);
    if let Err(error) = cron::time_zone(zone) {
        problems.add(format!("Invalid time zone {zone:?}: {error}"));
    }
    match text(&periodic.spec_type) {
        "cron" => {
            for spec in specs.iter().map(String::as_str).chain(Some(spec).filter(|spec| !spec.is_empty())) {
                if let Err(error) = cron::Schedule::parse(spec) {
                    problems.add(format!("Invalid cron spec {spec:?}: {error}"));
                }
            }
        }
        other => problems.add(format!("Unknown periodic specification type {other:?}")),
    }
    problems
}

pub(super) fn parameterized(parameterized: &ParameterizedJobConfig) -> Problems {
    let mut problems = Problems::default();
    let payload = parameterized.payload.as_str();
    if !matches!(payload, "" | "optional" | "required" | "forbidden") {
        problems.add(format!("Unknown payload requirement: {payload:?}"));
    }
    let required = items(&parameterized.meta_required);
    let both: Vec<&str> =
        items(&parameterized.meta_optional).iter().filter(|key| required.contains(key)).map(String::as_str).collect();
    if !both.is_empty() {
        let text = format!(
            "Required and optional meta keys should be disjoint. Following keys exist in both: [{}]",
            both.join(" ")
        );
        problems.add(text);
    }
    problems
}
