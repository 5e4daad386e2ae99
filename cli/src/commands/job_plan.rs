//! `job plan`: what a job file would change, and whether it would fit.

use super::job_run::print_warnings;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::jobfile::JobFileArgs;
use crate::output::diff;
use crate::output::{Colour, bold, paint, plural};
use crate::registry::{Invoke, Outcome};
use crate::{jobcheck, monitor, output};
use drover_sdk::types;

const HINT: &str = "When running the job with the check-index flag, the job will only be run if the\n\
job modify index given matches the server-side version. If the index has\n\
changed, another user has modified the job and the plan's results are\n\
potentially invalid.";

/// Shows what a job file would change.
#[derive(clap::Args)]
#[command(next_help_heading = "Plan Options")]
pub struct JobPlan {
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    file: JobFileArgs,
    /// Shows the differences. Default: true.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    diff: bool,
    /// Overrides soft policies.
    #[arg(long = "policy-override")]
    policy_override: bool,
    /// Prints the answer as JSON.
    #[arg(long = "json-output")]
    json_output: bool,
    /// Prints the answer through a Go template.
    #[arg(long = "t", value_name = "template")]
    template: Option<String>,
    /// Shows unchanged fields too.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    path: Vec<String>,
}

impl Invoke for JobPlan {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.path.as_slice() else {
            return Err(context.usage("This command takes one argument: <path>"));
        };
        let file = self.file.load(path)?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let client = match file.namespace().filter(|_| client.config().namespace.is_none()) {
                Some(namespace) => client.in_namespace(namespace),
                None => client.clone(),
            };
            let format = output::Format { json: self.json_output, template: self.template.clone() };
            if format.is_set() {
                let planned = client.plan_job_json(file.id(), &file.job, self.diff, self.policy_override).await;
                let answer =
                    planned.map_err(|error| jobcheck::failed(context.program, &file, "Error during plan", error))?;
                format.print(&answer)?;
                let plan: types::JobPlan = serde_json::from_value(answer).unwrap_or_default();
                return Ok(exit_code(&plan));
            }
            let plan = client
                .plan_job(file.id(), &file.job, self.diff, self.policy_override)
                .await
                .map_err(|error| jobcheck::failed(context.program, &file, "Error during plan", error))?;
            if let Some(diff) = plan.diff.as_ref().filter(|_| self.diff) {
                output::line(&format!("{}\n", diff::job(diff, self.verbose)));
            }
            output::line(&format!("{}\n{}", bold("Scheduler dry-run:"), dry_run(&plan)));
            output::line("");
            print_warnings(&plan.warnings);
            let command = format!(
                "{} job run -check-index {} {}{path}",
                context.program.name(),
                plan.job_modify_index,
                self.file.as_flags()
            );
            output::line(&format!(
                "{}\nTo submit the job with version verification run:\n\n{command}\n\n{HINT}",
                bold(&format!("Job Modify Index: {}", plan.job_modify_index))
            ));
            Ok(exit_code(&plan))
        })
    }
}

/// What the scheduler would do, in lines.
fn dry_run(plan: &types::JobPlan) -> String {
    let mut lines = Vec::new();
    if plan.failed_tg_allocs.is_empty() {
        lines.push(paint(Colour::Green, "- All tasks successfully allocated."));
    } else {
        lines.push(paint(Colour::Yellow, "- WARNING: Failed to place all allocations."));
        let mut groups = Vec::new();
        for (group, metric) in &plan.failed_tg_allocs {
            let count = plural(u64::from(metric.coalesced_failures) + 1, "allocation");
            let mut text = paint(Colour::Yellow, &format!("  Task Group \"{group}\" (failed to place {count}):"));
            for line in monitor::failure_lines(metric, "    * ") {
                text.push('\n');
                text.push_str(&paint(Colour::Yellow, &line));
            }
            groups.push(text);
        }
        lines.push(groups.join("\n\n"));
    }
    let preempted = plan.annotations.as_ref().map_or(0, |notes| notes.preempted_allocs.len());
    if preempted > 0 {
        lines.push(paint(Colour::Yellow, &format!("- Preemptions: {}", plural(preempted as u64, "allocation"))));
    }
    if let Some(next) = plan.next_periodic_launch.nanos() {
        let text = format!(
            "- If submitted now, next periodic launch would be at {} ({}).",
            output::stamp(next),
            output::ago(next, output::now())
        );
        lines.push(paint(Colour::Green, &text));
    }
    lines.join("\n")
}

/// 0 when the job stays as it is or no allocation would be made or removed, else 1.
fn exit_code(plan: &types::JobPlan) -> u8 {
    if plan.diff.as_ref().is_some_and(|diff| diff.kind == "None") {
        return 0;
    }
    let Some(notes) = &plan.annotations else { return 0 };
    let changed = notes.desired_tg_updates.values().any(|updates| {
        updates.stop + updates.place + updates.migrate + updates.destructive_update + updates.canary > 0
    });
    u8::from(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(json: &str) -> types::JobPlan {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_made_or_removed_allocations_count_as_changes() {
        assert_eq!(exit_code(&plan(r#"{"Annotations":{"DesiredTGUpdates":{"g":{"Ignore":2,"InPlaceUpdate":1}}}}"#)), 0);
        assert_eq!(exit_code(&plan(r#"{"Annotations":{"DesiredTGUpdates":{"g":{"Place":1}}}}"#)), 1);
    }

    #[test]
    fn groups_that_do_not_fit_are_told_apart() {
        let plan = plan(
            r#"{"FailedTGAllocs":{"g":{"NodesEvaluated":1,"CoalescedFailures":1,"DimensionExhausted":{"memory":1}}}}"#,
        );
        assert_eq!(
            dry_run(&plan),
            "- WARNING: Failed to place all allocations.\n  Task Group \"g\" (failed to place 2 allocations):\n    * Dimension \"memory\" exhausted on 1 nodes"
        );
    }
}
