//! A change plan for programs: one object per change, then policies, then a summary. Version 1 of the schema.

use serde_json::{Value as Json, json};

use crate::plan::{Action, ChangePlan};

/// The version of the objects. It grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// The objects, to be written one a line. They hold no secret.
pub fn plan_objects(plan: &ChangePlan) -> Vec<Json> {
    let mut objects = Vec::new();
    for change in &plan.changes {
        objects.push(json!({
            "version": VERSION,
            "type": "change",
            "address": change.address,
            "action": change.action,
            "target": change.target,
            "base_index": change.base_index,
            "depends_on": change.depends_on,
            "diff": change.lines,
            "scheduling": change.scheduling,
            "stops": change.stops,
            "risks": change.risks,
            "notes": change.notes,
            "moved_from": change.moved_from,
        }));
    }
    for (address, unchanged) in &plan.unchanged {
        objects.push(json!({"version": VERSION, "type": "unchanged", "address": address, "target": unchanged.target}));
    }
    for result in &plan.policies {
        objects.push(json!({
            "version": VERSION,
            "type": "policy",
            "name": result.name,
            "level": result.level,
            "kept": result.failures.is_empty(),
            "failures": result.failures,
            "message": result.message,
            "place": result.place,
        }));
    }
    objects.push(json!({
        "version": VERSION,
        "type": "summary",
        "stack": plan.stack,
        "env": plan.environment,
        "release": plan.release,
        "create": plan.count(Action::Create),
        "update": plan.count(Action::Update) + plan.count(Action::Replace),
        "replace": plan.count(Action::Replace),
        "delete": plan.count(Action::Delete),
        "resume": plan.count(Action::Resume),
        "adopt": plan.count(Action::Adopt),
        "move": plan.count(Action::Move),
        "unchanged": plan.unchanged.len(),
        "allocations": plan.cost(),
        "refused": plan.refusals().next().is_some(),
        "outputs": plan.outputs,
    }));
    objects
}
