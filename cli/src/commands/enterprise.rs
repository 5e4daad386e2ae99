//! `license`, `sentinel`, `recommendation`, `operator utilization`: families of the reference's enterprise edition. The
//! engine answers them as the open build does; against an engine that has them they work.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::{Client, Error, Method, NO_BODY, Query};
use serde_json::{Value, json};

/// Sends a request and prints what comes back, if anything.
async fn ask(client: &Client, method: Method, path: &str, body: Option<&Value>, what: &str) -> Outcome {
    let sent: Result<Value, Error> = match body {
        Some(body) => client.send(method, path, &Query::new(), Some(body)).await,
        None => client.send(method, path, &Query::new(), NO_BODY).await,
    };
    let answer = sent.during(what)?;
    if !answer.is_null() {
        output::line(&output::json(&answer));
    }
    Ok(0)
}

/// Shows the licence.
#[derive(clap::Args)]
pub struct LicenseGet {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for LicenseGet {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.raw("GET", "/v1/operator/license", &[], None).await;
            let (status, _, body) = answer.map_err(|error| CliError::new(format!("Error getting license: {error}")))?;
            if status == 204 {
                return Err(CliError::new("Error getting license: Nomad Enterprise only endpoint"));
            }
            output::raw(&body);
            Ok(0)
        })
    }
}

/// A command about one named thing.
#[derive(clap::Args)]
pub struct Named {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    names: Vec<String>,
}

impl Named {
    fn one(&self, context: &Context, what: &str) -> Result<&str, CliError> {
        match self.names.as_slice() {
            [name] => Ok(name),
            _ => Err(context.usage(format!("This command takes one argument: <{what}>"))),
        }
    }
}

/// Lists policies.
#[derive(clap::Args)]
pub struct SentinelList {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for SentinelList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let path = "/v1/sentinel/policies";
        context.block_on(ask(&client, Method::Get, path, None, "Error listing Sentinel policies"))
    }
}

/// Shows a policy.
#[derive(clap::Args)]
#[command(next_help_heading = "Read Options")]
pub struct SentinelRead {
    #[command(flatten)]
    named: Named,
    /// Only the text of the policy.
    #[arg(long)]
    raw: bool,
}

impl Invoke for SentinelRead {
    fn invoke(self, context: &Context) -> Outcome {
        let path = format!("/v1/sentinel/policy/{}", self.named.one(context, "name")?);
        let client = self.named.engine.connect(context)?;
        context.block_on(async {
            let answer = client.get::<Value>(&path, &Query::new()).await;
            let policy = answer.during("Error querying Sentinel policy")?.value;
            output::line(&match policy["Policy"].as_str().filter(|_| self.raw) {
                Some(text) => text.to_owned(),
                None => output::json(&policy),
            });
            Ok(0)
        })
    }
}

/// Removes a policy.
#[derive(clap::Args)]
pub struct SentinelDelete {
    #[command(flatten)]
    named: Named,
}

impl Invoke for SentinelDelete {
    fn invoke(self, context: &Context) -> Outcome {
        let path = format!("/v1/sentinel/policy/{}", self.named.one(context, "name")?);
        let client = self.named.engine.connect(context)?;
        context.block_on(ask(&client, Method::Delete, &path, None, "Error deleting Sentinel policy"))
    }
}

/// Writes a policy.
#[derive(clap::Args)]
#[command(next_help_heading = "Apply Options")]
pub struct SentinelApply {
    #[command(flatten)]
    engine: ServerArgs,
    /// For people.
    #[arg(long, value_name = "text", default_value = "")]
    description: String,
    /// When it is enforced: submit-job, submit-host-volume, submit-csi-volume.
    #[arg(long, value_name = "scope")]
    scope: Option<String>,
    /// advisory, soft-mandatory, hard-mandatory.
    #[arg(long, value_name = "level", default_value = "advisory")]
    level: String,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for SentinelApply {
    fn invoke(self, context: &Context) -> Outcome {
        let [name, file] = self.arguments.as_slice() else {
            return Err(context.usage("This command takes exactly two arguments: <name> <file>"));
        };
        let scope = self.scope.ok_or_else(|| CliError::new("-scope flag is required"))?;
        let text = crate::specfile::read(file)?;
        let policy = json!({
            "Name": name,
            "Description": self.description,
            "Scope": scope,
            "EnforcementLevel": self.level,
            "Policy": text,
        });
        let client = self.engine.connect(context)?;
        let path = format!("/v1/sentinel/policy/{name}");
        context.block_on(ask(&client, Method::Put, &path, Some(&policy), "Error writing Sentinel policy"))
    }
}

/// Lists recommendations.
#[derive(clap::Args)]
#[command(next_help_heading = "Recommendation List Options")]
pub struct RecommendationList {
    #[command(flatten)]
    engine: ServerArgs,
    /// Of this job.
    #[arg(long, value_name = "job")]
    job: Option<String>,
    /// Of this group of it.
    #[arg(long, value_name = "group")]
    group: Option<String>,
    /// Of this task of that.
    #[arg(long, value_name = "task")]
    task: Option<String>,
    #[command(flatten)]
    form: output::Format,
}

impl Invoke for RecommendationList {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let mut query = Query::new();
        for (name, value) in [("job", &self.job), ("group", &self.group), ("task", &self.task)] {
            if let Some(value) = value {
                query = query.param(name, value.as_str());
            }
        }
        context.block_on(async {
            let answer = client.get::<Value>("/v1/recommendations", &query).await;
            self.form.print(&answer.during("Error listing recommendations")?.value)?;
            Ok(0)
        })
    }
}

/// Shows a recommendation.
#[derive(clap::Args)]
#[command(next_help_heading = "Recommendation Info Options")]
pub struct RecommendationInfo {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    form: output::Format,
}

impl Invoke for RecommendationInfo {
    fn invoke(self, context: &Context) -> Outcome {
        let path = format!("/v1/recommendation/{}", self.named.one(context, "recommendation_id")?);
        let client = self.named.engine.connect(context)?;
        context.block_on(async {
            let answer = client.get::<Value>(&path, &Query::new()).await;
            self.form.print(&answer.during("Error reading recommendation")?.value)?;
            Ok(0)
        })
    }
}

/// Applies recommendations.
#[derive(clap::Args)]
#[command(next_help_heading = "Recommendation Apply Options")]
pub struct RecommendationApply {
    #[command(flatten)]
    named: Named,
    /// Does not wait.
    #[arg(long)]
    detach: bool,
    /// Also where a soft-mandatory policy forbids it.
    #[arg(long = "policy-override")]
    policy_override: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
}

impl Invoke for RecommendationApply {
    fn invoke(self, context: &Context) -> Outcome {
        if self.named.names.is_empty() {
            return Err(context.usage("This command takes at least one argument: <recommendation_id>"));
        }
        let body = json!({ "Apply": self.named.names, "Dismiss": [], "PolicyOverride": self.policy_override });
        let client = self.named.engine.connect(context)?;
        let (path, what) = ("/v1/recommendations/apply", "Error applying recommendations");
        context.block_on(ask(&client, Method::Post, path, Some(&body), what))
    }
}

/// Dismisses recommendations.
#[derive(clap::Args)]
pub struct RecommendationDismiss {
    #[command(flatten)]
    named: Named,
}

impl Invoke for RecommendationDismiss {
    fn invoke(self, context: &Context) -> Outcome {
        if self.named.names.is_empty() {
            return Err(context.usage("This command takes at least one argument: <recommendation_id>"));
        }
        let body = json!({ "Apply": [], "Dismiss": self.named.names });
        let client = self.named.engine.connect(context)?;
        let (path, what) = ("/v1/recommendations/apply", "Error dismissing recommendations");
        context.block_on(ask(&client, Method::Post, path, Some(&body), what))
    }
}

/// Makes a report of utilization.
#[derive(clap::Args)]
pub struct Utilization {
    #[command(flatten)]
    engine: ServerArgs,
    /// Why it is made.
    #[arg(long, value_name = "text")]
    message: Option<String>,
    /// Where it is written.
    #[arg(long, value_name = "path")]
    output: Option<String>,
    /// Only of the last 24 hours.
    #[arg(long = "today-only")]
    today_only: bool,
}

impl Invoke for Utilization {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let mut query = Query::new().param("today", self.today_only.to_string());
        if let Some(message) = &self.message {
            query = query.param("message", message.as_str());
        }
        context.block_on(async {
            let path = "/v1/operator/utilization";
            let sent: Result<Value, Error> = client.send(Method::Post, path, &query, NO_BODY).await;
            let bundle = sent.during("Error generating bundle")?;
            match &self.output {
                Some(file) => super::write_new(file, &bundle.to_string())?,
                None => output::line(&output::json(&bundle)),
            }
            Ok(0)
        })
    }
}
