//! `namespace inspect`: a namespace as JSON.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::Value;

/// Shows a namespace.
#[derive(clap::Args)]
#[command(next_help_heading = "Inspect Options")]
pub struct NamespaceInspect {
    #[command(flatten)]
    engine: ServerArgs,
    /// Through a Go template.
    #[arg(long = "t", value_name = "template")]
    template: Option<String>,
    #[arg(hide = true)]
    namespace: Vec<String>,
}

impl Invoke for NamespaceInspect {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.namespace.as_slice() else {
            return Err(context.usage("This command takes one argument: <namespace>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let found = client.get::<Value>(&format!("/v1/namespace/{name}"), &Query::new()).await;
            let mut namespace = found.during("Error retrieving namespace")?.value;
            if let Some(fields) = namespace.as_object_mut() {
                // It only tells versions apart.
                fields.remove("Hash");
            }
            output::Format { json: false, template: self.template }.print(&namespace)?;
            Ok(0)
        })
    }
}
