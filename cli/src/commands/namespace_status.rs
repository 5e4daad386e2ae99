//! `namespace status`: one namespace.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// Shows a namespace.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct NamespaceStatus {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    namespace: Vec<String>,
}

impl Invoke for NamespaceStatus {
    fn invoke(self, context: &Context) -> Outcome {
        let [namespace] = self.namespace.as_slice() else {
            return Err(context.usage("This command takes one argument: <namespace>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let list =
                client.namespaces(&Query::new().prefix(namespace)).await.during("Error retrieving namespaces")?.value;
            let Some(found) = list
                .iter()
                .find(|item| item.name == namespace.as_str())
                .or_else(|| list.first().filter(|_| list.len() == 1))
            else {
                return Err(CliError::new(format!(
                    "Error retrieving namespaces: Namespace \"{namespace}\" matched no namespaces"
                )));
            };
            if self.format.is_set() {
                self.format.print(found)?;
                return Ok(0);
            }
            let capabilities = found.capabilities.clone().unwrap_or_default();
            let or_all = |list: &[String]| if list.is_empty() { "*".to_owned() } else { list.join(",") };
            let mut text = fields(&[
                ("Name", found.name.to_string()),
                ("Description", found.description.clone()),
                ("Quota", found.quota.clone()),
                ("Enabled Drivers", or_all(&capabilities.enabled_task_drivers)),
                ("Disabled Drivers", capabilities.disabled_task_drivers.join(",")),
                ("Enabled Network Modes", or_all(&capabilities.enabled_network_modes)),
                ("Disabled Network Modes", capabilities.disabled_network_modes.join(",")),
            ]);
            if !found.meta.is_empty() {
                let meta: Vec<(&str, String)> =
                    found.meta.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
                text.push_str(&format!("\n\n{}\n{}", bold("Metadata"), fields(&meta)));
            }
            output::line(&text);
            Ok(0)
        })
    }
}
