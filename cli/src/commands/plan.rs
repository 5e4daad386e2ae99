//! `plan`: what `apply` would do.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{EXIT_REFUSED, Session, StackArgs, engine_error, print_plan, saved};
use drover_stack::plan::{self, Options};
use drover_stack::{ChangePlan, Engine, planfile, preview};

/// Shows what would change.
#[derive(clap::Args)]
#[command(next_help_heading = "Plan Options")]
pub struct Plan {
    #[command(flatten)]
    stack: StackArgs,
    /// Saves the plan, without secrets, for `apply FILE`.
    #[arg(long, value_name = "file")]
    out: Option<String>,
    /// Encrypts the saved plan to an age recipient (age1…). Repeatable: each of them can open it with -identity.
    #[arg(long = "encrypt-to", value_name = "recipient", requires = "out")]
    encrypt_to: Vec<String>,
    /// Plans the removal of all that the stack owns.
    #[arg(long)]
    destroy: bool,
    /// Requests to the engine in flight at a time.
    #[arg(long, value_name = "count", default_value_t = 32)]
    parallelism: usize,
    /// Prints the plan as a comment for a pull request.
    #[arg(long, conflicts_with_all = ["html", "json"])]
    markdown: bool,
    /// Prints the plan as one web page, with the graph of changes drawn.
    #[arg(long, conflicts_with = "json")]
    html: bool,
    /// Ends with 2 when there are changes, 0 when there are none.
    #[arg(long = "detailed-exitcode")]
    detailed_exitcode: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Plan {
    fn invoke(self, context: &Context) -> Outcome {
        let session = self.stack.evaluate(self.path.as_deref().unwrap_or("."), context)?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        context.block_on(async {
            let mut options = self.stack.options();
            options.reads = self.parallelism;
            let (plan, key) = self.make(&session, &engine, &options).await?;
            self.print(&plan);
            if plan.refusals().next().is_some() {
                if self.out.is_some() {
                    output::error_line("The plan was not saved: a mandatory policy refuses it.");
                }
                return Ok(EXIT_REFUSED);
            }
            if let Some(path) = &self.out {
                let text = planfile::write(&plan, engine.address(), &session.masker, &key)
                    .map_err(|error| CliError::new(format!("the plan was not saved: {error}")))?;
                saved::write(path, &text, &self.encrypt_to)?;
                if !self.stack.json && !self.markdown && !self.html {
                    output::line(&format!("Saved to {path}. Apply it with: drover apply {path}"));
                }
            }
            Ok(if self.detailed_exitcode && !plan.is_empty() { 2 } else { 0 })
        })
    }
}

impl Plan {
    /// The plan, and the stack's key when it is to be saved.
    async fn make(
        &self,
        session: &Session,
        engine: &Engine,
        options: &Options,
    ) -> Result<(ChangePlan, String), CliError> {
        if self.destroy {
            let drover_stack::Desired { stack, namespace, engines, .. } = &session.desired;
            let key = if self.out.is_some() { session.key(engine).await? } else { String::new() };
            let live = engine.read_owned(stack, namespace).await.map_err(|error| engine_error(&error))?;
            let plan = plan::destroy(stack, namespace, &live, options);
            return Ok((ChangePlan { engines: engines.clone(), ..plan }, key));
        }
        match self.out {
            Some(_) => session.plan_to_save(engine, options).await,
            None => Ok((session.plan(engine, options).await?.0, String::new())),
        }
    }

    fn print(&self, plan: &ChangePlan) {
        if self.markdown {
            output::raw(preview::plan_markdown(plan).as_bytes());
        } else if self.html {
            output::raw(preview::plan_html(plan).as_bytes());
        } else {
            print_plan(plan, self.stack.json);
        }
    }
}
