//! `pack list`: the packs in a folder.

use super::one_path;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};
use drover_packs::{Pack, files};
use std::path::PathBuf;

/// Lists packs.
#[derive(clap::Args)]
#[command(next_help_heading = "List Options")]
pub struct List {
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for List {
    fn invoke(self, context: &Context) -> Outcome {
        let path = one_path(context, &self.paths)?;
        let entries = std::fs::read_dir(path).map_err(|error| CliError::new(format!("cannot read {path}: {error}")))?;
        let mut folders: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| files::is_pack(path)).collect();
        if files::is_pack(&PathBuf::from(path)) {
            folders.push(PathBuf::from(path));
        }
        folders.sort();
        if folders.is_empty() {
            output::line(&format!("There is no pack in {path}."));
            return Ok(0);
        }
        let mut table = Table::with_blanks(&["Pack", "Version", "Description", "Folder"]);
        for folder in folders {
            let shown = folder.display().to_string();
            match Pack::load(&folder) {
                Ok(pack) => table.row([pack.metadata.name, pack.metadata.version, pack.metadata.description, shown]),
                Err(_) => {
                    table.row(["(broken)".to_owned(), String::new(), "see drover pack validate".to_owned(), shown]);
                }
            }
        }
        output::line(&table.render());
        Ok(0)
    }
}
