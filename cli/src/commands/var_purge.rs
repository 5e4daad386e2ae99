//! `var purge`: removes a variable.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::VariableWrite;

/// Removes a variable.
#[derive(clap::Args)]
#[command(next_help_heading = "Var Purge Options")]
pub struct VarPurge {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only if the variable's modify index is this.
    #[arg(long = "check-index", value_name = "index")]
    check_index: Option<u64>,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for VarPurge {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let written = client.delete_variable(path, self.check_index).await.during("Error purging variable")?;
            if matches!(written, VariableWrite::Conflict(_)) {
                return Err(super::var_put::conflict(&written, self.check_index.unwrap_or(0)));
            }
            output::line(&format!("Successfully purged variable \"{path}\"!"));
            Ok(0)
        })
    }
}
