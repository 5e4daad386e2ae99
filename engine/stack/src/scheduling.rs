//! What the scheduler would do with a job, from the engine's dry run.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What the scheduler would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduling {
    /// By group.
    pub groups: Vec<GroupScheduling>,
    /// Allocations of other jobs that would be preempted.
    pub preemptions: u64,
    /// What could not be placed.
    pub failures: Vec<PlacementFailure>,
    /// When a periodic job runs next, RFC 3339.
    pub next_launch: Option<String>,
}

/// What the scheduler would do with one group, in allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupScheduling {
    /// The group.
    pub name: String,
    /// New ones.
    pub place: u64,
    /// Stopped.
    pub stop: u64,
    /// Changed without a restart.
    pub in_place: u64,
    /// Replaced.
    pub replace: u64,
    /// Placed beside the old ones until promoted.
    pub canaries: u64,
    /// Moved to another node.
    pub migrate: u64,
    /// Left alone.
    pub ignore: u64,
    /// How many are replaced at a time; 0 when all at once.
    pub max_parallel: u64,
}

/// A group of which something cannot be placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementFailure {
    /// The group.
    pub group: String,
    /// How many allocations.
    pub count: u64,
    /// Why, one reason each.
    pub reasons: Vec<String>,
}

impl Scheduling {
    /// Reads the answer to a dry run of `job`.
    pub fn read(answer: &Json, job: &Json) -> Self {
        let updates = answer["Annotations"]["DesiredTGUpdates"].as_object();
        let mut groups: Vec<GroupScheduling> =
            updates.into_iter().flatten().map(|(name, update)| group(name, update, job)).collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let preempted = answer["Annotations"]["PreemptedAllocs"].as_array().map_or(0, Vec::len);
        Self {
            groups,
            preemptions: preempted as u64,
            failures: failures(&answer["FailedTGAllocs"]),
            next_launch: answer["NextPeriodicLaunch"].as_str().filter(|at| !at.starts_with("0001-")).map(str::to_owned),
        }
    }

    /// Whether allocations are replaced rather than changed in place.
    pub fn replaces(&self) -> bool {
        self.groups.iter().any(|group| group.replace > 0 || group.canaries > 0)
    }

    /// Whether no allocation of the job would be left as it is.
    pub fn replaces_everything(&self) -> bool {
        !self.groups.is_empty()
            && self.groups.iter().all(|group| group.in_place == 0 && group.ignore == 0 && group.canaries == 0)
    }

    /// "2 created, 3 updated in place, 1 replaced; rolling, 1 at a time"; none when nothing happens to any allocation.
    pub fn sentence(&self) -> Option<String> {
        let sum = |field: fn(&GroupScheduling) -> u64| self.groups.iter().map(field).sum::<u64>();
        let mut parts = Vec::new();
        for (count, what) in [
            (
                sum(|group| group.place).saturating_sub(self.failures.iter().map(|failure| failure.count).sum()),
                "created",
            ),
            (sum(|group| group.canaries), "created as canaries"),
            (sum(|group| group.in_place), "updated in place"),
            (sum(|group| group.replace), "replaced"),
            (sum(|group| group.migrate), "migrated"),
            (sum(|group| group.stop), "stopped"),
            (self.preemptions, "of other jobs preempted"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        if parts.is_empty() {
            return None;
        }
        let rolling: Vec<u64> = self
            .groups
            .iter()
            .filter(|group| group.replace > 0 && group.max_parallel > 0)
            .map(|group| group.max_parallel)
            .collect();
        let how = match rolling.as_slice() {
            [] => String::new(),
            [first, rest @ ..] if rest.iter().all(|other| other == first) => format!("; rolling, {first} at a time"),
            _ => "; rolling".to_owned(),
        };
        Some(format!("{}{how}", parts.join(", ")))
    }
}

fn group(name: &str, update: &Json, job: &Json) -> GroupScheduling {
    let count = |key: &str| update[key].as_u64().unwrap_or(0);
    let groups = job["TaskGroups"].as_array();
    let spec = groups.into_iter().flatten().find(|group| group["Name"] == name).unwrap_or(&Json::Null);
    let parallel = |update: &Json| update["MaxParallel"].as_u64();
    let is_rolling = job["Type"].as_str().is_none_or(|kind| kind == "service" || kind == "system");
    let max_parallel = parallel(&spec["Update"]).or_else(|| parallel(&job["Update"])).unwrap_or(1);
    GroupScheduling {
        name: name.to_owned(),
        place: count("Place"),
        stop: count("Stop"),
        in_place: count("InPlaceUpdate"),
        replace: count("DestructiveUpdate"),
        canaries: count("Canary"),
        migrate: count("Migrate"),
        ignore: count("Ignore"),
        max_parallel: if is_rolling { max_parallel } else { 0 },
    }
}

/// Reads `FailedTGAllocs` of a dry run or an evaluation.
pub fn failures(failed: &Json) -> Vec<PlacementFailure> {
    let mut failures: Vec<PlacementFailure> = failed
        .as_object()
        .into_iter()
        .flatten()
        .map(|(group, metrics)| PlacementFailure {
            group: group.clone(),
            count: metrics["CoalescedFailures"].as_u64().unwrap_or(0) + 1,
            reasons: reasons(metrics),
        })
        .collect();
    failures.sort_by(|a, b| a.group.cmp(&b.group));
    failures
}

fn reasons(metrics: &Json) -> Vec<String> {
    let nodes = |count: u64| if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") };
    let mut reasons = Vec::new();
    if metrics["NodesEvaluated"].as_u64() == Some(0) {
        let available: u64 =
            metrics["NodesAvailable"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        reasons.push(if available == 0 {
            "no node is ready in the job's datacenters and node pool".to_owned()
        } else {
            "no node was eligible".to_owned()
        });
    }
    for (key, verb) in [
        ("ConstraintFiltered", "excludes"),
        ("ClassFiltered", "excludes"),
        ("DimensionExhausted", "is exhausted on"),
        ("ClassExhausted", "is exhausted on"),
    ] {
        for (what, count) in metrics[key].as_object().into_iter().flatten() {
            let what = match key {
                "ConstraintFiltered" => format!("constraint `{what}`"),
                "ClassFiltered" | "ClassExhausted" => format!("node class `{what}`"),
                _ => what.clone(),
            };
            reasons.push(format!("{what} {verb} {}", nodes(count.as_u64().unwrap_or(0))));
        }
    }
    let quota = metrics["QuotaExhausted"].as_array().into_iter().flatten().filter_map(Json::as_str);
    reasons.extend(quota.map(|limit| format!("quota exhausted: {limit}")));
    reasons
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rolling_update_is_one_sentence() {
        let answer = json!({"Annotations": {"DesiredTGUpdates": {
            "web": {"Place": 2, "DestructiveUpdate": 3, "InPlaceUpdate": 0},
            "log": {"InPlaceUpdate": 1}}}});
        let job = json!({"Type": "service", "TaskGroups": [{"Name": "web", "Update": {"MaxParallel": 2}}]});
        let scheduling = Scheduling::read(&answer, &job);
        assert_eq!(scheduling.sentence().unwrap(), "2 created, 1 updated in place, 3 replaced; rolling, 2 at a time");
        assert!(scheduling.replaces() && !scheduling.replaces_everything());
    }

    #[test]
    fn failures_say_why() {
        let failed = json!({"g": {"CoalescedFailures": 1, "NodesEvaluated": 2, "ConstraintFiltered":
            {"${attr.kernel.name} = windows": 1}, "DimensionExhausted": {"memory": 1}}});
        let failures = failures(&failed);
        assert_eq!(failures[0].count, 2);
        assert_eq!(
            failures[0].reasons,
            ["constraint `${attr.kernel.name} = windows` excludes 1 node", "memory is exhausted on 1 node"]
        );
    }
}
