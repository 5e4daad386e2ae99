//! `acl role …`.

use super::or_none;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use drover_model::acl::{AclRole, RolePolicy};
use drover_sdk::Query;

fn print(format: &output::Format, role: &AclRole) -> Outcome {
    if format.is_set() {
        format.print(role)?;
        return Ok(0);
    }
    output::line(&fields(&[
        ("ID", role.id.clone()),
        ("Name", role.name.clone()),
        ("Description", or_none(&role.description)),
        ("Policies", policies(role)),
        ("Create Index", role.create_index.to_string()),
        ("Modify Index", role.modify_index.to_string()),
    ]));
    Ok(0)
}

fn policies(role: &AclRole) -> String {
    role.policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>().join(",")
}

fn links(names: Vec<String>) -> Vec<RolePolicy> {
    names.into_iter().map(|name| RolePolicy { name }).collect()
}

fn no_policies() -> CliError {
    CliError::new("At least one policy name must be specified using the -policy flag")
}

/// Makes a role.
#[derive(clap::Args)]
#[command(next_help_heading = "Create Options")]
pub struct Create {
    #[command(flatten)]
    engine: ServerArgs,
    /// Its name, 1 to 128 characters.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// Says what it is for.
    #[arg(long, value_name = "text")]
    description: Option<String>,
    /// A policy of it. Can be given several times.
    #[arg(long, value_name = "policy")]
    policy: Vec<String>,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    extra: Vec<String>,
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        if !self.extra.is_empty() {
            return Err(context.usage("This command takes no arguments"));
        }
        let name = self.name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| CliError::new("ACL role name must be specified using the -name flag"))?;
        if self.policy.is_empty() {
            return Err(no_policies());
        }
        let role = AclRole {
            name,
            description: self.description.unwrap_or_default(),
            policies: links(self.policy),
            ..AclRole::default()
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let made = client.put_acl_role(&role).await.during("Error creating ACL role")?;
            print(&self.format, &made)
        })
    }
}

/// Changes a role; what is not given stays.
#[derive(clap::Args)]
#[command(next_help_heading = "Update Options")]
pub struct Update {
    #[command(flatten)]
    engine: ServerArgs,
    /// Its name, 1 to 128 characters.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// Says what it is for.
    #[arg(long, value_name = "text")]
    description: Option<String>,
    /// A policy of it, beside those that it has. Can be given several times.
    #[arg(long, value_name = "policy")]
    policy: Vec<String>,
    /// Keeps nothing of what it was but its id.
    #[arg(long)]
    no_merge: bool,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    role: Vec<String>,
}

impl Invoke for Update {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.role.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_role_id>"));
        };
        let is_given = self.name.is_some() || self.description.is_some() || !self.policy.is_empty();
        if !self.no_merge && !is_given {
            return Err(context.usage("Please provide at least one flag to update the ACL role"));
        }
        if self.no_merge && self.name.as_ref().is_none_or(String::is_empty) {
            return Err(CliError::new("ACL role name must be specified using the -name flag"));
        }
        if self.no_merge && self.policy.is_empty() {
            return Err(no_policies());
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stored = client.acl_role(id).await.during("Error reading ACL role")?;
            let role = if self.no_merge {
                AclRole {
                    id: stored.id,
                    name: self.name.unwrap_or_default(),
                    description: self.description.unwrap_or_default(),
                    policies: links(self.policy),
                    ..AclRole::default()
                }
            } else {
                let mut role = stored;
                role.name = self.name.filter(|name| !name.is_empty()).unwrap_or(role.name);
                role.description = self.description.filter(|text| !text.is_empty()).unwrap_or(role.description);
                for policy in links(self.policy) {
                    if !role.policies.contains(&policy) {
                        role.policies.push(policy);
                    }
                }
                role
            };
            let done = client.put_acl_role(&role).await.during("Error updating ACL role")?;
            print(&self.format, &done)
        })
    }
}

/// Removes a role.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    role: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.role.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_role_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_acl_role(id).await.during("Error deleting ACL role")?;
            output::line(&format!("ACL role {id} successfully deleted"));
            Ok(0)
        })
    }
}

/// Displays a role.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: ServerArgs,
    /// The role is named, not given by its id.
    #[arg(long)]
    by_name: bool,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    role: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.role.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_role_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let found = if self.by_name { client.acl_role_named(id).await } else { client.acl_role(id).await };
            print(&self.format, &found.during("Error reading ACL role")?)
        })
    }
}

/// Lists roles.
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
            let list = client.acl_roles(&Query::new()).await.during("Error listing ACL roles")?.value;
            if self.format.is_set() {
                self.format.print(&list)?;
                return Ok(0);
            }
            if list.is_empty() {
                output::line("No ACL roles found");
                return Ok(0);
            }
            let mut table = Table::new(&["ID", "Name", "Description", "Policies"]);
            for role in list {
                let policies = policies(&role);
                table.row([role.id, role.name, or_none(&role.description), policies]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}
