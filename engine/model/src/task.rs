//! Tasks: what one driver runs.

use crate::policy::ScalingPolicy;
use crate::{Affinity, ConfigMap, Constraint, Resources, RestartPolicy, Service, TextMap, wire_enum};
use drover_base::{Nanos, serde_null};
use serde::{Deserialize, Serialize};

/// One program of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Task {
    /// Unique within its group.
    pub name: String,
    /// The driver's name.
    pub driver: String,
    /// The user it runs as; empty: the driver's default.
    pub user: String,
    /// The driver's configuration.
    #[serde(with = "serde_null")]
    pub config: ConfigMap,
    /// Environment variables, which may hold interpolations.
    #[serde(with = "serde_null")]
    pub env: TextMap,
    /// Services.
    #[serde(with = "serde_null")]
    pub services: Vec<Service>,
    /// Vault access.
    pub vault: Option<Vault>,
    /// Consul access.
    pub consul: Option<Consul>,
    /// Templates.
    #[serde(with = "serde_null")]
    pub templates: Vec<Template>,
    /// Constraints.
    #[serde(with = "serde_null")]
    pub constraints: Vec<Constraint>,
    /// Affinities.
    #[serde(with = "serde_null")]
    pub affinities: Vec<Affinity>,
    /// What it asks for.
    pub resources: Resources,
    /// How it restarts.
    pub restart_policy: RestartPolicy,
    /// Where a dispatched payload goes.
    pub dispatch_payload: Option<DispatchPayload>,
    /// When it runs relative to the main tasks.
    pub lifecycle: Option<Lifecycle>,
    /// Meta.
    #[serde(with = "serde_null")]
    pub meta: TextMap,
    /// Between the stop signal and the kill.
    pub kill_timeout: Nanos,
    /// How its output is kept.
    pub log_config: LogConfig,
    /// Downloads.
    #[serde(with = "serde_null")]
    pub artifacts: Vec<Artifact>,
    /// When it ends, the other tasks end too.
    pub leader: bool,
    /// Wait between leaving the catalog and stopping.
    pub shutdown_delay: Nanos,
    /// Mounts of the group's volumes.
    #[serde(with = "serde_null")]
    pub volume_mounts: Vec<VolumeMount>,
    /// Vertical scaling.
    #[serde(with = "serde_null")]
    pub scaling_policies: Vec<ScalingPolicy>,
    /// The stop signal; empty: the driver's default.
    pub kill_signal: String,
    /// Connect's kind.
    pub kind: String,
    /// A CSI plugin's description.
    #[serde(rename = "CSIPluginConfig")]
    pub csi_plugin: Option<CsiPlugin>,
    /// The default identity.
    pub identity: Option<WorkloadIdentity>,
    /// Further identities.
    #[serde(with = "serde_null")]
    pub identities: Vec<WorkloadIdentity>,
    /// Commands that operators may run in it.
    #[serde(with = "serde_null")]
    pub actions: Vec<Action>,
    /// When it may run.
    pub schedule: Option<Schedule>,
    /// Secrets for templates and environment.
    #[serde(with = "serde_null")]
    pub secrets: Vec<SecretBlock>,
}

/// A command that operators may run in a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Program.
    pub command: String,
    /// Arguments.
    #[serde(with = "serde_null")]
    pub args: Vec<String>,
}

/// When a task may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Schedule {
    /// A daily window.
    pub cron: Option<ScheduleCron>,
}

/// A daily window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleCron {
    /// Cron expression of the start.
    pub start: String,
    /// Minute and hour of the end.
    pub end: String,
    /// IANA name.
    pub timezone: String,
}

/// A `secret` block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SecretBlock {
    /// Its name in interpolations.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Its path.
    pub path: String,
    /// For the provider.
    #[serde(with = "serde_null")]
    pub config: ConfigMap,
    /// For the provider's process.
    #[serde(with = "serde_null")]
    pub env: TextMap,
}

/// A CSI plugin's description.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CsiPlugin {
    /// The plugin's id.
    #[serde(rename = "ID")]
    pub id: String,
    /// `node`, `controller`, `monolith`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Where its socket is mounted.
    pub mount_dir: String,
    /// Where volumes are staged.
    pub stage_publish_base_dir: String,
    /// Until it must be healthy.
    pub health_timeout: Nanos,
}

wire_enum! {
    /// When a task runs relative to the main tasks.
    LifecycleHook {
        /// Before them.
        Prestart = "prestart",
        /// After they started.
        Poststart = "poststart",
        /// After they ended.
        Poststop = "poststop",
    } default Prestart
}

/// When a task runs relative to the main tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Lifecycle {
    /// The hook.
    pub hook: LifecycleHook,
    /// Whether it goes on beside them.
    pub sidecar: bool,
}

/// Where a dispatched payload goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DispatchPayload {
    /// File below the task's local directory.
    pub file: String,
}

/// How output is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LogConfig {
    /// Files per stream.
    pub max_files: u32,
    /// Size of one in MiB.
    #[serde(rename = "MaxFileSizeMB")]
    pub max_file_size_mb: u32,
    /// Keep nothing.
    pub disabled: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { max_files: 10, max_file_size_mb: 10, disabled: false }
    }
}

/// Something to download before the task starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Artifact {
    /// Where from.
    pub getter_source: String,
    /// Options, such as `checksum`.
    #[serde(with = "serde_null")]
    pub getter_options: TextMap,
    /// HTTP headers.
    #[serde(with = "serde_null")]
    pub getter_headers: TextMap,
    /// `any`, `file`, `dir`.
    pub getter_mode: String,
    /// Skip certificate checks.
    pub getter_insecure: bool,
    /// Where to, relative to the task's directory.
    pub relative_dest: String,
    /// Give the files to the task's user.
    pub chown: bool,
}

/// A file made from a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Template {
    /// File with the template.
    pub source_path: String,
    /// Where to, relative to the task's directory.
    pub dest_path: String,
    /// The template itself.
    pub embedded_tmpl: String,
    /// `noop`, `restart`, `signal`, `script`.
    pub change_mode: String,
    /// For `signal`.
    pub change_signal: String,
    /// For `script`.
    pub change_script: Option<ChangeScript>,
    /// Random wait before acting on a change.
    pub splay: Nanos,
    /// Octal permissions.
    pub perms: String,
    /// Owner's number.
    pub uid: Option<i64>,
    /// Group's number.
    pub gid: Option<i64>,
    /// Left delimiter.
    pub left_delim: String,
    /// Right delimiter.
    pub right_delim: String,
    /// Load the result as environment variables.
    pub envvars: bool,
    /// Of no effect.
    pub vault_grace: Nanos,
    /// Wait for quiet between changes.
    pub wait: Option<WaitConfig>,
    /// A missing key is an error.
    pub err_missing_key: bool,
    /// Render once only.
    pub once: bool,
}

/// Runs on a template's change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChangeScript {
    /// Program.
    pub command: String,
    /// Arguments.
    #[serde(with = "serde_null")]
    pub args: Vec<String>,
    /// At most this long.
    pub timeout: Nanos,
    /// A failure kills the task.
    pub fail_on_error: bool,
    /// Run after the first rendering too.
    pub run_on_first_render: bool,
}

/// Wait for quiet between changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WaitConfig {
    /// At least.
    pub min: Option<Nanos>,
    /// At most.
    pub max: Option<Nanos>,
}

/// Vault access of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Vault {
    /// Role of the workload identity.
    pub role: String,
    /// Policies (before workload identities).
    #[serde(with = "serde_null")]
    pub policies: Vec<String>,
    /// Vault's namespace.
    pub namespace: String,
    /// Which Vault.
    pub cluster: String,
    /// Export VAULT_TOKEN.
    pub env: bool,
    /// Write no token file.
    pub disable_file: bool,
    /// `noop`, `restart`, `signal`.
    pub change_mode: String,
    /// For `signal`.
    pub change_signal: String,
    /// Do not renew.
    pub allow_token_expiration: bool,
}

/// Consul access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Consul {
    /// Consul's namespace.
    pub namespace: String,
    /// Which cluster.
    pub cluster: String,
    /// Consul's partition.
    pub partition: String,
}

/// A signed identity of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WorkloadIdentity {
    /// Its name.
    pub name: String,
    /// Audiences.
    #[serde(with = "serde_null")]
    pub audience: Vec<String>,
    /// `noop`, `restart`, `signal`.
    pub change_mode: String,
    /// For `signal`.
    pub change_signal: String,
    /// Export as NOMAD_TOKEN….
    pub env: bool,
    /// Write it to the secrets directory.
    pub file: bool,
    /// Where.
    pub filepath: String,
    /// The service it belongs to.
    pub service_name: String,
    /// How long it is valid.
    #[serde(rename = "TTL")]
    pub ttl: Nanos,
    /// Extra claims.
    #[serde(with = "serde_null")]
    pub extra_claims: Vec<String>,
}

/// Where a volume of the group appears in a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeMount {
    /// The group's name for it.
    pub volume: String,
    /// Path in the task.
    pub destination: String,
    /// No writes.
    pub read_only: bool,
    /// `private`, `host-to-task`, `bidirectional`.
    pub propagation_mode: String,
    /// SELinux label.
    #[serde(rename = "SELinuxLabel")]
    pub selinux_label: String,
}
