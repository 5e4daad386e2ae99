//! Whether two jobs ask for the same.

use drover_model::{Job, TaskGroup};

/// Whether `new` asks for the same as `stored`: all that people write, nothing that servers set.
pub(crate) fn same_specification(stored: &Job, new: &Job) -> bool {
    // Groups are most of a job, and mostly where it differs.
    let mut pairs = stored.task_groups.iter().zip(&new.task_groups);
    if stored.task_groups.len() != new.task_groups.len() || pairs.any(|(stored, new)| !same_group(stored, new)) {
        return false;
    }
    let mut new = new.clone();
    new.status = stored.status;
    new.status_description.clone_from(&stored.status_description);
    new.stable = stored.stable;
    new.version = stored.version;
    new.submit_time = stored.submit_time;
    new.create_index = stored.create_index;
    new.modify_index = stored.modify_index;
    new.job_modify_index = stored.job_modify_index;
    new.nomad_token_id.clone_from(&stored.nomad_token_id);
    new.version_tag.clone_from(&stored.version_tag);
    for group in &mut new.task_groups {
        let stored = stored.group(&group.name).and_then(|group| group.scaling.as_ref());
        if let (Some(policy), Some(stored)) = (&mut group.scaling, stored) {
            policy.id.clone_from(&stored.id);
            policy.create_index = stored.create_index;
            policy.modify_index = stored.modify_index;
        }
    }
    new == *stored
}

/// Whether two groups are the same, but for what servers set.
fn same_group(stored: &TaskGroup, new: &TaskGroup) -> bool {
    let has_policy = stored.scaling.is_some() && new.scaling.is_some();
    has_policy || stored == new
}
