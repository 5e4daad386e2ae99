//! Which field of a job stands where in a job file.

use drover_base::Nanos;
use serde_json::Value as Json;

use super::layout::Body;

/// How a field is written.
enum As {
    /// As it is.
    Value,
    /// A duration: nanoseconds in the job, `30s` in the file.
    Duration,
    /// A block of names and values.
    Map,
    /// A block.
    Block(&'static [Field]),
    /// A block for each of a list.
    Blocks(&'static [Field]),
    /// A block with a label for each of a list; which field is the label.
    Labelled(&'static str, &'static [Field]),
    /// A block with a label for each of a map.
    LabelledMap(&'static [Field]),
    /// A block of whatever a driver or plugin wants.
    Free,
}

/// A field: its name in the job, its name in the file.
struct Field(&'static str, &'static str, As);

macro_rules! fields {
    ($name:ident: $($json:literal $hcl:literal $as:expr),+ $(,)?) => {
        const $name: &[Field] = &[$(Field($json, $hcl, $as)),+];
    };
}

use As::{Block, Blocks, Duration, Free, Labelled, LabelledMap, Map, Value};

fields!(CONSTRAINT: "LTarget" "attribute" Value, "Operand" "operator" Value, "RTarget" "value" Value);
fields!(AFFINITY: "LTarget" "attribute" Value, "Operand" "operator" Value, "RTarget" "value" Value, "Weight" "weight" Value);
fields!(SPREAD: "Attribute" "attribute" Value, "Weight" "weight" Value, "SpreadTarget" "target" Labelled("Value", TARGET));
fields!(TARGET: "Percent" "percent" Value);
fields!(UPDATE: "MaxParallel" "max_parallel" Value, "HealthCheck" "health_check" Value,
    "MinHealthyTime" "min_healthy_time" Duration, "HealthyDeadline" "healthy_deadline" Duration,
    "ProgressDeadline" "progress_deadline" Duration, "AutoRevert" "auto_revert" Value, "AutoPromote" "auto_promote" Value,
    "Canary" "canary" Value, "Stagger" "stagger" Duration);
fields!(MIGRATE: "MaxParallel" "max_parallel" Value, "HealthCheck" "health_check" Value,
    "MinHealthyTime" "min_healthy_time" Duration, "HealthyDeadline" "healthy_deadline" Duration);
fields!(RESTART: "Attempts" "attempts" Value, "Interval" "interval" Duration, "Delay" "delay" Duration, "Mode" "mode" Value,
    "RenderTemplates" "render_templates" Value);
fields!(RESCHEDULE: "Attempts" "attempts" Value, "Interval" "interval" Duration, "Delay" "delay" Duration,
    "DelayFunction" "delay_function" Value, "MaxDelay" "max_delay" Duration, "Unlimited" "unlimited" Value);
fields!(DISCONNECT: "LostAfter" "lost_after" Duration, "StopOnClientAfter" "stop_on_client_after" Duration,
    "Replace" "replace" Value, "Reconcile" "reconcile" Value);
fields!(DISK: "Sticky" "sticky" Value, "Migrate" "migrate" Value, "SizeMB" "size" Value);
fields!(PORT: "Value" "static" Value, "To" "to" Value, "HostNetwork" "host_network" Value);
fields!(DNS: "Servers" "servers" Value, "Searches" "searches" Value, "Options" "options" Value);
fields!(NETWORK: "Mode" "mode" Value, "Hostname" "hostname" Value, "MBits" "mbits" Value, "DNS" "dns" Block(DNS),
    "DynamicPorts" "port" Labelled("Label", PORT), "ReservedPorts" "port" Labelled("Label", PORT));
fields!(CHECK_RESTART: "Limit" "limit" Value, "Grace" "grace" Duration, "IgnoreWarnings" "ignore_warnings" Value);
fields!(CHECK: "Name" "name" Value, "Type" "type" Value, "Command" "command" Value, "Args" "args" Value, "Path" "path" Value,
    "Protocol" "protocol" Value, "PortLabel" "port" Value, "AddressMode" "address_mode" Value, "Interval" "interval" Duration,
    "Timeout" "timeout" Duration, "InitialStatus" "initial_status" Value, "TLSServerName" "tls_server_name" Value,
    "TLSSkipVerify" "tls_skip_verify" Value, "Method" "method" Value, "Body" "body" Value, "GRPCService" "grpc_service" Value,
    "GRPCUseTLS" "grpc_use_tls" Value, "TaskName" "task" Value, "SuccessBeforePassing" "success_before_passing" Value,
    "FailuresBeforeCritical" "failures_before_critical" Value, "FailuresBeforeWarning" "failures_before_warning" Value,
    "OnUpdate" "on_update" Value, "Notes" "notes" Value, "Header" "header" Map, "CheckRestart" "check_restart" Block(CHECK_RESTART));
fields!(IDENTITY: "Name" "name" Value, "Audience" "aud" Value, "ChangeMode" "change_mode" Value,
    "ChangeSignal" "change_signal" Value, "Env" "env" Value, "File" "file" Value, "Filepath" "filepath" Value,
    "ServiceName" "service_name" Value, "TTL" "ttl" Duration);
fields!(SERVICE: "Name" "name" Value, "PortLabel" "port" Value, "Provider" "provider" Value, "Tags" "tags" Value,
    "CanaryTags" "canary_tags" Value, "EnableTagOverride" "enable_tag_override" Value, "AddressMode" "address_mode" Value,
    "Address" "address" Value, "TaskName" "task" Value, "OnUpdate" "on_update" Value, "Cluster" "cluster" Value,
    "Meta" "meta" Map, "CanaryMeta" "canary_meta" Map, "TaggedAddresses" "tagged_addresses" Map, "Checks" "check" Blocks(CHECK),
    "CheckRestart" "check_restart" Block(CHECK_RESTART), "Identity" "identity" Block(IDENTITY));
fields!(SCALING: "Enabled" "enabled" Value, "Min" "min" Value, "Max" "max" Value, "Policy" "policy" Free);
fields!(MOUNT_OPTIONS: "FSType" "fs_type" Value, "MountFlags" "mount_flags" Value);
fields!(VOLUME: "Type" "type" Value, "Source" "source" Value, "ReadOnly" "read_only" Value, "Sticky" "sticky" Value,
    "AccessMode" "access_mode" Value, "AttachmentMode" "attachment_mode" Value, "PerAlloc" "per_alloc" Value,
    "MountOptions" "mount_options" Block(MOUNT_OPTIONS));
fields!(CONSUL: "Namespace" "namespace" Value, "Cluster" "cluster" Value, "Partition" "partition" Value);
fields!(VAULT: "Policies" "policies" Value, "Role" "role" Value, "Namespace" "namespace" Value, "Cluster" "cluster" Value,
    "Env" "env" Value, "DisableFile" "disable_file" Value, "ChangeMode" "change_mode" Value, "ChangeSignal" "change_signal" Value,
    "AllowTokenExpiration" "allow_token_expiration" Value);
fields!(DEVICE: "Count" "count" Value, "Constraints" "constraint" Blocks(CONSTRAINT), "Affinities" "affinity" Blocks(AFFINITY));
fields!(NUMA: "Affinity" "affinity" Value, "Devices" "devices" Value);
fields!(RESOURCES: "CPU" "cpu" Value, "Cores" "cores" Value, "MemoryMB" "memory" Value, "MemoryMaxMB" "memory_max" Value,
    "DiskMB" "disk" Value, "SecretsMB" "secrets" Value, "Devices" "device" Labelled("Name", DEVICE), "NUMA" "numa" Block(NUMA),
    "Networks" "network" Blocks(NETWORK));
fields!(LOGS: "MaxFiles" "max_files" Value, "MaxFileSizeMB" "max_file_size" Value, "Disabled" "disabled" Value);
fields!(ARTIFACT: "GetterSource" "source" Value, "RelativeDest" "destination" Value, "GetterMode" "mode" Value,
    "GetterInsecure" "insecure" Value, "Chown" "chown" Value, "GetterOptions" "options" Map, "GetterHeaders" "headers" Map);
fields!(CHANGE_SCRIPT: "Command" "command" Value, "Args" "args" Value, "Timeout" "timeout" Duration,
    "FailOnError" "fail_on_error" Value, "RunOnFirstRender" "run_on_first_render" Value);
fields!(WAIT: "Min" "min" Duration, "Max" "max" Duration);
fields!(TEMPLATE: "SourcePath" "source" Value, "DestPath" "destination" Value, "EmbeddedTmpl" "data" Value,
    "ChangeMode" "change_mode" Value, "ChangeSignal" "change_signal" Value, "Once" "once" Value, "Splay" "splay" Duration,
    "Perms" "perms" Value, "Uid" "uid" Value, "Gid" "gid" Value, "LeftDelim" "left_delimiter" Value,
    "RightDelim" "right_delimiter" Value, "Envvars" "env" Value, "VaultGrace" "vault_grace" Duration,
    "ErrMissingKey" "error_on_missing_key" Value, "ChangeScript" "change_script" Block(CHANGE_SCRIPT), "Wait" "wait" Block(WAIT));
fields!(DISPATCH: "File" "file" Value);
fields!(MOUNT: "Volume" "volume" Value, "Destination" "destination" Value, "ReadOnly" "read_only" Value,
    "PropagationMode" "propagation_mode" Value, "SELinuxLabel" "selinux_label" Value);
fields!(LIFECYCLE: "Hook" "hook" Value, "Sidecar" "sidecar" Value);
fields!(ACTION: "Command" "command" Value, "Args" "args" Value);
fields!(TASK: "Driver" "driver" Value, "User" "user" Value, "Leader" "leader" Value, "KillTimeout" "kill_timeout" Duration,
    "KillSignal" "kill_signal" Value, "ShutdownDelay" "shutdown_delay" Duration, "Kind" "kind" Value, "Config" "config" Free,
    "Env" "env" Map, "Meta" "meta" Map, "Lifecycle" "lifecycle" Block(LIFECYCLE), "Constraints" "constraint" Blocks(CONSTRAINT),
    "Affinities" "affinity" Blocks(AFFINITY), "Resources" "resources" Block(RESOURCES), "RestartPolicy" "restart" Block(RESTART),
    "LogConfig" "logs" Block(LOGS), "Artifacts" "artifact" Blocks(ARTIFACT), "Vault" "vault" Block(VAULT),
    "Consul" "consul" Block(CONSUL), "Templates" "template" Blocks(TEMPLATE), "DispatchPayload" "dispatch_payload" Block(DISPATCH),
    "VolumeMounts" "volume_mount" Blocks(MOUNT), "Services" "service" Blocks(SERVICE), "Identity" "identity" Block(IDENTITY),
    "Identities" "identity" Blocks(IDENTITY), "Actions" "action" Labelled("Name", ACTION));
fields!(GROUP: "Count" "count" Value, "ShutdownDelay" "shutdown_delay" Duration, "MaxRunDuration" "max_run_duration" Duration,
    "StopAfterClientDisconnect" "stop_after_client_disconnect" Duration, "MaxClientDisconnect" "max_client_disconnect" Duration,
    "PreventRescheduleOnLost" "prevent_reschedule_on_lost" Value, "Meta" "meta" Map, "Constraints" "constraint" Blocks(CONSTRAINT),
    "Affinities" "affinity" Blocks(AFFINITY), "Spreads" "spread" Blocks(SPREAD), "Networks" "network" Blocks(NETWORK),
    "Volumes" "volume" LabelledMap(VOLUME), "Services" "service" Blocks(SERVICE), "Scaling" "scaling" Block(SCALING),
    "Update" "update" Block(UPDATE), "Migrate" "migrate" Block(MIGRATE), "RestartPolicy" "restart" Block(RESTART),
    "ReschedulePolicy" "reschedule" Block(RESCHEDULE), "Disconnect" "disconnect" Block(DISCONNECT),
    "EphemeralDisk" "ephemeral_disk" Block(DISK), "Consul" "consul" Block(CONSUL), "Tasks" "task" Labelled("Name", TASK));
fields!(PERIODIC: "Enabled" "enabled" Value, "Spec" "cron" Value, "Specs" "crons" Value, "ProhibitOverlap" "prohibit_overlap" Value,
    "TimeZone" "time_zone" Value);
fields!(PARAMETERIZED: "Payload" "payload" Value, "MetaRequired" "meta_required" Value, "MetaOptional" "meta_optional" Value);
fields!(LINK: "Label" "label" Value, "Url" "url" Value);
fields!(UI: "Description" "description" Value, "Links" "link" Blocks(LINK));
fields!(JOB: "Name" "name" Value, "Region" "region" Value, "Namespace" "namespace" Value, "Type" "type" Value,
    "Priority" "priority" Value, "AllAtOnce" "all_at_once" Value, "Datacenters" "datacenters" Value, "NodePool" "node_pool" Value,
    "Meta" "meta" Map, "Constraints" "constraint" Blocks(CONSTRAINT), "Affinities" "affinity" Blocks(AFFINITY),
    "Spreads" "spread" Blocks(SPREAD), "Periodic" "periodic" Block(PERIODIC),
    "ParameterizedJob" "parameterized" Block(PARAMETERIZED), "UI" "ui" Block(UI), "TaskGroups" "group" Labelled("Name", GROUP));

/// The file of a job in its canonical form.
pub(super) fn job(job: &Json) -> Body {
    let mut root = Body::default();
    root.block("job", job["ID"].as_str().map(str::to_owned), body(job, JOB));
    root
}

fn body(value: &Json, fields: &[Field]) -> Body {
    let mut body = Body::default();
    for Field(json, hcl, kind) in fields {
        let value = &value[*json];
        if value.is_null() {
            continue;
        }
        match kind {
            Value => body.attribute(*hcl, value.clone()),
            Duration => match value.as_i64() {
                Some(nanos) => body.attribute(*hcl, Json::String(Nanos(nanos).to_string())),
                None => body.attribute(*hcl, value.clone()),
            },
            // Names in a block are plain words; what has others is written as a value.
            Map if !has_plain_names(value) => body.attribute(*hcl, value.clone()),
            Map | Free => body.block(hcl, None, free(value)),
            Block(fields) => body.block(hcl, None, self::body(value, fields)),
            Blocks(fields) => {
                for item in value.as_array().into_iter().flatten() {
                    body.block(hcl, None, self::body(item, fields));
                }
            }
            Labelled(label, fields) => {
                for item in value.as_array().into_iter().flatten() {
                    body.block(hcl, item[*label].as_str().map(str::to_owned), self::body(item, fields));
                }
            }
            LabelledMap(fields) => {
                for (name, item) in value.as_object().into_iter().flatten() {
                    body.block(hcl, Some(name.clone()), self::body(item, fields));
                }
            }
        }
    }
    body
}

fn has_plain_names(value: &Json) -> bool {
    value.as_object().into_iter().flatten().all(|(name, _)| super::layout::is_plain(name))
}

fn free(value: &Json) -> Body {
    let mut body = Body::default();
    for (name, value) in value.as_object().into_iter().flatten() {
        body.attribute(name.as_str(), value.clone());
    }
    body
}
