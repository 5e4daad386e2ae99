//! `registry login` and `registry logout`: who one is to a registry.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::prompt;
use crate::registries::{Places, source};
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_registry::client::http::HttpClient;
use drover_registry::client::oci::OciClient;
use drover_registry::client::{ClientContext, Credential};
use drover_registry::source::Source;
use std::io::Read as _;
use std::sync::Arc;

/// Keeps a token or password of a registry, after trying it.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Login Options")]
pub struct Login {
    /// The user, of registries of images.
    #[arg(long, value_name = "name")]
    username: Option<String>,
    /// Reads the token from the standard input; asked for otherwise.
    #[arg(long)]
    token_stdin: bool,
    /// Reads the password from the standard input; asked for otherwise.
    #[arg(long)]
    password_stdin: bool,
    #[arg(hide = true)]
    registries: Vec<String>,
}

/// Forgets the token or password of a registry.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Logout Options")]
pub struct Logout {
    #[arg(hide = true)]
    registries: Vec<String>,
}

/// The host that a credential is kept for.
fn host(source: &Source) -> Result<String, CliError> {
    match source {
        Source::Oci(source) => Ok(source.host.clone()),
        Source::Http(source) => {
            let after = source.base.split_once("://").map_or(source.base.as_str(), |(_, rest)| rest);
            Ok(after.split('/').next().unwrap_or(after).to_owned())
        }
        Source::Git(_) => {
            Err(CliError::new("git keeps its own credentials").hint("set up a credential helper of git, or an ssh key"))
        }
        Source::Folder(_) => Err(CliError::new("a folder needs no login")),
    }
}

fn one<'a>(context: &Context, registries: &'a [String]) -> Result<&'a str, CliError> {
    match registries {
        [one] => Ok(one),
        _ => Err(context.usage("name one registry: its name, or its source as oci://HOST")),
    }
}

impl Invoke for Login {
    fn invoke(self, context: &Context) -> Outcome {
        let source = source(one(context, &self.registries)?)?;
        let host = host(&source)?;
        let secret = self.secret(&host)?;
        let credential = match (&source, self.username) {
            (Source::Oci(_), Some(username)) => Credential::Password { username, password: secret },
            (Source::Oci(_), None) => {
                return Err(context.usage("-username is needed for a registry of images"));
            }
            _ => Credential::Token(secret),
        };
        let places = Places::find()?;
        let kept = places.context()?;
        let mut tried = (*kept.credentials).clone();
        tried.given.insert(host.clone(), credential.clone());
        let tried = ClientContext { credentials: Arc::new(tried), ..kept.clone() };
        let who = context.block_on(check(&source, &tried))?;
        kept.credentials
            .keep(&host, Some(credential))
            .map_err(|error| CliError::new(format!("the credential cannot be kept: {error}")))?;
        output::line(&format!("Logged in to {host}{who}."));
        Ok(0)
    }
}

impl Login {
    fn secret(&self, host: &str) -> Result<String, CliError> {
        if self.token_stdin || self.password_stdin {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| CliError::new(format!("cannot read the standard input: {error}")))?;
            return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        let typed = prompt::hidden(&format!("Token or password for {host}"));
        typed.map(|secret| secret.expose().clone()).ok_or_else(|| {
            CliError::new("there is no terminal to ask for the token on, or none was typed")
                .hint("-token-stdin reads it from the standard input")
        })
    }
}

async fn check(source: &Source, context: &ClientContext) -> Result<String, CliError> {
    match source {
        Source::Http(source) => {
            let client = HttpClient::new(source, context).map_err(|error| explained(&error))?;
            let who = client.who_am_i().await.map_err(|error| explained(&error))?;
            Ok(format!(" as {}", who.subject))
        }
        Source::Oci(source) => {
            let client = OciClient::new(source, context).map_err(|error| explained(&error))?;
            client.check_login().await.map_err(|error| explained(&error))?;
            Ok(String::new())
        }
        _ => Ok(String::new()),
    }
}

impl Invoke for Logout {
    fn invoke(self, context: &Context) -> Outcome {
        let host = host(&source(one(context, &self.registries)?)?)?;
        let known = Places::find()?
            .context()?
            .credentials
            .keep(&host, None)
            .map_err(|error| CliError::new(format!("the credential cannot be forgotten: {error}")))?;
        output::line(&if known { format!("Logged out of {host}.") } else { format!("Nothing was kept for {host}.") });
        Ok(0)
    }
}
