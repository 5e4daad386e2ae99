//! `acl auth-method create`, `update`, `delete`.

use super::describe;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::specfile;
use drover_sdk::{Client, Method, NO_BODY, Query};
use serde_json::{Map, Value, json};

/// What a method is.
#[derive(clap::Args)]
struct Settings {
    /// The kind: OIDC or JWT.
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// How long its tokens live, as 1h.
    #[arg(long = "max-token-ttl", value_name = "duration")]
    max_token_ttl: Option<String>,
    /// Where its tokens are known: local or global.
    #[arg(long = "token-locality", value_name = "locality")]
    token_locality: Option<String>,
    /// The names of its tokens, with ${…}; "${auth_method_type}-${auth_method_name}" unless given.
    #[arg(long = "token-name-format", value_name = "format")]
    token_name_format: Option<String>,
    /// A login that names no method uses this one.
    #[arg(long)]
    default: bool,
    /// What it checks, as JSON; @FILE reads a file, - the standard input.
    #[arg(long, value_name = "config")]
    config: Option<String>,
}

impl Settings {
    fn is_empty(&self) -> bool {
        let texts = [&self.kind, &self.max_token_ttl, &self.token_locality, &self.token_name_format, &self.config];
        !self.default && texts.iter().all(|text| text.is_none())
    }

    fn check_choices(&self) -> Result<(), CliError> {
        if self.kind.as_deref().is_some_and(|kind| !matches!(kind.to_uppercase().as_str(), "OIDC" | "JWT")) {
            return Err(CliError::new("ACL auth method type must be set to 'OIDC' or 'JWT'"));
        }
        if self.token_locality.as_deref().is_some_and(|locality| !matches!(locality, "local" | "global")) {
            return Err(CliError::new("Token locality must be set to either 'local' or 'global'"));
        }
        Ok(())
    }

    /// Puts what is given into a method.
    fn write_to(&self, method: &mut Map<String, Value>) -> Result<(), CliError> {
        let texts = [
            ("Type", self.kind.as_ref().map(|kind| kind.to_uppercase())),
            ("MaxTokenTTL", self.max_token_ttl.clone()),
            ("TokenLocality", self.token_locality.clone()),
            ("TokenNameFormat", self.token_name_format.clone()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                method.insert(name.to_owned(), text.into());
            }
        }
        if self.default {
            method.insert("Default".to_owned(), true.into());
        }
        if let Some(config) = &self.config {
            method.insert("Config".to_owned(), read_config(config)?);
        }
        Ok(())
    }
}

fn read_config(given: &str) -> Result<Value, CliError> {
    let text = match given.strip_prefix('@') {
        Some(file) => specfile::read(file)?,
        None if given == "-" => specfile::read("-")?,
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| CliError::new(format!("Unable to parse config: {error}")))
}

/// Makes a method.
#[derive(clap::Args)]
#[command(next_help_heading = "Create Options")]
pub struct Create {
    #[command(flatten)]
    engine: ServerArgs,
    /// Its name.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    format: output::Format,
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        let Some(name) = &self.name else {
            return Err(CliError::new("ACL auth method name must be specified using the -name flag"));
        };
        if self.settings.token_locality.is_none() {
            return Err(CliError::new("Token locality must be set to either 'local' or 'global'"));
        }
        self.settings.check_choices()?;
        if self.settings.kind.is_none() {
            return Err(CliError::new("ACL auth method type must be set to 'OIDC' or 'JWT'"));
        }
        if self.settings.config.is_none() {
            return Err(CliError::new("Must provide ACL auth method config in JSON format"));
        }
        let mut method = Map::from_iter([("Name".to_owned(), json!(name))]);
        self.settings.write_to(&mut method)?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let made: Result<Value, _> =
                client.send(Method::Put, "/v1/acl/auth-method", &Query::new(), Some(&method)).await;
            show(&made.during("Error creating ACL auth method")?, &self.format)
        })
    }
}

/// Changes a method.
#[derive(clap::Args)]
#[command(next_help_heading = "Update Options")]
pub struct Update {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    format: output::Format,
    #[arg(hide = true)]
    method: Vec<String>,
}

impl Invoke for Update {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.method.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_auth_method_name>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(self.update(&client, name))
    }
}

impl Update {
    async fn update(&self, client: &Client, name: &str) -> Outcome {
        let path = format!("/v1/acl/auth-method/{name}");
        let found = client.get::<Map<String, Value>>(&path, &Query::new()).await;
        let mut method = found.during("Error when retrieving ACL auth method")?.value;
        if self.settings.is_empty() {
            return Err(CliError::new("Please provide at least one flag to update the ACL auth method"));
        }
        self.settings.check_choices()?;
        self.settings.write_to(&mut method)?;
        let changed: Result<Value, _> = client.send(Method::Put, &path, &Query::new(), Some(&method)).await;
        show(&changed.during("Error updating ACL auth method")?, &self.format)
    }
}

fn show(method: &Value, format: &output::Format) -> Outcome {
    if format.is_set() {
        format.print(method)?;
    } else {
        output::line(&describe(method));
    }
    Ok(0)
}

/// Removes a method.
#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    method: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.method.as_slice() else {
            return Err(context.usage("This command takes one argument: <acl_auth_method_name>"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let path = format!("/v1/acl/auth-method/{name}");
            let deleted: Result<(), _> = client.send(Method::Delete, &path, &Query::new(), NO_BODY).await;
            deleted.during("Error deleting ACL auth method")?;
            output::line(&format!("ACL auth method {name} successfully deleted"));
            Ok(0)
        })
    }
}
