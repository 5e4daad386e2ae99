//! Identities of tasks and services.

use super::items;
use crate::job::{Task, WorkloadIdentity};
use crate::problems::Problems;

pub(super) fn of_task(task: &Task, problems: &mut Problems) {
    if let Some(default) = &task.identity {
        problems.nest("Identity \"default\" is invalid", identity(default, "default"));
    }
    for one in items(&task.identities) {
        let name = if one.name.is_empty() { "default" } else { one.name.as_str() };
        problems.nest(&format!("Identity {name:?} is invalid"), identity(one, name));
    }
}

fn identity(identity: &WorkloadIdentity, name: &str) -> Problems {
    let mut problems = Problems::default();
    if !super::is_name(name, &['-', '_']) {
        problems.add(format!("invalid name {name:?}. Must match regex ^[a-zA-Z0-9-_]{{1,128}}$"));
    }
    match identity.change_mode.as_str() {
        "" | "noop" | "restart" => {}
        "signal" => problems.add_if(
            identity.change_signal.is_empty(),
            "change_signal must be specified when using change_mode=\"signal\"",
        ),
        other => problems.add(format!("invalid change_mode: {other}")),
    }
    if !identity.change_signal.is_empty() && identity.change_mode != "signal" {
        problems.add(format!("can only use change_signal={:?} with change_mode=\"signal\"", identity.change_signal));
    }
    problems.add_if(identity.ttl < 0, "ttl must be >= 0");
    problems.add_if(
        !identity.filepath.is_empty() && !identity.file,
        "file parameter must be true in order to specify filepath",
    );
    problems
}
