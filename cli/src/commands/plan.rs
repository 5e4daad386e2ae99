//! `plan`: what `apply` would do.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{StackArgs, print_plan};
use drover_stack::planfile;
use std::io::Write;

/// Shows what would change.
#[derive(clap::Args)]
#[command(next_help_heading = "Plan Options")]
pub struct Plan {
    #[command(flatten)]
    stack: StackArgs,
    /// Saves the plan, without secrets, for `apply FILE`.
    #[arg(long, value_name = "file")]
    out: Option<String>,
    /// Ends with 2 when there are changes, 0 when there are none.
    #[arg(long = "detailed-exitcode")]
    detailed_exitcode: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Plan {
    fn invoke(self, context: &Context) -> Outcome {
        let session = self.stack.evaluate(self.path.as_deref().unwrap_or("."))?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        context.block_on(async {
            let options = self.stack.options();
            let (plan, key) = match self.out {
                Some(_) => session.plan_to_save(&engine, &options).await?,
                None => (session.plan(&engine, &options).await?.0, String::new()),
            };
            print_plan(&plan, self.stack.json);
            if let Some(path) = &self.out {
                let text = planfile::write(&plan, engine.address(), &session.masker, &key)
                    .map_err(|error| CliError::new(format!("the plan was not saved: {error}")))?;
                save(path, &text)?;
                if !self.stack.json {
                    output::line(&format!("Saved to {path}. Apply it with: drover apply {path}"));
                }
            }
            Ok(if self.detailed_exitcode && !plan.is_empty() { 2 } else { 0 })
        })
    }
}

/// Writes beside the file and renames, so that no half plan is left; only this user may read it.
fn save(path: &str, text: &str) -> Result<(), CliError> {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = format!("{path}.{}.tmp", std::process::id());
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        // Nothing more can be done about a file that cannot be removed either.
        let _ = std::fs::remove_file(&beside);
        CliError::new(format!("cannot write the plan to {path}: {error}"))
    })
}
