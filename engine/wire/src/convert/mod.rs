//! The submission form to the canonical one.
//!
//! Both have the same names and the same nesting; what differs is that the canonical form has no
//! nulls where there is a default, no fields that groups and tasks took over, and carries what
//! the reference adds by itself: identities, targets of policies, constraints that follow.

mod implied;
mod settle;
#[cfg(test)]
mod tests;

use crate::job;
use crate::problems::Problems;
use drover_model::Job;
use serde_json::Value;

pub(crate) use settle::expand;

/// Keys below which nulls are values.
const FREE_FORM: &[&str] = &["Config", "Policy", "Connect", "Multiregion"];
/// Keys of the job that the servers set, or that its groups have taken over.
const NOT_SUBMITTED: &[&str] = &[
    "CreateIndex",
    "JobModifyIndex",
    "Migrate",
    "ModifyIndex",
    "Reschedule",
    "Stable",
    "Status",
    "StatusDescription",
    "SubmitTime",
    "Version",
    "VersionTag",
];

/// Converts a job in its submission form with all defaults filled in.
///
/// # Errors
/// A number that validation let through does not fit its field; says which.
pub fn to_model(submitted: &job::Job) -> Result<Job, Problems> {
    let failed = |error: serde_json::Error| {
        let mut problems = Problems::default();
        problems.add(format!("job cannot be read: {error}"));
        problems
    };
    let mut value = serde_json::to_value(submitted).map_err(failed)?;
    if let Value::Object(fields) = &mut value {
        fields.retain(|key, _| !NOT_SUBMITTED.contains(&key.as_str()));
    }
    drop_nulls(&mut value);
    let mut job = serde_json::from_value(value).map_err(failed)?;
    settle::job(&mut job);
    implied::constrain(&mut job);
    Ok(job)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            for (key, field) in fields.iter_mut() {
                if !FREE_FORM.contains(&key.as_str()) {
                    drop_nulls(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
