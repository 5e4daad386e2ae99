//! Follows a deployment until it has ended: a block that is redrawn on a terminal, blocks in a row without one.

use crate::error::{CliError, During};
use crate::output::{self, Table, fields};
use drover_model::{Deployment, DeploymentStatus};
use drover_sdk::{Client, Query};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// The longest that one read may block.
const WAIT: Duration = Duration::from_secs(300);
/// Wait after a read that came back at once.
const PAUSE: Duration = Duration::from_millis(200);
/// Time between two pictures of the spinner.
const TURN: Duration = Duration::from_millis(100);

/// The lines of a deployment, with its groups when it has any.
pub fn describe(deployment: &Deployment, verbose: bool) -> String {
    let mut text = fields(&[
        ("ID", output::id(&deployment.id, verbose).to_owned()),
        ("Job ID", deployment.job_id.to_string()),
        ("Job Version", deployment.job_version.to_string()),
        ("Status", deployment.status.to_string()),
        ("Description", deployment.status_description.clone()),
    ]);
    if !deployment.task_groups.is_empty() {
        text.push_str(&format!("\n\n{}\n{}", output::bold("Deployed"), groups_table(deployment)));
    }
    text
}

/// The groups of a deployment.
pub fn groups_table(deployment: &Deployment) -> String {
    let groups = &deployment.task_groups;
    let auto_revert = groups.values().any(|group| group.auto_revert);
    let canaries = groups.values().any(|group| group.desired_canaries > 0);
    let deadline = groups.values().any(|group| !group.progress_deadline.is_zero());
    let mut heading = vec!["Task Group"];
    if auto_revert {
        heading.push("Auto Revert");
    }
    if canaries {
        heading.push("Promoted");
    }
    heading.push("Desired");
    if canaries {
        heading.push("Canaries");
    }
    heading.extend(["Placed", "Healthy", "Unhealthy"]);
    if deadline {
        heading.push("Progress Deadline");
    }
    let mut table = Table::new(&heading);
    for (name, group) in groups {
        let mut cells = vec![name.clone()];
        if auto_revert {
            cells.push(group.auto_revert.to_string());
        }
        if canaries {
            cells.push(if group.desired_canaries > 0 { group.promoted.to_string() } else { "N/A".to_owned() });
        }
        cells.push(group.desired_total.to_string());
        if canaries {
            cells.push(if group.desired_canaries > 0 { group.desired_canaries.to_string() } else { "N/A".to_owned() });
        }
        cells.extend([
            group.placed_allocs.to_string(),
            group.healthy_allocs.to_string(),
            group.unhealthy_allocs.to_string(),
        ]);
        if deadline {
            cells.push(output::wire_stamp_or(group.require_progress_by, "N/A"));
        }
        table.push(cells);
    }
    table.render()
}

/// Follows deployment `id` to its end; 1 when it failed.
///
/// # Errors
/// The engine cannot be asked.
pub async fn watch(client: &Client, id: &str, verbose: bool) -> Result<u8, CliError> {
    let live = std::io::stdout().is_terminal().then(spinner);
    let mut index = 0;
    loop {
        let answer =
            client.deployment(id, &Query::new().newer_than(index, WAIT)).await.during("Error fetching deployment")?;
        let deployment = answer.value;
        let text = format!("{}\n{}", output::stamp(output::now()), describe(&deployment, verbose));
        let ended = exit_code(deployment.status);
        match &live {
            None => output::line(&format!("    \n{text}")),
            Some(live) => {
                let block = format!("\n\n    {}", text.replace('\n', "\n    "));
                let name = format!("Deployment \"{}\"", output::id(&deployment.id, verbose));
                match ended {
                    None => live.set_message(format!("{name} in progress...{block}")),
                    Some(code) => {
                        live.finish_and_clear();
                        let mark = if code == 0 { "✓" } else { "!" };
                        output::line(&format!("  {mark} {name} {}{block}", deployment.status));
                    }
                }
            }
        }
        if let Some(code) = ended {
            return Ok(code);
        }
        if answer.index <= index {
            tokio::time::sleep(PAUSE).await;
        }
        index = answer.index;
    }
}

/// A block that turns and is drawn again when it changes.
fn spinner() -> ProgressBar {
    // The template is constant, so it is right or every run fails at once.
    let style = ProgressStyle::with_template("  {spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style);
    spinner.enable_steady_tick(TURN);
    spinner
}

/// What the command ends with, once the deployment has ended.
const fn exit_code(status: DeploymentStatus) -> Option<u8> {
    match status {
        DeploymentStatus::Failed => Some(1),
        DeploymentStatus::Successful | DeploymentStatus::Cancelled => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_add_their_columns() {
        let json = r#"{"ID":"8c88ee28-6086-6683-6ad0-864b73643cf9","JobID":"web","JobVersion":1,"Status":"running",
            "StatusDescription":"Deployment is running but requires manual promotion",
            "TaskGroups":{"main":{"DesiredCanaries":1,"DesiredTotal":1,"PlacedAllocs":1,"HealthyAllocs":1,"Promoted":false}}}"#;
        let deployment: Deployment = serde_json::from_str(json).unwrap();
        let expected = "ID          = 8c88ee28\nJob ID      = web\nJob Version = 1\nStatus      = running\n\
            Description = Deployment is running but requires manual promotion\n\nDeployed\n\
            Task Group  Promoted  Desired  Canaries  Placed  Healthy  Unhealthy\n\
            main        false     1        1         1       1        0";
        assert_eq!(describe(&deployment, false), expected);
    }
}
