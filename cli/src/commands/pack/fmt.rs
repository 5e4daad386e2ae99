//! `pack fmt`: brings a pack's files into the canonical layout, templates included.

use super::one_path;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_hcl::Source;
use drover_packs::{files, layout};
use std::path::Path;

/// Formats packs.
#[derive(clap::Args)]
#[command(next_help_heading = "Format Options")]
pub struct Fmt {
    /// Writes nothing; ends with 1 when a file is not in the canonical layout.
    #[arg(long)]
    check: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Fmt {
    fn invoke(self, context: &Context) -> Outcome {
        let folder = Path::new(one_path(context, &self.paths)?);
        let files = files::read(folder).map_err(|error| explained(&error))?;
        let (mut changed, mut failed) = (false, false);
        for (name, content) in &files {
            let path = folder.join(name);
            let Ok(source) = Source::from_bytes(&path.display().to_string(), content) else { continue };
            match layout::lay_out(&source) {
                None => {}
                Some(Ok(text)) if text == source.text() => {}
                Some(Ok(text)) => {
                    changed = true;
                    output::line(source.name());
                    if !self.check {
                        std::fs::write(&path, text)
                            .map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display())))?;
                    }
                }
                // All files are looked at, so that all faults are seen at once.
                Some(Err(problems)) => {
                    failed = true;
                    output::error_line(&problems.to_string());
                }
            }
        }
        Ok(u8::from(failed || self.check && changed))
    }
}
