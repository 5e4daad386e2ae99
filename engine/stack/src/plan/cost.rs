//! What a plan costs: allocations that start, restart and stop, and services that would be away for a while.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::ChangePlan;
use crate::scheduling::{GroupScheduling, Scheduling};

/// Allocations that a plan touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// New ones, canaries among them.
    pub created: u64,
    /// Replaced by another one, or moved.
    pub restarted: u64,
    /// Changed while they run.
    pub in_place: u64,
    /// Stopped for good.
    pub stopped: u64,
    /// Of other jobs, stopped to make room.
    pub preempted: u64,
    /// That have no place now.
    pub unplaced: u64,
}

impl ChangePlan {
    /// What the plan costs, as the engine's dry runs say.
    pub fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        for change in &self.changes {
            cost.stopped += change.stops;
            let Some(scheduling) = &change.scheduling else { continue };
            cost.preempted += scheduling.preemptions;
            cost.unplaced += scheduling.failures.iter().map(|failure| failure.count).sum::<u64>();
            for group in &scheduling.groups {
                cost.created += group.place + group.canaries;
                cost.restarted += group.replace + group.migrate;
                cost.in_place += group.in_place;
                cost.stopped += group.stop;
            }
        }
        cost
    }

    /// The services that would be away for a while: the address and the reason.
    pub fn risks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.changes
            .iter()
            .flat_map(|change| change.risks.iter().map(move |risk| (change.address.as_str(), risk.as_str())))
    }
}

impl Cost {
    /// "2 allocations created, 1 restarted"; none when nothing is touched.
    pub fn sentence(&self) -> Option<String> {
        let counts = [
            (self.created, "created"),
            (self.restarted, "restarted"),
            (self.in_place, "changed in place"),
            (self.stopped, "stopped"),
            (self.preempted, "of other jobs preempted"),
        ];
        let mut parts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| (*count, *what));
        let (count, what) = parts.next()?;
        let s = if count == 1 { "" } else { "s" };
        let mut sentence = format!("{count} allocation{s} {what}");
        for (count, what) in parts {
            sentence.push_str(&format!(", {count} {what}"));
        }
        Some(sentence)
    }
}

/// In which ways a service would not be there for a while.
pub(super) fn risks(scheduling: &Scheduling, job: &Json) -> Vec<String> {
    if job["Type"].as_str().is_some_and(|kind| kind != "service") {
        return Vec::new();
    }
    scheduling.groups.iter().filter_map(|group| risk(group, job)).collect()
}

fn risk(group: &GroupScheduling, job: &Json) -> Option<String> {
    let before = group.stop + group.in_place + group.replace + group.migrate + group.ignore;
    // Canaries come beside what runs.
    if group.replace == 0 || group.canaries > 0 || canaries(&group.name, job) > 0 {
        return None;
    }
    let at_a_time = if group.max_parallel == 0 { group.replace } else { group.max_parallel.min(before) };
    if before > at_a_time {
        return None;
    }
    let name = &group.name;
    let advice = "update { canary = 1  auto_promote = true } starts the new one first";
    Some(match before {
        1 => format!("group {name:?} has one allocation: the service is away while it is replaced; {advice}"),
        all => format!(
            "group {name:?} replaces all {all} at once: the service is away meanwhile; lower max_parallel, or {advice}"
        ),
    })
}

fn canaries(group: &str, job: &Json) -> u64 {
    let groups = job["TaskGroups"].as_array();
    let own = groups.into_iter().flatten().find(|found| found["Name"] == group).map(|found| &found["Update"]["Canary"]);
    own.and_then(Json::as_u64).or_else(|| job["Update"]["Canary"].as_u64()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(replace: u64, ignore: u64, max_parallel: u64) -> Scheduling {
        let group = GroupScheduling { name: "web".into(), replace, ignore, max_parallel, ..GroupScheduling::default() };
        Scheduling { groups: vec![group], ..Scheduling::default() }
    }

    #[test]
    fn a_service_that_loses_its_last_allocation_is_a_risk() {
        let service = json!({"Type": "service", "TaskGroups": [{"Name": "web"}]});
        assert!(risks(&one(1, 0, 1), &service)[0].contains("one allocation"));
        assert!(risks(&one(3, 0, 3), &service)[0].contains("all 3 at once"));
        assert!(risks(&one(1, 2, 1), &service).is_empty(), "two are left");
        let canary = json!({"Type": "service", "TaskGroups": [{"Name": "web", "Update": {"Canary": 1}}]});
        assert!(risks(&one(1, 0, 1), &canary).is_empty());
        assert!(risks(&one(1, 0, 1), &json!({"Type": "batch"})).is_empty());
    }

    #[test]
    fn the_cost_is_one_sentence() {
        let cost = Cost { created: 1, restarted: 2, ..Cost::default() };
        assert_eq!(cost.sentence().unwrap(), "1 allocation created, 2 restarted");
        assert_eq!(Cost::default().sentence(), None);
    }
}
