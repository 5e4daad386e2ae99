//! `namespace delete`: removes a namespace.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Removes a namespace.
#[derive(clap::Args)]
#[command(next_help_heading = "Delete Options")]
pub struct NamespaceDelete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    namespace: Vec<String>,
}

impl Invoke for NamespaceDelete {
    fn invoke(self, context: &Context) -> Outcome {
        let [namespace] = self.namespace.as_slice() else {
            return Err(context.usage("This command takes one argument: <namespace>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_namespace(namespace).await.during("Error deleting namespace")?;
            output::line(&format!("Successfully deleted namespace \"{namespace}\"!"));
            Ok(0)
        })
    }
}
