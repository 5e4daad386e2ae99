//! `job status`: all jobs, or one with its groups, evaluations, deployment and allocations.

use crate::browser::Pages;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output::{Table, bold, fields};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_model::registry::JobSummary;
use drover_model::{EvalStatus, Evaluation, Job};
use drover_sdk::types::JobStub;
use drover_sdk::{Client, Query};
use serde_json::{Value, json};

/// Shows jobs.
#[derive(clap::Args)]
#[command(next_help_heading = "Status Options")]
pub struct JobStatus {
    #[command(flatten)]
    engine: EngineArgs,
    /// Allocations of a former job of the same id too.
    #[arg(long = "all-allocs")]
    all_allocs: bool,
    /// The evaluations too.
    #[arg(long)]
    evals: bool,
    #[command(flatten)]
    format: output::Format,
    /// Only the job itself.
    #[arg(long)]
    short: bool,
    /// Shows whole ids and times.
    #[arg(long)]
    verbose: bool,
    /// Opens the job in the web interface of the engine, where it has one.
    #[arg(long)]
    ui: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for JobStatus {
    fn invoke(self, context: &Context) -> Outcome {
        if self.job.len() > 1 {
            let help = format!("For additional help try '{} status -help'", context.program.name());
            return Err(CliError::usage("This command takes either no arguments or one: <job>", help));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let pages = if self.ui { Some(Pages::of(&client).await?) } else { None };
            match self.job.first() {
                None => self.list(&client).await,
                Some(typed) => {
                    let stub = resolve::job(&client, typed).await?;
                    if let Some(pages) = pages {
                        pages.open(&format!("jobs/{}@{}", stub.id, stub.namespace));
                    }
                    self.show(&client.in_namespace(&stub.namespace), &stub.id).await
                }
            }
        })
    }
}

impl JobStatus {
    /// The options of `status ID`, which shows jobs as this command does.
    pub fn plain(engine: EngineArgs, verbose: bool) -> Self {
        Self {
            engine,
            all_allocs: false,
            evals: false,
            format: output::Format::default(),
            short: false,
            verbose,
            ui: false,
            job: Vec::new(),
        }
    }

    /// Every job.
    pub async fn list(&self, client: &Client) -> Outcome {
        if self.format.is_set() {
            let jobs: Value = client.get("/v1/jobs", &Query::new()).await.during("Error querying jobs")?.value;
            self.format.print(&jobs)?;
            return Ok(0);
        }
        let jobs = client.jobs(&Query::new()).await.during("Error querying jobs")?.value;
        let text = if jobs.is_empty() {
            "No running jobs".to_owned()
        } else {
            resolve::job_list(&jobs, self.engine.all_namespaces())
        };
        output::line(&text);
        Ok(0)
    }

    /// One job.
    pub async fn show(&self, client: &Client, id: &str) -> Outcome {
        if self.format.is_set() {
            return self.show_json(client, id).await;
        }
        let job = client.job(id, &Query::new()).await.during("Error querying job")?.value;
        output::line(&basics(&job));
        if self.short {
            return Ok(0);
        }
        if job.periodic.is_some() && !job.stop {
            output::line(
                &self.children(client, &job, "Previously Launched Jobs", "No instances of periodic job found").await?,
            );
        } else if job.parameterized_job.is_some() && !job.dispatched {
            output::line(&self.parameterized(client, &job).await?);
        } else {
            self.details(client, &job).await?;
        }
        Ok(0)
    }

    async fn show_json(&self, client: &Client, id: &str) -> Outcome {
        let segment = id.replace('/', "%2F");
        let read = |tail: &'static str| {
            let path = format!("/v1/job/{segment}/{tail}");
            async move {
                client.get::<Value>(&path, &Query::new()).await.during("Error querying job").map(|answer| answer.value)
            }
        };
        let mut evaluations = read("evaluations").await?;
        if let Some(evaluations) = evaluations.as_array_mut() {
            evaluations.sort_by_key(|eval| std::cmp::Reverse(eval["CreateIndex"].as_u64()));
        }
        let status = json!([{
            "Allocations": read("allocations").await?,
            "Evaluations": evaluations,
            "LatestDeployment": read("deployment").await?,
            "Outdated": "nothing",
            "Summary": read("summary").await?,
        }]);
        self.format.print(&status)?;
        Ok(0)
    }

    async fn details(&self, client: &Client, job: &Job) -> Result<(), CliError> {
        let none = Query::new();
        let summary = client.job_summary(&job.id, &none).await.during("Error querying job summary")?.value;
        let mut evals = client.job_evaluations(&job.id, &none).await.during("Error querying job evaluations")?.value;
        evals.sort_by_key(|eval| std::cmp::Reverse(eval.create_index));
        let deployment =
            client.job_latest_deployment(&job.id, &none).await.during("Error querying latest job deployment")?.value;
        let mut allocs = client
            .job_allocations(&job.id, self.all_allocs, &none)
            .await
            .during("Error querying job allocations")?
            .value;
        allocs.sort_by_key(|alloc| std::cmp::Reverse(alloc.create_index));
        let mut text = format!("\n{}\n{}", bold("Summary"), summary_table(&summary));
        if self.evals || self.verbose {
            text.push_str(&format!("\n\n{}\n{}", bold("Evaluations"), evaluations_table(&evals, self.verbose)));
        }
        if let Some(failures) = placement_failures(&evals) {
            text.push_str(&failures);
        }
        if let Some(deployment) = deployment {
            let mut pairs = vec![
                ("ID", output::id(&deployment.id, self.verbose).to_owned()),
                ("Status", deployment.status.to_string()),
                ("Description", deployment.status_description.clone()),
            ];
            if deployment.is_multiregion {
                pairs.insert(1, ("Multiregion", "true".to_owned()));
            }
            text.push_str(&format!("\n\n{}\n{}", bold("Latest Deployment"), fields(&pairs)));
            if !deployment.task_groups.is_empty() {
                text.push_str(&format!("\n\n{}\n{}", bold("Deployed"), monitor::groups_table(&deployment)));
            }
        }
        let table = output::alloc_table::of_job(&allocs, self.verbose, output::now());
        text.push_str(&format!("\n\n{}\n{table}", bold("Allocations")));
        output::line(&text);
        Ok(())
    }

    async fn parameterized(&self, client: &Client, job: &Job) -> Result<String, CliError> {
        let config = job.parameterized_job.clone().unwrap_or_default();
        let payload = if config.payload.is_empty() { "optional".to_owned() } else { config.payload };
        let about = fields(&[
            ("Payload", payload),
            ("Required Metadata", config.meta_required.join(", ")),
            ("Optional Metadata", config.meta_optional.join(", ")),
        ]);
        let children =
            self.children(client, job, "Dispatched Jobs", "No dispatched instances of parameterized job found").await?;
        Ok(format!(
            "\n{}\n{about}\n{}",
            bold("Parameterized Job"),
            children.replacen("Children Job Summary", "Parameterized Job Summary", 1)
        ))
    }

    async fn children(&self, client: &Client, job: &Job, title: &str, none: &str) -> Result<String, CliError> {
        let summary = client.job_summary(&job.id, &Query::new()).await.during("Error querying job summary")?.value;
        let counts = summary.children.unwrap_or_default();
        let mut table = Table::new(&["Pending", "Running", "Dead"]);
        table.row([counts.pending.to_string(), counts.running.to_string(), counts.dead.to_string()]);
        let mut text = format!("\n{}\n{}\n", bold("Children Job Summary"), table.render());
        let all = client.jobs(&Query::new().prefix(&format!("{}/", job.id))).await.during("Error querying job")?.value;
        let children: Vec<JobStub> = all.into_iter().filter(|child| child.parent_id == *job.id).collect();
        if children.is_empty() {
            text.push_str(&format!("\n{none}"));
            return Ok(text);
        }
        let mut table = Table::new(&["ID", "Status"]);
        for child in children {
            table.row([child.id, resolve::job_status(&child.status, child.stop)]);
        }
        text.push_str(&format!("\n{}\n{}", bold(title), table.render()));
        Ok(text)
    }
}

fn basics(job: &Job) -> String {
    let periodic = job.periodic.is_some();
    let mut pairs = vec![
        ("ID", job.id.to_string()),
        ("Name", job.name.clone()),
        ("Submit Date", output::stamp(job.submit_time)),
        ("Type", job.kind.to_string()),
        ("Priority", job.priority.to_string()),
        ("Datacenters", job.datacenters.join(",")),
        ("Namespace", job.namespace.to_string()),
        ("Node Pool", job.node_pool.clone()),
        ("Status", resolve::job_status(job.status.as_str(), job.stop)),
        ("Periodic", periodic.to_string()),
        ("Parameterized", (job.parameterized_job.is_some() && !job.dispatched).to_string()),
    ];
    if let Some(periodic) = job.periodic.as_ref().filter(|_| !job.stop) {
        let next = if periodic.enabled { None } else { Some("none (job disabled)".to_owned()) };
        if let Some(next) = next {
            pairs.push(("Next Periodic Launch", next));
        }
    }
    fields(&pairs)
}

fn summary_table(summary: &JobSummary) -> String {
    let mut table =
        Table::new(&["Task Group", "Queued", "Starting", "Running", "Failed", "Complete", "Lost", "Unknown"]);
    for (group, counts) in &summary.summary {
        table.row([
            group.clone(),
            counts.queued.to_string(),
            counts.starting.to_string(),
            counts.running.to_string(),
            counts.failed.to_string(),
            counts.complete.to_string(),
            counts.lost.to_string(),
            counts.unknown.to_string(),
        ]);
    }
    table.render()
}

fn evaluations_table(evals: &[Evaluation], verbose: bool) -> String {
    let mut table = Table::new(&["ID", "Priority", "Triggered By", "Status", "Placement Failures"]);
    for eval in evals {
        table.row([
            output::id(&eval.id, verbose).to_owned(),
            eval.priority.to_string(),
            eval.triggered_by.to_string(),
            eval.status.to_string(),
            resolve::placement_failures(eval),
        ]);
    }
    table.render()
}

/// What could not be placed, when an evaluation still waits for room.
fn placement_failures(evals: &[Evaluation]) -> Option<String> {
    evals.iter().find(|eval| eval.status == EvalStatus::Blocked)?;
    let failed = evals.iter().find(|eval| eval.status == EvalStatus::Complete && !eval.failed_tg_allocs.is_empty())?;
    let mut text = format!("\n\n{}", bold("Placement Failure"));
    for (group, metric) in &failed.failed_tg_allocs {
        text.push_str(&format!("\nTask Group \"{group}\":"));
        for line in monitor::failure_lines(metric, "  * ") {
            text.push_str(&format!("\n{line}"));
        }
        text.push('\n');
    }
    text.pop();
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_job_says_so() {
        let job: Job = serde_json::from_str(
            r#"{"ID":"wcli","Name":"wcli","Type":"service","Priority":50,"Datacenters":["dc1"],"Namespace":"default",
               "NodePool":"default","Status":"dead","Stop":true,"SubmitTime":1795361051000000000}"#,
        )
        .unwrap();
        let text = basics(&job);
        assert!(text.starts_with("ID            = wcli\nName          = wcli\nSubmit Date   = "), "{text}");
        assert!(
            text.contains("\nStatus        = dead (stopped)\nPeriodic      = false\nParameterized = false"),
            "{text}"
        );
    }
}
