//! `acl binding-rule list`, `acl binding-rule info`.

use super::describe;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::Value;

/// Lists rules.
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
            let found = client.get::<Vec<Value>>("/v1/acl/binding-rules", &Query::new()).await;
            let rules = found.during("Error listing ACL binding rules")?.value;
            if self.format.is_set() {
                self.format.print(&rules)?;
                return Ok(0);
            }
            if rules.is_empty() {
                output::line("No ACL binding rules found");
                return Ok(0);
            }
            let mut table = Table::new(&["ID", "Description", "Auth Method"]);
            for rule in &rules {
                let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
                table.row([text("ID"), text("Description"), text("AuthMethod")]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// Shows a rule.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    rule: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let [id] = self.rule.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_binding_rule_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let found = client.get::<Value>(&format!("/v1/acl/binding-rule/{id}"), &Query::new()).await;
            let rule = found.during("Error reading ACL binding rule")?.value;
            if self.format.is_set() {
                self.format.print(&rule)?;
            } else {
                output::line(&describe(&rule));
            }
            Ok(0)
        })
    }
}
