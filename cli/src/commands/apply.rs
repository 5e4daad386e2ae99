//! `apply`: makes the engine hold what the stack wants.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::saved::{self, IdentityArgs};
use crate::stacks::{
    CarryArgs, Consent, EXIT_STALE, StackArgs, Work, engine_error, explained, print_plan, saved_secrets,
};
use drover_stack::planfile::{PlanFileError, SavedPlan};
use std::path::Path;

/// Shows the plan, asks, and carries it out.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct Apply {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    carry: CarryArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Apply {
    fn invoke(self, context: &Context) -> Outcome {
        let path = self.path.clone().unwrap_or_else(|| ".".to_owned());
        if let Some(plan) = saved::read(&path, &self.identity)? {
            return self.apply_saved(context, &plan);
        }
        let session = self.stack.evaluate(&path, context)?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        context.block_on(async {
            let (plan, _) = session.plan(&engine, &self.stack.options()).await?;
            print_plan(&plan, self.stack.json);
            let work = Work {
                context,
                engine: &engine,
                masker: &session.masker,
                secrets: &session.secrets,
                args: &self.carry,
                consent: self.carry.consent(),
                cause: "apply".to_owned(),
                json: self.stack.json,
            };
            work.carry_out(plan, async || Ok(session.plan(&engine, &self.stack.options()).await?.0)).await
        })
    }
}

impl Apply {
    fn apply_saved(&self, context: &Context, saved: &SavedPlan) -> Outcome {
        let preview = saved.preview().map_err(|error| CliError::new(error.to_string()))?;
        let (secrets, supplied) = saved_secrets(&self.stack, Path::new(&preview.folder), context)?;
        let engine = self.stack.connect_saved(context, &preview)?;
        context.block_on(async {
            let (record, _) =
                engine.record(&preview.stack, &preview.namespace).await.map_err(|error| engine_error(&error))?;
            let variable = |name: &str| supplied.texts(name.rsplit('.').next().unwrap_or(name));
            let plan = match saved.open(&record.key, &secrets, &variable) {
                Ok(plan) => plan,
                Err(PlanFileError::Unseal(error @ drover_stack::UnsealError::Changed { .. })) => {
                    output::error_line(&format!("the plan is stale, and nothing was written: {error}"));
                    return Ok(EXIT_STALE);
                }
                Err(error) => {
                    return Err(explained(&error).hint(format!("the plan was made against {}", saved.engine())));
                }
            };
            let masker = secrets.taint().masker();
            print_plan(&plan, self.stack.json);
            let work = Work {
                context,
                engine: &engine,
                masker: &masker,
                secrets: &secrets,
                args: &self.carry,
                consent: Consent::Given,
                cause: "apply of a saved plan".to_owned(),
                json: self.stack.json,
            };
            // What was saved is applied or refused as stale, but not made anew.
            work.carry_out(plan.clone(), async || Ok(plan.clone())).await
        })
    }
}
