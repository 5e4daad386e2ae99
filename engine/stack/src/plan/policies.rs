//! What a stack's policies say about a plan.

use drover_secrets::Masker;
use drover_wire::job::{Canonical, Job};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{Action, Change, ChangePlan};
use crate::desired::{Desired, Policy, PolicyLevel, PolicyOn, Resource, Spec};
use crate::policy;

/// What one policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyResult {
    /// Its name.
    pub name: String,
    /// What follows when it is not kept.
    pub level: PolicyLevel,
    /// What to do about it.
    pub message: String,
    /// Where it is written.
    pub place: String,
    /// The addresses that do not keep it, with the rule's own problem where it has one.
    pub failures: Vec<String>,
}

/// Evaluates all policies. A rule that cannot be evaluated counts as not kept.
pub(super) fn evaluate(desired: &Desired, plan: &ChangePlan, masker: &Masker) -> Vec<PolicyResult> {
    if desired.policies.is_empty() {
        return Vec::new();
    }
    let stack = json!({"name": desired.stack, "namespace": desired.namespace, "env": desired.environment});
    let jobs: Vec<(String, Json)> =
        desired.resources.iter().filter_map(|resource| job_facts(resource, &stack)).collect();
    let changes: Vec<(String, Json)> = plan.changes.iter().map(|change| change_facts(change, &stack)).collect();
    let whole = vec![(format!("stack {}", desired.stack), plan_facts(plan, &stack))];
    let judge = |policy: &Policy| {
        let subjects = match policy.on {
            PolicyOn::Job => &jobs,
            PolicyOn::Change => &changes,
            PolicyOn::Plan => &whole,
        };
        let failure = |(address, facts): &(String, Json)| match policy::holds(&policy.rule, facts) {
            Ok(true) => None,
            Ok(false) => Some(address.clone()),
            Err(problem) => Some(format!("{address}: {}", masker.mask(&problem))),
        };
        PolicyResult {
            name: policy.name.clone(),
            level: policy.level,
            message: masker.mask(&policy.message).into_owned(),
            place: policy.place.clone(),
            failures: subjects.iter().filter_map(failure).collect(),
        }
    };
    desired.policies.iter().map(judge).collect()
}

/// A job in its canonical form: what the engine will hold.
fn job_facts(resource: &Resource, stack: &Json) -> Option<(String, Json)> {
    let Spec::Job(job) = &resource.spec else { return None };
    let canonical = serde_json::from_value::<Job>(job.clone()).map(|mut job| {
        job.canonicalize();
        serde_json::to_value(job)
    });
    // What has no canonical form is looked at as it is; the engine will refuse it anyway.
    let job = match canonical {
        Ok(Ok(canonical)) => canonical,
        _ => job.clone(),
    };
    Some((resource.address.clone(), json!({"stack": stack, "address": resource.address, "job": job})))
}

fn change_facts(change: &Change, stack: &Json) -> (String, Json) {
    let groups = change.scheduling.as_ref().map(|scheduling| scheduling.groups.as_slice()).unwrap_or_default();
    let sum = |count: fn(&crate::scheduling::GroupScheduling) -> u64| groups.iter().map(count).sum::<u64>();
    let facts = json!({
        "address": change.address,
        "action": change.action,
        "kind": change.target.kind(),
        "name": change.target.name(),
        "namespace": change.target.namespace().unwrap_or_default(),
        "engine": change.target.engine().unwrap_or_default(),
        "is_new": change.action == Action::Create,
        "created": sum(|group| group.place + group.canaries),
        "restarted": sum(|group| group.replace + group.migrate),
        "stopped": sum(|group| group.stop) + change.stops,
        "unplaced": change.scheduling.iter().flat_map(|scheduling| &scheduling.failures).map(|f| f.count).sum::<u64>(),
        "risks": change.risks,
        "notes": change.notes,
    });
    (change.address.clone(), json!({"stack": stack, "address": change.address, "change": facts}))
}

fn plan_facts(plan: &ChangePlan, stack: &Json) -> Json {
    let changes: Vec<Json> = plan.changes.iter().map(|change| change_facts(change, stack).1["change"].take()).collect();
    json!({
        "stack": stack,
        "plan": {
            "create": plan.count(Action::Create),
            "update": plan.count(Action::Update) + plan.count(Action::Replace),
            "delete": plan.count(Action::Delete),
            "cost": plan.cost(),
            "risks": plan.risks().map(|(_, risk)| risk).collect::<Vec<_>>(),
            "changes": changes,
        },
    })
}
