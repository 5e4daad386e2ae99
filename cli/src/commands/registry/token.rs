//! `registry token …`: who may publish to a registry. Works on its storage, whether a server runs or not.

use super::settings::Settings;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_base::error::chain;
use drover_registry_server::access::{Grant, NewToken, StoredToken, Tokens};
use drover_registry_server::config::parse_duration;
use drover_registry_server::storage::Store;
use serde_json::json;

/// Makes a token.
#[derive(clap::Args)]
#[command(next_help_heading = "Token Create Options")]
pub struct Create {
    #[command(flatten)]
    settings: Settings,
    /// Who will use it; stands in the audit log and beside versions.
    #[arg(long, value_name = "name")]
    subject: String,
    /// TEAM:SCOPE[+SCOPE…] with the scopes read, publish, yank and admin, as shop:publish, shop/web-*:publish or *:read;
    /// may be repeated.
    #[arg(long, value_name = "grant", required = true)]
    grant: Vec<Grant>,
    /// How long it lives, as 720h; for ever if not given.
    #[arg(long, value_name = "duration")]
    ttl: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Lists tokens.
#[derive(clap::Args)]
#[command(next_help_heading = "Token List Options")]
pub struct List {
    #[command(flatten)]
    settings: Settings,
    /// Expired and revoked tokens, and those of logins, too.
    #[arg(long)]
    all: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Ends a token.
#[derive(clap::Args)]
#[command(next_help_heading = "Token Revoke Options")]
pub struct Revoke {
    #[command(flatten)]
    settings: Settings,
    #[arg(hide = true)]
    ids: Vec<String>,
}

fn tokens(settings: &Settings) -> Result<Tokens, CliError> {
    let store = Store::open(&settings.config()?.storage).map_err(|error| CliError::new(chain(&error)))?;
    Ok(Tokens::new(store))
}

impl Invoke for Create {
    fn invoke(self, context: &Context) -> Outcome {
        let ttl = self.ttl.as_deref().map(parse_duration).transpose();
        let new = NewToken {
            subject: self.subject,
            grants: self.grant,
            ttl: ttl.map_err(|error| context.usage(format!("-ttl: {error}")))?,
            created_by: "command line".to_owned(),
            from_login: false,
        };
        let tokens = tokens(&self.settings)?;
        let made = context.block_on(async { tokens.create(new).await.map_err(|error| CliError::new(chain(&error))) });
        let (token, stored) = made?;
        if self.json {
            let mut shown = described(&stored);
            shown["token"] = json!(token);
            output::line(&output::json(&shown));
            return Ok(0);
        }
        output::error_line(&format!("Token {} of {}. It is shown only now:", stored.id, stored.subject));
        output::line(&token);
        Ok(0)
    }
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let tokens = tokens(&self.settings)?;
        let found = context.block_on(async { tokens.list().await.map_err(|error| CliError::new(chain(&error))) })?;
        let is_wanted = |token: &&StoredToken| self.all || (token.state() == "live" && !token.from_login);
        let shown: Vec<_> = found.iter().filter(is_wanted).collect();
        if self.json {
            let all: Vec<_> = shown.iter().map(|token| described(token)).collect();
            output::line(&output::json(&all));
            return Ok(0);
        }
        if shown.is_empty() {
            output::line("No tokens; `drover registry token create` makes one.");
            return Ok(0);
        }
        let mut table = Table::with_blanks(&["ID", "Subject", "Grants", "Created", "Ends", "State"]);
        for token in shown {
            let grants: Vec<String> = token.grants.iter().map(Grant::to_string).collect();
            table.row([
                token.id.clone(),
                token.subject.clone(),
                grants.join(" "),
                token.created_at.clone(),
                token.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
                token.state().to_owned(),
            ]);
        }
        output::line(&table.render());
        Ok(0)
    }
}

impl Invoke for Revoke {
    fn invoke(self, context: &Context) -> Outcome {
        if self.ids.is_empty() {
            return Err(context.usage("This command takes the id of a token; `registry token list` shows them"));
        }
        let tokens = tokens(&self.settings)?;
        for id in &self.ids {
            let revoked =
                context.block_on(async { tokens.revoke(id).await.map_err(|error| CliError::new(chain(&error))) });
            match revoked? {
                Some(token) => output::line(&format!("Revoked {} of {}", token.id, token.subject)),
                None => {
                    return Err(CliError::new(format!("there is no token {id:?}")).hint(
                        "`registry token list` shows the ids; they are the part of a token between the first two `_`",
                    ));
                }
            }
        }
        Ok(0)
    }
}

fn described(token: &StoredToken) -> serde_json::Value {
    json!({
        "id": token.id, "subject": token.subject, "grants": token.grants, "created_at": token.created_at,
        "created_by": token.created_by, "expires_at": token.expires_at, "revoked_at": token.revoked_at,
    })
}
