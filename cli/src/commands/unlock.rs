//! `unlock`: takes a stack's lock away from whoever has it.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{StackArgs, StackRef, engine_error, who};
use serde_json::json;
use std::io::{BufRead, IsTerminal};

/// Says who has a stack locked, asks, and takes the lock away.
#[derive(clap::Args)]
#[command(next_help_heading = "Unlock Options")]
pub struct Unlock {
    #[command(flatten)]
    stack: StackArgs,
    /// Does not ask.
    #[arg(long)]
    force: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Unlock {
    fn invoke(self, context: &Context) -> Outcome {
        let found = StackRef::find(&self.stack, self.path.as_deref(), context)?;
        context.block_on(async {
            let holder = found.engine.lock_holder(&found.stack, &found.namespace).await;
            let Some((holder, _)) = holder.map_err(|error| engine_error(&error))? else {
                tell(self.stack.json, &json!({"unlocked": false}), &format!("Stack {} is not locked.", found.stack));
                return Ok(0);
            };
            let is_gone = who::is_gone(&holder.process);
            if !self.force && !is_gone && !agrees(&format!("Stack {} is locked by {holder}.", found.stack))? {
                output::line("The lock is left as it is.");
                return Ok(1);
            }
            let freed = found.engine.force_unlock(&found.stack, &found.namespace).await;
            freed.map_err(|error| engine_error(&error))?;
            let text = format!("Unlocked stack {}; it was locked by {holder}.", found.stack);
            tell(self.stack.json, &json!({"unlocked": true, "holder": holder}), &text);
            Ok(0)
        })
    }
}

fn tell(json: bool, object: &serde_json::Value, text: &str) {
    output::line(&if json { object.to_string() } else { text.to_owned() });
}

fn agrees(what: &str) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::new(format!("{what} There is no terminal to ask on")).hint("take it away with -force"));
    }
    output::raw(
        format!("{what}\nWhoever that is begins nothing new when the lock is gone. Take it away? Only \"yes\" is taken for it: ")
            .as_bytes(),
    );
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| CliError::new(format!("cannot read the answer: {error}")))?;
    Ok(answer.trim() == "yes")
}
