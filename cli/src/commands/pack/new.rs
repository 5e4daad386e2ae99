//! `pack new`: writes a small pack that works as it is.

use super::load;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use crate::stacks::{VariableArgs, explained};
use drover_hcl::Source;
use drover_packs::{lint, scaffold, testing};
use std::path::{Path, PathBuf};

/// Writes a new pack.
#[derive(clap::Args)]
#[command(next_help_heading = "New Options")]
pub struct New {
    /// Folder to make; the name by default.
    #[arg(long = "to-dir", value_name = "path")]
    to_dir: Option<PathBuf>,
    /// Makes it from this job file: what people change often becomes a variable.
    #[arg(long, value_name = "job file")]
    from: Option<PathBuf>,
    #[arg(hide = true)]
    names: Vec<String>,
}

impl Invoke for New {
    fn invoke(self, context: &Context) -> Outcome {
        let [name] = self.names.as_slice() else {
            return Err(context.usage("This command takes one argument: <name>"));
        };
        let folder = self.to_dir.unwrap_or_else(|| PathBuf::from(name));
        // A path gives the folder, and its last part the name.
        let name = Path::new(name).file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
        let written = match &self.from {
            None => scaffold::write(&name, &folder).map_err(|error| explained(&error))?,
            Some(path) => from_job(&name, path, &folder, context)?,
        };
        for path in written {
            output::line(&format!("wrote {}", path.display()));
        }
        output::line(&format!("\nTry it: drover pack render {0}    then: drover pack run {0}", folder.display()));
        Ok(0)
    }
}

/// Makes the pack and checks that it gives the same job.
fn from_job(name: &str, job: &Path, folder: &Path, context: &Context) -> Result<Vec<PathBuf>, CliError> {
    let content =
        std::fs::read(job).map_err(|error| CliError::new(format!("cannot read {}: {error}", job.display())))?;
    let source = Source::from_bytes(&job.display().to_string(), &content)
        .map_err(|problem| explained(&drover_hcl::Diagnostics::from(problem)))?;
    scaffold::files(name).map_err(|error| explained(&error))?;
    let files = scaffold::files_from(name, &source).map_err(|problems| explained(&problems))?;
    let mut written = scaffold::write_files(&files, folder).map_err(|error| explained(&error))?;
    let pack = load(&folder.display().to_string())?;
    let mut request = super::request(&pack, &VariableArgs::default(), context, None, None)?;
    request.supplied = lint::examples(&pack);
    let rendered = pack.render(&request).map_err(|error| explained(&error))?;
    let given = drover_jobspec::parse(&source, &drover_jobspec::Options::default());
    if let Ok(given) = given {
        let given = serde_json::to_value(given).map_err(|error| CliError::new(error.to_string()))?;
        let same = rendered.jobs.first().is_some_and(|job| job.job == given);
        if !same {
            output::error_line("The pack's job differs from that of the file; see: drover pack render");
        }
        let tests = folder.join(testing::FOLDER).join("defaults.drovertest.hcl");
        if tests.is_file() {
            let file = testing::TestFile::read(&tests, "tests").map_err(|problems| explained(&problems))?;
            let options = testing::Options { update: true, filter: "", parallelism: 1, planner: None };
            let reports = testing::run(&pack, &[file], &options);
            written.extend(reports.into_iter().flat_map(|report| report.updated));
        }
    }
    Ok(written)
}
