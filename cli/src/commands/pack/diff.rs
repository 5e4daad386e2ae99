//! `pack diff`: what one version of a pack renders otherwise than another. Needs no engine.

use super::{load, request};
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{VariableArgs, explained};
use drover_diff::{DiffType, JobDiff, RenderOptions, job_diff};
use drover_packs::{Pack, Rendered, RenderedFile, RenderedJob, lint};
use serde_json::json;
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};

/// Exit code of `-detailed-exitcode`: there are differences.
const EXIT_DIFFERENT: u8 = 2;

/// Compares packs.
#[derive(clap::Args)]
#[command(next_help_heading = "Diff Options")]
pub struct Diff {
    #[command(flatten)]
    variables: VariableArgs,
    /// Ends with 2 when there are differences.
    #[arg(long = "detailed-exitcode")]
    detailed_exitcode: bool,
    /// Also what stays, and every field of new and removed blocks.
    #[arg(long)]
    verbose: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

/// All differences of two renderings.
#[derive(Default)]
struct Differences {
    jobs: Vec<(&'static str, JobDiff)>,
    files: Vec<(String, String)>,
    variables: Vec<String>,
}

impl Invoke for Diff {
    fn invoke(self, context: &Context) -> Outcome {
        let [old, new] = self.paths.as_slice() else {
            return Err(context.usage("This command takes two arguments: <old> <new>, the folders of two versions"));
        };
        let (old, new) = (load(old)?, load(new)?);
        let (before, mask_old) = self.render(&old, &new, context)?;
        let (after, mask_new) = self.render(&new, &old, context)?;
        let mask = |text: &str| mask_new.mask(&mask_old.mask(text)).into_owned();
        let mut found = Differences { variables: variables(&old, &new), ..Differences::default() };
        compare(&before, &after, "", &mask, &mut found)?;
        let is_same = found.jobs.is_empty() && found.files.is_empty() && found.variables.is_empty();
        if self.json {
            output::line(&output::json(&document(&found)));
        } else {
            self.print(&found, &mask);
            if is_same {
                output::line("Both render the same.");
            }
        }
        Ok(if self.detailed_exitcode && !is_same { EXIT_DIFFERENT } else { 0 })
    }
}

impl Diff {
    /// Values for variables that only the other version has are passed over; those that nobody gives are made up.
    fn render(
        &self,
        pack: &Pack,
        other: &Pack,
        context: &Context,
    ) -> Result<(Rendered, drover_secrets::Masker), CliError> {
        let mut request = request(pack, &self.variables, context, None, None)?;
        let mut supplied = lint::examples(pack);
        let given = std::mem::take(&mut request.supplied);
        supplied
            .extend(given.without(&|name| other.variables.get(name).is_some() && pack.variables.get(name).is_none()));
        request.supplied = supplied;
        let rendered = pack.render(&request).map_err(|error| explained(&error))?;
        Ok((rendered, request.secrets.taint().masker()))
    }

    fn print(&self, found: &Differences, mask: &dyn Fn(&str) -> String) {
        found.variables.iter().for_each(|line| output::line(line));
        if !found.variables.is_empty() {
            output::line("");
        }
        let options = RenderOptions { colour: output::colour(), verbose: self.verbose, context_lines: 3, mask };
        for (_, diff) in &found.jobs {
            output::line(drover_diff::render(diff, &options).trim_end());
        }
        for (_, text) in &found.files {
            output::line(text.trim_end());
        }
    }
}

fn variables(old: &Pack, new: &Pack) -> Vec<String> {
    let mut lines = Vec::new();
    for variable in new.variables.iter().filter(|variable| old.variables.get(&variable.name).is_none()) {
        let what = if variable.default.is_none() { "required" } else { "has a default" };
        lines.push(format!("+ variable \"{}\" ({what})", variable.name));
    }
    for variable in old.variables.iter() {
        match new.variables.get(&variable.name) {
            None => lines.push(format!("- variable \"{}\"", variable.name)),
            Some(now) if now.default.is_none() && variable.default.is_some() => {
                lines.push(format!("~ variable \"{}\" has to be given now", variable.name));
            }
            Some(now) if now.kind != variable.kind => {
                let kind = |kind: &Option<drover_packs::Type>| {
                    kind.as_ref().map_or_else(|| "any".to_owned(), drover_packs::Type::friendly)
                };
                lines.push(format!(
                    "~ variable \"{}\": {} is now {}",
                    variable.name,
                    kind(&variable.kind),
                    kind(&now.kind)
                ));
            }
            Some(_) => {}
        }
    }
    lines
}

fn compare(
    old: &Rendered,
    new: &Rendered,
    prefix: &str,
    mask: &dyn Fn(&str) -> String,
    found: &mut Differences,
) -> Result<(), CliError> {
    let by_id = |rendered: &Rendered| -> BTreeMap<String, RenderedJob> {
        rendered.all_jobs().into_iter().map(|job| (job.id.clone(), job.clone())).collect()
    };
    let (old_jobs, new_jobs) = (by_id(old), by_id(new));
    for id in old_jobs.keys().chain(new_jobs.keys()).collect::<BTreeSet<_>>() {
        let (before, after) = (old_jobs.get(id).map(model).transpose()?, new_jobs.get(id).map(model).transpose()?);
        let diff = job_diff(before.as_ref(), after.as_ref(), false);
        if diff.kind != DiffType::None {
            let what = match (&before, &after) {
                (None, _) => "added",
                (_, None) => "removed",
                _ => "changed",
            };
            found.jobs.push((what, diff));
        }
    }
    let texts = |rendered: &Rendered| -> BTreeMap<String, String> {
        rendered.files.iter().map(|file: &RenderedFile| (file.path.clone(), file.text.clone())).collect()
    };
    let (old_files, new_files) = (texts(old), texts(new));
    for path in old_files.keys().chain(new_files.keys()).collect::<BTreeSet<_>>() {
        let text = |files: &BTreeMap<String, String>| files.get(path).map(|text| mask(text)).unwrap_or_default();
        let (before, after) = (text(&old_files), text(&new_files));
        if before != after {
            let shown = format!("{prefix}{path}");
            let diff = TextDiff::from_lines(&before, &after);
            let text = diff.unified_diff().context_radius(3).header(&shown, &shown).to_string();
            found.files.push((shown.clone(), text));
        }
    }
    Ok(())
}

/// The job with all defaults, as an engine keeps it.
fn model(job: &RenderedJob) -> Result<drover_model::Job, CliError> {
    let wrong = |error: String| CliError::new(format!("the job {}: {error}", job.id));
    let submitted: drover_wire::job::Job =
        serde_json::from_value(job.job.clone()).map_err(|error| wrong(error.to_string()))?;
    let admitted = drover_wire::admission::admit(submitted).map_err(|problems| wrong(problems.to_string()))?;
    Ok(admitted.job)
}

fn document(found: &Differences) -> serde_json::Value {
    let jobs: Vec<_> =
        found.jobs.iter().map(|(what, diff)| json!({"job": diff.id, "change": what, "diff": diff})).collect();
    let files: Vec<_> = found.files.iter().map(|(path, diff)| json!({"path": path, "diff": diff})).collect();
    json!({"version": 1, "variables": found.variables, "jobs": jobs, "files": files})
}
