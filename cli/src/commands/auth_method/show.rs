//! `acl auth-method list`, `acl auth-method info`.

use super::describe;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::Value;

/// Lists methods.
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
            let found = client.get::<Vec<Value>>("/v1/acl/auth-methods", &Query::new()).await;
            let mut methods = found.during("Error listing ACL auth methods")?.value;
            if self.format.is_set() {
                for method in methods.iter_mut().filter_map(Value::as_object_mut) {
                    // It only tells versions apart.
                    method.remove("Hash");
                }
                self.format.print(&methods)?;
                return Ok(0);
            }
            if methods.is_empty() {
                output::line("No ACL auth methods found");
                return Ok(0);
            }
            let mut table = Table::new(&["Name", "Type", "Default"]);
            for method in &methods {
                let text = |name: &str| method[name].as_str().unwrap_or_default().to_owned();
                table.row([text("Name"), text("Type"), method["Default"].to_string()]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// Shows a method.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    method: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.method.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_auth_method_name>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let found = client.get::<Value>(&format!("/v1/acl/auth-method/{name}"), &Query::new()).await;
            let method = found.during("Error reading ACL auth method")?.value;
            if self.format.is_set() {
                self.format.print(&method)?;
            } else {
                output::line(&describe(&method));
            }
            Ok(0)
        })
    }
}
