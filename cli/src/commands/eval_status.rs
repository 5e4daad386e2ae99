//! `eval status`: what an evaluation did.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::During;
use crate::output::{Table, bold, fields, plural};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_model::{DesiredUpdates, Evaluation};
use drover_sdk::Query;
use drover_sdk::types::AllocStub;

/// Shows an evaluation.
#[derive(clap::Args)]
#[command(next_help_heading = "Eval Status Options")]
pub struct EvalStatusCommand {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    format: output::Format,
    /// Goes on until the evaluation has ended.
    #[arg(long)]
    monitor: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    evaluation: Vec<String>,
}

impl Invoke for EvalStatusCommand {
    fn invoke(self, context: &Context) -> Outcome {
        let [typed] = self.evaluation.as_slice() else {
            return Err(context.usage("This command takes one argument"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let found = resolve::evaluation(&client, typed, self.verbose).await?;
            let client = client.in_namespace(&found.namespace);
            if self.monitor {
                return monitor::watch(&client, &found.id, self.verbose).await;
            }
            if self.format.is_set() {
                let path = format!("/v1/evaluation/{}", found.id);
                let value: serde_json::Value =
                    client.get(&path, &Query::new()).await.during("Error querying evaluation")?.value;
                self.format.print(&value)?;
                return Ok(0);
            }
            let eval = client
                .evaluation(&found.id, &Query::new().param("related", "true"))
                .await
                .during("Error querying evaluation")?
                .value;
            let allocs = client.evaluation_allocations(&found.id).await.during("Error querying evaluation")?.value;
            output::line(&describe(&eval, &allocs, self.verbose));
            Ok(0)
        })
    }
}

/// The text about an evaluation.
pub fn describe(eval: &Evaluation, allocs: &[AllocStub], verbose: bool) -> String {
    let now = output::now();
    let time = |at| if verbose { output::stamp(at) } else { output::ago(at, now) };
    let id = |id: &str| output::id(id, verbose).to_owned();
    let status =
        if eval.status_description.is_empty() { eval.status.to_string() } else { eval.status_description.clone() };
    let mut pairs = vec![
        ("ID", id(&eval.id)),
        ("Create Time", time(eval.create_time)),
        ("Modify Time", time(eval.modify_time)),
        ("Status", eval.status.to_string()),
        ("Status Description", status),
        ("Type", eval.kind.clone()),
        ("TriggeredBy", eval.triggered_by.to_string()),
        ("Job ID", eval.job_id.to_string()),
        ("Namespace", eval.namespace.to_string()),
    ];
    if !eval.node_id.is_empty() {
        pairs.push(("Node ID", id(&eval.node_id)));
    }
    pairs.extend([
        ("Priority", eval.priority.to_string()),
        ("Placement Failures", resolve::placement_failures(eval)),
        ("Previous Eval", id(&eval.previous_eval)),
        ("Next Eval", id(&eval.next_eval)),
        ("Blocked Eval", id(&eval.blocked_eval)),
    ]);
    let mut text = fields(&pairs);
    if !eval.related_evals.is_empty() {
        let mut table = Table::new(&["ID", "Priority", "Triggered By", "Node ID", "Status", "Description"]);
        for related in &eval.related_evals {
            table.row([
                id(&related.id),
                related.priority.to_string(),
                related.triggered_by.to_string(),
                id(&related.node_id),
                related.status.to_string(),
                related.status_description.clone(),
            ]);
        }
        text.push_str(&format!("\n\n{}\n{}", bold("Related Evaluations"), table.render()));
    }
    if let Some(annotations) = eval.plan_annotations.as_ref().filter(|notes| !notes.desired_tg_updates.is_empty()) {
        let heading: &[&str] = if verbose {
            &[
                "Task Group",
                "Ignore",
                "Place",
                "Stop",
                "InPlace",
                "Destructive",
                "Migrate",
                "Canary",
                "Preemptions",
                "Reschedule Now",
                "Reschedule Later",
                "Disconnect",
                "Reconnect",
            ]
        } else {
            &["Task Group", "Ignore", "Place", "Stop", "InPlace", "Destructive"]
        };
        let mut table = Table::new(heading);
        for (group, updates) in &annotations.desired_tg_updates {
            let mut cells = vec![group.clone()];
            cells.extend(counts(updates).iter().take(heading.len() - 1).map(ToString::to_string));
            table.push(cells);
        }
        text.push_str(&format!("\n\n{}\n{}", bold("Plan Annotations"), table.render()));
    }
    if !eval.failed_tg_allocs.is_empty() {
        text.push_str(&format!("\n\n{}", bold("Failed Placements")));
        for (group, metric) in &eval.failed_tg_allocs {
            let count = plural(u64::from(metric.coalesced_failures) + 1, "allocation");
            text.push_str(&format!("\nTask Group \"{group}\" (failed to place {count}):"));
            for line in monitor::failure_lines(metric, "  * ") {
                text.push_str(&format!("\n{line}"));
            }
        }
        if !eval.blocked_eval.is_empty() {
            text.push_str(&format!(
                "\n\nEvaluation \"{}\" waiting for additional capacity to place remainder",
                id(&eval.blocked_eval)
            ));
        }
    }
    if !allocs.is_empty() {
        text.push_str(&format!(
            "\n\n{}\n{}",
            bold("Placed Allocations"),
            output::alloc_table::short(allocs, verbose, now)
        ));
    }
    text
}

/// In the order of the columns.
const fn counts(updates: &DesiredUpdates) -> [u64; 12] {
    [
        updates.ignore,
        updates.place,
        updates.stop,
        updates.in_place_update,
        updates.destructive_update,
        updates.migrate,
        updates.canary,
        updates.preemptions,
        updates.reschedule_now,
        updates.reschedule_later,
        updates.disconnect,
        updates.reconnect,
    ]
}
