//! Tasks.

use super::policies::{Affinity, Constraint, RestartPolicy, ScalingPolicy};
use super::resources::Resources;
use super::service::Service;
use super::settings::Settings;
use super::shape::shape;

shape! {
    /// A task. Times in nanoseconds.
    Task {
        name: String = "Name",
        driver: String = "Driver",
        user: String = "User",
        lifecycle: Option<TaskLifecycle> = "Lifecycle",
        config: Option<Settings> = "Config",
        constraints: Option<Vec<Constraint>> = "Constraints",
        affinities: Option<Vec<Affinity>> = "Affinities",
        env: Option<super::TextMap> = "Env",
        services: Option<Vec<Service>> = "Services",
        resources: Option<Resources> = "Resources",
        restart_policy: Option<RestartPolicy> = "RestartPolicy",
        meta: Option<super::TextMap> = "Meta",
        kill_timeout: Option<i64> = "KillTimeout",
        log_config: Option<LogConfig> = "LogConfig",
        artifacts: Option<Vec<TaskArtifact>> = "Artifacts",
        vault: Option<Vault> = "Vault",
        consul: Option<Consul> = "Consul",
        templates: Option<Vec<Template>> = "Templates",
        dispatch_payload: Option<DispatchPayloadConfig> = "DispatchPayload",
        volume_mounts: Option<Vec<VolumeMount>> = "VolumeMounts",
        csi_plugin_config: Option<TaskCsiPluginConfig> = "CSIPluginConfig" [skip_serializing_if = "Option::is_none"],
        leader: bool = "Leader",
        shutdown_delay: i64 = "ShutdownDelay",
        kill_signal: String = "KillSignal",
        kind: String = "Kind",
        scaling_policies: Option<Vec<ScalingPolicy>> = "ScalingPolicies",
        secrets: Option<Vec<Secret>> = "Secrets",
        identity: Option<WorkloadIdentity> = "Identity",
        identities: Option<Vec<WorkloadIdentity>> = "Identities",
        actions: Option<Vec<Action>> = "Actions",
        schedule: Option<TaskSchedule> = "Schedule",
    }

    /// When a task runs beside the main ones.
    TaskLifecycle {
        hook: String = "Hook",
        sidecar: bool = "Sidecar",
    }

    /// How logs are kept.
    LogConfig {
        max_files: Option<i64> = "MaxFiles",
        max_file_size_mb: Option<i64> = "MaxFileSizeMB",
        enabled: Option<bool> = "Enabled",
        disabled: Option<bool> = "Disabled",
    }

    /// A file that is fetched.
    TaskArtifact {
        getter_source: Option<String> = "GetterSource",
        getter_options: Option<super::TextMap> = "GetterOptions",
        getter_headers: Option<super::TextMap> = "GetterHeaders",
        getter_mode: Option<String> = "GetterMode",
        getter_insecure: Option<bool> = "GetterInsecure",
        relative_dest: Option<String> = "RelativeDest",
        chown: bool = "Chown",
    }

    /// Access to Vault.
    Vault {
        policies: Option<Vec<String>> = "Policies",
        role: String = "Role",
        namespace: Option<String> = "Namespace",
        cluster: String = "Cluster",
        env: Option<bool> = "Env",
        disable_file: Option<bool> = "DisableFile",
        change_mode: Option<String> = "ChangeMode",
        change_signal: Option<String> = "ChangeSignal",
        allow_token_expiration: Option<bool> = "AllowTokenExpiration",
    }

    /// Access to Consul.
    Consul {
        namespace: String = "Namespace",
        cluster: String = "Cluster",
        partition: String = "Partition",
    }

    /// A file that is written from a template. Times in nanoseconds.
    Template {
        source_path: Option<String> = "SourcePath",
        dest_path: Option<String> = "DestPath",
        embedded_tmpl: Option<String> = "EmbeddedTmpl",
        change_mode: Option<String> = "ChangeMode",
        change_script: Option<ChangeScript> = "ChangeScript",
        change_signal: Option<String> = "ChangeSignal",
        once: Option<bool> = "Once",
        splay: Option<i64> = "Splay",
        perms: Option<String> = "Perms",
        uid: Option<i64> = "Uid",
        gid: Option<i64> = "Gid",
        left_delim: Option<String> = "LeftDelim",
        right_delim: Option<String> = "RightDelim",
        envvars: Option<bool> = "Envvars",
        vault_grace: Option<i64> = "VaultGrace",
        wait: Option<WaitConfig> = "Wait",
        err_missing_key: Option<bool> = "ErrMissingKey",
    }

    /// What runs when a template changes. Times in nanoseconds.
    ChangeScript {
        command: Option<String> = "Command",
        args: Option<Vec<String>> = "Args",
        timeout: Option<i64> = "Timeout",
        fail_on_error: Option<bool> = "FailOnError",
        run_on_first_render: Option<bool> = "RunOnFirstRender",
    }

    /// How long a template waits for more changes. Times in nanoseconds.
    WaitConfig {
        min: Option<i64> = "Min",
        max: Option<i64> = "Max",
    }

    /// Where the payload of a dispatched job goes.
    DispatchPayloadConfig {
        file: String = "File",
    }

    /// Where a volume appears in a task.
    VolumeMount {
        volume: Option<String> = "Volume",
        destination: Option<String> = "Destination",
        read_only: Option<bool> = "ReadOnly",
        propagation_mode: Option<String> = "PropagationMode",
        se_linux_label: Option<String> = "SELinuxLabel",
    }

    /// A task that provides volumes. Times in nanoseconds.
    TaskCsiPluginConfig {
        id: String = "ID",
        kind: String = "Type",
        mount_dir: String = "MountDir",
        stage_publish_base_dir: String = "StagePublishBaseDir",
        health_timeout: i64 = "HealthTimeout",
    }

    /// A secret from a provider.
    Secret {
        name: String = "Name",
        provider: String = "Provider",
        path: String = "Path",
        config: Option<Settings> = "Config",
        env: Option<super::TextMap> = "Env",
    }

    /// An identity of a workload. Times in nanoseconds.
    WorkloadIdentity {
        name: String = "Name",
        audience: Option<Vec<String>> = "Audience",
        change_mode: String = "ChangeMode",
        change_signal: String = "ChangeSignal",
        env: bool = "Env",
        file: bool = "File",
        filepath: String = "Filepath",
        service_name: String = "ServiceName",
        ttl: i64 = "TTL",
        extra_claims: Option<Vec<String>> = "ExtraClaims",
    }

    /// A command that people can run in a task.
    Action {
        name: String = "Name",
        command: String = "Command",
        args: Option<Vec<String>> = "Args",
    }

    /// When a task may run.
    TaskSchedule {
        cron: Option<TaskScheduleCron> = "Cron",
    }

    /// A span of time that comes again.
    TaskScheduleCron {
        start: String = "Start",
        end: String = "End",
        timezone: String = "Timezone",
    }
}
