//! `pack validate`: whether a pack renders to valid jobs. Needs no engine.

use super::{load, one_path};
use crate::context::Context;
use crate::output::{self, plural};
use crate::registry::{Invoke, Outcome};
use crate::stacks::VariableArgs;

/// Checks a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Validate Options")]
pub struct Validate {
    #[command(flatten)]
    variables: VariableArgs,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Validate {
    fn invoke(self, context: &Context) -> Outcome {
        let pack = load(one_path(context, &self.paths)?)?;
        let rendered = super::render(&pack, &self.variables, context, None, None)?.rendered;
        let jobs = rendered.all_jobs().len() as u64;
        output::line(&format!("The pack {} is valid: {}.", pack.metadata.name, plural(jobs, "job")));
        Ok(0)
    }
}
