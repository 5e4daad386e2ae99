//! `show`: a saved plan, or what runs of a stack.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use crate::stacks::saved::{self, IdentityArgs};
use crate::stacks::{StackArgs, engine_error, explained, print_plan};
use drover_stack::desired::Target;
use drover_stack::{Engine, Live};
use serde_json::json;

/// Shows a saved plan or a live stack.
#[derive(clap::Args)]
#[command(next_help_heading = "Show Options")]
pub struct Show {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    #[arg(hide = true)]
    path: Option<String>,
}

impl Invoke for Show {
    fn invoke(self, context: &Context) -> Outcome {
        let path = self.path.as_deref().unwrap_or(".");
        if let Some(saved) = saved::read(path, &self.identity)? {
            let plan = saved.preview().map_err(|error| explained(&error))?;
            if !self.stack.json {
                output::line(&format!("Saved plan of {} against {}.\n", plan.created_at, saved.engine()));
            }
            print_plan(&plan, self.stack.json);
            return Ok(0);
        }
        let session = self.stack.evaluate(path, context)?;
        let engine = self.stack.connect(context, Some(&session.desired))?;
        context.block_on(show(&engine, &session.desired.stack, &session.desired.namespace, self.stack.json))
    }
}

/// What the engine holds of a stack.
pub async fn show(engine: &Engine, stack: &str, namespace: &str, json: bool) -> Result<u8, CliError> {
    let live = engine.read_owned(stack, namespace).await.map_err(|error| engine_error(&error))?;
    let mut rows = Vec::new();
    for owned in live.owned(stack) {
        let status = match owned.target.inner() {
            Target::Job { namespace, id } => {
                let there = engine.of(&owned.target).map_err(|error| engine_error(&error))?;
                let job = there.job_json(namespace, id).await.map_err(|error| engine_error(&error))?;
                job.and_then(|job| job["Status"].as_str().map(str::to_owned)).unwrap_or_default()
            }
            _ => "present".to_owned(),
        };
        rows.push((owned, status));
    }
    if json {
        let resources: Vec<_> = rows
            .iter()
            .map(|(owned, status)| json!({"address": owned.address, "target": owned.target, "status": status}))
            .collect();
        let record = &live.record;
        let object = json!({
            "version": 1, "stack": stack, "release": record.release, "resources": resources,
            "outputs": record.outputs, "history": record.history,
        });
        output::line(&output::json(&object));
        return Ok(0);
    }
    print(stack, &live, &rows);
    Ok(0)
}

fn print(stack: &str, live: &Live, rows: &[(drover_stack::plan::Owned, String)]) {
    let last = live.record.history.first();
    let status = last
        .and_then(|release| serde_json::to_value(release.status).ok())
        .and_then(|word| word.as_str().map(str::to_owned));
    output::line(&fields(&[
        ("Stack", stack.to_owned()),
        ("Release", live.record.release.to_string()),
        ("Applied", last.map(|release| release.at.clone()).unwrap_or_default()),
        ("Result", status.unwrap_or_default()),
    ]));
    if rows.is_empty() {
        output::line("\nThe engine holds nothing of this stack.");
        return;
    }
    let mut table = Table::new(&["Resource", "What", "Status"]);
    for (owned, status) in rows {
        table.row([owned.address.clone(), owned.target.to_string(), status.clone()]);
    }
    output::line(&format!("\n{}", table.render()));
    if !live.record.outputs.is_empty() {
        output::line("\nOutputs");
        for (name, value) in &live.record.outputs {
            output::line(&format!("{name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
    }
}
