//! `pack convert`: a pack of Go templates as one of Tera templates, checked by rendering both.

use super::{load, request};
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{VariableArgs, explained};
use drover_packs::{Pack, Rendered, lint};
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Converts a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Convert Options")]
pub struct Convert {
    #[command(flatten)]
    variables: VariableArgs,
    /// Folder to make; the pack's with -tera at its end by default.
    #[arg(long = "to-dir", value_name = "path")]
    to_dir: Option<PathBuf>,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Convert {
    fn invoke(self, context: &Context) -> Outcome {
        let [given] = self.paths.as_slice() else {
            return Err(
                context.usage("This command takes one argument: <path>, the folder of a pack with Go templates")
            );
        };
        let pack = load(given)?;
        let files = drover_packs::convert::convert(&pack).map_err(|problems| explained(&problems))?;
        let folder =
            self.to_dir.clone().unwrap_or_else(|| PathBuf::from(format!("{}-tera", given.trim_end_matches('/'))));
        if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(CliError::new(format!("{} is there already and not empty", folder.display()))
                .hint("choose another folder with -to-dir, or remove it"));
        }
        for (name, content) in &files {
            write(&folder.join(name), content)?;
        }
        drover_packs::vendor::copy_dependencies(Path::new(given), &folder).map_err(|error| explained(&error))?;
        let converted = load(&folder.display().to_string())?;
        let before = texts(&self.render(&pack, context)?);
        let after = texts(&self.render(&converted, context)?);
        let differences = differences(&before, &after);
        output::line(&format!("wrote {} ({} files)", folder.display(), files.len()));
        if differences.is_empty() {
            output::line("Both render the same jobs and files.");
            return Ok(0);
        }
        differences.iter().for_each(|text| output::line(text.trim_end()));
        output::error_line("They do not render the same; the differences are above.");
        Ok(1)
    }
}

impl Convert {
    /// With the values that are given, and with made-up ones for what has none.
    fn render(&self, pack: &Pack, context: &Context) -> Result<Rendered, CliError> {
        let mut request = request(pack, &self.variables, context, None, None)?;
        let mut supplied = lint::examples(pack);
        supplied.extend(std::mem::take(&mut request.supplied));
        request.supplied = supplied;
        pack.render(&request).map_err(|error| explained(&error))
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), CliError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let written = parent.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, content));
    written.map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display())))
}

/// Jobs by id, in JSON, and files by name.
fn texts(rendered: &Rendered) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> =
        rendered.all_jobs().into_iter().map(|job| (format!("job {}", job.id), output::json(&job.job))).collect();
    collect_files(rendered, &mut texts);
    texts
}

fn collect_files(rendered: &Rendered, texts: &mut BTreeMap<String, String>) {
    for dependency in &rendered.dependencies {
        collect_files(dependency, texts);
    }
    for file in &rendered.files {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        texts.insert(format!("file {name}"), format!("{}\n", file.text.trim_end()));
    }
}

fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let text = |texts: &BTreeMap<String, String>, name: &str| texts.get(name).cloned().unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (text(before, name), text(after, name));
            let diff = TextDiff::from_lines(&old, &new);
            (old != new).then(|| {
                diff.unified_diff()
                    .context_radius(3)
                    .header(&format!("{name} (Go)"), &format!("{name} (Tera)"))
                    .to_string()
            })
        })
        .collect()
}
