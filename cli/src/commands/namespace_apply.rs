//! `namespace apply`: makes or changes a namespace.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_model::registry::NamespaceSpec;

/// Makes a namespace.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct NamespaceApply {
    #[command(flatten)]
    engine: ServerArgs,
    /// Says what it is for.
    #[arg(long, value_name = "text")]
    description: Option<String>,
    /// The quota that holds in it.
    #[arg(long, value_name = "quota")]
    quota: Option<String>,
    #[arg(hide = true)]
    namespace: Vec<String>,
}

impl Invoke for NamespaceApply {
    fn invoke(self, context: &Context) -> Outcome {
        let [namespace] = self.namespace.as_slice() else {
            return Err(context.usage("This command takes one argument: <input>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut spec = match client.namespace(namespace).await {
                Ok(found) => found,
                Err(error) if error.is_not_found() => {
                    NamespaceSpec { name: namespace.as_str().into(), ..NamespaceSpec::default() }
                }
                Err(error) => return Err(error).during("Error retrieving namespace"),
            };
            if let Some(description) = self.description {
                spec.description = description;
            }
            if let Some(quota) = self.quota {
                spec.quota = quota;
            }
            client.apply_namespace(&spec).await.during("Error applying namespace")?;
            output::line(&format!("Successfully applied namespace \"{}\"!", spec.name));
            Ok(0)
        })
    }
}
