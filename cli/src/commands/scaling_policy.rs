//! `scaling policy …`: who may change the count of a group, and within which bounds.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Client, Query};
use serde_json::Value;

/// Characters of an id that are shown.
const SHORT: usize = 8;

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn id(policy: &Value, verbose: bool) -> String {
    let id = text(&policy["ID"]);
    if verbose { id } else { id.chars().take(SHORT).collect() }
}

/// `Namespace:default,Job:web,Group:g`.
fn target(policy: &Value) -> String {
    let entries = policy["Target"].as_object().into_iter().flatten();
    let mut parts: Vec<String> = entries.map(|(name, value)| format!("{name}:{}", text(value))).collect();
    parts.sort_by_key(|part| {
        let order = ["Namespace:", "Job:", "Group:", "Task:"];
        order.iter().position(|name| part.starts_with(name)).unwrap_or(order.len())
    });
    parts.join(",")
}

/// Lists policies.
#[derive(clap::Args)]
#[command(next_help_heading = "Policy Info Options")]
pub struct List {
    #[command(flatten)]
    engine: EngineArgs,
    /// Of this job.
    #[arg(long, value_name = "job")]
    job: Option<String>,
    /// Of this type.
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    form: output::Format,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let mut query = Query::new();
        for (name, value) in [("job", &self.job), ("type", &self.kind)] {
            if let Some(value) = value {
                query = query.param(name, value.as_str());
            }
        }
        context.block_on(async {
            let answer = client.get::<Value>("/v1/scaling/policies", &query).await;
            let policies = answer.during("Error listing scaling policies")?.value;
            if self.form.is_set() {
                self.form.print(&policies)?;
                return Ok(0);
            }
            let rows = policies.as_array().map(Vec::as_slice).unwrap_or_default();
            if rows.is_empty() {
                output::line("No policies found");
                return Ok(0);
            }
            let mut table = Table::new(&["ID", "Enabled", "Type", "Target"]);
            for policy in rows {
                table.row([id(policy, self.verbose), text(&policy["Enabled"]), text(&policy["Type"]), target(policy)]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// Shows a policy.
#[derive(clap::Args)]
#[command(next_help_heading = "Policy Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: EngineArgs,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    form: output::Format,
    #[arg(hide = true)]
    policy: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let prefix = match self.policy.as_slice() {
            [prefix] => prefix.as_str(),
            [] if self.form.is_set() => {
                return context.block_on(async {
                    let answer = client.get::<Value>("/v1/scaling/policies", &Query::new()).await;
                    self.form.print(&answer.during("Error querying scaling policies")?.value)?;
                    Ok(0)
                });
            }
            _ => {
                let text = "This command takes one of the following argument conditions:\n * A single <policy_id>\n \
                            * No arguments, with output format specified";
                return Err(context.usage(text));
            }
        };
        context.block_on(async {
            let policy = find(&client, prefix).await?;
            if self.form.is_set() {
                self.form.print(&policy)?;
                return Ok(0);
            }
            output::line(&fields(&[
                ("ID", id(&policy, self.verbose)),
                ("Enabled", text(&policy["Enabled"])),
                ("Target", target(&policy)),
                ("Min", text(&policy["Min"])),
                ("Max", text(&policy["Max"])),
            ]));
            output::line(&format!("\n{}\n{}", output::bold("Policy:"), output::json(&policy["Policy"])));
            Ok(0)
        })
    }
}

/// The policy whose id is, or begins with, `prefix`.
async fn find(client: &Client, prefix: &str) -> Result<Value, CliError> {
    let fault = |text: String| CliError::new(format!("Error querying scaling policy: {text}"));
    let answer = client.get::<Value>("/v1/scaling/policies", &Query::new()).await;
    let all = answer.during("Error querying scaling policies")?.value;
    let ids: Vec<&str> = all.as_array().into_iter().flatten().filter_map(|policy| policy["ID"].as_str()).collect();
    let mut found: Vec<&str> = ids.into_iter().filter(|id| id.starts_with(prefix)).collect();
    if found.contains(&prefix) {
        found.retain(|id| *id == prefix);
    }
    match found.as_slice() {
        [] => Err(fault(format!("no scaling policies with prefix or ID \"{prefix}\" found"))),
        [id] => {
            let answer = client.get::<Value>(&format!("/v1/scaling/policy/{id}"), &Query::new()).await;
            Ok(answer.during("Error querying scaling policy")?.value)
        }
        several => Err(fault(format!("prefix \"{prefix}\" matched several policies: {}", several.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_are_shown_from_the_outside_in() {
        let policy = json!({"ID": "12345678-90ab", "Target": {"Group": "g", "Job": "web", "Namespace": "default"}});
        assert_eq!(target(&policy), "Namespace:default,Job:web,Group:g");
        assert_eq!((id(&policy, false), id(&policy, true)), ("12345678".into(), "12345678-90ab".into()));
    }
}
