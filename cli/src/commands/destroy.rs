//! `destroy`: removes all that a stack owns.

use crate::context::Context;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{CarryOptions, Consent, StackArgs, carry_out, engine_error, print_plan};
use drover_stack::apply::DEFAULT_PARALLELISM;
use drover_stack::{Purge, plan};

/// Shows what would be removed, asks, and removes it.
#[derive(clap::Args)]
#[command(next_help_heading = "Destroy Options")]
pub struct Destroy {
    #[command(flatten)]
    stack: StackArgs,
    /// Does not ask.
    #[arg(long = "auto-approve")]
    auto_approve: bool,
    /// Changes in flight at a time.
    #[arg(long, value_name = "count", default_value_t = DEFAULT_PARALLELISM)]
    parallelism: usize,
    /// Makes the engine forget the jobs, instead of keeping them until it collects garbage.
    #[arg(long)]
    purge: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Destroy {
    fn invoke(self, context: &Context) -> Outcome {
        let session = self.stack.evaluate(self.path.as_deref().unwrap_or("."))?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        let options = CarryOptions {
            json: self.stack.json,
            parallelism: self.parallelism,
            purge: if self.purge { Purge::Yes } else { Purge::No },
        };
        let consent = if self.auto_approve { Consent::Given } else { Consent::Ask };
        context.block_on(async {
            let desired = &session.desired;
            let live =
                engine.read_owned(&desired.stack, &desired.namespace).await.map_err(|error| engine_error(&error))?;
            let plan = plan::destroy(&desired.stack, &desired.namespace, &live, &self.stack.options());
            print_plan(&plan, self.stack.json);
            carry_out(context, &engine, &plan, &session.masker, consent, options).await
        })
    }
}
