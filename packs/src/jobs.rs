//! Text to a job as it is submitted.

use std::path::Path;
use std::sync::Arc;

use drover_hcl::variables::Strictness;
use drover_hcl::{Diagnostic, Diagnostics, DiskHost, Host, NoHost, Source};
use drover_jobspec::{Options, parse_submission};
use serde_json::Value as Json;

use crate::Supplied;

/// A job that a template rendered to.
#[derive(Clone, Debug)]
pub struct RenderedJob {
    /// The template, by its path in the pack.
    pub template: String,
    /// The text that was rendered.
    pub text: String,
    /// The job's id.
    pub id: String,
    /// The job as submitted, in JSON.
    pub job: Json,
}

/// Reads what a template rendered to. It comes from somebody else's pack, so its functions see no file.
pub(crate) fn parse(shown: &str, template: &str, text: &str) -> Result<RenderedJob, Diagnostics> {
    let options = Options { host: Arc::new(NoHost), ..Options::default() };
    let job = read(&Source::new(shown, text), template.contains(".json"), &options)?;
    let id = job["ID"].as_str().unwrap_or_default().to_owned();
    if id.is_empty() {
        return Err(Diagnostic::error(format!("{shown}: the job has no id"), "").into());
    }
    Ok(RenderedJob { template: template.to_owned(), text: text.to_owned(), id, job })
}

/// Reads a job file, HCL or the API's JSON, with values for its variables. Relative paths of its functions start at `folder`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_job_file(shown: &str, content: &[u8], supplied: &Supplied, folder: &Path) -> Result<Json, Diagnostics> {
    let source = Source::from_bytes(shown, content)?;
    let host: Arc<dyn Host> = Arc::new(DiskHost::new(folder, None));
    let options = Options {
        env_vars: supplied.environment(),
        var_files: supplied.values_as_file(),
        vars: supplied.arguments(),
        strictness: Strictness::Strict,
        host,
    };
    read(&source, shown.ends_with(".json"), &options)
}

fn read(source: &Arc<Source>, is_json: bool, options: &Options) -> Result<Json, Diagnostics> {
    let job = if is_json {
        parse_submission(source.text()).map_err(|error| Diagnostic::error(format!("{}: {error}", source.name()), ""))?
    } else {
        drover_jobspec::parse(source, options)?
    };
    let mut job = serde_json::to_value(job).map_err(|error| {
        Diagnostic::error(format!("{}: the job has no JSON form", source.name()), error.to_string())
    })?;
    // The API's JSON may leave out the id where the name says it.
    if job["ID"].as_str().is_none_or(str::is_empty) {
        job["ID"] = job["Name"].clone();
    }
    Ok(job)
}
