//! `pack deps` and `pack vendor`: what a pack depends on, and copies of it within the pack.

use super::{load, locator, one_path};
use crate::context::Context;
use crate::output;
use crate::registries;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_packs::vendor::{Node, tree, vendor};
use serde_json::json;
use std::path::Path;

/// Shows what a pack depends on.
#[derive(clap::Args)]
#[command(next_help_heading = "Deps Options")]
pub struct Deps {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Deps {
    fn invoke(self, context: &Context) -> Outcome {
        let pack = load(one_path(context, &self.paths)?)?;
        let root = tree(&pack);
        if self.json {
            output::line(&output::json(&object(&root)));
            return Ok(0);
        }
        output::line(&title(&root));
        print(&root.dependencies, "");
        Ok(0)
    }
}

fn title(node: &Node) -> String {
    let mut text = if node.alias == node.name { node.name.clone() } else { format!("{} = {}", node.alias, node.name) };
    if !node.version.is_empty() {
        text.push_str(&format!(" {}", node.version));
    }
    if !node.source.is_empty() {
        text.push_str(&format!("  ({})", node.source));
    }
    text
}

fn print(nodes: &[Node], indent: &str) {
    for (at, node) in nodes.iter().enumerate() {
        let is_last = at + 1 == nodes.len();
        output::line(&format!("{indent}{} {}", if is_last { "└──" } else { "├──" }, title(node)));
        print(&node.dependencies, &format!("{indent}{}", if is_last { "    " } else { "│   " }));
    }
}

fn object(node: &Node) -> serde_json::Value {
    json!({
        "alias": node.alias, "name": node.name, "version": node.version, "source": node.source,
        "dependencies": node.dependencies.iter().map(object).collect::<Vec<_>>(),
    })
}

/// Copies what a pack depends on into its folder.
#[derive(clap::Args)]
#[command(next_help_heading = "Vendor Options")]
pub struct Vendor {
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Vendor {
    fn invoke(self, context: &Context) -> Outcome {
        let folder = one_path(context, &self.paths)?;
        let packs = registries::packs_of(Path::new(folder))?;
        let done = vendor(Path::new(folder), locator(&packs)).map_err(|error| explained(&error))?;
        for one in &done {
            output::line(&format!("{}: {} -> {}", one.alias, one.from.display(), one.to.display()));
        }
        if done.is_empty() {
            output::line("Everything that the pack depends on is in its folder already.");
        }
        Ok(0)
    }
}
