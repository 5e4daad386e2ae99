//! `pack new`: writes a small pack that works as it is.

use crate::context::Context;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use std::path::{Path, PathBuf};

/// Writes a new pack.
#[derive(clap::Args)]
#[command(next_help_heading = "New Options")]
pub struct New {
    /// Folder to make; the name by default.
    #[arg(long = "to-dir", value_name = "path")]
    to_dir: Option<PathBuf>,
    #[arg(hide = true)]
    names: Vec<String>,
}

impl Invoke for New {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.names.as_slice() else {
            return Err(context.usage("This command takes one argument: <name>"));
        };
        let folder = self.to_dir.unwrap_or_else(|| PathBuf::from(name));
        // A path gives the folder, and its last part the name.
        let name = Path::new(name).file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
        let written = drover_packs::scaffold::write(&name, &folder).map_err(|error| explained(&error))?;
        for path in written {
            output::line(&format!("wrote {}", path.display()));
        }
        output::line(&format!("\nTry it: drover pack render {0}    then: drover pack run {0}", folder.display()));
        Ok(0)
    }
}
