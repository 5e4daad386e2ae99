//! Every command, one file each. To add one: a file with a struct that derives `clap::Args` and implements
//! [`Invoke`](crate::registry::Invoke), its `mod` line here, and one line in [`COMMANDS`].

mod acl;
mod agent;
mod agent_info;
mod alloc_checks;
mod alloc_exec;
mod alloc_fs;
mod alloc_logs;
mod alloc_restart;
mod alloc_signal;
mod alloc_status;
mod alloc_stop;
mod apply;
mod auth_method;
mod binding_rule;
mod check;
mod completion;
mod config_validate;
mod deployment_change;
mod deployment_list;
mod deployment_status;
mod destroy;
mod dev;
mod drift;
mod enterprise;
mod eval_delete;
mod eval_list;
mod eval_status;
mod explain;
mod fmt;
mod graph;
mod history;
mod import;
mod job_action;
mod job_allocs;
mod job_deployments;
mod job_dispatch;
mod job_eval;
mod job_history;
mod job_init;
mod job_inspect;
mod job_periodic_force;
mod job_plan;
mod job_restart;
mod job_revert;
mod job_run;
mod job_scale;
mod job_scaling_events;
mod job_start;
mod job_status;
mod job_stop;
mod job_tag;
mod job_validate;
mod local_logs;
mod local_reset;
mod local_status;
mod local_stop;
mod login;
mod monitor;
mod monitor_export;
mod namespace_apply;
mod namespace_delete;
mod namespace_inspect;
mod namespace_list;
mod namespace_status;
mod node_config;
mod node_drain;
mod node_eligibility;
mod node_identity;
mod node_meta;
mod node_pool;
mod node_status;
mod operator_api;
mod operator_autopilot;
mod operator_debug;
mod operator_gossip;
mod operator_keyring;
mod operator_metrics;
mod operator_offline;
mod operator_raft;
mod operator_scheduler;
mod operator_snapshot;
mod output;
pub mod pack;
mod plan;
mod plugin_status;
mod quota;
pub mod registry;
mod scaling_policy;
mod secret;
mod server_change;
mod server_members;
mod service_delete;
mod service_info;
mod service_list;
mod setup;
mod show;
mod status;
mod sync;
mod system_gc;
mod tls;
mod ui;
mod undo;
mod unlock;
mod var_get;
mod var_init;
mod var_list;
mod var_lock;
mod var_purge;
mod var_put;
pub mod version;
mod volume;

use crate::registry::Command;

/// Every command.
pub static COMMANDS: &[Command] = &[
    Command::new::<auth_method::Create>("acl auth-method create", "[options]", "Make a way to log in"),
    Command::new::<auth_method::Delete>("acl auth-method delete", "[options] <name>", "Remove a way to log in"),
    Command::new::<auth_method::Info>("acl auth-method info", "[options] <name>", "Display a way to log in"),
    Command::new::<auth_method::List>("acl auth-method list", "[options]", "List ways to log in"),
    Command::new::<auth_method::Update>("acl auth-method update", "[options] <name>", "Change a way to log in"),
    Command::new::<binding_rule::Create>("acl binding-rule create", "[options]", "Make a binding rule"),
    Command::new::<binding_rule::Delete>("acl binding-rule delete", "[options] <id>", "Remove a binding rule"),
    Command::new::<binding_rule::Info>("acl binding-rule info", "[options] <id>", "Display a binding rule"),
    Command::new::<binding_rule::List>("acl binding-rule list", "[options]", "List binding rules"),
    Command::new::<binding_rule::Update>("acl binding-rule update", "[options] <id>", "Change a binding rule"),
    Command::new::<login::Login>("login", "[options]", "Log in with an identity that somebody else vouches for"),
    Command::new::<node_identity::Get>("node identity get", "[options] <node_id>", "Show a node's signed identity"),
    Command::new::<node_identity::Renew>(
        "node identity renew",
        "[options] <node_id>",
        "Have a node get a new identity",
    ),
    Command::new::<node_identity::CreateIntro>(
        "node intro create",
        "[options]",
        "Make a token with which a new node may join",
    ),
    Command::new::<acl::bootstrap::Bootstrap>("acl bootstrap", "[options] [<path>]", "Make the first token"),
    Command::new::<acl::policy::Apply>("acl policy apply", "[options] <name> <path>", "Make or change a policy"),
    Command::new::<acl::policy::Delete>("acl policy delete", "[options] <name>", "Remove a policy"),
    Command::new::<acl::policy::Info>("acl policy info", "[options] <name>", "Display a policy"),
    Command::new::<acl::policy::List>("acl policy list", "[options]", "List policies"),
    Command::new::<acl::policy::Own>("acl policy self", "[options]", "List the policies of the caller"),
    Command::new::<acl::role::Create>("acl role create", "[options]", "Make a role"),
    Command::new::<acl::role::Delete>("acl role delete", "[options] <acl_role_id>", "Remove a role"),
    Command::new::<acl::role::Info>("acl role info", "[options] <acl_role_id>", "Display a role"),
    Command::new::<acl::role::List>("acl role list", "[options]", "List roles"),
    Command::new::<acl::role::Update>("acl role update", "[options] <acl_role_id>", "Change a role"),
    Command::new::<acl::token::Create>("acl token create", "[options] [<path>]", "Make a token"),
    Command::new::<acl::token::Delete>("acl token delete", "[options] <token_accessor_id>", "Remove a token"),
    Command::new::<acl::token::Info>("acl token info", "[options] <token_accessor_id>", "Display a token"),
    Command::new::<acl::token::List>("acl token list", "[options]", "List tokens"),
    Command::new::<acl::token::Own>("acl token self", "[options]", "Display the token of the caller"),
    Command::new::<acl::token::Update>("acl token update", "[options] <token_accessor_id>", "Change a token"),
    Command::new::<plugin_status::PluginStatus>(
        "plugin status",
        "[options] [plugin]",
        "Display status information about a plugin",
    ),
    Command::new::<quota::apply::Apply>("quota apply", "[options] <input>", "Create or update a quota specification"),
    Command::new::<quota::apply::Delete>("quota delete", "[options] <quota>", "Delete a quota specification"),
    Command::new::<quota::apply::Init>("quota init", "<filename>", "Create an example quota specification file"),
    Command::new::<quota::show::Inspect>("quota inspect", "[options] <quota>", "Inspect a quota specification"),
    Command::new::<quota::show::List>("quota list", "[options]", "List quota specifications"),
    Command::new::<quota::show::Status>(
        "quota status",
        "[options] <quota>",
        "Display a quota's status and current usage",
    ),
    Command::new::<volume::claim::Delete>("volume claim delete", "[options] <id>", "Delete existing volume claim"),
    Command::new::<volume::claim::List>(
        "volume claim list",
        "[options] [claim_id]",
        "List existing host volume claims",
    ),
    Command::new::<volume::write::Create>("volume create", "[options] <input>", "Create an external volume"),
    Command::new::<volume::remove::Delete>("volume delete", "[options] <vol id>", "Delete a volume"),
    Command::new::<volume::remove::Deregister>("volume deregister", "[options] <id>", "Remove a volume"),
    Command::new::<volume::remove::Detach>("volume detach", "[options] <vol id> <node id>", "Detach a volume"),
    Command::new::<volume::init::Init>("volume init", "<filename>", "Create an example volume specification file"),
    Command::new::<volume::write::Register>("volume register", "[options] <input>", "Create or update a volume"),
    Command::new::<volume::snapshot::Create>(
        "volume snapshot create",
        "[options] <volume id> <snapshot_name>",
        "Snapshot a volume",
    ),
    Command::new::<volume::snapshot::Delete>(
        "volume snapshot delete",
        "[options] <plugin id> <snapshot id>",
        "Delete a snapshot",
    ),
    Command::new::<volume::snapshot::List>(
        "volume snapshot list",
        "[-plugin plugin_id]",
        "Display a list of volume snapshots for plugin",
    ),
    Command::new::<volume::status::Status>(
        "volume status",
        "[options] <id>",
        "Display status information about a volume",
    ),
    Command::new::<agent::Agent>("agent", "[options]", "Run the engine in the foreground"),
    Command::new::<agent_info::AgentInfo>(
        "agent-info",
        "[options]",
        "Display status information about the local agent",
    ),
    Command::new::<alloc_fs::AllocFs>(
        "alloc fs",
        "[options] <allocation> <path>",
        "Look at the files of an allocation",
    ),
    Command::new::<alloc_logs::AllocLogs>("alloc logs", "[options] <allocation> <task>", "Stream the logs of a task"),
    Command::new::<alloc_restart::AllocRestart>(
        "alloc restart",
        "[options] <allocation> <task>",
        "Restart the tasks of an allocation",
    ),
    Command::new::<alloc_signal::AllocSignal>(
        "alloc signal",
        "[options] <allocation> <task>",
        "Send a signal to the tasks of an allocation",
    ),
    Command::new::<alloc_status::AllocStatus>(
        "alloc status",
        "[options] <allocation>",
        "Display the status of an allocation",
    ),
    Command::new::<alloc_stop::AllocStop>(
        "alloc stop",
        "[options] <allocation>",
        "Stop an allocation and place it anew",
    ),
    Command::new::<apply::Apply>(
        "apply",
        "[options] [path]",
        "Make the engine hold what a stack, pack or job file wants",
    ),
    Command::new::<deployment_change::Fail>("deployment fail", "[options] <deployment id>", "Give a deployment up"),
    Command::new::<deployment_list::DeploymentList>("deployment list", "[options]", "List deployments"),
    Command::new::<deployment_change::Pause>("deployment pause", "[options] <deployment id>", "Hold a deployment"),
    Command::new::<deployment_change::Promote>(
        "deployment promote",
        "[options] <deployment id>",
        "Promote the canaries of a deployment",
    ),
    Command::new::<deployment_change::Resume>(
        "deployment resume",
        "[options] <deployment id>",
        "Let a held deployment go on",
    ),
    Command::new::<deployment_status::DeploymentStatus>(
        "deployment status",
        "[options] <deployment id>",
        "Display the status of a deployment",
    ),
    Command::new::<destroy::Destroy>("destroy", "[options] [path]", "Remove all that a stack owns"),
    Command::new::<eval_list::EvalList>("eval list", "[options]", "List evaluations"),
    Command::new::<eval_status::EvalStatusCommand>(
        "eval status",
        "[options] <evaluation>",
        "Display the status of an evaluation",
    ),
    Command::new::<explain::Explain>(
        "explain",
        "[options] <job|evaluation|allocation>",
        "Tell why something is placed where it is, or not, and what would make it fit",
    ),
    Command::new::<job_allocs::JobAllocs>("job allocs", "[options] <job>", "List the allocations of a job"),
    Command::new::<job_deployments::JobDeployments>(
        "job deployments",
        "[options] <job>",
        "List the deployments of a job",
    ),
    Command::new::<job_dispatch::JobDispatch>(
        "job dispatch",
        "[options] <parameterized job> [input source]",
        "Start an instance of a parameterized job",
    ),
    Command::new::<job_eval::JobEval>("job eval", "[options] <job>", "Evaluate a job anew"),
    Command::new::<job_history::JobHistory>("job history", "[options] <job>", "Display the versions of a job"),
    Command::new::<job_init::JobInit>("job init", "[options] <filename>", "Write an example job file"),
    Command::new::<job_inspect::JobInspect>("job inspect", "[options] <job>", "Show a job as it was submitted"),
    Command::new::<job_periodic_force::JobPeriodicForce>(
        "job periodic force",
        "[options] <job>",
        "Start a periodic job now",
    ),
    Command::new::<job_plan::JobPlan>(
        "job plan",
        "[options] <path>",
        "Show what a job file would change, without changing it",
    )
    .failing_with(255),
    Command::new::<deployment_change::PromoteJob>("job promote", "[options] <job>", "Promote the canaries of a job"),
    Command::new::<job_revert::JobRevert>("job revert", "[options] <job> <version>", "Go back to a version of a job"),
    Command::new::<job_run::JobRun>("job run", "[options] <path>", "Run a new job or update an existing job"),
    Command::new::<job_scale::JobScale>(
        "job scale",
        "[options] <job> [<group>] <count>",
        "Change the count of a group",
    ),
    Command::new::<job_status::JobStatus>("job status", "[options] <job>", "Display the status of a job, or all jobs"),
    Command::new::<job_stop::JobStop>("job stop", "[options] <job>", "Stop a running job"),
    Command::new::<job_validate::JobValidate>("job validate", "[options] <path>", "Check a job file"),
    Command::new::<local_logs::LocalLogs>("local logs", "[options]", "Show the log of the local engine"),
    Command::new::<local_reset::LocalReset>(
        "local reset",
        "[options]",
        "End all jobs of the local engine and remove its data",
    ),
    Command::new::<local_status::LocalStatus>(
        "local status",
        "[options]",
        "Show whether the local engine runs, and where",
    ),
    Command::new::<local_stop::LocalStop>("local stop", "", "Stop the local engine; its tasks go on"),
    Command::new::<namespace_apply::NamespaceApply>(
        "namespace apply",
        "[options] <input>",
        "Make or change a namespace",
    ),
    Command::new::<namespace_delete::NamespaceDelete>(
        "namespace delete",
        "[options] <namespace>",
        "Remove a namespace",
    ),
    Command::new::<namespace_list::NamespaceList>("namespace list", "[options]", "List namespaces"),
    Command::new::<namespace_status::NamespaceStatus>(
        "namespace status",
        "[options] <namespace>",
        "Display a namespace",
    ),
    Command::new::<node_drain::NodeDrain>("node drain", "[options] <node>", "Move work away from a node"),
    Command::new::<node_eligibility::NodeEligibility>(
        "node eligibility",
        "[options] <node>",
        "Let the scheduler use a node, or not",
    ),
    Command::new::<node_status::NodeStatus>(
        "node status",
        "[options] <node>",
        "Display the status of a node, or all nodes",
    ),
    Command::new::<operator_api::OperatorApi>("operator api", "[options] <path>", "Send a raw request to the engine"),
    Command::new::<operator_scheduler::GetConfig>(
        "operator scheduler get-config",
        "[options]",
        "Display how the scheduler is set",
    ),
    Command::new::<operator_scheduler::SetConfig>("operator scheduler set-config", "[options]", "Set the scheduler"),
    Command::new::<dev::Dev>("dev", "[options] [path]", "Plan and apply a stack at every save, and show its logs"),
    Command::new::<drift::DriftCommand>(
        "drift",
        "[options] [path or stack]",
        "Compare what runs with what a stack's last release left",
    ),
    Command::new::<graph::Graph>("graph", "[options] [path]", "Show what waits for what in a stack; needs no engine"),
    Command::new::<import::Import>("import", "[options] <job>...", "Write a stack's files for jobs that run"),
    Command::new::<sync::Sync>(
        "sync",
        "[options] -repo=<url>",
        "Make the engine hold what a repository says, again and again",
    ),
    Command::new::<sync::control::Pause>("sync pause", "[options] [path or stack]", "Apply nothing until resumed"),
    Command::new::<sync::control::Resume>("sync resume", "[options] [path or stack]", "Follow the repository again"),
    Command::new::<sync::control::Status>(
        "sync status",
        "[options] [path or stack]",
        "Show how far a stack follows its repository",
    ),
    Command::new::<history::History>("history", "[options] [path or stack]", "List the releases of a stack"),
    Command::new::<undo::Undo>("undo", "[options] [path or stack]", "Go back to an earlier release of a stack"),
    Command::new::<unlock::Unlock>("unlock", "[options] [path or stack]", "Take a stack's lock away"),
    Command::new::<output::Output>("output", "[options] [name]", "Print the outputs of a stack"),
    Command::new::<destroy::Destroy>("pack destroy", "[options] [path]", "Remove all that a pack brought"),
    Command::new::<pack::convert::Convert>(
        "pack convert",
        "[options] <path>",
        "Make a pack of Tera templates from one of Go templates; needs no engine",
    ),
    Command::new::<pack::deps::Deps>("pack deps", "[options] [path]", "Show what a pack depends on"),
    Command::new::<pack::diff::Diff>(
        "pack diff",
        "[options] <old> <new>",
        "Show what one version of a pack renders otherwise than another; needs no engine",
    ),
    Command::new::<pack::fetch::Fetch>("pack fetch", "[options] <pack>", "Fetch a pack of a registry"),
    Command::new::<pack::fmt::Fmt>("pack fmt", "[options] [path]", "Bring a pack's files into the canonical layout"),
    Command::new::<pack::functions::Functions>(
        "pack functions",
        "[options] [name]",
        "Describe the functions, filters and tests of templates",
    ),
    Command::new::<pack::info::Info>("pack info", "[options] [path]", "Describe a pack and its variables"),
    Command::new::<pack::lint::Lint>(
        "pack lint",
        "[options] [path]",
        "Find what is likely wrong with a pack; needs no engine",
    ),
    Command::new::<pack::list::List>("pack list", "[path]", "List the packs in a folder"),
    Command::new::<pack::lock::Lock>(
        "pack lock",
        "[options] [path]",
        "Pin the registries' packs that a stack or pack names, or bring newer ones",
    ),
    Command::new::<pack::new::New>("pack new", "[options] <name>", "Write a small pack that works as it is"),
    Command::new::<plan::Plan>("pack plan", "[options] [path]", "Show what running a pack would change"),
    Command::new::<pack::publish::Publish>(
        "pack publish",
        "[options] [path]",
        "Publish a version of a pack to a registry",
    ),
    Command::new::<pack::render::Render>(
        "pack render",
        "[options] [path]",
        "Show what a pack's templates give; needs no engine",
    ),
    Command::new::<apply::Apply>("pack run", "[options] [path]", "Run a pack, and wait until it is healthy"),
    Command::new::<pack::status::Status>(
        "pack status",
        "[options] [path or name]",
        "Show what the engine holds of a pack",
    ),
    Command::new::<pack::stop::Stop>(
        "pack stop",
        "[options] [path or name]",
        "Stop the jobs of a pack, and keep what else it brought",
    ),
    Command::new::<pack::test::Test>(
        "pack test",
        "[options] [path]",
        "Run the tests of a pack, or of all packs in a folder",
    ),
    Command::new::<pack::deps::Vendor>("pack vendor", "[path]", "Copy what a pack depends on into its folder"),
    Command::new::<pack::validate::Validate>(
        "pack validate",
        "[options] [path]",
        "Check that a pack renders to valid jobs; needs no engine",
    ),
    Command::new::<pack::verify::Verify>(
        "pack verify",
        "[options] <pack>",
        "Check the digest and signatures of a published pack",
    ),
    Command::new::<pack::yank::Yank>(
        "pack yank",
        "[options] <pack@version>",
        "Take a published version of a pack back",
    ),
    Command::new::<plan::Plan>("plan", "[options] [path]", "Show what apply would change"),
    Command::new::<registry::add::Add>("registry add", "[options] <name> <source>", "Give a registry of packs a name"),
    Command::new::<registry::delete::Delete>("registry delete", "<name>...", "Take the name of a registry away"),
    Command::new::<registry::keygen::Keygen>("registry keygen", "[options]", "Make the key that packs are signed with"),
    Command::new::<registry::list::List>("registry list", "[options]", "List the registries that have names"),
    Command::new::<registry::login::Login>(
        "registry login",
        "[options] <registry>",
        "Keep a token or password of a registry",
    ),
    Command::new::<registry::login::Logout>(
        "registry logout",
        "<registry>",
        "Forget the token or password of a registry",
    ),
    Command::new::<registry::search::Search>("registry search", "[options] [text]", "Search the packs of registries"),
    Command::new::<registry::serve::Serve>("registry serve", "[options]", "Run a registry of packs"),
    Command::new::<registry::token::Create>(
        "registry token create",
        "[options]",
        "Make a token for a registry's storage",
    ),
    Command::new::<registry::token::List>(
        "registry token list",
        "[options]",
        "List the tokens of a registry's storage",
    ),
    Command::new::<registry::token::Revoke>("registry token revoke", "[options] <id>...", "End tokens of a registry"),
    Command::new::<secret::edit::Edit>("secret edit", "[options] <file>", "Edit an encrypted file of secrets"),
    Command::new::<secret::get::Get>(
        "secret get",
        "[options] <reference>",
        "Show what a secret has, and its value if asked",
    ),
    Command::new::<secret::keygen::Keygen>(
        "secret keygen",
        "[options]",
        "Make an identity to open encrypted files with",
    ),
    Command::new::<secret::list::List>("secret list", "[options] <file>", "List the names in an encrypted file"),
    Command::new::<secret::recipients::Recipients>(
        "secret recipients",
        "[options] <file>",
        "Show or change who can open an encrypted file",
    ),
    Command::new::<secret::refs::Refs>(
        "secret refs",
        "[options] [path]",
        "List the secrets that a stack needs, and check access to them",
    ),
    Command::new::<secret::rotate::Rotate>("secret rotate", "[options] <file>...", "Give encrypted files a new key"),
    Command::new::<secret::set::Set>(
        "secret set",
        "[options] <file> <name> | keyring:<name>",
        "Set a value in an encrypted file or in the keyring",
    ),
    Command::new::<registry::update::Update>(
        "registry update",
        "[options] [name]...",
        "Fetch what registries list, and change whom one trusts",
    ),
    Command::new::<server_members::ServerMembers>("server members", "[options]", "List the servers"),
    Command::new::<service_info::ServiceInfo>("service info", "[options] <service>", "List the instances of a service"),
    Command::new::<service_list::ServiceList>("service list", "[options]", "List services"),
    Command::new::<show::Show>("show", "[options] [path]", "Show a saved plan, or what the engine holds of a stack"),
    Command::new::<status::Status>("status", "[options] <identifier>", "Display the status of anything by its id"),
    Command::new::<system_gc::SystemGc>("system gc", "[options]", "Collect garbage"),
    Command::new::<system_gc::ReconcileSummaries>(
        "system reconcile summaries",
        "[options]",
        "Recompute the summaries of jobs",
    ),
    Command::new::<var_get::VarGet>("var get", "[options] <path>", "Read a variable"),
    Command::new::<var_list::VarList>("var list", "[options] <prefix>", "List variables"),
    Command::new::<var_purge::VarPurge>("var purge", "[options] <path>", "Remove a variable"),
    Command::new::<var_put::VarPut>(
        "var put",
        "[options] <variable spec file reference> [<key>=<value>]...",
        "Write a variable",
    ),
    Command::new::<version::Version>("version", "", "Print the version"),
    Command::new::<alloc_checks::AllocChecks>(
        "alloc checks",
        "[options] <allocation>",
        "Show the checks of an allocation's services",
    ),
    Command::new::<alloc_exec::AllocExec>(
        "alloc exec",
        "[options] <allocation> <command>",
        "Run a command in a running task",
    )
    .raw_after(1),
    Command::new::<check::Check>("check", "[options]", "Tell by the exit code whether the agent is well"),
    Command::new::<completion::Completion>(
        "completion",
        "bash|zsh|fish",
        "Print what completes command lines in a shell",
    )
    .raw_after(0),
    Command::new::<config_validate::ConfigValidate>(
        "config validate",
        "<path>...",
        "Check configuration files of the agent",
    ),
    Command::new::<service_delete::ServiceDelete>(
        "service delete",
        "[options] <service> <id>",
        "Remove a registration that was left behind",
    ),
    Command::new::<fmt::Fmt>("fmt", "[options] [path]...", "Bring job, pack and stack files into the canonical layout"),
    Command::new::<job_restart::JobRestart>(
        "job restart",
        "[options] <job>",
        "Restart the allocations of a job, some at a time",
    ),
    Command::new::<job_scaling_events::JobScalingEvents>(
        "job scaling-events",
        "[options] <job>",
        "List how the counts of a job were changed",
    ),
    Command::new::<job_start::JobStart>("job start", "[options] <job>...", "Start a job that was stopped"),
    Command::new::<job_tag::Apply>("job tag apply", "[options] <job>", "Name a version of a job"),
    Command::new::<job_tag::Unset>("job tag unset", "[options] -name <tag> <job>", "Take the name of a version away"),
    Command::new::<monitor::Monitor>("monitor", "[options]", "Stream the log of an agent"),
    Command::new::<namespace_inspect::NamespaceInspect>(
        "namespace inspect",
        "[options] <namespace>",
        "Show a namespace as JSON",
    ),
    Command::new::<node_config::NodeConfig>(
        "node config",
        "[options] [address]...",
        "Show or set the servers that a client talks to",
    ),
    Command::new::<node_meta::Apply>(
        "node meta apply",
        "[options] [key=value]...",
        "Set and remove keys of a node's meta",
    ),
    Command::new::<node_meta::Read>("node meta read", "[options]", "Show a node's meta"),
    Command::new::<node_pool::apply::Apply>("node pool apply", "[options] <input>", "Make or change a node pool"),
    Command::new::<node_pool::apply::Delete>("node pool delete", "[options] <node-pool>", "Remove a node pool"),
    Command::new::<node_pool::show::Info>("node pool info", "[options] <node-pool>", "Display a node pool"),
    Command::new::<node_pool::apply::Init>("node pool init", "[filename]", "Write an example of a node pool"),
    Command::new::<node_pool::contents::Jobs>(
        "node pool jobs",
        "[options] <node-pool>",
        "List the jobs of a node pool",
    ),
    Command::new::<node_pool::show::List>("node pool list", "[options]", "List node pools"),
    Command::new::<node_pool::contents::Nodes>(
        "node pool nodes",
        "[options] <node-pool>",
        "List the nodes of a node pool",
    ),
    Command::new::<operator_autopilot::GetConfig>(
        "operator autopilot get-config",
        "[options]",
        "Display how autopilot is set",
    ),
    Command::new::<operator_autopilot::Health>("operator autopilot health", "[options]", "Display how the servers are"),
    Command::new::<operator_autopilot::SetConfig>("operator autopilot set-config", "[options]", "Set autopilot"),
    Command::new::<operator_keyring::GenerateGossip>(
        "operator gossip keyring generate",
        "",
        "Make a key for the traffic between servers",
    ),
    Command::new::<operator_keyring::List>(
        "operator root keyring list",
        "[options]",
        "List the keys that variables are encrypted with",
    ),
    Command::new::<operator_keyring::Remove>("operator root keyring remove", "[options] <key ID>", "Remove a key"),
    Command::new::<operator_keyring::Rotate>("operator root keyring rotate", "[options]", "Make a new key"),
    Command::new::<operator_metrics::OperatorMetrics>("operator metrics", "[options]", "Show what the agent measures"),
    Command::new::<operator_raft::ListPeers>(
        "operator raft list-peers",
        "[options]",
        "List the servers that agree on the state",
    ),
    Command::new::<operator_raft::RemovePeer>(
        "operator raft remove-peer",
        "[options]",
        "Remove a server that will not come back",
    ),
    Command::new::<operator_raft::TransferLeadership>(
        "operator raft transfer-leadership",
        "[options]",
        "Make another server the leader",
    ),
    Command::new::<operator_snapshot::Inspect>(
        "operator snapshot inspect",
        "[options] <file>",
        "Describe a saved state",
    ),
    Command::new::<operator_snapshot::Restore>(
        "operator snapshot restore",
        "[options] <file>",
        "Put a saved state in the place of the cluster's",
    ),
    Command::new::<operator_snapshot::Save>(
        "operator snapshot save",
        "[options] [file]",
        "Save the state of the cluster",
    ),
    Command::new::<server_change::ForceLeave>(
        "server force-leave",
        "[options] <server>",
        "Take a server for one that has left",
    ),
    Command::new::<server_change::Join>("server join", "[options] <address>...", "Join servers"),
    Command::new::<var_init::VarInit>("var init", "[options] [filename]", "Write an example of a variable"),
    Command::new::<deployment_change::Unblock>(
        "deployment unblock",
        "[options] <deployment id>",
        "Let a deployment of several regions go on",
    ),
    Command::new::<eval_delete::EvalDelete>("eval delete", "[options] <evaluation>", "Remove evaluations"),
    Command::new::<job_action::JobAction>("job action", "[options] <action>", "Run a command that a task offers"),
    Command::new::<enterprise::LicenseGet>("license get", "[options]", "Show the licence of the server"),
    Command::new::<monitor_export::MonitorExport>(
        "monitor export",
        "[options]",
        "Print the log of an agent as it was written",
    ),
    Command::new::<operator_offline::ClientState>(
        "operator client-state",
        "<path_to_nomad_dir>",
        "Print what a stopped agent's node keeps on disk",
    ),
    Command::new::<operator_debug::OperatorDebug>(
        "operator debug",
        "[options]",
        "Gather what is needed to look for the cause of a problem",
    ),
    Command::new::<operator_gossip::Install>(
        "operator gossip keyring install",
        "[options] <key>",
        "Add a key to those of gossip",
    ),
    Command::new::<operator_gossip::List>("operator gossip keyring list", "[options]", "List the keys of gossip"),
    Command::new::<operator_gossip::Remove>(
        "operator gossip keyring remove",
        "[options] <key>",
        "Remove a key from those of gossip",
    ),
    Command::new::<operator_gossip::UseKey>(
        "operator gossip keyring use",
        "[options] <key>",
        "Make a key the one that gossip uses",
    ),
    Command::new::<operator_snapshot::Redact>(
        "operator snapshot redact",
        "[options] <file>",
        "Take the keys out of a saved state",
    ),
    Command::new::<operator_snapshot::State>(
        "operator snapshot state",
        "[options] <file>",
        "Show what is in a saved state",
    ),
    Command::new::<enterprise::Utilization>("operator utilization", "[options]", "Make a report of utilization"),
    Command::new::<enterprise::RecommendationApply>(
        "recommendation apply",
        "[options] <recommendation_ids>",
        "Apply recommendations",
    ),
    Command::new::<enterprise::RecommendationDismiss>(
        "recommendation dismiss",
        "[options] <recommendation_ids>",
        "Dismiss recommendations",
    ),
    Command::new::<enterprise::RecommendationInfo>(
        "recommendation info",
        "[options] <recommendation_id>",
        "Show a recommendation",
    ),
    Command::new::<enterprise::RecommendationList>("recommendation list", "[options]", "List recommendations"),
    Command::new::<scaling_policy::Info>("scaling policy info", "[options] <policy_id>", "Show a scaling policy"),
    Command::new::<scaling_policy::List>("scaling policy list", "[options]", "List scaling policies"),
    Command::new::<enterprise::SentinelApply>("sentinel apply", "[options] <name> <file>", "Write a Sentinel policy"),
    Command::new::<enterprise::SentinelDelete>("sentinel delete", "[options] <name>", "Remove a Sentinel policy"),
    Command::new::<enterprise::SentinelList>("sentinel list", "[options]", "List Sentinel policies"),
    Command::new::<enterprise::SentinelRead>("sentinel read", "[options] <name>", "Show a Sentinel policy"),
    Command::new::<setup::Consul>("setup consul", "[options]", "Let a Consul know the identities of tasks"),
    Command::new::<setup::Vault>("setup vault", "[options]", "Let a Vault know the identities of tasks"),
    Command::new::<tls::CaCreate>("tls ca create", "[options]", "Make an authority of certificates"),
    Command::new::<tls::CaInfo>("tls ca info", "<CA file>", "Describe an authority of certificates"),
    Command::new::<tls::CertCreate>("tls cert create", "[options]", "Make a certificate"),
    Command::new::<tls::CertInfo>("tls cert info", "<certificate file>", "Describe a certificate"),
    Command::new::<ui::Ui>("ui", "[options] <identifier>", "Open the web interface"),
    Command::new::<var_lock::VarLock>(
        "var lock",
        "[options] <path or @specification> child...",
        "Run a command while a variable is locked",
    )
    .raw_after(1),
];

/// Short forms, as Nomad has them. `plan` is Drover's own command unless called as `nomad`.
pub static ALIASES: &[(&str, &str)] = &[
    ("action", "job action"),
    ("exec", "alloc exec"),
    ("fs", "alloc fs"),
    ("init", "job init"),
    ("inspect", "job inspect"),
    ("logs", "alloc logs"),
    ("plan", "job plan"),
    ("run", "job run"),
    ("start", "job start"),
    ("stop", "job stop"),
    ("validate", "job validate"),
];

/// First words of commands that are not there when called as `nomad`.
pub static DROVER_ONLY: &[&str] = &[
    "apply", "destroy", "dev", "drift", "graph", "history", "import", "local", "output", "pack", "plan", "registry",
    "secret", "show", "sync", "undo", "unlock",
];

/// Groups of commands.
pub static GROUPS: &[(&str, &str)] = &[
    ("acl", "Say who may do what"),
    ("acl policy", "Interact with policies"),
    ("acl role", "Interact with roles"),
    ("acl token", "Interact with tokens"),
    ("alloc", "Interact with allocations"),
    ("config", "Check configuration files"),
    ("deployment", "Interact with deployments"),
    ("eval", "Interact with evaluations"),
    ("job", "Interact with jobs"),
    ("job periodic", "Interact with periodic jobs"),
    ("local", "The engine of this user, started when one is needed"),
    ("namespace", "Interact with namespaces"),
    ("node", "Interact with nodes"),
    ("operator", "Tools for those who operate a cluster"),
    ("operator scheduler", "Look at the scheduler and set it"),
    ("pack", "Render, plan and run packs"),
    ("plugin", "Inspect plugins"),
    ("quota", "Interact with quotas"),
    ("registry", "Publish packs, and run a registry of them"),
    ("registry token", "Who may publish to a registry"),
    ("scaling", "Interact with the scaling API"),
    ("scaling policy", "Interact with scaling policies"),
    ("secret", "Encrypted files of secrets, and what a stack needs of them"),
    ("volume", "Interact with volumes"),
    ("volume claim", "Interact with volume claims"),
    ("volume snapshot", "Interact with volume snapshots"),
    ("server", "Interact with servers"),
    ("service", "Interact with registered services"),
    ("system", "Interact with the system"),
    ("system reconcile", "Put derived state right"),
    ("var", "Interact with variables"),
    ("job tag", "Name versions of jobs"),
    ("node meta", "Interact with the meta of nodes"),
    ("node pool", "Interact with node pools"),
    ("operator autopilot", "How servers that fail are dealt with"),
    ("operator gossip", "The traffic between servers"),
    ("operator gossip keyring", "Keys of the traffic between servers"),
    ("operator raft", "The servers that agree on the state"),
    ("operator root", "What the cluster encrypts with"),
    ("acl auth-method", "Ways to log in"),
    ("acl binding-rule", "What those who log in get"),
    ("node identity", "What nodes show to prove who they are"),
    ("node intro", "Tokens with which new nodes may join"),
    ("operator root keyring", "Keys that variables are encrypted with"),
    ("operator snapshot", "Save and restore the state of a cluster"),
    ("license", "Look at the licence"),
    ("recommendation", "Interact with recommendations"),
    ("sentinel", "Interact with Sentinel policies"),
    ("setup", "Let other systems know the identities of tasks"),
    ("tls", "Make certificates for a cluster"),
    ("tls ca", "Make and describe authorities of certificates"),
    ("tls cert", "Make and describe certificates"),
];

/// What the list of commands begins with.
pub static COMMON: &[&str] = &["run", "stop", "status", "alloc", "job", "node", "agent"];

/// Writes a new file; one that is there is left alone.
///
/// # Errors
/// There is one, or it cannot be written.
fn write_new(name: &str, text: &str) -> Result<(), crate::error::CliError> {
    use std::io::{ErrorKind, Write};
    let failed = |error: std::io::Error| {
        crate::error::CliError::new(match error.kind() {
            ErrorKind::AlreadyExists => format!("File \"{name}\" already exists"),
            _ => format!("Failed to write \"{name}\": {}", crate::jobfile::reason(&error)),
        })
    };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(name).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
