//! A task.

use super::{artifact, identity, items, nanos, placement, policies, resources, service, template, text, volume};
use crate::job::{Job, LogConfig, Secret, Task, TaskGroup, Vault};
use crate::problems::Problems;
use drover_base::Nanos;
use std::collections::BTreeSet;

pub(super) fn task(_job: &Job, group: &TaskGroup, task: &Task, kind: &str) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(task.name.is_empty(), "Missing task name");
    problems.add_if(task.name.contains(['/', '\\']), "Task name cannot include slashes");
    problems.add_if(task.name.contains('\0'), "Task name cannot include null characters");
    problems.add_if(task.driver.is_empty(), "Missing task driver");
    times(group, task, kind, &mut problems);
    match &task.resources {
        None => problems.add("Missing task resources"),
        Some(asked) => problems.group(resources::resources(asked)),
    }
    // What a task took over from its group has been told there.
    if let Some(policy) = task.restart_policy.as_ref().filter(|own| Some(*own) != group.restart_policy.as_ref()) {
        policies::task_restart(policy, &mut problems);
    }
    let disk_mb = group.ephemeral_disk.as_ref().and_then(|disk| disk.size_mb).unwrap_or_default();
    match &task.log_config {
        None => problems.add("Missing Log Config"),
        Some(logs) => problems.group(log_config(logs, disk_mb)),
    }
    placement::task_constraints(items(&task.constraints), &mut problems);
    if kind == "system" {
        problems.add_if(!items(&task.affinities).is_empty(), "System jobs may not have an affinity block");
    } else {
        placement::affinities(items(&task.affinities), &mut problems);
    }
    problems.group(service::of_task(group, task));
    for (index, one) in items(&task.artifacts).iter().enumerate() {
        problems.nest(&format!("Artifact {} validation failed", index + 1), artifact::artifact(one));
    }
    template::templates(items(&task.templates), &mut problems);
    lifecycle(task, &mut problems);
    volume::mounts(group, task, &mut problems);
    identity::of_task(task, &mut problems);
    let mut actions = BTreeSet::new();
    for action in items(&task.actions) {
        if !actions.insert(&action.name) {
            problems.add(format!("Action {} defined multiple times", action.name));
        }
        let mut faults = Problems::default();
        faults.add_if(action.command.is_empty(), "command cannot be empty");
        if !super::is_name(&action.name, &['-', '_']) {
            faults.add(format!("invalid name '{}'", action.name));
        }
        problems.nest(&format!("Action {} validation failed", action.name), faults);
    }
    if let Some(vault) = &task.vault {
        problems.nest("Vault validation failed", self::vault(vault));
    }
    if task.dispatch_payload.as_ref().is_some_and(|payload| super::escapes(&payload.file, 2)) {
        problems.add("Dispatch Payload validation failed: destination escapes allocation directory");
    }
    csi_plugin(task, &mut problems);
    secrets(task, &mut problems);
    problems
}

fn vault(vault: &Vault) -> Problems {
    let mut problems = Problems::default();
    match text(&vault.change_mode) {
        "noop" | "restart" => {}
        "signal" => problems.add_if(
            text(&vault.change_signal).is_empty(),
            "Signal must be specified when using change mode \"signal\"",
        ),
        other => problems.add(format!("Unknown change mode {other:?}")),
    }
    problems
}

fn csi_plugin(task: &Task, problems: &mut Problems) {
    let Some(plugin) = &task.csi_plugin_config else { return };
    problems.add_if(plugin.id.is_empty(), "CSIPluginConfig must have a non-empty PluginID");
    if !matches!(plugin.kind.as_str(), "node" | "controller" | "monolith") {
        problems.add(format!(
            "CSIPluginConfig PluginType must be one of 'node', 'controller', or 'monolith', got: {:?}",
            plugin.kind
        ));
    }
}

fn times(group: &TaskGroup, task: &Task, kind: &str, problems: &mut Problems) {
    let kill_timeout = nanos(task.kill_timeout);
    if kill_timeout < Nanos::ZERO {
        problems.add("KillTimeout must be a positive value");
    } else if let Some(update) = group.update.as_ref().filter(|_| kind == "service") {
        let progress = nanos(update.progress_deadline);
        if progress > Nanos::ZERO && update.max_parallel != Some(0) && kill_timeout > progress {
            let text = format!("KillTimout ({kill_timeout}) longer than the group's ProgressDeadline ({progress})");
            problems.add(text);
        }
    }
    problems.add_if(task.shutdown_delay < 0, "ShutdownDelay must be a positive value");
}

fn log_config(logs: &LogConfig, disk_mb: i64) -> Problems {
    let mut problems = Problems::default();
    let (files, size) = (logs.max_files.unwrap_or_default(), logs.max_file_size_mb.unwrap_or_default());
    if files < 1 {
        problems.add(format!("minimum number of files is 1; got {files}"));
    }
    if size < 1 {
        problems.add(format!("minimum file size is 1MB; got {size}"));
    }
    let total = files.saturating_mul(size);
    if total >= disk_mb && problems.is_empty() {
        problems.add(format!("log storage ({total} MB) must be less than requested disk capacity ({disk_mb} MB)"));
    }
    problems
}

fn lifecycle(task: &Task, problems: &mut Problems) {
    let Some(lifecycle) = &task.lifecycle else { return };
    match lifecycle.hook.as_str() {
        "" => problems.add("Lifecycle validation failed: no lifecycle hook provided"),
        "prestart" | "poststart" | "poststop" => {}
        other => problems.add(format!("Lifecycle validation failed: invalid hook: {other}")),
    }
}

fn secrets(task: &Task, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for secret in items(&task.secrets) {
        if !seen.insert(&secret.name) {
            problems.add(format!("Duplicate secret {:?} found", secret.name));
        }
        problems.nest(&format!("Secret {:?} is invalid", secret.name), secret_block(secret));
        if secret.provider == "vault" && task.vault.is_none() {
            problems.add(format!("Secret {:?} has provider \"vault\" but no vault block", secret.name));
        }
    }
}

fn secret_block(secret: &Secret) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(secret.name.is_empty(), "secret name cannot be empty");
    let is_odd = !secret.name.is_empty() && !super::is_name(&secret.name, &['_']);
    problems.add_if(is_odd, "secret name must match regex ^[a-zA-Z0-9_]{1,128}$");
    problems.add_if(secret.provider.is_empty(), "secret provider cannot be empty");
    problems.add_if(secret.path.is_empty(), "secret path cannot be empty");
    let has_env = secret.env.as_ref().is_some_and(|env| !env.is_empty());
    problems.add_if(secret.provider == "nomad" && has_env, "nomad provider cannot use the env block");
    problems
}
