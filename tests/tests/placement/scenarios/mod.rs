//! The scenarios. Their counts per class do not depend on the order in which nodes are looked at: a
//! cluster is filled, or preferences make both sides compare all nodes.

mod changes;
mod failures;
mod nodes;
mod where_to;

use crate::steps::Step;
use serde_json::{Value, json};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn scenario(name: &'static str, steps: impl IntoIterator<Item = Step>) -> Scenario {
    Scenario { name, steps: steps.into_iter().collect() }
}

pub(crate) fn all() -> Vec<Scenario> {
    [where_to::all(), changes::all(), nodes::all(), failures::all()].into_iter().flatten().collect()
}

/// A job that is put together step by step.
#[derive(Clone)]
pub(crate) struct Job(Value);

impl Job {
    fn new(kind: &str, id: &str, count: u32, run_for: &str) -> Self {
        Self(json!({
            "ID": id, "Name": id, "Type": kind, "Datacenters": ["*"],
            "TaskGroups": [{
                "Name": "g", "Count": count, "EphemeralDisk": {"SizeMB": 10},
                "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Interval": 60_000_000_000_u64, "Delay": 1_000_000_000},
                "Tasks": [{
                    "Name": "t", "Driver": "mock_driver", "Config": {"run_for": run_for}, "KillTimeout": 1_000_000,
                    "Resources": {"CPU": 100, "MemoryMB": 32}, "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1},
                }],
            }],
        }))
    }
    /// Runs for good, without deployments.
    pub(crate) fn service(id: &str, count: u32) -> Self {
        Self::new("service", id, count, "24h").group("Update", json!({"MaxParallel": 0})).group("Migrate", migrate())
    }
    /// Updates in steps of `max_parallel`.
    pub(crate) fn rolling(id: &str, count: u32, max_parallel: u32) -> Self {
        Self::new("service", id, count, "24h").update(json!({"MaxParallel": max_parallel}))
    }
    pub(crate) fn batch(id: &str, count: u32) -> Self {
        Self::new("batch", id, count, "100ms")
    }
    pub(crate) fn system(id: &str) -> Self {
        Self::new("system", id, 1, "24h").update(json!({"MaxParallel": 5}))
    }
    pub(crate) fn sysbatch(id: &str) -> Self {
        Self::new("sysbatch", id, 1, "100ms")
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value out")]
    pub(crate) fn update(self, more: Value) -> Self {
        let mut update = json!({
            "MaxParallel": 1, "HealthCheck": "task_states", "MinHealthyTime": 10_000_000,
            "HealthyDeadline": 5_000_000_000_u64, "ProgressDeadline": 60_000_000_000_u64, "Stagger": 30_000_000_000_u64,
        });
        update.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.group("Update", update)
    }
    pub(crate) fn job(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }
    pub(crate) fn group(mut self, key: &str, value: Value) -> Self {
        self.0["TaskGroups"][0][key] = value;
        self
    }
    pub(crate) fn task(mut self, key: &str, value: Value) -> Self {
        self.0["TaskGroups"][0]["Tasks"][0][key] = value;
        self
    }
    pub(crate) fn config(mut self, key: &str, value: Value) -> Self {
        self.0["TaskGroups"][0]["Tasks"][0]["Config"][key] = value;
        self
    }
    pub(crate) fn resources(mut self, key: &str, value: Value) -> Self {
        self.0["TaskGroups"][0]["Tasks"][0]["Resources"][key] = value;
        self
    }
    pub(crate) fn cpu(self, cpu: u32) -> Self {
        self.resources("CPU", json!(cpu))
    }
    pub(crate) fn constraint(self, left: &str, operand: &str, right: &str) -> Self {
        self.job("Constraints", json!([{"LTarget": left, "Operand": operand, "RTarget": right}]))
    }
    pub(crate) fn only(self, class: &str) -> Self {
        self.constraint("${node.class}", "=", class)
    }
    /// A change that needs new allocations.
    pub(crate) fn version(self, version: u32) -> Self {
        self.task("Env", json!({"VERSION": version.to_string()}))
    }
    /// A preference that no node satisfies makes both sides compare all of them.
    pub(crate) fn compare_all(self) -> Self {
        let nowhere = json!([{"LTarget": "${meta.nowhere}", "Operand": "=", "RTarget": "never", "Weight": 1}]);
        self.job("Affinities", nowhere)
    }
    /// A second group like the first.
    pub(crate) fn second_group(mut self, name: &str, count: u32) -> Self {
        let mut second = self.0["TaskGroups"][0].clone();
        second["Name"] = json!(name);
        second["Count"] = json!(count);
        self.0["TaskGroups"].as_array_mut().unwrap().push(second);
        self
    }
    pub(crate) fn register(&self) -> Step {
        Step::Register(self.0.clone())
    }
    /// Only the dry run: what runs on one machine cannot do it for real.
    pub(crate) fn plan(&self) -> Step {
        Step::Plan(self.0.clone())
    }
}

fn migrate() -> Value {
    json!({
        "MaxParallel": 4, "HealthCheck": "task_states", "MinHealthyTime": 10_000_000,
        "HealthyDeadline": 5_000_000_000_u64,
    })
}
