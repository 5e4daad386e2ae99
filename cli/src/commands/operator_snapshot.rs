//! `operator snapshot …`: the state of a cluster as one archive.

use crate::context::{Context, Program};
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::jobfile::reason;
use crate::output::{self, Table, fields};
use crate::registry::{Invoke, Outcome};
use drover_agent::offline::{archive, archive_view};
use drover_base::error::chain;
use drover_sdk::Query;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;

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
            [] => default_name(context.program),
            [path] => path.clone(),
            _ => return Err(context.usage("This command takes one argument: <file>")),
        };
        if std::path::Path::new(&path).exists() {
            return Err(context.usage(format!("Destination file already exists: {path:?}")));
        }
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

/// `drover-state-20261122-1795373983.snap`.
fn default_name(program: Program) -> String {
    let now = jiff::Timestamp::now();
    format!("{}-state-{}-{}.snap", program.name(), now.strftime("%Y%m%d"), now.as_second())
}

fn one_file<'a>(files: &'a [String], context: &Context) -> Result<&'a str, CliError> {
    match files {
        [path] => Ok(path),
        _ => Err(context.usage("This command takes one argument: <filename>")),
    }
}

fn open(path: &str) -> Result<File, CliError> {
    File::open(path)
        .map_err(|error| CliError::new(format!("Error opening snapshot file: open {path}: {}", reason(&error))))
}

/// Reads and checks an archive; `doing` says for what.
fn read(path: &str, doing: &str) -> Result<archive::Archive, CliError> {
    archive::read(open(path)?)
        .map_err(|error| CliError::new(format!("{doing}: {error}")).hint(format!("{path} is no whole snapshot")))
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
        let path = one_file(&self.file, context)?;
        let archive = read(path, "Error inspecting snapshot")?;
        let counts = archive_view::counts(&archive.state)
            .map_err(|error| CliError::new(format!("Error inspecting snapshot: {}", chain(&error))))?;
        let meta = &archive.meta;
        if self.json {
            let stats: Vec<Value> =
                counts.iter().map(|one| json!({"Name": one.name, "Count": one.count, "Sum": one.bytes})).collect();
            output::line(&output::json(&json!({ "Meta": meta, "Stats": stats })));
            return Ok(0);
        }
        let taken = meta.id.rsplit('-').next().and_then(|millis| millis.parse::<i64>().ok());
        let taken = taken.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        output::line(&fields(&[
            ("Created", taken.map(|taken| taken.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()),
            ("ID", meta.id.clone()),
            ("Size", output::bytes(meta.size)),
            ("Index", meta.index.to_string()),
            ("Term", meta.term.to_string()),
            ("Version", meta.version.to_string()),
        ]));
        let mut table = Table::with_blanks(&["Type", "Count", "Size"]);
        for one in &counts {
            table.row([one.name.to_owned(), one.count.to_string(), output::bytes(one.bytes)]);
        }
        table.row([String::new(), String::new(), String::new()]);
        let (count, bytes) = counts.iter().fold((0, 0), |(count, bytes), one| (count + one.count, bytes + one.bytes));
        table.row(["Total".to_owned(), count.to_string(), output::bytes(bytes)]);
        output::line(&format!("\n{}", table.render()));
        Ok(0)
    }
}

/// Shows what is in an archive.
#[derive(clap::Args)]
pub struct State {
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for State {
    fn invoke(self, context: &Context) -> Outcome {
        let archive = read(one_file(&self.file, context)?, "Failed to read archive file")?;
        let document = archive_view::document(Some(&archive.meta), &archive.state)
            .map_err(|error| CliError::new(format!("Failed to read archive file: {}", chain(&error))))?;
        output::line(&output::json(&document));
        Ok(0)
    }
}

/// Takes the keys out of an archive.
#[derive(clap::Args)]
pub struct Redact {
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for Redact {
    fn invoke(self, context: &Context) -> Outcome {
        let path = one_file(&self.file, context)?;
        let redacted = archive::redact(open(path)?)
            .map_err(|error| CliError::new(format!("Failed to redact snapshot: {error}")))?;
        if let Some(bytes) = redacted {
            let failed = |error: std::io::Error| CliError::new(format!("Failed to write {path}: {}", reason(&error)));
            // Under its name only when it is whole.
            let part = format!("{path}.part");
            std::fs::write(&part, bytes).map_err(failed)?;
            std::fs::rename(&part, path).map_err(failed)?;
        }
        output::line("Snapshot redacted");
        Ok(0)
    }
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
        let path = one_file(&self.file, context)?;
        let archive = std::fs::read(path)
            .map_err(|error| CliError::new(format!("Error opening snapshot file: open {path}: {}", reason(&error))))?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.restore_snapshot(archive).await.during("Failed to get restore snapshot")?;
            output::line("Snapshot Restored");
            Ok(0)
        })
    }
}
