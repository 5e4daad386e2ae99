//! `local logs`: the log of the local engine itself.

use crate::context::Context;
use crate::engine::local_paths;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

/// How far from its end the log is read for the last lines.
const MAX_TAIL_BYTES: u64 = 4 << 20;
/// Between two looks for new lines.
const FOLLOW_MS: u64 = 200;

/// Shows the log.
#[derive(clap::Args)]
pub struct LocalLogs {
    /// The last lines; 0 for all.
    #[arg(long = "n", value_name = "lines", default_value_t = 100)]
    lines: usize,
    /// Goes on with what comes.
    #[arg(long = "f")]
    follow: bool,
}

impl Invoke for LocalLogs {
    fn invoke(self, _: &Context) -> Outcome {
        let path = local_paths()?.log();
        let failed = |e: std::io::Error| {
            CliError::new(format!("cannot read {}: {e}", path.display()))
                .hint("no local engine was started yet, or it was reset")
        };
        let mut file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(if self.lines == 0 { 0 } else { length.saturating_sub(MAX_TAIL_BYTES) }))
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        output::raw(last_lines(&bytes, self.lines));
        if !self.follow {
            return Ok(0);
        }
        loop {
            std::thread::sleep(Duration::from_millis(FOLLOW_MS));
            bytes.clear();
            file.read_to_end(&mut bytes).map_err(failed)?;
            output::raw(&bytes);
        }
    }
}

fn last_lines(bytes: &[u8], lines: usize) -> &[u8] {
    let ends = bytes.iter().enumerate().rev().filter(|(i, byte)| **byte == b'\n' && i + 1 != bytes.len());
    match (lines, ends.map(|(i, _)| i).nth(lines.saturating_sub(1))) {
        (1.., Some(end)) => &bytes[end + 1..],
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_lines_are_whole() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(last_lines(b"a\nb\nc", 1), b"c");
        assert_eq!(last_lines(b"a\nb\n", 9), b"a\nb\n");
        assert_eq!(last_lines(b"a\nb\n", 0), b"a\nb\n");
    }
}
