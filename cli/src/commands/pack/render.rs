//! `pack render`: what a pack's templates give. Needs no engine.

use super::{go, load, one_path, write};
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use crate::output;
use crate::registries;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{VariableArgs, explained, resolver};
use drover_packs::{PackSecrets, Rendered};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Renders a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Render Options")]
pub struct Render {
    #[command(flatten)]
    variables: VariableArgs,
    /// Writes the files into this folder instead of printing them.
    #[arg(long = "to-dir", value_name = "path")]
    to_dir: Option<PathBuf>,
    /// Writes the jobs as JSON into this file.
    #[arg(long = "o", value_name = "file")]
    jobs_file: Option<PathBuf>,
    /// hcl: the text that the templates give; json: jobs as they are submitted.
    #[arg(long, value_name = "format", default_value = "hcl")]
    format: String,
    /// Only the job of this id, or the template of this name. Repeatable.
    #[arg(long, value_name = "name")]
    only: Vec<String>,
    /// Prints the text of outputs.tera too.
    #[arg(long = "render-output-template")]
    render_output_template: bool,
    /// Writes secrets in the clear. Without it they are masked, and the result cannot be run.
    #[arg(long)]
    reveal: bool,
    /// Name of the deployment, as templates see it.
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// Namespace, as templates see it.
    #[arg(long, value_name = "namespace")]
    namespace: Option<String>,
    #[command(flatten)]
    go: go::GoArgs,
    #[arg(hide = true)]
    paths: Vec<String>,
}

/// One text of the result.
struct Part {
    path: String,
    job: Option<String>,
    text: String,
}

impl Invoke for Render {
    fn invoke(self, context: &Context) -> Outcome {
        if !matches!(self.format.as_str(), "hcl" | "json") {
            return Err(context.usage(format!("-format is hcl or json, not {:?}", self.format)));
        }
        let folder = registries::folder(one_path(context, &self.paths)?)?;
        let path = &*folder.to_string_lossy();
        // As JSON, such a pack is like any other.
        if drover_packs::nomad_pack::is_go_pack(Path::new(path)) && self.format == "hcl" && self.jobs_file.is_none() {
            return self.go_pack(context, path);
        }
        let pack = load(path)?;
        let result = super::render(&pack, &self.variables, context, self.name.as_deref(), self.namespace.as_deref())?;
        let mask = |text: &str| if self.reveal { text.to_owned() } else { result.masker.mask(text).into_owned() };
        let mut parts = Vec::new();
        collect(&result.rendered, "", self.format == "json", &mut parts);
        parts.retain(|part| self.is_wanted(part));
        if parts.is_empty() {
            let wanted = if self.only.is_empty() {
                "no job and no file: no templates were rendered by the renderer process run".to_owned()
            } else {
                format!("nothing named {}", self.only.join(", "))
            };
            return Err(CliError::new(format!("the pack {} renders {wanted}", pack.metadata.name)));
        }
        if let Some(path) = &self.jobs_file {
            let jobs: Vec<_> = result.rendered.all_jobs().into_iter().map(|job| job.job.clone()).collect();
            write(path, &mask(&output::json(&jobs)))?;
        }
        match &self.to_dir {
            Some(folder) => {
                for part in &parts {
                    let path = folder.join(&part.path);
                    write(&path, &mask(&part.text))?;
                    output::line(&format!("wrote {}", path.display()));
                }
            }
            None if self.jobs_file.is_none() => parts.iter().for_each(|part| print(part, &parts, &mask)),
            None => {}
        }
        if self.render_output_template {
            messages(&result.rendered).iter().for_each(|text| output::line(&mask(text.trim_end())));
        }
        Ok(0)
    }
}

impl Render {
    /// A pack in nomad-pack's format, laid out as nomad-pack does it.
    fn go_pack(&self, context: &Context, path: &str) -> Outcome {
        let pack = go::load(path)?;
        let supplied = go::supplied(&self.variables, context)?;
        let secrets = resolver(&pack.folder, &self.variables, &EngineArgs::default(), context);
        let env = self.variables.allowed_environment();
        let answers = PackSecrets { secrets: Arc::clone(&secrets), env };
        let world = self.go.world(context, &pack.folder, answers);
        let choices = self.go.choices(self.render_output_template);
        let result = pack.render(&supplied, &world, choices);
        let masker = secrets.taint().masker();
        let mask = |text: &str| if self.reveal { text.to_owned() } else { masker.mask(text).into_owned() };
        let result = result.map_err(|problems| explained(&drover_packs::masked(problems, &secrets)))?;
        let failed = result.outputs.as_ref().err().map(ToString::to_string);
        if let Some(problems) = &failed {
            output::line(&mask(problems));
        }
        for text in &result.texts {
            let part = Part { path: text.path.clone(), job: None, text: mask(&text.text) };
            if !self.is_wanted(&part) {
                continue;
            }
            match &self.to_dir {
                Some(folder) => {
                    let path = folder.join(&part.path);
                    write(&path, &part.text)?;
                    output::line(&format!("wrote {}", path.display()));
                }
                None => output::line(&format!("{}:\n\n{}", part.path, part.text)),
            }
        }
        if let (true, Ok(text)) = (self.render_output_template, &result.outputs) {
            output::line(&format!("outputs.tpl:\n\n{}", mask(text)));
        }
        Ok(0)
    }

    fn is_wanted(&self, part: &Part) -> bool {
        let file = part.path.rsplit('/').next().unwrap_or(&part.path);
        self.only.is_empty()
            || self.only.iter().any(|name| {
                part.job.as_deref() == Some(name)
                    || part.path == *name
                    || file == name
                    || file.split('.').next() == Some(name)
            })
    }
}

fn print(part: &Part, parts: &[Part], mask: &dyn Fn(&str) -> String) {
    // A single text can be piped into other tools, so it comes bare.
    if parts.len() > 1 {
        output::line(&format!("# {}", part.path));
    }
    output::line(mask(&part.text).trim_end());
    if parts.len() > 1 {
        output::line("");
    }
}

/// Dependencies first, in folders of their alias.
fn collect(rendered: &Rendered, prefix: &str, as_json: bool, parts: &mut Vec<Part>) {
    for dependency in &rendered.dependencies {
        collect(dependency, &format!("{prefix}{}/", dependency.alias), as_json, parts);
    }
    for job in &rendered.jobs {
        let path = job.template.strip_suffix(".tera").unwrap_or(&job.template);
        let path = path.strip_prefix("templates/").unwrap_or(path);
        let (path, text) = if as_json {
            (path.replace(".hcl", ".json"), output::json(&serde_json::json!({"Job": job.job})))
        } else {
            (path.to_owned(), job.text.clone())
        };
        parts.push(Part { path: format!("{prefix}{path}"), job: Some(job.id.clone()), text });
    }
    for file in &rendered.files {
        let path = file.path.strip_prefix("templates/").unwrap_or(&file.path);
        parts.push(Part { path: format!("{prefix}{path}"), job: None, text: file.text.clone() });
    }
}

fn messages(rendered: &Rendered) -> Vec<&String> {
    rendered.dependencies.iter().flat_map(messages).chain(&rendered.message).collect()
}
