//! From what a person typed to the one thing that is meant: whole ids, prefixes, ambiguity.

use crate::error::{CliError, During};
use crate::output::{self, Table};
use drover_model::{Deployment, Evaluation};
use drover_sdk::types::{AllocStub, JobStub, NodeStub};
use drover_sdk::{Client, Query};

/// The shortest prefix of an id that is looked up.
const MIN_PREFIX: usize = 2;

/// The job whose id is, or begins with, `prefix`: its stub, from the namespace it is in.
pub async fn job(client: &Client, prefix: &str) -> Result<JobStub, CliError> {
    job_where(client, prefix, "job", |_| true).await
}

/// As [`job`], among the jobs that `wanted` accepts; `what` names them.
pub async fn job_where(
    client: &Client,
    prefix: &str,
    what: &str,
    wanted: impl Fn(&JobStub) -> bool,
) -> Result<JobStub, CliError> {
    let prefix = prefix.trim();
    let mut jobs = client
        .jobs(&Query::new().prefix(prefix))
        .await
        .during("Error querying job prefix")
        .map_err(|error| named(error, prefix))?
        .value;
    jobs.retain(wanted);
    let every_namespace = client.config().namespace.as_deref() == Some("*");
    let exact = jobs.iter().position(|job| job.id == prefix).filter(|_| !every_namespace || jobs.len() == 1);
    match (exact, jobs.len()) {
        (_, 0) => Err(CliError::new(format!("No {what}(s) with prefix or ID \"{prefix}\" found"))),
        (Some(place), _) => Ok(jobs.swap_remove(place)),
        (None, 1) => Ok(jobs.swap_remove(0)),
        (None, _) => Err(CliError::new(format!(
            "Prefix \"{prefix}\" matched multiple {what}s\n\n{}",
            job_list(&jobs, every_namespace)
        ))),
    }
}

fn named(mut error: CliError, prefix: &str) -> CliError {
    error.message =
        error.message.replacen("Error querying job prefix", &format!("Error querying job prefix \"{prefix}\""), 1);
    error
}

/// The table of jobs.
pub fn job_list(jobs: &[JobStub], with_namespace: bool) -> String {
    let heading: &[&str] = if with_namespace {
        &["ID", "Namespace", "Type", "Priority", "Status", "Submit Date"]
    } else {
        &["ID", "Type", "Priority", "Status", "Submit Date"]
    };
    let mut table = Table::new(heading);
    for job in jobs {
        let mut cells = vec![job.id.clone()];
        if with_namespace {
            cells.push(job.namespace.clone());
        }
        cells.extend([
            job_kind(job),
            job.priority.to_string(),
            job_status(job.status.as_str(), job.stop),
            output::stamp(job.submit_time),
        ]);
        table.push(cells);
    }
    table.render()
}

fn job_kind(job: &JobStub) -> String {
    match (job.periodic, job.parameterized_job) {
        (true, true) => format!("{}/periodic/parameterized", job.kind),
        (true, false) => format!("{}/periodic", job.kind),
        (false, true) => format!("{}/parameterized", job.kind),
        (false, false) => job.kind.clone(),
    }
}

/// `dead (stopped)` for jobs that were stopped.
pub fn job_status(status: &str, stop: bool) -> String {
    if stop { format!("{status} (stopped)") } else { status.to_owned() }
}

/// An id cut so that the engine can look it up: an even number of digits.
///
/// # Errors
/// Shorter than two characters.
fn lookup(prefix: &str) -> Result<String, CliError> {
    let digits = prefix.chars().filter(|c| *c != '-').count();
    if digits < MIN_PREFIX {
        return Err(CliError::new("Identifier must contain at least two characters."));
    }
    let mut cut = prefix.to_owned();
    if digits % 2 == 1 {
        cut.pop();
    }
    Ok(cut.trim_end_matches('-').to_owned())
}

/// Picks the one item of several; `Err` holds those that are left.
fn single<T>(mut items: Vec<T>, typed: &str, id: impl Fn(&T) -> String) -> Result<T, Vec<T>> {
    items.retain(|item| id(item).starts_with(typed));
    if items.len() == 1 { Ok(items.swap_remove(0)) } else { Err(items) }
}

/// The allocation whose id begins with `prefix`.
pub async fn allocation(client: &Client, prefix: &str, verbose: bool) -> Result<AllocStub, CliError> {
    let query = Query::new().prefix(&lookup(prefix)?);
    let found = client.allocations(&query).await.during("Error querying allocation")?.value;
    single(found, prefix, |item| item.id.clone()).map_err(|several| {
        if several.is_empty() {
            return CliError::new(format!("No allocation(s) with prefix or id \"{prefix}\" found"));
        }
        let table = output::alloc_table::short(&several, verbose, output::now());
        CliError::new(format!("Prefix matched multiple allocations\n\n{table}"))
    })
}

/// The node whose id begins with `prefix`.
pub async fn node(client: &Client, prefix: &str, verbose: bool) -> Result<NodeStub, CliError> {
    let query = Query::new().prefix(&lookup(prefix)?);
    let found = client.nodes(&query).await.during("Error querying node info")?.value;
    single(found, prefix, |item| item.id.clone()).map_err(|several| {
        if several.is_empty() {
            return CliError::new(format!("No node(s) with prefix \"{prefix}\" found"));
        }
        let mut table = Table::new(&["ID", "Node Pool", "DC", "Name", "Class", "Drain", "Eligibility", "Status"]);
        for node in &several {
            table.row([
                output::id(&node.id, verbose).to_owned(),
                node.node_pool.clone(),
                node.datacenter.clone(),
                node.name.clone(),
                node.node_class.clone(),
                node.drain.to_string(),
                node.scheduling_eligibility.clone(),
                node.status.clone(),
            ]);
        }
        CliError::new(format!("Prefix matched multiple nodes\n\n{}", table.render()))
    })
}

/// The node that the agent at the address is.
pub async fn own_node(client: &Client) -> Result<String, CliError> {
    let agent = client.agent_self().await.during("Error querying agent info")?;
    match agent["stats"]["client"]["node_id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(CliError::new("Error querying agent info: the agent is not a client")),
    }
}

/// The evaluation whose id begins with `prefix`.
pub async fn evaluation(client: &Client, prefix: &str, verbose: bool) -> Result<Evaluation, CliError> {
    let query = Query::new().prefix(&lookup(prefix)?);
    let found = client.evaluations(&query).await.during("Error querying evaluation")?.value;
    single(found, prefix, |item| item.id.to_string()).map_err(|several| {
        if several.is_empty() {
            return CliError::new(format!("No evaluation(s) with prefix or id \"{prefix}\" found"));
        }
        CliError::new(format!("Prefix matched multiple evaluations\n\n{}", evaluation_list(&several, verbose)))
    })
}

/// The table of evaluations.
pub fn evaluation_list(evals: &[Evaluation], verbose: bool) -> String {
    let mut table = Table::new(&[
        "ID",
        "Priority",
        "Triggered By",
        "Job ID",
        "Namespace",
        "Node ID",
        "Status",
        "Placement Failures",
    ]);
    for eval in evals {
        table.row([
            output::id(&eval.id, verbose).to_owned(),
            eval.priority.to_string(),
            eval.triggered_by.to_string(),
            eval.job_id.to_string(),
            eval.namespace.to_string(),
            output::id(&eval.node_id, verbose).to_owned(),
            eval.status.to_string(),
            placement_failures(eval),
        ]);
    }
    table.render()
}

/// The cell about placement failures of an evaluation.
pub fn placement_failures(eval: &Evaluation) -> String {
    if eval.status == drover_model::EvalStatus::Blocked {
        "N/A - In Progress".to_owned()
    } else {
        (!eval.failed_tg_allocs.is_empty()).to_string()
    }
}

/// The deployment whose id begins with `prefix`.
pub async fn deployment(client: &Client, prefix: &str, verbose: bool) -> Result<Deployment, CliError> {
    let query = Query::new().prefix(&lookup(prefix)?);
    let found = client.deployments(&query).await.during("Error retrieving deployment")?.value;
    single(found, prefix, |item| item.id.to_string()).map_err(|several| {
        if several.is_empty() {
            return CliError::new(format!(
                "Error retrieving deployment: Deployment ID \"{prefix}\" matched no deployments"
            ));
        }
        CliError::new(format!("Prefix matched multiple deployments\n\n{}", deployment_list(&several, verbose)))
    })
}

/// The table of deployments.
pub fn deployment_list(deployments: &[Deployment], verbose: bool) -> String {
    let mut table = Table::new(&["ID", "Job ID", "Job Version", "Status", "Description"]);
    for deployment in deployments {
        table.row([
            output::id(&deployment.id, verbose).to_owned(),
            deployment.job_id.to_string(),
            deployment.job_version.to_string(),
            deployment.status.to_string(),
            deployment.status_description.clone(),
        ]);
    }
    table.render()
}

/// Some allocation of a job, a running one if there is one.
pub async fn allocation_of_job(
    client: &Client,
    typed: &str,
    group: Option<&str>,
    task: Option<&str>,
) -> Result<AllocStub, CliError> {
    let stub = job(client, typed).await?;
    let query = Query::new().namespace(&stub.namespace);
    let mut allocs = client.job_allocations(&stub.id, false, &query).await.during("Error querying allocations")?.value;
    allocs.retain(|alloc| {
        group.is_none_or(|group| alloc.task_group == group)
            && task.is_none_or(|task| alloc.task_states.contains_key(task))
    });
    allocs.sort_by_key(|alloc| (alloc.client_status != "running", std::cmp::Reverse(alloc.create_index)));
    match allocs.into_iter().next() {
        Some(alloc) => Ok(AllocStub { namespace: stub.namespace, ..alloc }),
        None => Err(CliError::new(format!("Error fetching allocations: No allocations for job \"{}\" exist", stub.id))),
    }
}

/// The task of an allocation that has just one.
pub async fn only_task(client: &Client, stub: &AllocStub) -> Result<String, CliError> {
    let alloc = client.allocation(&stub.id, &Query::new()).await.during("Error querying allocation")?.value;
    let tasks = alloc
        .group()
        .map(|group| group.tasks.iter().map(|task| task.name.clone()).collect::<Vec<_>>())
        .unwrap_or_default();
    match tasks.as_slice() {
        [only] => Ok(only.clone()),
        several => Err(CliError::new(format!(
            "Allocation \"{}\" is running the following tasks:\n  * {}\n\nPlease specify the task.",
            output::id(&stub.id, false),
            several.join("\n  * ")
        ))),
    }
}
