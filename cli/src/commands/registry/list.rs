//! `registry list`: the registries that have names.

use crate::context::Context;
use crate::output::{self, Table};
use crate::registries::Places;
use crate::registry::{Invoke, Outcome};
use drover_registry::sign::PublicKey;
use serde_json::json;

/// Lists registries.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry List Options")]
pub struct List {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Invoke for List {
    fn invoke(self, _context: &Context) -> Outcome {
        let registries = Places::find()?.read_registries()?;
        if self.json {
            let all: Vec<_> = registries
                .named
                .iter()
                .map(|(name, one)| json!({"name": name, "source": one.source, "trusted_keys": one.trusted_keys}))
                .collect();
            let revoked = &registries.revoked_keys;
            output::line(&output::json(&json!({"version": 1, "registries": all, "revoked_keys": revoked})));
            return Ok(0);
        }
        if registries.named.is_empty() {
            output::line("No registry has a name. drover registry add NAME SOURCE gives one.");
            return Ok(0);
        }
        let mut table = Table::with_blanks(&["Registry", "Source", "Signed by"]);
        for (name, one) in &registries.named {
            let keys: Vec<String> = one.trusted_keys.iter().map(PublicKey::id).collect();
            let keys = if keys.is_empty() { "(not asked for)".to_owned() } else { keys.join(", ") };
            table.row([name.clone(), one.source.clone(), keys]);
        }
        output::line(&table.render());
        if !registries.revoked_keys.is_empty() {
            let keys: Vec<&str> = registries.revoked_keys.iter().map(String::as_str).collect();
            output::line(&format!("\nRevoked keys: {}", keys.join(", ")));
        }
        Ok(0)
    }
}
