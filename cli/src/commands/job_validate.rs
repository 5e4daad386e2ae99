//! `job validate`: checks a job file.

use super::job_run::print_warnings;
use crate::context::{Context, Program};
use crate::engine::EngineArgs;
use crate::error::During;
use crate::jobcheck;
use crate::jobfile::JobFileArgs;
use crate::output;
use crate::registry::{Invoke, Outcome};

/// Checks a job file.
#[derive(clap::Args)]
#[command(next_help_heading = "Validate Options")]
pub struct JobValidate {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    file: JobFileArgs,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for JobValidate {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        let file = self.file.load(path)?;
        jobcheck::configs(&file)?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = match client.validate_job(&file.job).await {
                // Most of it can be told without an engine.
                Err(error) if error.is_unreachable() && context.program == Program::Drover => {
                    let warnings = jobcheck::alone(context.program, &file)?;
                    print_warnings(&warnings);
                    output::line(&output::paint(
                        output::Colour::Green,
                        "Job validation successful (no engine answers: what only a cluster knows was not checked)",
                    ));
                    return Ok(0);
                }
                answer => answer.during("Error validating job")?,
            };
            if !answer.error.is_empty() {
                return Err(jobcheck::refused(context.program, &file, "Job validation errors:", &answer.error));
            }
            print_warnings(&answer.warnings);
            output::line(&output::paint(output::Colour::Green, "Job validation successful"));
            Ok(0)
        })
    }
}
