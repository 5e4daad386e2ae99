//! Defaults of tasks.

use super::super::*;
use super::group::service_name;
use super::{Canonical, SECOND, default_text, default_to, drop_empty};

impl Task {
    /// Fills in defaults, and what is taken over from the group, whose restart policy is in place.
    pub(super) fn canonicalize_in(&mut self, job: &Job, group: &TaskGroup) {
        self.resources.get_or_insert_default().canonicalize();
        default_to(&mut self.kill_timeout, 5 * SECOND);
        self.log_config.get_or_insert_default().canonicalize();
        self.artifacts.iter_mut().flatten().for_each(Canonical::canonicalize);
        if let Some(vault) = &mut self.vault {
            vault.canonicalize();
        }
        if let Some(consul) = &mut self.consul {
            default_text(&mut consul.cluster, "default");
        }
        self.templates.iter_mut().flatten().for_each(Canonical::canonicalize);
        let name = service_name(job, group, Some(&self.name));
        self.services.iter_mut().flatten().for_each(|service| service.canonicalize_as(&name));
        self.affinities.iter_mut().flatten().for_each(Canonical::canonicalize);
        self.volume_mounts.iter_mut().flatten().for_each(Canonical::canonicalize);
        if let Some(plugin) = &mut self.csi_plugin_config {
            plugin.canonicalize();
        }
        let mut restart = group.restart_policy.clone().unwrap_or_default();
        if let Some(own) = &self.restart_policy {
            restart.merge(own);
        }
        self.restart_policy = Some(restart);
    }
}

impl Canonical for Resources {
    fn canonicalize(&mut self) {
        if self.cores.is_none() {
            self.cores = Some(0);
            default_to(&mut self.cpu, 100);
        }
        default_to(&mut self.cpu, 0);
        default_to(&mut self.memory_mb, 300);
        for device in self.devices.iter_mut().flatten() {
            default_to(&mut device.count, 1u64);
            device.affinities.iter_mut().flatten().for_each(Canonical::canonicalize);
        }
        if let Some(numa) = &mut self.numa {
            default_text(&mut numa.affinity, "none");
        }
    }
}

impl Canonical for LogConfig {
    fn canonicalize(&mut self) {
        default_to(&mut self.max_files, 10);
        default_to(&mut self.max_file_size_mb, 10);
        default_to(&mut self.disabled, false);
    }
}

impl Canonical for TaskArtifact {
    fn canonicalize(&mut self) {
        default_to(&mut self.getter_mode, "any");
        default_to(&mut self.getter_source, "");
        drop_empty(&mut self.getter_options);
        drop_empty(&mut self.getter_headers);
        default_to(&mut self.getter_insecure, false);
        if self.relative_dest.is_none() {
            let source = self.getter_source.as_deref().unwrap_or("");
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or("");
            let file = self.getter_mode.as_deref() == Some("file");
            self.relative_dest = Some(if file { format!("local/{name}") } else { "local/".to_owned() });
        }
    }
}

impl Canonical for Vault {
    fn canonicalize(&mut self) {
        default_to(&mut self.env, true);
        default_to(&mut self.disable_file, false);
        default_to(&mut self.namespace, "");
        default_text(&mut self.cluster, "default");
        default_to(&mut self.change_mode, "restart");
        default_to(&mut self.change_signal, "SIGHUP");
        default_to(&mut self.allow_token_expiration, false);
    }
}

impl Canonical for Template {
    fn canonicalize(&mut self) {
        default_to(&mut self.source_path, "");
        default_to(&mut self.dest_path, "");
        default_to(&mut self.embedded_tmpl, "");
        default_to(&mut self.change_mode, "restart");
        match &mut self.change_signal {
            Some(signal) => *signal = signal.to_uppercase(),
            None => {
                let signal = if self.change_mode.as_deref() == Some("signal") { "SIGHUP" } else { "" };
                self.change_signal = Some(signal.to_owned());
            }
        }
        if let Some(script) = &mut self.change_script {
            default_to(&mut script.command, "");
            default_to(&mut script.args, Vec::new());
            default_to(&mut script.timeout, 5 * SECOND);
            default_to(&mut script.fail_on_error, false);
            default_to(&mut script.run_on_first_render, false);
        }
        default_to(&mut self.once, false);
        default_to(&mut self.splay, 5 * SECOND);
        default_to(&mut self.perms, "0644");
        default_to(&mut self.left_delim, "{{");
        default_to(&mut self.right_delim, "}}");
        default_to(&mut self.envvars, false);
        default_to(&mut self.err_missing_key, false);
        default_to(&mut self.vault_grace, 0);
    }
}

impl Canonical for VolumeMount {
    fn canonicalize(&mut self) {
        default_to(&mut self.propagation_mode, "private");
        default_to(&mut self.read_only, false);
        default_to(&mut self.se_linux_label, "");
    }
}

impl Canonical for TaskCsiPluginConfig {
    fn canonicalize(&mut self) {
        default_text(&mut self.mount_dir, "/csi");
        default_text(&mut self.stage_publish_base_dir, "/local/csi");
        if self.health_timeout == 0 {
            self.health_timeout = 30 * SECOND;
        }
    }
}
