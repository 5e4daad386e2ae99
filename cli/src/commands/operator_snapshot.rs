//! `operator snapshot …`: the state of a cluster as one archive.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::jobfile::reason;
use crate::output::{self, fields};
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};

/// The largest description that is read from an archive, in bytes.
const MAX_META_BYTES: u64 = 1024 * 1024;

/// Saves the state.
#[derive(clap::Args)]
#[command(next_help_heading = "Snapshot Save Options")]
pub struct Save {
    #[command(flatten)]
    engine: ServerArgs,
    /// Any server may answer, not only the one that leads.
    #[arg(long)]
    stale: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Save {
    fn invoke(self, context: &Context) -> Outcome {
        let path = match self.file.as_slice() {
            [] => format!("drover-state-{}.snap", output::now().0 / 1_000_000_000),
            [path] => path.clone(),
            _ => return Err(context.usage("This command takes one argument: <file>")),
        };
        let client = self.engine.connect(context)?;
        let unwritable = |error: std::io::Error| CliError::new(format!("Failed to write {path}: {}", reason(&error)));
        context.block_on(async {
            let query = if self.stale { Query::new().param("stale", "") } else { Query::new() };
            let mut bytes = client.save_snapshot(&query).await.during("Failed to get snapshot file")?;
            // Under its name only when it is whole.
            let part = format!("{path}.part");
            let mut file = File::create(&part).map_err(unwritable)?;
            while let Some(piece) = bytes.next().await.during("Failed to get snapshot file")? {
                file.write_all(&piece).map_err(unwritable)?;
            }
            file.sync_all().map_err(unwritable)?;
            std::fs::rename(&part, &path).map_err(unwritable)?;
            output::line(&format!("State file written to {path}"));
            Ok(0)
        })
    }
}

/// Describes an archive.
#[derive(clap::Args)]
#[command(next_help_heading = "Snapshot Inspect Options")]
pub struct Inspect {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Inspect {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.file.as_slice() else {
            return Err(context.usage("This command takes one argument: <file>"));
        };
        let file = File::open(path)
            .map_err(|error| CliError::new(format!("Error opening snapshot file: open {path}: {}", reason(&error))))?;
        let meta = description(file).map_err(|error| {
            CliError::new(format!("Error reading snapshot: {error}")).hint(format!("{path} is no whole snapshot"))
        })?;
        if self.json {
            output::line(&output::json(&meta));
            return Ok(0);
        }
        let shown = |name: &str| match &meta[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        output::line(&fields(&["ID", "Size", "Index", "Term", "Version"].map(|name| (name, shown(name)))));
        Ok(0)
    }
}

/// What an archive says about itself: `meta.json` in a compressed tar.
fn description(file: impl Read) -> Result<Value, std::io::Error> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.path()?.ends_with("meta.json") {
            let mut text = String::new();
            entry.take(MAX_META_BYTES).read_to_string(&mut text)?;
            return Ok(serde_json::from_str(&text)?);
        }
    }
    Err(std::io::Error::other("it has no meta.json"))
}

/// Puts a saved state in the place of the cluster's.
#[derive(clap::Args)]
pub struct Restore {
    #[command(flatten)]
    engine: ServerArgs,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Restore {
    fn invoke(self, context: &Context) -> Outcome {
        let [path] = self.file.as_slice() else {
            return Err(context.usage("This command takes one argument: <file>"));
        };
        let archive = std::fs::read(path)
            .map_err(|error| CliError::new(format!("Error opening snapshot file: open {path}: {}", reason(&error))))?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.restore_snapshot(archive).await.during("Error restoring snapshot")?;
            output::line("Snapshot Restored");
            Ok(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_found_in_the_archive() {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, text) in [("state.bin", "x"), ("meta.json", "{\"ID\":\"2-9\",\"Index\":9}")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        let archive = builder.into_inner().unwrap().finish().unwrap();
        assert_eq!(description(archive.as_slice()).unwrap()["Index"], 9);
        assert!(description(b"nonsense".as_slice()).is_err());
    }
}
