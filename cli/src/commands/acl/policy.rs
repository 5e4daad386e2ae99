//! `acl policy …`.

use super::or_none;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::jobfile::reason;
use crate::output::{self, Table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_model::acl::{AclPolicy, JobAcl};
use drover_sdk::Query;
use drover_sdk::types::AclPolicyStub;
use std::io::Read;

/// The longest rules that are read, in bytes.
const MAX_RULES_BYTES: u64 = 1024 * 1024;

/// Makes or changes a policy from a file of rules; `-` is the standard input.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct Apply {
    #[command(flatten)]
    engine: ServerArgs,
    /// Says what it is for.
    #[arg(long, value_name = "text")]
    description: Option<String>,
    /// Gives it to the workloads of a namespace.
    #[arg(long, value_name = "namespace")]
    namespace: Option<String>,
    /// Gives it to the workloads of a job.
    #[arg(long, value_name = "job")]
    job: Option<String>,
    /// Gives it to a group of the job.
    #[arg(long, value_name = "group")]
    group: Option<String>,
    /// Gives it to a task of the group.
    #[arg(long, value_name = "task")]
    task: Option<String>,
    #[arg(hide = true)]
    policy: Vec<String>,
}

impl Apply {
    fn workload(&self) -> Result<Option<JobAcl>, CliError> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let job = JobAcl {
            namespace: text(&self.namespace),
            job_id: text(&self.job),
            group: text(&self.group),
            task: text(&self.task),
        };
        let missing = |what: &str, of: &str| Err(CliError::new(format!("-{what} is required if -{of} is set")));
        match &job {
            JobAcl { namespace, job_id, .. } if namespace.is_empty() && !job_id.is_empty() => {
                missing("namespace", "job")
            }
            JobAcl { job_id, group, .. } if job_id.is_empty() && !group.is_empty() => missing("job", "group"),
            JobAcl { group, task, .. } if group.is_empty() && !task.is_empty() => missing("group", "task"),
            JobAcl { namespace, .. } if namespace.is_empty() => Ok(None),
            _ => Ok(Some(job)),
        }
    }
}

impl Invoke for Apply {
    fn invoke(self, context: &Context) -> Outcome {
        let [name, path] = self.policy.as_slice() else {
            return Err(context.usage("This command takes two arguments: <name> and <path>"));
        };
        let policy = AclPolicy {
            name: name.clone(),
            job_acl: self.workload()?,
            rules: rules(path)?,
            description: self.description.clone().unwrap_or_default(),
            ..AclPolicy::default()
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.put_acl_policy(&policy).await.during("Error writing ACL policy")?;
            output::line(&format!("Successfully wrote \"{name}\" ACL policy!"));
            Ok(0)
        })
    }
}

fn rules(path: &str) -> Result<String, CliError> {
    let mut text = String::new();
    if path == "-" {
        let read = std::io::stdin().lock().take(MAX_RULES_BYTES).read_to_string(&mut text);
        read.map_err(|error| CliError::new(format!("Failed to read from standard input: {}", reason(&error))))?;
    } else {
        let read = std::fs::File::open(path).and_then(|file| file.take(MAX_RULES_BYTES).read_to_string(&mut text));
        read.map_err(|error| CliError::new(format!("Failed to read file: open {path}: {}", reason(&error))))?;
    }
    Ok(text)
}

/// Removes a policy.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    policy: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.policy.as_slice() else {
            return Err(context.usage("This command takes one argument: <name>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_acl_policy(name).await.during("Error deleting ACL policy")?;
            output::line(&format!("Successfully deleted {name} policy!"));
            Ok(0)
        })
    }
}

/// Displays a policy.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    policy: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.policy.as_slice() else {
            return Err(context.usage("This command takes one argument: <name>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let policy = client.acl_policy(name).await.during("Error fetching info on ACL policy")?;
            if self.format.is_set() {
                self.format.print(&policy)?;
                return Ok(0);
            }
            let mut text = fields(&[
                ("Name", policy.name),
                ("Description", or_none(&policy.description)),
                ("CreateIndex", policy.create_index.to_string()),
                ("ModifyIndex", policy.modify_index.to_string()),
            ]);
            if let Some(job) = policy.job_acl {
                let workload = fields(&[
                    ("Namespace", job.namespace),
                    ("JobID", or_none(&job.job_id)),
                    ("Group", or_none(&job.group)),
                    ("Task", or_none(&job.task)),
                ]);
                text.push_str(&format!("\n\n{}\n{workload}", bold("Associated Workload")));
            }
            output::line(&format!("{text}\n\n{}\n\n{}", bold("Rules"), policy.rules));
            Ok(0)
        })
    }
}

/// Lists policies.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let list = client.acl_policies(&Query::new()).await.during("Error listing ACL policies")?.value;
            if self.format.is_set() {
                self.format.print(&list)?;
                return Ok(0);
            }
            if list.is_empty() {
                output::line("No policies found");
                return Ok(0);
            }
            let mut table = Table::new(&["Name", "Description"]);
            for policy in list {
                table.row([policy.name, or_none(&policy.description)]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// Lists the policies of the caller itself.
#[derive(clap::Args)]
#[command(next_help_heading = "Self Options")]
pub struct Own {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for Own {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let token = client.own_acl_token().await.ok();
            let list = client.own_acl_policies().await.during("Error listing ACL policies")?;
            if self.format.is_set() {
                self.format.print(&list)?;
            } else if token.is_some_and(|token| token.is_management()) {
                output::line("This is a management token. No individual policies are assigned.");
            } else if list.is_empty() {
                output::line("No policies found");
            } else {
                output::line(&by_workload(list));
            }
            Ok(0)
        })
    }
}

fn by_workload(list: Vec<AclPolicyStub>) -> String {
    let mut table = Table::new(&["Name", "Job ID", "Group Name", "Task Name"]);
    for policy in list {
        let job = policy.job_acl.unwrap_or_default();
        table.row([policy.name, or_none(&job.job_id), or_none(&job.group), or_none(&job.task)]);
    }
    table.render()
}
