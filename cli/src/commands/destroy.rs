//! `destroy`: removes all that a stack owns.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{CarryArgs, StackArgs, Work, engine_error, print_plan};
use drover_stack::{ChangePlan, plan};

/// Shows what would be removed, asks, and removes it.
#[derive(clap::Args)]
#[command(next_help_heading = "Destroy Options")]
pub struct Destroy {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    carry: CarryArgs,
    /// Forgets the stack's history too, so that nothing can be undone. Without it, `drover undo` brings the stack back.
    #[arg(long)]
    forget: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Destroy {
    fn invoke(self, context: &Context) -> Outcome {
        let session = self.stack.evaluate(self.path.as_deref().unwrap_or("."), context)?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        let desired = &session.desired;
        let make = async || -> Result<ChangePlan, CliError> {
            let live =
                engine.read_owned(&desired.stack, &desired.namespace).await.map_err(|error| engine_error(&error))?;
            Ok(plan::destroy(&desired.stack, &desired.namespace, &live, &self.stack.options()))
        };
        context.block_on(async {
            let plan = make().await?;
            print_plan(&plan, self.stack.json);
            let work = Work {
                context,
                engine: &engine,
                masker: &session.masker,
                secrets: &session.secrets,
                args: &self.carry,
                consent: self.carry.consent(),
                cause: "destroy".to_owned(),
                json: self.stack.json,
            };
            let code = work.carry_out(plan, &make).await?;
            if code == 0 && self.forget {
                engine.forget(&desired.stack, &desired.namespace).await.map_err(|error| engine_error(&error))?;
                if !self.stack.json {
                    output::line(&format!("The history of stack {} is forgotten.", desired.stack));
                }
            }
            Ok(code)
        })
    }
}
