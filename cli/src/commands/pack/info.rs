//! `pack info`: what a pack is and which variables it has.

use super::{load, one_path};
use crate::context::Context;
use crate::output::{self, Table, bold, fields};
use crate::registry::{Invoke, Outcome};
use drover_packs::{Pack, Type};
use serde_json::json;

/// Describes a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Info Options")]
pub struct Info {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Info {
    fn invoke(self, context: &Context) -> Outcome {
        let pack = load(one_path(context, &self.paths)?)?;
        if self.json {
            output::line(&output::json(&describe(&pack)));
            return Ok(0);
        }
        print(&pack);
        Ok(0)
    }
}

fn print(pack: &Pack) {
    let metadata = &pack.metadata;
    output::line(&fields(&[
        ("Name", metadata.name.clone()),
        ("Version", metadata.version.clone()),
        ("Description", metadata.description.clone()),
        ("Application", metadata.url.clone()),
    ]));
    let mut table = Table::with_blanks(&["Variable", "Type", "Default", "Description"]);
    for [name, kind, default, description] in pack.go.iter().flat_map(|pack| pack.described_variables()) {
        table.row([name, kind, if default.is_empty() { "(required)".to_owned() } else { default }, description]);
    }
    for variable in pack.variables.iter() {
        table.row([
            variable.name.to_string(),
            variable.kind.as_ref().map_or_else(|| "any".to_owned(), Type::friendly),
            match &variable.default {
                None => "(required)".to_owned(),
                Some(_) if variable.sensitive => "(sensitive)".to_owned(),
                Some(value) => value.to_json().map(|json| json.to_string()).unwrap_or_default(),
            },
            variable.description.clone().unwrap_or_default(),
        ]);
    }
    if table.len() > 0 {
        output::line(&format!("\n{}\n{}", bold("Variables"), table.render()));
    }
    if !pack.dependencies.is_empty() {
        let mut table = Table::new(&["Dependency", "Pack", "Source"]);
        for dependency in &pack.dependencies {
            table.row([
                dependency.declared.alias.clone(),
                dependency.pack.metadata.name.clone(),
                dependency.declared.source.clone(),
            ]);
        }
        output::line(&format!("\n{}\n{}", bold("Dependencies"), table.render()));
    }
}

fn describe(pack: &Pack) -> serde_json::Value {
    let variables: Vec<_> = pack
        .variables
        .iter()
        .map(|variable| {
            let default = variable.default.as_ref().filter(|_| !variable.sensitive).and_then(|value| value.to_json().ok());
            json!({
                "name": &*variable.name, "type": variable.kind.as_ref().map(Type::friendly), "default": default,
                "required": variable.default.is_none(), "sensitive": variable.sensitive, "description": variable.description,
            })
        })
        .collect();
    let dependencies: Vec<_> = pack
        .dependencies
        .iter()
        .map(|dependency| json!({"alias": dependency.declared.alias, "source": dependency.declared.source, "pack": describe(&dependency.pack)}))
        .collect();
    json!({
        "version": 1, "name": pack.metadata.name, "pack_version": pack.metadata.version, "description": pack.metadata.description,
        "url": pack.metadata.url, "variables": variables, "dependencies": dependencies,
    })
}
