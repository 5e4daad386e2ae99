//! `drift`: what the engine holds, compared with what the last release left.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Colour, bold, paint, plural};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{Secrets, StackArgs, StackRef, engine_error, explained, print_line};
use drover_stack::drift::{Drift, Kind};
use serde_json::json;

/// Compares.
#[derive(clap::Args)]
#[command(next_help_heading = "Drift Options")]
pub struct DriftCommand {
    #[command(flatten)]
    stack: StackArgs,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for DriftCommand {
    fn invoke(self, context: &Context) -> Outcome {
        let found = StackRef::find(&self.stack, self.path.as_deref(), context)?;
        let secrets = Secrets::new(&self.stack, self.path.as_deref(), context)?;
        context.block_on(async {
            let record = found.record().await?;
            let last = record.last_kept().ok_or_else(|| {
                CliError::new(format!("stack {} has no release to compare with", found.stack))
                    .hint("its last apply was killed, or everything was put back; run drover apply")
            })?;
            let live = found.engine.read_owned(&found.stack, &found.namespace).await;
            let live = live.map_err(|error| engine_error(&error))?;
            let release = found.engine.release(&found.stack, &found.namespace, last.number).await;
            let mut release = release.map_err(|error| explained(&error))?;
            let suspects = drover_stack::drift::suspects(&release, &live);
            release.resources.retain(|address, _| suspects.contains(address));
            let desired = release
                .desired(&found.stack, &found.namespace, secrets.resolver(), &record.key, &|name| {
                    secrets.variable(name)
                })
                .map_err(|error| explained(&error))?;
            let masker = secrets.resolver().taint().masker();
            let drifts = drover_stack::drift::compare(&found.engine, &desired, &live, &masker).await;
            let drifts = drifts.map_err(|error| engine_error(&error))?;
            tell(&found.stack, last.number, &drifts, self.stack.json);
            Ok(if drifts.is_empty() { 0 } else { 2 })
        })
    }
}

fn tell(stack: &str, release: u64, drifts: &[Drift], json: bool) {
    if json {
        for drift in drifts {
            let lines: Vec<&str> = drift.lines.iter().map(|line| line.text.as_str()).collect();
            let object = json!({
                "version": 1, "type": "drift", "address": drift.address, "target": drift.target,
                "kind": drift.kind.name(), "lines": lines,
            });
            output::line(&object.to_string());
        }
        let object =
            json!({"version": 1, "type": "summary", "stack": stack, "release": release, "drifted": drifts.len()});
        output::line(&object.to_string());
        return;
    }
    for drift in drifts {
        let what = match drift.kind {
            Kind::Changed => "was changed outside the stack",
            Kind::Gone => "is gone or was stopped",
            Kind::Extra => "says that it is the stack's, and no release made it",
        };
        output::line(&paint(Colour::Yellow, &format!("! {}  {what} ({})", drift.address, drift.target)));
        drift.lines.iter().for_each(|line| print_line(line, 1));
        output::line("");
    }
    let text = match drifts.len() {
        0 => format!("No drift. The engine holds what release {release} of stack {stack} left."),
        count => format!(
            "{} drifted since release {release} of stack {stack}. drover apply puts it back as the stack wants it.",
            plural(count as u64, "resource")
        ),
    };
    output::line(&bold(&text));
}
