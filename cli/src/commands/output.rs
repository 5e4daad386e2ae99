//! `output`: the outputs of a stack's last release.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{StackArgs, engine_error};

/// Prints outputs.
#[derive(clap::Args)]
#[command(next_help_heading = "Output Options")]
pub struct Output {
    #[command(flatten)]
    stack: StackArgs,
    /// Folder or file of the stack.
    #[arg(long = "stack", value_name = "path", default_value = ".")]
    path: String,
    /// Prints the bare value of one output.
    #[arg(long)]
    raw: bool,
    #[arg(hide = true)]
    output: Option<String>,
}

impl Invoke for Output {
    fn invoke(self, context: &Context) -> Outcome {
        let session = self.stack.evaluate(&self.path, context)?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        let desired = &session.desired;
        let (record, index) = context.block_on(async {
            engine.record(&desired.stack, &desired.namespace).await.map_err(|error| engine_error(&error))
        })?;
        if index == 0 {
            return Err(CliError::new(format!("stack {} was never applied", desired.stack)).hint("drover apply"));
        }
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match &self.output {
            Some(name) => {
                let value = record.outputs.get(name).ok_or_else(|| {
                    let known: Vec<&str> = record.outputs.keys().map(String::as_str).collect();
                    CliError::new(format!("the last release has no output `{name}`; it has: {}", known.join(", ")))
                })?;
                output::line(&if self.raw || !self.stack.json { text(value) } else { value.to_string() });
            }
            None if self.stack.json => output::line(&output::json(&record.outputs)),
            None => record.outputs.iter().for_each(|(name, value)| output::line(&format!("{name} = {}", text(value)))),
        }
        Ok(0)
    }
}
