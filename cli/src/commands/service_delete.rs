//! `service delete`: removes a registration that was left behind.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Removes a registration.
#[derive(clap::Args)]
pub struct ServiceDelete {
    #[command(flatten)]
    engine: EngineArgs,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for ServiceDelete {
    fn invoke(self, context: &Context) -> Outcome {
        let [name, id] = self.arguments.as_slice() else {
            return Err(context.usage("This command takes two arguments: <service_name> <service_id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.delete_service(name, id).await.during("Error deleting service registration")?;
            output::line("Successfully deleted service registration");
            Ok(0)
        })
    }
}
