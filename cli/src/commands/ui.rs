//! `ui`: the web interface in the person's browser.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{browser, output};
use drover_sdk::{Client, Error, Method, NO_BODY, Query};
use serde_json::{Value, json};

/// Opens the web interface.
#[derive(clap::Args)]
#[command(next_help_heading = "UI Options")]
pub struct Ui {
    #[command(flatten)]
    engine: EngineArgs,
    /// Logs in with a one-time token that the person's token is exchanged for.
    #[arg(long)]
    authenticate: bool,
    /// Prints the address instead of opening it.
    #[arg(long = "show-url")]
    show_url: bool,
    #[arg(hide = true)]
    identifier: Vec<String>,
}

impl Invoke for Ui {
    fn invoke(self, context: &Context) -> Outcome {
        if self.identifier.len() > 1 {
            return Err(context.usage("This command takes no or one optional argument, [<identifier>]"));
        }
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let mut url = client.config().address.trim_end_matches('/').to_owned();
            if let Some(identifier) = self.identifier.first() {
                url = format!("{url}{}", page(&client, identifier).await?);
            }
            if self.authenticate {
                let sent: Result<Value, Error> =
                    client.send(Method::Post, "/v1/acl/token/onetime", &Query::new(), NO_BODY).await;
                let token = sent.during("Could not get one-time token")?;
                let secret = token["OneTimeToken"]["OneTimeSecretID"].as_str().unwrap_or_default();
                let mark = if url.contains('?') { '&' } else { '?' };
                url = format!("{url}{mark}ott={secret}");
            }
            if self.show_url {
                output::line(&format!("URL for web UI: {url}"));
                return Ok(0);
            }
            // The one-time token is not for whoever looks over the shoulder.
            let shown = url.split("ott=").next().unwrap_or_default().trim_end_matches(['?', '&']);
            output::line(&format!("Opening URL \"{shown}\""));
            if browser::open(&url) {
                return Ok(0);
            }
            Err(CliError::new("Error opening URL: no program was found that opens one (xdg-open, open, wslview)"))
        })
    }
}

/// The page of what an identifier names.
async fn page(client: &Client, identifier: &str) -> Result<String, CliError> {
    let body = json!({ "Prefix": identifier, "Context": "all" });
    let sent: Result<Value, Error> = client.send(Method::Post, "/v1/search", &Query::new(), Some(&body)).await;
    let found = sent.during("Error querying search with id")?;
    let matches = |context: &str| -> Vec<String> {
        let list = found["Matches"][context].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let pages = [
        ("jobs", "/ui/jobs/"),
        ("allocs", "/ui/allocations/"),
        ("nodes", "/ui/clients/"),
        ("namespaces", "/ui/jobs?namespace="),
    ];
    for (context, base) in pages {
        let ids = matches(context);
        let exact = ids.iter().find(|id| *id == identifier);
        match (exact, ids.as_slice()) {
            (Some(id), _) | (None, [id]) => return Ok(format!("{base}{id}")),
            (None, []) => {}
            (None, several) => {
                let text = format!("Multiple matches for identifier \"{identifier}\": {}", several.join(", "));
                return Err(CliError::new(text));
            }
        }
    }
    Err(CliError::new(format!("No matches found for identifier \"{identifier}\"")))
}
