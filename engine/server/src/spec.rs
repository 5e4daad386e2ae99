//! Whether two jobs ask for the same.

use drover_model::Job;

/// Whether `new` asks for the same as `stored`: all that people write, nothing that servers set.
pub(crate) fn same_specification(stored: &Job, new: &Job) -> bool {
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
