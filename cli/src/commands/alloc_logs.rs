//! `alloc logs`: what a task wrote.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{output, resolve};
use drover_sdk::{Client, LogOptions, Origin};

/// Streams logs.
#[derive(clap::Args)]
#[command(next_help_heading = "Logs Specific Options")]
pub struct AllocLogs {
    #[command(flatten)]
    engine: EngineArgs,
    /// The standard output, which is the default.
    #[arg(long)]
    stdout: bool,
    /// The standard error.
    #[arg(long)]
    stderr: bool,
    /// The task.
    #[arg(long, value_name = "task-name")]
    task: Option<String>,
    /// With `-job`: an allocation of this group.
    #[arg(long, value_name = "group-name")]
    group: Option<String>,
    /// Takes an allocation of the job that is given instead of one.
    #[arg(long)]
    job: bool,
    /// Goes on as more comes.
    #[arg(long = "f")]
    follow: bool,
    /// Only the end.
    #[arg(long)]
    tail: bool,
    /// With `-tail`: this many lines; ten unless said otherwise.
    #[arg(long = "n", value_name = "lines")]
    lines: Option<u64>,
    /// With `-tail`: this many bytes.
    #[arg(long = "c", value_name = "bytes")]
    size: Option<u64>,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for AllocLogs {
    fn invoke(self, context: &Context) -> Outcome {
        let Some((what, rest)) = self.arguments.split_first() else {
            return Err(context.usage("An allocation ID or job ID is required"));
        };
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let stub = if self.job {
                resolve::allocation_of_job(&client, what, self.group.as_deref(), self.task.as_deref()).await?
            } else {
                resolve::allocation(&client, what, self.verbose).await?
            };
            let client = client.in_namespace(&stub.namespace);
            let task = match self.task.as_ref().or(rest.first()) {
                Some(task) => task.clone(),
                None => resolve::only_task(&client, &stub).await.map_err(|mut error| {
                    error.message.insert_str(0, "Failed to validate task: ");
                    error
                })?,
            };
            let both = self.follow && !self.stdout && !self.stderr;
            if both {
                let out = self.stream(&client, &stub.id, &task, "stdout");
                let err = self.stream(&client, &stub.id, &task, "stderr");
                tokio::try_join!(out, err)?;
                return Ok(0);
            }
            self.stream(&client, &stub.id, &task, if self.stderr { "stderr" } else { "stdout" }).await?;
            Ok(0)
        })
    }
}

/// Bytes per line that are read back from the end of a log to find its last lines.
const BYTES_PER_LINE: u64 = 120;
/// Lines of `-tail` when nothing is said.
const DEFAULT_LINES: u64 = 10;

impl AllocLogs {
    async fn stream(&self, client: &Client, alloc: &str, task: &str, kind: &str) -> Result<(), CliError> {
        let what = format!("Failed to read {kind} file: error reading file");
        let lines = self.lines.or_else(|| self.size.is_none().then_some(DEFAULT_LINES)).filter(|_| self.tail);
        let (origin, offset) = match (self.tail, self.size) {
            (false, _) => (Origin::Start, 0),
            (true, Some(size)) => (Origin::End, size),
            (true, None) => (Origin::End, lines.unwrap_or(DEFAULT_LINES) * BYTES_PER_LINE),
        };
        let options = LogOptions { follow: self.follow, origin, offset };
        let mut frames = client.logs(alloc, task, kind, &options).await.during(&what)?;
        let to_errors = kind == "stderr" && self.follow && !self.stderr;
        let mut held: Option<Vec<u8>> = lines.map(|_| Vec::new());
        while let Some(frame) = frames.next().await.during(&what)? {
            match (&mut held, self.follow) {
                (Some(held), false) => held.extend_from_slice(&frame.data),
                (Some(first), true) => {
                    first.extend_from_slice(&frame.data);
                    print(last_lines(first, lines.unwrap_or(DEFAULT_LINES)), to_errors);
                    held = None;
                }
                (None, _) => print(&frame.data, to_errors),
            }
        }
        if let Some(held) = held {
            print(last_lines(&held, lines.unwrap_or(DEFAULT_LINES)), to_errors);
        }
        Ok(())
    }
}

fn print(bytes: &[u8], to_errors: bool) {
    if to_errors { output::error_raw(bytes) } else { output::raw(bytes) }
}

/// The last `lines` lines of `bytes`.
pub fn last_lines(bytes: &[u8], lines: u64) -> &[u8] {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut seen = 0;
    for (place, byte) in body.iter().enumerate().rev() {
        if *byte == b'\n' {
            seen += 1;
            if seen == lines {
                return &bytes[place + 1..];
            }
        }
    }
    if lines == 0 { &[] } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(last_lines(b"a\nb", 1), b"b");
        assert_eq!(last_lines(b"a\n", 5), b"a\n");
    }
}
