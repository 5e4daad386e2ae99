//! `secret refs`: what a stack or pack needs, and whether it is there.

use crate::context::Context;
use crate::output::{self, Colour, paint};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{StackArgs, explained};
use drover_secrets::{Access, Listed, Resolver};
use serde_json::json;

/// Lists the secrets that a stack, a pack or a folder of jobs names, and checks access where the store can tell without giving
/// the value.
#[derive(clap::Args)]
#[command(next_help_heading = "Refs Options")]
pub struct Refs {
    #[command(flatten)]
    stack: StackArgs,
    /// Only lists them.
    #[arg(long = "no-check")]
    no_check: bool,
    #[arg(hide = true)]
    path: Option<String>,
}

/// What is known about one.
struct Row {
    listed: Listed,
    state: &'static str,
    about: String,
}

impl Invoke for Refs {
    fn invoke(self, context: &Context) -> Outcome {
        let (secrets, problem) = self.stack.references(self.path.as_deref().unwrap_or("."), context)?;
        let rows: Vec<Row> = secrets.listed().into_iter().map(|listed| self.row(listed, &secrets)).collect();
        for row in &rows {
            if self.stack.json {
                output::line(
                    &json!({
                        "version": 1, "type": "secret", "reference": row.listed.reference.to_string(), "state": row.state,
                        "about": row.about, "by_pack": row.listed.by_pack, "at_runtime": row.listed.at_runtime,
                    })
                    .to_string(),
                );
            } else {
                let colour = match row.state {
                    "ok" | "runtime" => Colour::Green,
                    "refused" | "missing" => Colour::Red,
                    _ => Colour::Yellow,
                };
                let about = if row.about.is_empty() { String::new() } else { format!("  {}", row.about) };
                output::line(&format!(
                    "{}  {}{about}",
                    paint(colour, &format!("{:<8}", row.state)),
                    row.listed.reference
                ));
            }
        }
        if rows.is_empty() && !self.stack.json && problem.is_none() {
            output::line("No secret is named.");
        }
        if let Some(problem) = problem {
            output::error_line("The list may not be whole, since the rest could not be evaluated without values:");
            return Err(problem);
        }
        Ok(u8::from(rows.iter().any(|row| matches!(row.state, "refused" | "missing"))))
    }
}

impl Refs {
    fn row(&self, listed: Listed, secrets: &Resolver) -> Row {
        if let Some(refused) = &listed.refused {
            let about = refused.split_once(": ").map_or(refused.as_str(), |(_, about)| about).to_owned();
            return Row { listed, state: "refused", about };
        }
        if listed.at_runtime {
            return Row { listed, state: "runtime", about: "the task reads it with its own identity".to_owned() };
        }
        if self.no_check {
            return Row { listed, state: "named", about: String::new() };
        }
        match secrets.check(&listed.reference) {
            Ok(Access::Readable) => Row { listed, state: "ok", about: String::new() },
            Ok(Access::Unknown { reason }) => Row { listed, state: "unknown", about: reason },
            Ok(_) => Row { listed, state: "unknown", about: String::new() },
            Err(error) => {
                let text = explained(&error).message;
                let about = text.strip_prefix(&format!("secret {}: ", listed.reference)).unwrap_or(&text).to_owned();
                Row { listed, state: "missing", about }
            }
        }
    }
}
