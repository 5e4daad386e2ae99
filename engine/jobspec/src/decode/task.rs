//! Tasks.

use drover_hcl::Diagnostic;
use drover_hcl::schema::Schema;
use drover_wire::job::{
    Action, ChangeScript, DispatchPayloadConfig, LogConfig, Secret, Task, TaskArtifact, TaskCsiPluginConfig,
    TaskLifecycle, TaskSchedule, TaskScheduleCron, Template, Vault, VolumeMount, WaitConfig, WorkloadIdentity,
};

use super::job::push;
use super::{Decoder, Item};

const TASK: Schema = Schema::attributes(&[
    "driver",
    "user",
    "leader",
    "kill_timeout",
    "kill_signal",
    "shutdown_delay",
    "kind",
    "env",
    "meta",
])
.with_blocks(&[
    ("config", &[]),
    ("lifecycle", &[]),
    ("constraint", &[]),
    ("affinity", &[]),
    ("env", &[]),
    ("service", &[]),
    ("resources", &[]),
    ("restart", &[]),
    ("meta", &[]),
    ("logs", &[]),
    ("artifact", &[]),
    ("vault", &[]),
    ("consul", &[]),
    ("template", &[]),
    ("dispatch_payload", &[]),
    ("volume_mount", &[]),
    ("csi_plugin", &[]),
    ("scaling", &["name"]),
    ("secret", &["name"]),
    ("identity", &[]),
    ("action", &["name"]),
    ("schedule", &[]),
])
.with_dynamic();
const LIFECYCLE: Schema = Schema::attributes(&["sidecar"]).with_required(&["hook"]);
const LOGS: Schema = Schema::attributes(&["max_files", "max_file_size", "enabled", "disabled"]);
const ARTIFACT: Schema = Schema::attributes(&["source", "destination", "mode", "insecure", "chown"])
    .with_blocks(&[("options", &[]), ("headers", &[])])
    .with_dynamic();
const VAULT: Schema = Schema::attributes(&[
    "policies",
    "role",
    "namespace",
    "cluster",
    "env",
    "disable_file",
    "change_mode",
    "change_signal",
    "allow_token_expiration",
]);
const TEMPLATE: Schema = Schema::attributes(&[
    "source",
    "destination",
    "data",
    "change_mode",
    "change_signal",
    "once",
    "splay",
    "perms",
    "uid",
    "gid",
    "left_delimiter",
    "right_delimiter",
    "env",
    "vault_grace",
    "error_on_missing_key",
])
.with_blocks(&[("change_script", &[]), ("wait", &[])])
.with_dynamic();
const CHANGE_SCRIPT: Schema =
    Schema::attributes(&["command", "args", "timeout", "fail_on_error", "run_on_first_render"]);
const WAIT: Schema = Schema::attributes(&["min", "max"]);
const DISPATCH_PAYLOAD: Schema = Schema::attributes(&["file"]);
const VOLUME_MOUNT: Schema =
    Schema::attributes(&["volume", "destination", "read_only", "propagation_mode", "selinux_label"]);
const CSI_PLUGIN: Schema = Schema::attributes(&["id", "type", "mount_dir", "stage_publish_base_dir", "health_timeout"]);
const SECRET: Schema =
    Schema::attributes(&["provider", "path"]).with_blocks(&[("config", &[]), ("env", &[])]).with_dynamic();
const IDENTITY: Schema = Schema::attributes(&[
    "name",
    "aud",
    "change_mode",
    "change_signal",
    "env",
    "file",
    "filepath",
    "service_name",
    "ttl",
    "extra_claims",
]);
const ACTION: Schema = Schema::attributes(&["args"]).with_required(&["command"]);
const SCHEDULE: Schema = Schema::attributes(&[]).with_blocks(&[("cron", &[])]).with_dynamic();
const CRON: Schema = Schema::attributes(&["start", "end", "timezone"]);

/// Nanoseconds of the pause that a template and its script take by default.
const FIVE_SECONDS: i64 = 5_000_000_000;

impl Decoder<'_> {
    pub(super) fn task(&mut self, item: &Item<'_>) -> Task {
        let fields = self.open(item, &TASK);
        let mut task = Task {
            name: item.label(),
            driver: self.plain_text(&fields, "driver"),
            user: self.plain_text(&fields, "user"),
            env: self.text_map(&fields, "env"),
            meta: self.text_map(&fields, "meta"),
            kill_timeout: self.duration(&fields, "kill_timeout"),
            leader: self.plain_flag(&fields, "leader"),
            shutdown_delay: self.duration(&fields, "shutdown_delay").unwrap_or_default(),
            kill_signal: self.plain_text(&fields, "kill_signal"),
            kind: self.plain_text(&fields, "kind"),
            ..Task::default()
        };
        self.blocks(&fields, &TASK, &mut |decoder, item| decoder.task_block(item, &mut task));
        take_default_identity(&mut task);
        task
    }

    fn task_block(&mut self, item: &Item<'_>, task: &mut Task) {
        match &*item.kind {
            "config" => task.config = Some(self.settings(item)),
            "lifecycle" => task.lifecycle = Some(self.lifecycle(item)),
            "constraint" => push(&mut task.constraints, self.constraint(item)),
            "affinity" => push(&mut task.affinities, self.affinity(item)),
            "env" => task.env = Some(self.text_block(item)),
            "service" => push(&mut task.services, self.service(item)),
            "resources" => task.resources = Some(self.resources(item)),
            "restart" => task.restart_policy = Some(self.restart(item)),
            "meta" => task.meta = Some(self.text_block(item)),
            "logs" => task.log_config = Some(self.logs(item)),
            "artifact" => push(&mut task.artifacts, self.artifact(item)),
            "vault" => task.vault = Some(self.vault(item)),
            "consul" => task.consul = Some(self.consul(item)),
            "template" => push(&mut task.templates, self.template(item)),
            "dispatch_payload" => {
                let fields = self.open(item, &DISPATCH_PAYLOAD);
                task.dispatch_payload = Some(DispatchPayloadConfig { file: self.plain_text(&fields, "file") });
            }
            "volume_mount" => push(&mut task.volume_mounts, self.volume_mount(item)),
            "csi_plugin" => task.csi_plugin_config = Some(self.csi_plugin(item)),
            "scaling" => {
                let policy = self.task_scaling(item);
                self.refuse_second_scaling(item, task, &policy.kind);
                push(&mut task.scaling_policies, policy);
            }
            "secret" => push(&mut task.secrets, self.secret(item)),
            "identity" => push(&mut task.identities, self.identity(item)),
            "action" => push(&mut task.actions, self.action(item)),
            "schedule" => task.schedule = Some(self.schedule(item)),
            _ => {}
        }
    }

    fn refuse_second_scaling(&mut self, item: &Item<'_>, task: &Task, kind: &str) {
        if !kind.is_empty() && task.scaling_policies.iter().flatten().any(|other| other.kind == kind) {
            let name = item.label();
            let detail = format!("only one scaling {name:?} block is allowed in a task");
            let error = Diagnostic::error(format!("Duplicate scaling {name:?} block"), detail);
            self.report(error.at(&item.body.source, item.header_span()));
        }
    }

    fn lifecycle(&mut self, item: &Item<'_>) -> TaskLifecycle {
        let fields = self.open(item, &LIFECYCLE);
        TaskLifecycle { hook: self.plain_text(&fields, "hook"), sidecar: self.plain_flag(&fields, "sidecar") }
    }

    pub(super) fn logs(&mut self, item: &Item<'_>) -> LogConfig {
        let fields = self.open(item, &LOGS);
        LogConfig {
            max_files: self.integer(&fields, "max_files"),
            max_file_size_mb: self.integer(&fields, "max_file_size"),
            enabled: self.flag(&fields, "enabled"),
            disabled: self.flag(&fields, "disabled"),
        }
    }

    fn artifact(&mut self, item: &Item<'_>) -> TaskArtifact {
        let fields = self.open(item, &ARTIFACT);
        let mut artifact = TaskArtifact {
            getter_source: self.text(&fields, "source"),
            getter_mode: self.text(&fields, "mode"),
            getter_insecure: self.flag(&fields, "insecure"),
            relative_dest: self.text(&fields, "destination"),
            chown: self.plain_flag(&fields, "chown"),
            ..TaskArtifact::default()
        };
        self.blocks(&fields, &ARTIFACT, &mut |decoder, item| match &*item.kind {
            "options" => artifact.getter_options = Some(decoder.text_block(item)),
            "headers" => artifact.getter_headers = Some(decoder.text_block(item)),
            _ => {}
        });
        artifact
    }

    pub(super) fn vault(&mut self, item: &Item<'_>) -> Vault {
        let fields = self.open(item, &VAULT);
        Vault {
            policies: self.texts(&fields, "policies"),
            role: self.plain_text(&fields, "role"),
            namespace: self.text(&fields, "namespace"),
            cluster: self.plain_text(&fields, "cluster"),
            env: self.flag(&fields, "env").or(Some(true)),
            disable_file: self.flag(&fields, "disable_file").or(Some(false)),
            change_mode: self.text(&fields, "change_mode").or_else(|| Some("restart".to_owned())),
            change_signal: self.text(&fields, "change_signal"),
            allow_token_expiration: self.flag(&fields, "allow_token_expiration"),
        }
    }

    fn template(&mut self, item: &Item<'_>) -> Template {
        let fields = self.open(item, &TEMPLATE);
        let mut template = Template {
            source_path: self.text(&fields, "source"),
            dest_path: self.text(&fields, "destination"),
            embedded_tmpl: self.text(&fields, "data"),
            change_mode: self.text(&fields, "change_mode").or_else(|| Some("restart".to_owned())),
            change_signal: self.text(&fields, "change_signal"),
            once: self.flag(&fields, "once"),
            splay: self.duration(&fields, "splay").or(Some(FIVE_SECONDS)),
            perms: self.text(&fields, "perms").or_else(|| Some("0644".to_owned())),
            uid: self.integer(&fields, "uid"),
            gid: self.integer(&fields, "gid"),
            left_delim: self.text(&fields, "left_delimiter"),
            right_delim: self.text(&fields, "right_delimiter"),
            envvars: self.flag(&fields, "env"),
            vault_grace: self.duration(&fields, "vault_grace"),
            err_missing_key: self.flag(&fields, "error_on_missing_key").or(Some(false)),
            ..Template::default()
        };
        self.blocks(&fields, &TEMPLATE, &mut |decoder, item| match &*item.kind {
            "change_script" => template.change_script = Some(decoder.change_script(item)),
            "wait" => {
                let fields = decoder.open(item, &WAIT);
                template.wait =
                    Some(WaitConfig { min: decoder.duration(&fields, "min"), max: decoder.duration(&fields, "max") });
            }
            _ => {}
        });
        template
    }

    fn change_script(&mut self, item: &Item<'_>) -> ChangeScript {
        let fields = self.open(item, &CHANGE_SCRIPT);
        ChangeScript {
            command: self.text(&fields, "command"),
            args: self.texts(&fields, "args").or_else(|| Some(Vec::new())),
            timeout: self.duration(&fields, "timeout").or(Some(FIVE_SECONDS)),
            fail_on_error: self.flag(&fields, "fail_on_error").or(Some(false)),
            run_on_first_render: self.flag(&fields, "run_on_first_render").or(Some(false)),
        }
    }

    pub(super) fn volume_mount(&mut self, item: &Item<'_>) -> VolumeMount {
        let fields = self.open(item, &VOLUME_MOUNT);
        VolumeMount {
            volume: self.text(&fields, "volume"),
            destination: self.text(&fields, "destination"),
            read_only: self.flag(&fields, "read_only"),
            propagation_mode: self.text(&fields, "propagation_mode"),
            se_linux_label: self.text(&fields, "selinux_label"),
        }
    }

    fn csi_plugin(&mut self, item: &Item<'_>) -> TaskCsiPluginConfig {
        let fields = self.open(item, &CSI_PLUGIN);
        TaskCsiPluginConfig {
            id: self.plain_text(&fields, "id"),
            kind: self.plain_text(&fields, "type"),
            mount_dir: self.plain_text(&fields, "mount_dir"),
            stage_publish_base_dir: self.plain_text(&fields, "stage_publish_base_dir"),
            health_timeout: self.duration(&fields, "health_timeout").unwrap_or_default(),
        }
    }

    pub(super) fn secret(&mut self, item: &Item<'_>) -> Secret {
        let fields = self.open(item, &SECRET);
        let mut secret = Secret {
            name: item.label(),
            provider: self.plain_text(&fields, "provider"),
            path: self.plain_text(&fields, "path"),
            config: None,
            env: None,
        };
        self.blocks(&fields, &SECRET, &mut |decoder, item| match &*item.kind {
            "config" => secret.config = Some(decoder.settings(item)),
            "env" => secret.env = Some(decoder.text_block(item)),
            _ => {}
        });
        secret
    }

    pub(super) fn identity(&mut self, item: &Item<'_>) -> WorkloadIdentity {
        let fields = self.open(item, &IDENTITY);
        WorkloadIdentity {
            name: self.plain_text(&fields, "name"),
            audience: self.texts(&fields, "aud"),
            change_mode: self.plain_text(&fields, "change_mode"),
            change_signal: self.plain_text(&fields, "change_signal"),
            env: self.plain_flag(&fields, "env"),
            file: self.plain_flag(&fields, "file"),
            filepath: self.plain_text(&fields, "filepath"),
            service_name: self.plain_text(&fields, "service_name"),
            ttl: self.duration(&fields, "ttl").unwrap_or_default(),
            extra_claims: self.texts(&fields, "extra_claims"),
        }
    }

    fn action(&mut self, item: &Item<'_>) -> Action {
        let fields = self.open(item, &ACTION);
        Action { name: item.label(), command: self.plain_text(&fields, "command"), args: self.texts(&fields, "args") }
    }

    fn schedule(&mut self, item: &Item<'_>) -> TaskSchedule {
        let fields = self.open(item, &SCHEDULE);
        let mut schedule = TaskSchedule::default();
        self.blocks(&fields, &SCHEDULE, &mut |decoder, item| {
            if &*item.kind == "cron" {
                let fields = decoder.open(item, &CRON);
                schedule.cron = Some(TaskScheduleCron {
                    start: decoder.plain_text(&fields, "start"),
                    end: decoder.plain_text(&fields, "end"),
                    timezone: decoder.plain_text(&fields, "timezone"),
                });
            }
        });
        schedule
    }
}

/// The first identity without a name, or with the name `default`, is the task's own one.
fn take_default_identity(task: &mut Task) {
    let Some(identities) = &mut task.identities else { return };
    let own = identities.iter().position(|identity| matches!(identity.name.as_str(), "" | "default"));
    task.identity = own.map(|at| identities.remove(at));
}
