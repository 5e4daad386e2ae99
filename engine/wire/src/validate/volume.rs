//! Volumes of a group and their mounts in tasks.

use super::{items, text};
use crate::job::{Task, TaskGroup, VolumeMount, VolumeRequest};
use crate::problems::Problems;

/// How host volumes may be opened.
const HOST_ACCESS_MODES: &[&str] =
    &["", "single-node-reader-only", "single-node-writer", "single-node-single-writer", "single-node-multi-writer"];

pub(super) fn requests(group: &TaskGroup, problems: &mut Problems) {
    for (name, request) in group.volumes.iter().flatten() {
        problems.nest(&format!("Task group volume validation for {name} failed"), self::request(group, request));
    }
}

fn request(group: &TaskGroup, request: &VolumeRequest) -> Problems {
    let mut problems = Problems::default();
    if !matches!(request.kind.as_str(), "host" | "csi") {
        return problems;
    }
    problems.add_if(request.source.is_empty(), "volume has an empty source");
    let has_canaries = group.update.as_ref().is_some_and(|update| update.canary.unwrap_or_default() > 0);
    if request.per_alloc {
        problems.add_if(has_canaries, "volume cannot be per_alloc when canaries are in use");
        problems.add_if(request.sticky, "volume cannot be per_alloc and sticky at the same time");
    }
    if request.kind == "host" {
        if !HOST_ACCESS_MODES.contains(&request.access_mode.as_str()) {
            problems.add(format!("host volumes cannot be mounted with {} access mode", request.access_mode));
        }
        problems.add_if(request.mount_options.is_some(), "host volumes cannot have mount options");
    } else {
        problems.add_if(request.attachment_mode.is_empty(), "CSI volumes must have an attachment mode");
        problems.add_if(request.access_mode.is_empty(), "CSI volumes must have an access mode");
    }
    problems
}

pub(super) fn mounts(group: &TaskGroup, task: &Task, problems: &mut Problems) {
    for (index, mount) in items(&task.volume_mounts).iter().enumerate() {
        // A mount that names nothing is left out.
        let Some(name) = mount.volume.as_deref() else { continue };
        if !group.volumes.as_ref().is_some_and(|volumes| volumes.contains_key(name)) {
            problems.add(format!("Volume Mount ({index}) references undefined volume {name}"));
        }
        let faults = faults(mount);
        if !faults.is_empty() {
            problems.add(format!("Volume Mount ({index}) is invalid: \"{}\"", faults.to_text()));
        }
    }
}

fn faults(mount: &VolumeMount) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(text(&mount.volume).is_empty(), "volume mount references an empty volume");
    let mode = text(&mount.propagation_mode);
    if !matches!(mode, "" | "private" | "host-to-task" | "bidirectional") {
        problems.add(format!("volume mount has an invalid propagation mode: {mode:?}"));
    }
    let label = text(&mount.se_linux_label);
    if !matches!(label, "" | "z" | "Z") {
        problems.add(format!("volume mount has an invalid SELinux label: {label:?}"));
    }
    problems
}
