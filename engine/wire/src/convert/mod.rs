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
use drover_base::tape::{Rules, Tape, TapeError};
use drover_model::Job;

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

/// A field that is null has its default.
const RULES: Rules = Rules { left_out: NOT_SUBMITTED, nulls_left_out_except_below: Some(FREE_FORM) };

/// Converts a job in its submission form with all defaults filled in.
///
/// # Errors
/// A number that validation let through does not fit its field; says which.
pub fn to_model(submitted: &job::Job) -> Result<Job, Problems> {
    let failed = |error: TapeError| {
        let mut problems = Problems::default();
        problems.add(format!("job cannot be read: {error}"));
        problems
    };
    let mut job = Tape::of(submitted).map_err(failed)?.read(&RULES).map_err(failed)?;
    settle::job(&mut job);
    implied::constrain(&mut job);
    Ok(job)
}
