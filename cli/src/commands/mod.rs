//! Every command, one file each. To add one: a file with a struct that derives `clap::Args` and implements
//! [`Invoke`](crate::registry::Invoke), its `mod` line here, and one line in [`COMMANDS`].

mod agent;
mod agent_info;
mod alloc_fs;
mod alloc_logs;
mod alloc_restart;
mod alloc_signal;
mod alloc_status;
mod alloc_stop;
mod apply;
mod deployment_change;
mod deployment_list;
mod deployment_status;
mod destroy;
mod eval_list;
mod eval_status;
mod job_allocs;
mod job_deployments;
mod job_dispatch;
mod job_eval;
mod job_history;
mod job_init;
mod job_inspect;
mod job_periodic_force;
mod job_plan;
mod job_revert;
mod job_run;
mod job_scale;
mod job_status;
mod job_stop;
mod job_validate;
mod local_logs;
mod local_reset;
mod local_status;
mod local_stop;
mod namespace_apply;
mod namespace_delete;
mod namespace_list;
mod namespace_status;
mod node_drain;
mod node_eligibility;
mod node_status;
mod operator_api;
mod operator_scheduler;
mod output;
mod pack;
mod plan;
mod server_members;
mod service_info;
mod service_list;
mod show;
mod status;
mod system_gc;
mod var_get;
mod var_list;
mod var_purge;
mod var_put;
pub mod version;

use crate::registry::Command;

/// Every command.
pub static COMMANDS: &[Command] = &[
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
    Command::new::<output::Output>("output", "[options] [name]", "Print the outputs of a stack"),
    Command::new::<destroy::Destroy>("pack destroy", "[options] [path]", "Remove all that a pack brought"),
    Command::new::<pack::info::Info>("pack info", "[options] [path]", "Describe a pack and its variables"),
    Command::new::<pack::list::List>("pack list", "[path]", "List the packs in a folder"),
    Command::new::<pack::new::New>("pack new", "[options] <name>", "Write a small pack that works as it is"),
    Command::new::<plan::Plan>("pack plan", "[options] [path]", "Show what running a pack would change"),
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
    Command::new::<pack::validate::Validate>(
        "pack validate",
        "[options] [path]",
        "Check that a pack renders to valid jobs; needs no engine",
    ),
    Command::new::<plan::Plan>("plan", "[options] [path]", "Show what apply would change"),
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
];

/// Short forms, as Nomad has them. `plan` is Drover's own command unless called as `nomad`.
pub static ALIASES: &[(&str, &str)] = &[
    ("fs", "alloc fs"),
    ("init", "job init"),
    ("inspect", "job inspect"),
    ("logs", "alloc logs"),
    ("plan", "job plan"),
    ("run", "job run"),
    ("stop", "job stop"),
    ("validate", "job validate"),
];

/// First words of commands that are not there when called as `nomad`.
pub static DROVER_ONLY: &[&str] = &["apply", "destroy", "local", "output", "pack", "plan", "show"];

/// Groups of commands.
pub static GROUPS: &[(&str, &str)] = &[
    ("alloc", "Interact with allocations"),
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
    ("server", "Interact with servers"),
    ("service", "Interact with registered services"),
    ("system", "Interact with the system"),
    ("system reconcile", "Put derived state right"),
    ("var", "Interact with variables"),
];

/// What the list of commands begins with.
pub static COMMON: &[&str] = &["run", "stop", "status", "alloc", "job", "node", "agent"];
