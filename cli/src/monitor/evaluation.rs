//! Follows an evaluation until it has ended, then the deployment it belongs to.

use super::{deployment, detail, failure_lines, heading};
use crate::error::{CliError, During};
use crate::output::{self, plural};
use drover_model::{EvalStatus, EvalTrigger, Evaluation};
use drover_sdk::types::AllocStub;
use drover_sdk::{Client, Query};
use std::collections::HashMap;
use std::time::Duration;

/// The longest wait between two looks at an evaluation; a change of it comes at once.
const PAUSE: Duration = Duration::from_millis(250);
/// Exit code of a registration that could not place everything.
const PLACEMENT_FAILED: u8 = 2;

/// What was seen so far, so that only changes are told.
#[derive(Default)]
struct Seen {
    triggered: bool,
    deployment: String,
    status: EvalStatus,
    allocs: HashMap<String, String>,
}

/// Follows evaluation `id` and its deployment; the exit code of the command.
///
/// # Errors
/// The engine cannot be asked.
pub async fn watch(client: &Client, id: &str, verbose: bool) -> Result<u8, CliError> {
    let mut id = id.to_owned();
    loop {
        heading(&format!("Monitoring evaluation \"{}\"", output::id(&id, verbose)));
        let eval = until_ended(client, &id, verbose).await?;
        let failed = report_end(&eval, verbose);
        if eval.status == EvalStatus::Failed || eval.status == EvalStatus::Canceled {
            return Ok(1);
        }
        if !eval.next_eval.is_empty() && !eval.wait.is_zero() {
            heading(&format!(
                "Monitoring next evaluation \"{}\" in {}",
                output::id(&eval.next_eval, verbose),
                eval.wait
            ));
            tokio::time::sleep(eval.wait.as_duration()).await;
            id = eval.next_eval.to_string();
            continue;
        }
        let mut code = if failed { PLACEMENT_FAILED } else { 0 };
        if !eval.deployment_id.is_empty() {
            heading(&format!("Monitoring deployment \"{}\"", output::id(&eval.deployment_id, verbose)));
            code = code.max(deployment::watch(client, &eval.deployment_id, verbose).await?);
        }
        return Ok(code);
    }
}

async fn until_ended(client: &Client, id: &str, verbose: bool) -> Result<Evaluation, CliError> {
    let mut seen = Seen::default();
    let mut index = 0;
    loop {
        let answer = client.evaluation(id, &Query::new().newer_than(index, PAUSE)).await;
        let answer = answer.during("Error reading evaluation")?;
        let eval = answer.value;
        index = answer.index;
        // What a pending evaluation has placed is told after the deployment, which is only known when it is complete.
        let allocs = if eval.status == EvalStatus::Pending {
            Vec::new()
        } else {
            client.evaluation_allocations(id).await.during("Error reading allocations")?.value
        };
        tell(&mut seen, &eval, &allocs, verbose);
        if eval.status.is_terminal() {
            return Ok(eval);
        }
    }
}

/// Prints what is new since the last look.
fn tell(seen: &mut Seen, eval: &Evaluation, allocs: &[AllocStub], verbose: bool) {
    if !seen.triggered {
        seen.triggered = true;
        match eval.triggered_by {
            EvalTrigger::NodeUpdate => {
                detail(&format!("Evaluation triggered by node \"{}\"", output::id(&eval.node_id, verbose)));
            }
            EvalTrigger::RollingUpdate | EvalTrigger::MaxPlans if !eval.previous_eval.is_empty() => {
                detail(&format!(
                    "Evaluation triggered by previous evaluation \"{}\"",
                    output::id(&eval.previous_eval, verbose)
                ));
            }
            _ => detail(&format!("Evaluation triggered by job \"{}\"", eval.job_id)),
        }
    }
    if seen.deployment.is_empty() && !eval.deployment_id.is_empty() {
        seen.deployment = eval.deployment_id.to_string();
        detail(&format!("Evaluation within deployment: \"{}\"", output::id(&eval.deployment_id, verbose)));
    }
    for alloc in allocs {
        let name = output::id(&alloc.id, verbose);
        match seen.allocs.insert(alloc.id.clone(), alloc.client_status.clone()) {
            None if alloc.desired_status != "run" => {}
            None => {
                let change = if alloc.create_index < eval.create_index { "modified" } else { "created" };
                detail(&format!(
                    "Allocation \"{name}\" {change}: node \"{}\", group \"{}\"",
                    output::id(&alloc.node_id, verbose),
                    alloc.task_group
                ));
            }
            Some(before) if before != alloc.client_status => {
                let why = if alloc.client_description.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", alloc.client_description)
                };
                detail(&format!(
                    "Allocation \"{name}\" status changed: \"{before}\" -> \"{}\"{why}",
                    alloc.client_status
                ));
            }
            Some(_) => {}
        }
    }
    if seen.status != eval.status {
        detail(&format!("Evaluation status changed: \"{}\" -> \"{}\"", seen.status, eval.status));
        seen.status = eval.status;
    }
}

/// Says how it ended; whether something could not be placed.
fn report_end(eval: &Evaluation, verbose: bool) -> bool {
    let name = output::id(&eval.id, verbose);
    if eval.failed_tg_allocs.is_empty() {
        heading(&format!("Evaluation \"{name}\" finished with status \"{}\"", eval.status));
        return false;
    }
    heading(&format!(
        "Evaluation \"{name}\" finished with status \"{}\" but failed to place all allocations:",
        eval.status
    ));
    for (group, metric) in &eval.failed_tg_allocs {
        let count = plural(u64::from(metric.coalesced_failures) + 1, "allocation");
        detail(&format!("Task Group \"{group}\" (failed to place {count}):"));
        for line in failure_lines(metric, "      * ") {
            output::line(&line);
        }
    }
    if !eval.blocked_eval.is_empty() {
        detail(&format!(
            "Evaluation \"{}\" waiting for additional capacity to place remainder",
            output::id(&eval.blocked_eval, verbose)
        ));
    }
    true
}
