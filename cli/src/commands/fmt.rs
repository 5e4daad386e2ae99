//! `fmt`: brings HCL files into the canonical layout.

use crate::context::Context;
use crate::error::CliError;
use crate::jobfile::reason;
use crate::output::{self, Colour, paint};
use crate::registry::{Invoke, Outcome};
use crate::specfile;
use drover_hcl::Source;
use similar::{ChangeTag, TextDiff};
use std::path::{Path, PathBuf};

/// Lines around a change that a difference shows.
const CONTEXT_LINES: usize = 3;

/// Formats files.
#[derive(clap::Args)]
#[command(next_help_heading = "Format Options")]
pub struct Fmt {
    /// Writes nothing; ends with 1 when a file is not in the canonical layout.
    #[arg(long)]
    check: bool,
    /// Shows the differences.
    #[arg(long)]
    diff: bool,
    /// Names the files that are not in the canonical layout. Default: true.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    list: bool,
    /// Folders with all that is below them.
    #[arg(long)]
    recursive: bool,
    /// Writes the files. Default: true.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    write: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Fmt {
    fn invoke(self, _: &Context) -> Outcome {
        if self.paths.iter().any(|path| path == "-") {
            return self.format_input();
        }
        let here = [".".to_owned()];
        let given = if self.paths.is_empty() { &here } else { self.paths.as_slice() };
        let mut files = Vec::new();
        for path in given {
            find(Path::new(path), self.recursive, &mut files)?;
        }
        let (mut has_fault, mut has_change) = (false, false);
        for file in &files {
            match self.format_file(file) {
                Ok(changed) => has_change |= changed,
                // All files are looked at, so that all faults are seen at once.
                Err(error) => {
                    output::error_line(&error.message);
                    has_fault = true;
                }
            }
        }
        Ok(u8::from(has_fault || (has_change && self.check)))
    }
}

impl Fmt {
    fn format_input(&self) -> Outcome {
        if self.paths.len() > 1 {
            return Err(CliError::new("- for the standard input cannot be given together with files"));
        }
        let text = specfile::read("-")?;
        let formatted = formatted("<stdin>", &text)?;
        if self.diff {
            print_difference("<stdin>", &text, &formatted);
        } else if !self.check || text != formatted {
            output::raw(formatted.as_bytes());
        }
        Ok(u8::from(self.check && text != formatted))
    }

    /// Whether the file was not in the canonical layout.
    fn format_file(&self, path: &Path) -> Result<bool, CliError> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| CliError::new(format!("Error: {name}: {}", reason(&error)));
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let formatted = formatted(&name, &text)?;
        if text == formatted {
            return Ok(false);
        }
        if self.list {
            output::line(&name);
        }
        if self.diff {
            print_difference(&name, &text, &formatted);
        }
        if self.write && !self.check {
            std::fs::write(path, formatted).map_err(failed)?;
        } else if !self.list && !self.diff {
            // Neither named nor written: what would be written is what was asked for.
            output::raw(formatted.as_bytes());
        }
        Ok(true)
    }
}

fn formatted(name: &str, text: &str) -> Result<String, CliError> {
    drover_hcl::format(&Source::new(name, text)).map_err(|problems| CliError::new(problems.to_string()))
}

fn print_difference(name: &str, before: &str, after: &str) {
    let difference = TextDiff::from_lines(before, after);
    let mut text = format!("--- {name}\n+++ {name} (formatted)\n");
    for hunk in difference.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            let shown = match change.tag() {
                ChangeTag::Delete => paint(Colour::Red, &format!("-{line}")),
                ChangeTag::Insert => paint(Colour::Green, &format!("+{line}")),
                ChangeTag::Equal => format!(" {line}"),
            };
            text.push_str(&format!("{shown}\n"));
        }
    }
    output::raw(text.as_bytes());
}

/// The files that a path means: itself, or the HCL files in the folder. Hidden folders are left alone.
fn find(path: &Path, recursive: bool, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("Error: {}: {}", path.display(), reason(&error)));
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        if !is_hcl(&path.to_string_lossy()) {
            let message = format!("Error: {}: only .nomad and .hcl files can be formatted", path.display());
            return Err(CliError::new(message).hint("other files come through the standard input: drover fmt -"));
        }
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    entries.sort_unstable();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        // A link may lead back up here.
        let kind = std::fs::symlink_metadata(&entry).map_err(failed)?.file_type();
        if kind.is_dir() && recursive {
            find(&entry, recursive, files)?;
        } else if kind.is_file() && is_hcl(&name) {
            files.push(entry.strip_prefix(".").map(Path::to_owned).unwrap_or(entry));
        }
    }
    Ok(())
}

fn is_hcl(name: &str) -> bool {
    name.ends_with(".hcl") || name.ends_with(".nomad")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_hcl_files() {
        let root = std::env::temp_dir().join(format!("drover-fmt-{}", std::process::id()));
        std::fs::create_dir_all(root.join("inner")).unwrap();
        std::fs::create_dir_all(root.join(".git")).unwrap();
        for name in ["b.nomad", "a.drover.hcl", "c.txt", "inner/d.hcl", ".git/e.hcl"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let names = |recursive| {
            let mut files = Vec::new();
            find(&root, recursive, &mut files).unwrap();
            files.iter().map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["a.drover.hcl", "b.nomad"]);
        assert_eq!(names(true), ["a.drover.hcl", "b.nomad", "inner/d.hcl"]);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
