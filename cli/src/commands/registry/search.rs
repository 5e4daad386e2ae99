//! `registry search`: packs in registries.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table};
use crate::registries::Places;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_registry::client::client;
use drover_registry::source::Source;
use serde_json::json;
use std::path::Path;

/// Searches registries.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Search Options")]
pub struct Search {
    /// Only in this registry.
    #[arg(long, value_name = "name")]
    registry: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

impl Invoke for Search {
    fn invoke(self, context: &Context) -> Outcome {
        let places = Places::find()?;
        let registries = places.read_registries()?;
        let chosen: Vec<_> = registries
            .named
            .iter()
            .filter(|(name, _)| self.registry.as_ref().is_none_or(|wanted| wanted == *name))
            .collect();
        if chosen.is_empty() {
            return Err(
                CliError::new("there is no registry to search in").hint("drover registry add NAME SOURCE adds one")
            );
        }
        let text = self.words.join(" ");
        let client_context = places.context()?;
        let mut rows = Vec::new();
        let mut failed = false;
        for (name, registry) in chosen {
            let found = context.block_on(async {
                let source = Source::parse(&registry.source, Path::new("/")).map_err(|error| explained(&error))?;
                let client = client(&source, &client_context).map_err(|error| explained(&error))?;
                client.search(&text).await.map_err(|error| explained(&error))
            });
            match found {
                Ok(found) => rows.extend(found.into_iter().map(|pack| (name.clone(), pack))),
                // The others are searched all the same.
                Err(error) => {
                    failed = true;
                    output::error_line(&format!("{name}: {}", error.message));
                }
            }
        }
        if self.json {
            let row = |(name, pack): &(String, drover_registry::client::FoundPack)| json!({"registry": name, "pack": pack.pack, "latest": pack.latest, "description": pack.description});
            output::line(&output::json(&json!({"version": 1, "packs": rows.iter().map(row).collect::<Vec<_>>()})));
        } else if rows.is_empty() {
            output::line("No pack was found.");
        } else {
            let mut table = Table::with_blanks(&["Pack", "Latest", "Description"]);
            for (name, pack) in rows {
                table.row([format!("{name}/{}", pack.pack), pack.latest.unwrap_or_default(), pack.description]);
            }
            output::line(&table.render());
        }
        Ok(u8::from(failed))
    }
}
