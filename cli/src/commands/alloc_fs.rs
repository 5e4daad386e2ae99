//! `alloc fs`: the files of an allocation.

use super::alloc_logs::last_lines;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output::Table;
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::{Client, FileInfo, Origin};

/// Looks at files.
#[derive(clap::Args)]
#[command(next_help_heading = "FS Specific Options")]
pub struct AllocFs {
    #[command(flatten)]
    engine: EngineArgs,
    /// Sizes in bytes and times as they are.
    #[arg(long = "H")]
    human: bool,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    /// Takes an allocation of the job that is given instead of one.
    #[arg(long)]
    job: bool,
    /// About the entry itself, not its contents.
    #[arg(long)]
    stat: bool,
    /// Goes on as more comes.
    #[arg(long = "f")]
    follow: bool,
    /// Only the end.
    #[arg(long)]
    tail: bool,
    /// With `-tail`: this many lines.
    #[arg(long = "n", value_name = "lines")]
    lines: Option<u64>,
    /// With `-tail`: this many bytes.
    #[arg(long = "c", value_name = "bytes")]
    size: Option<u64>,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for AllocFs {
    fn invoke(self, context: &Context) -> Outcome {
        let (what, path) = match self.arguments.as_slice() {
            [what] => (what, "/"),
            [what, path] => (what, path.as_str()),
            _ => return Err(context.usage("This command takes one or two arguments: <alloc-id> [<path>]")),
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = if self.job {
                resolve::allocation_of_job(&client, what, None, None).await?
            } else {
                resolve::allocation(&client, what, self.verbose).await?
            };
            let client = client.in_namespace(&stub.namespace);
            let plain = |error: drover_sdk::Error| CliError::new(error.to_string());
            let info = client.stat_file(&stub.id, path).await.map_err(plain)?;
            if self.stat {
                let mut table = Table::new(&["Mode", "Size", "Modified Time", "Content Type", "Name"]);
                let time = output::wire_stamp_or(Some(info.mod_time), "<none>");
                table.row([
                    info.file_mode.clone(),
                    self.size_of(&info),
                    time,
                    info.content_type.clone(),
                    name_of(&info),
                ]);
                output::line(&table.render());
            } else if info.is_dir {
                let mut table = Table::new(&["Mode", "Size", "Modified Time", "Name"]);
                for entry in client.list_files(&stub.id, path).await.map_err(plain)? {
                    let time = output::wire_stamp_or(Some(entry.mod_time), "<none>");
                    table.row([entry.file_mode.clone(), self.size_of(&entry), time, name_of(&entry)]);
                }
                output::line(&table.render());
            } else {
                self.contents(&client, &stub.id, path).await?;
            }
            Ok(0)
        })
    }
}

impl AllocFs {
    fn size_of(&self, info: &FileInfo) -> String {
        if self.human { info.size.to_string() } else { output::bytes(u64::try_from(info.size).unwrap_or(0)) }
    }

    async fn contents(&self, client: &Client, alloc: &str, path: &str) -> Result<(), CliError> {
        let plain = |error: drover_sdk::Error| CliError::new(error.to_string());
        if self.follow {
            let (origin, offset) =
                if self.tail { (Origin::End, self.size.unwrap_or(1024)) } else { (Origin::Start, 0) };
            let mut frames = client.follow_file(alloc, path, origin, offset).await.map_err(plain)?;
            while let Some(frame) = frames.next().await.map_err(plain)? {
                output::raw(&frame.data);
            }
            return Ok(());
        }
        let mut bytes = client.cat_file(alloc, path).await.map_err(plain)?;
        let mut held = Vec::new();
        while let Some(piece) = bytes.next().await.map_err(plain)? {
            if self.tail { held.extend_from_slice(&piece) } else { output::raw(&piece) }
        }
        if self.tail {
            let shown = match self.size {
                Some(size) => &held[held.len().saturating_sub(usize::try_from(size).unwrap_or(usize::MAX))..],
                None => last_lines(&held, self.lines.unwrap_or(10)),
            };
            output::raw(shown);
        }
        Ok(())
    }
}

fn name_of(info: &FileInfo) -> String {
    if info.is_dir { format!("{}/", info.name) } else { info.name.clone() }
}
