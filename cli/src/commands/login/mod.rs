//! `login`: a token for an identity that somebody else vouches for.

mod callback;

use self::callback::Callback;
use crate::commands::acl;
use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{browser, output};
use drover_base::uuid;
use drover_model::acl::AclToken;
use drover_sdk::{Client, Method, Query};
use serde::Deserialize;
use serde_json::{Value, json};

/// Where the browser comes back to, unless said otherwise.
const DEFAULT_CALLBACK: &str = "localhost:4649";

/// Logs in.
#[derive(clap::Args)]
#[command(next_help_heading = "Login Options")]
pub struct Login {
    #[command(flatten)]
    engine: ServerArgs,
    /// The way to log in; the default one unless given.
    #[arg(long, value_name = "name")]
    method: Option<String>,
    /// Where to wait for the browser, as HOST:PORT.
    #[arg(long = "oidc-callback-addr", value_name = "address", default_value = DEFAULT_CALLBACK)]
    callback: String,
    /// The token of the issuer, for methods of type JWT.
    #[arg(long = "login-token", value_name = "token")]
    login_token: Option<String>,
    #[command(flatten)]
    format: output::Format,
}

/// A method as lists show it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MethodStub {
    name: String,
    #[serde(rename = "Type")]
    kind: String,
    default: bool,
}

impl Invoke for Login {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(self.login(&client))
    }
}

impl Login {
    async fn login(&self, client: &Client) -> Outcome {
        let method = self.choose(client).await?;
        let token = match method.kind.as_str() {
            "OIDC" => self.through_browser(client, &method.name).await?,
            _ => self.with_token(client, &method.name).await?,
        };
        if !self.format.is_set() {
            output::line(&format!("Successfully logged in via {} and {}\n", method.kind, method.name));
        }
        acl::token::print(&self.format, &token)
    }

    async fn choose(&self, client: &Client) -> Result<MethodStub, CliError> {
        let found = client.get::<Vec<MethodStub>>("/v1/acl/auth-methods", &Query::new()).await;
        let methods = found.during("Error: could not retrieve methods from the state store")?.value;
        match &self.method {
            Some(name) => methods
                .into_iter()
                .find(|method| method.name == *name)
                .ok_or_else(|| CliError::new(format!("Error: method {name} not found in the state store. "))),
            None => methods.into_iter().find(|method| method.default).ok_or_else(|| {
                let text = "Must specify an auth method name, no default found";
                CliError::new(text).hint("`-method NAME` names one; `acl auth-method list` lists them")
            }),
        }
    }

    async fn with_token(&self, client: &Client, method: &str) -> Result<AclToken, CliError> {
        let Some(token) = self.login_token.as_deref().filter(|token| !token.is_empty()) else {
            return Err(CliError::new("You need to provide a login token."));
        };
        let body = json!({ "AuthMethodName": method, "LoginToken": token });
        let sent: Result<AclToken, _> = client.send(Method::Post, "/v1/acl/login", &Query::new(), Some(&body)).await;
        sent.during("Error performing login")
    }

    async fn through_browser(&self, client: &Client, method: &str) -> Result<AclToken, CliError> {
        let failed = |error: std::io::Error| {
            let hint = "`-oidc-callback-addr HOST:PORT` names another address";
            CliError::new(format!("Error starting the OIDC callback server at {}: {error}", self.callback)).hint(hint)
        };
        let callback = Callback::listen(&self.callback).await.map_err(failed)?;
        let (nonce, redirect) = (uuid::random(), callback.redirect_uri());
        let body = json!({ "AuthMethodName": method, "RedirectURI": redirect, "ClientNonce": nonce });
        let sent: Result<Value, _> =
            client.send(Method::Post, "/v1/acl/oidc/auth-url", &Query::new(), Some(&body)).await;
        let answer = sent.during("Error performing login")?;
        let url = answer["AuthURL"].as_str().unwrap_or_default();
        let opened = browser::open(url);
        let lead = if opened { "A browser was opened; if it shows nothing, go to" } else { "To log in, go to" };
        output::error_line(&format!("{lead}\n\n    {url}\n"));
        let back = callback.wait().await.map_err(|error| CliError::new(format!("Error performing login: {error}")))?;
        let body = json!({
            "AuthMethodName": method, "RedirectURI": redirect, "ClientNonce": nonce,
            "State": back.state, "Code": back.code,
        });
        let sent: Result<AclToken, _> =
            client.send(Method::Post, "/v1/acl/oidc/complete-auth", &Query::new(), Some(&body)).await;
        sent.during("Error performing login")
    }
}
