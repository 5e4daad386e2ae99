//! Golden files: what a run rendered once, kept beside the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use similar::TextDiff;

use super::Failure;
use crate::Rendered;

/// Lines around a change that a difference shows.
const CONTEXT_LINES: usize = 3;
/// The most lines of one difference that are shown.
const MAX_DIFF_LINES: usize = 200;

/// The texts of a rendering by path; dependencies in folders of their alias.
pub(super) fn texts(rendered: &Rendered) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    collect(rendered, "", &mut texts);
    texts
}

fn collect(rendered: &Rendered, prefix: &str, texts: &mut BTreeMap<String, String>) {
    let short = |path: &str| {
        let path = path.strip_suffix(".tera").or_else(|| path.strip_suffix(".tpl")).unwrap_or(path);
        format!("{prefix}{}", path.strip_prefix("templates/").unwrap_or(path))
    };
    for dependency in &rendered.dependencies {
        collect(dependency, &format!("{prefix}{}/", dependency.alias), texts);
    }
    texts.extend(rendered.jobs.iter().map(|job| (short(&job.template), job.text.clone())));
    texts.extend(rendered.files.iter().map(|file| (short(&file.path), file.text.clone())));
    if let Some(message) = &rendered.message {
        texts.insert(format!("{prefix}outputs.txt"), message.clone());
    }
}

/// Compares with the files in `folder`.
pub(super) fn compare(folder: &Path, shown: &str, texts: &BTreeMap<String, String>) -> Vec<Failure> {
    const HINT: &str = "`drover pack test -update` writes what is rendered now";
    let mut failures = Vec::new();
    let mut kept = BTreeSet::new();
    if let Err(error) = list(folder, "", &mut kept) {
        let mut failure = Failure::new(format!("the golden folder {shown} cannot be read: {error}"));
        failure.details.push(HINT.to_owned());
        return vec![failure];
    }
    for (path, text) in texts {
        let file = format!("{shown}/{path}");
        if !kept.remove(path) {
            let mut failure = Failure::new(format!("{file} is not there, and the pack renders it"));
            failure.details.push(HINT.to_owned());
            failures.push(failure);
            continue;
        }
        match fs::read_to_string(folder.join(path)) {
            Ok(wanted) if wanted == *text => {}
            Ok(wanted) => {
                let mut failure = Failure::new(format!("{file} is not what the pack renders"));
                failure.details.extend(difference(&wanted, text));
                failure.details.push(HINT.to_owned());
                failures.push(failure);
            }
            Err(error) => failures.push(Failure::new(format!("cannot read {file}: {error}"))),
        }
    }
    for path in kept {
        let mut failure = Failure::new(format!("{shown}/{path} is there, and the pack does not render it any more"));
        failure.details.push(HINT.to_owned());
        failures.push(failure);
    }
    failures
}

fn difference(wanted: &str, text: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(wanted, text);
    let shown = diff.unified_diff().context_radius(CONTEXT_LINES).header("golden", "rendered").to_string();
    let mut lines: Vec<String> = shown.lines().map(str::to_owned).collect();
    if lines.len() > MAX_DIFF_LINES {
        let left = lines.len() - MAX_DIFF_LINES;
        lines.truncate(MAX_DIFF_LINES);
        lines.push(format!("… {left} more lines"));
    }
    lines
}

/// Makes `folder` hold these texts and no others; answers the files that changed.
pub(super) fn update(folder: &Path, texts: &BTreeMap<String, String>) -> io::Result<Vec<PathBuf>> {
    let mut kept = BTreeSet::new();
    if folder.is_dir() {
        list(folder, "", &mut kept)?;
    }
    let mut changed = Vec::new();
    for (path, text) in texts {
        kept.remove(path);
        let file = folder.join(path);
        if fs::read_to_string(&file).is_ok_and(|known| known == *text) {
            continue;
        }
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, text)?;
        changed.push(file);
    }
    for path in kept {
        fs::remove_file(folder.join(&path))?;
        changed.push(folder.join(path));
    }
    Ok(changed)
}

fn list(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name);
        }
    }
    Ok(())
}
