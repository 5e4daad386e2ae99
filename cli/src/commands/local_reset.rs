//! `local reset`: ends all jobs of the local engine, the engine, and removes its data.

use crate::context::Context;
use crate::engine::{local_client, local_paths};
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{local, output};
use drover_sdk::{Client, Query, StopOptions};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How long all tasks may take to end.
const MAX_TASKS_S: u64 = 60;
/// Between two looks at them.
const POLL_MS: u64 = 50;

/// Ends everything and starts over.
#[derive(clap::Args)]
pub struct LocalReset {
    /// Asks no questions.
    #[arg(long)]
    yes: bool,
}

impl Invoke for LocalReset {
    fn invoke(self, context: &Context) -> Outcome {
        let failed = |e: local::LocalError| CliError::new(drover_base::error::chain(&e));
        let paths = local_paths()?;
        if !paths.folder.exists() {
            output::line("There is no local engine.");
            return Ok(0);
        }
        if !self.yes && !confirmed(&paths)? {
            output::line("Nothing was changed.");
            return Ok(1);
        }
        if paths.data().exists() {
            // Tasks outlive an engine that was stopped or killed: only an engine can end them.
            let client = local_client()?;
            context.block_on(end_all_jobs(&client))?;
        }
        local::stop(&paths).map_err(failed)?;
        local::wipe(&paths).map_err(failed)?;
        output::line("Ended all jobs and removed the local engine's data.");
        Ok(0)
    }
}

fn confirmed(paths: &local::Paths) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(
            CliError::new("there is no terminal to ask on").hint("give -yes to end all jobs and remove the data")
        );
    }
    dialoguer::Confirm::new()
        .with_prompt(format!("End all jobs of the local engine and remove {}?", paths.data().display()))
        .default(false)
        .interact()
        .map_err(|e| CliError::new(format!("cannot ask: {e}")))
}

async fn end_all_jobs(client: &Client) -> Result<(), CliError> {
    let everywhere = Query::new().namespace("*");
    let jobs: serde_json::Value = client.get("/v1/jobs", &everywhere).await.during("Error listing jobs")?.value;
    for job in jobs.as_array().into_iter().flatten() {
        let text = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
        let options = StopOptions { no_shutdown_delay: true, ..StopOptions::default() };
        client.in_namespace(&text("Namespace")).stop_job(&text("ID"), &options).await.during("Error stopping a job")?;
    }
    let began = Instant::now();
    loop {
        let allocs: serde_json::Value =
            client.get("/v1/allocations", &everywhere).await.during("Error listing allocations")?.value;
        let alive = |alloc: &&serde_json::Value| matches!(alloc["ClientStatus"].as_str(), Some("running" | "pending"));
        let left = allocs.as_array().into_iter().flatten().filter(alive).count();
        if left == 0 {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(MAX_TASKS_S) {
            let message = format!("{left} allocations did not end within {MAX_TASKS_S} s; nothing was removed");
            return Err(CliError::new(message).hint("`drover job status` shows them"));
        }
        tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
    }
}
