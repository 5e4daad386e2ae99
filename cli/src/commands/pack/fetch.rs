//! `pack fetch`: a registry's pack as a folder.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registries;
use crate::registry::{Invoke, Outcome};
use drover_registry::archive::{Limits, MediaType, pack, unpack};
use std::path::PathBuf;

/// Fetches a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Fetch Options")]
pub struct Fetch {
    /// The folder to make; only the place in the cache is told otherwise.
    #[arg(long, value_name = "path")]
    to: Option<PathBuf>,
    #[arg(hide = true)]
    packs: Vec<String>,
}

impl Invoke for Fetch {
    fn invoke(self, context: &Context) -> Outcome {
        let [named] = self.packs.as_slice() else {
            return Err(context.usage("name one pack, as team/web@~>1.2"));
        };
        let folder = registries::folder(named)?;
        let Some(target) = self.to else {
            output::line(&folder.display().to_string());
            return Ok(0);
        };
        if target.exists() {
            return Err(CliError::new(format!("{} is there already", target.display())));
        }
        let limits = Limits::default();
        let copied = pack(&folder, MediaType::default(), &limits)
            .and_then(|archive| unpack(archive.bytes.as_slice(), Some(&archive.digest), &target, &limits));
        let contents = copied.map_err(|error| crate::stacks::explained(&error))?;
        output::line(&format!("{} has {}.", target.display(), output::plural(contents.files, "file")));
        Ok(0)
    }
}
