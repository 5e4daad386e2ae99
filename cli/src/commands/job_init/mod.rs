//! `job init`: writes an example job file, or one of the engine's templates.

use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::{CliError, During};
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_sdk::Query;

/// A web server of this machine.
const EXAMPLE: &str = include_str!("example.nomad.hcl");
/// The service mesh.
const MESH: &str = include_str!("mesh.nomad.hcl");
/// Where templates of jobs lie: variables below it, with an item `template`.
const TEMPLATES: &str = "nomad/job-templates/";

/// Writes an example.
#[derive(clap::Args)]
#[command(next_help_heading = "Init Options")]
pub struct JobInit {
    /// Without comments.
    #[arg(long)]
    short: bool,
    /// An example with the service mesh.
    #[arg(long)]
    connect: bool,
    /// Writes the engine's template of this name: the variable `nomad/job-templates/NAME`.
    #[arg(long, value_name = "name")]
    template: Option<String>,
    /// Names the engine's templates.
    #[arg(long)]
    list_templates: bool,
    #[command(flatten)]
    engine: EngineArgs,
    #[arg(hide = true)]
    file: Vec<String>,
}

impl Invoke for JobInit {
    fn invoke(self, context: &Context) -> Outcome {
        let name = match self.file.as_slice() {
            [] => "example.nomad.hcl",
            [name] => name.as_str(),
            _ => return Err(context.usage("This command takes either no arguments or one: <filename>")),
        };
        if self.list_templates {
            return self.list(context);
        }
        let text = match self.template.as_deref() {
            Some(template) if !template.is_empty() => self.template(context, name, template)?,
            _ => self.example(),
        };
        match std::fs::OpenOptions::new().write(true).create_new(true).open(name) {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, text.as_bytes())
                    .map_err(|error| CliError::new(format!("Failed to write '{name}': {error}")))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists(name)),
            Err(error) => return Err(CliError::new(format!("Failed to write '{name}': {error}"))),
        }
        output::line(&format!("Example job file written to {name}"));
        Ok(0)
    }
}

impl JobInit {
    fn example(&self) -> String {
        let text = if self.connect { MESH } else { EXAMPLE };
        let kept = |line: &&str| !self.short || !line.trim_start().starts_with('#');
        text.split_inclusive('\n').filter(kept).collect()
    }

    fn template(&self, context: &Context, file: &str, template: &str) -> Result<String, CliError> {
        // Said before an engine is asked.
        if std::path::Path::new(file).exists() {
            return Err(exists(file));
        }
        let client = self.engine.connect(context)?;
        let path = format!("{TEMPLATES}{template}");
        let read = async { client.variable(&path, &Query::new()).await.during("Error retrieving variable") };
        let Some(mut variable) = context.block_on(read)? else {
            return Err(CliError::new("Variable not found"));
        };
        let Some(text) = variable.items.remove("template") else {
            return Err(CliError::new(format!(
                "Job template \"{template}\" has no text: the variable {path} has no item named template"
            )));
        };
        output::line(&format!("Initializing a job template from {template}"));
        Ok(text)
    }

    fn list(&self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        let query = Query::new().prefix(TEMPLATES);
        let read = async { client.variables(&query).await.during("Error retrieving job templates from the server") };
        let found = context.block_on(read)?.value;
        let names: Vec<&str> = found.iter().filter_map(|one| one.path.strip_prefix(TEMPLATES)).collect();
        if names.is_empty() {
            return Err(CliError::new("No variables in nomad/job-templates"));
        }
        output::line("Use nomad job init -template=<template> with any of the following:");
        for name in names {
            output::line(&format!("  {name}"));
        }
        Ok(0)
    }
}

fn exists(name: &str) -> CliError {
    CliError::new(format!("Job '{name}' already exists"))
}
