//! `deployment promote|fail|pause|resume`, `job promote`: say what shall become of a deployment.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{monitor, output, resolve};
use drover_model::Deployment;
use drover_sdk::{Client, Method, Query};

/// Promotes canaries.
#[derive(clap::Args)]
#[command(next_help_heading = "Promote Options")]
pub struct Promote {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only this group; may be given several times.
    #[arg(long, value_name = "group")]
    group: Vec<String>,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    deployment: Vec<String>,
}

impl Invoke for Promote {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (client, deployment) = only(&client, context, &self.deployment, self.verbose).await?;
            let done =
                client.promote_deployment(&deployment.id, &self.group).await.during("Error promoting deployment")?;
            follow(&client, &done.eval_id, self.detach, self.verbose).await
        })
    }
}

/// Promotes the canaries of a job's newest deployment.
#[derive(clap::Args)]
#[command(next_help_heading = "Promote Options")]
pub struct PromoteJob {
    #[command(flatten)]
    engine: EngineArgs,
    /// Only this group; may be given several times.
    #[arg(long, value_name = "group")]
    group: Vec<String>,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    job: Vec<String>,
}

impl Invoke for PromoteJob {
    fn invoke(self, context: &Context) -> Outcome {
        let [typed] = self.job.as_slice() else {
            return Err(context.usage("This command takes one argument: <job id>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let job = resolve::job(&client, typed).await?;
            let client = client.in_namespace(&job.namespace);
            let newest =
                client.job_latest_deployment(&job.id, &Query::new()).await.during("Error retrieving deployment")?.value;
            let Some(deployment) = newest else {
                return Err(CliError::new(format!("Unable to find deployment for job \"{}\"", job.id)));
            };
            let what = format!("Error promoting deployment \"{}\" for job \"{}\"", deployment.id, job.id);
            let done = client.promote_deployment(&deployment.id, &self.group).await.during(&what)?;
            follow(&client, &done.eval_id, self.detach, self.verbose).await
        })
    }
}

/// Gives a deployment up.
#[derive(clap::Args)]
#[command(next_help_heading = "Fail Options")]
pub struct Fail {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    deployment: Vec<String>,
}

impl Invoke for Fail {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (client, deployment) = only(&client, context, &self.deployment, self.verbose).await?;
            let done = client.fail_deployment(&deployment.id).await.during("Error failing deployment")?;
            match done.reverted_job_version {
                None => output::line(&format!("Deployment \"{}\" failed", deployment.id)),
                Some(version) => output::line(&format!(
                    "Deployment \"{}\" failed. Auto-reverted to job version {version}.",
                    deployment.id
                )),
            }
            follow(&client, &done.eval_id, self.detach, self.verbose).await
        })
    }
}

/// Lets a deployment of several regions go on.
#[derive(clap::Args)]
#[command(next_help_heading = "Unblock Options")]
pub struct Unblock {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    deployment: Vec<String>,
}

impl Invoke for Unblock {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (client, deployment) = only(&client, context, &self.deployment, self.verbose).await?;
            let path = format!("/v1/deployment/unblock/{}", deployment.id);
            let body = serde_json::json!({ "DeploymentID": deployment.id });
            let sent: Result<serde_json::Value, _> = client.send(Method::Put, &path, &Query::new(), Some(&body)).await;
            let done = sent.during("Error unblocking deployment")?;
            output::line(&format!("Deployment \"{}\" unblocked", deployment.id));
            match done["EvalID"].as_str().filter(|id| !id.is_empty()) {
                Some(eval) => follow(&client, eval, self.detach, self.verbose).await,
                None => Ok(0),
            }
        })
    }
}

/// Holds a deployment.
#[derive(clap::Args)]
#[command(next_help_heading = "Pause Options")]
pub struct Pause {
    #[command(flatten)]
    engine: EngineArgs,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    deployment: Vec<String>,
}

impl Invoke for Pause {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (client, deployment) = only(&client, context, &self.deployment, self.verbose).await?;
            client.pause_deployment(&deployment.id, true).await.during("Error pausing deployment")?;
            output::line(&format!("Deployment \"{}\" paused", deployment.id));
            Ok(0)
        })
    }
}

/// Lets a held deployment go on.
#[derive(clap::Args)]
#[command(next_help_heading = "Resume Options")]
pub struct Resume {
    #[command(flatten)]
    engine: EngineArgs,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    deployment: Vec<String>,
}

impl Invoke for Resume {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let (client, deployment) = only(&client, context, &self.deployment, self.verbose).await?;
            let done = client.pause_deployment(&deployment.id, false).await.during("Error resuming deployment")?;
            output::line(&format!("Deployment \"{}\" resumed", deployment.id));
            follow(&client, &done.eval_id, self.detach, self.verbose).await
        })
    }
}

async fn only(
    client: &Client,
    context: &Context,
    typed: &[String],
    verbose: bool,
) -> Result<(Client, Deployment), CliError> {
    let [typed] = typed else {
        return Err(context.usage("This command takes one argument: <deployment id>"));
    };
    let deployment = resolve::deployment(client, typed, verbose).await?;
    Ok((client.in_namespace(&deployment.namespace), deployment))
}

async fn follow(client: &Client, eval: &str, detach: bool, verbose: bool) -> Outcome {
    if eval.is_empty() {
        return Ok(0);
    }
    if detach {
        output::line(&format!("Evaluation ID: {eval}"));
        return Ok(0);
    }
    monitor::watch(client, eval, verbose).await
}
