//! `acl binding-rule create`, `update`, `delete`.

use super::describe;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Client, Method, NO_BODY, Query};
use serde_json::{Map, Value};

/// What a rule is.
#[derive(clap::Args)]
struct Settings {
    /// Says what it is for.
    #[arg(long, value_name = "text")]
    description: Option<String>,
    /// The way to log in that it belongs to.
    #[arg(long = "auth-method", value_name = "method")]
    auth_method: Option<String>,
    /// Whom it is for, as "ops in list.groups"; everybody unless given.
    #[arg(long, value_name = "expression")]
    selector: Option<String>,
    /// What it gives: role, policy or management.
    #[arg(long = "bind-type", value_name = "type")]
    bind_type: Option<String>,
    /// Which role or policy, with ${…}.
    #[arg(long = "bind-name", value_name = "name")]
    bind_name: Option<String>,
}

impl Settings {
    fn fields(&self) -> Map<String, Value> {
        let all = [
            ("Description", &self.description),
            ("AuthMethod", &self.auth_method),
            ("Selector", &self.selector),
            ("BindType", &self.bind_type),
            ("BindName", &self.bind_name),
        ];
        let given = all.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.as_deref()?))));
        given.collect()
    }
}

/// Makes a rule.
#[derive(clap::Args)]
#[command(next_help_heading = "Create Options")]
pub struct Create {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        if self.settings.auth_method.is_none() {
            let text = "ACL binding rule auth method must be specified using the -auth-method flag";
            return Err(CliError::new(text));
        }
        if self.settings.bind_type.is_none() {
            let text = "ACL binding rule bind type must be specified using the -bind-type flag";
            return Err(CliError::new(text));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let fields = self.settings.fields();
            let made: Result<Value, _> =
                client.send(Method::Put, "/v1/acl/binding-rule", &Query::new(), Some(&fields)).await;
            show(&made.during("Error creating ACL binding rule")?, &self.format)
        })
    }
}

/// Changes a rule.
#[derive(clap::Args)]
#[command(next_help_heading = "Update Options")]
pub struct Update {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    rule: Vec<String>,
}

impl Invoke for Update {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.rule.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_binding_rule_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(self.update(context, &client, id))
    }
}

impl Update {
    async fn update(&self, context: &Context, client: &Client, id: &str) -> Outcome {
        let path = format!("/v1/acl/binding-rule/{id}");
        let found = client.get::<Map<String, Value>>(&path, &Query::new()).await;
        let mut rule = found.during("Error when retrieving ACL binding rule")?.value;
        let changes = self.settings.fields();
        if changes.is_empty() {
            return Err(context.usage("Please provide at least one update for the ACL binding rule"));
        }
        rule.extend(changes);
        let changed: Result<Value, _> = client.send(Method::Put, &path, &Query::new(), Some(&rule)).await;
        show(&changed.during("Error updating ACL binding rule")?, &self.format)
    }
}

fn show(rule: &Value, format: &output::Format) -> Outcome {
    if format.is_set() {
        format.print(rule)?;
    } else {
        output::line(&describe(rule));
    }
    Ok(0)
}

/// Removes a rule.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    rule: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.rule.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_binding_rule_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let path = format!("/v1/acl/binding-rule/{id}");
            let deleted: Result<(), _> = client.send(Method::Delete, &path, &Query::new(), NO_BODY).await;
            deleted.during("Error deleting ACL binding rule")?;
            output::line(&format!("ACL binding rule {id} successfully deleted"));
            Ok(0)
        })
    }
}
