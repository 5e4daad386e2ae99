//! What a command does with the path of a job and its flags.

use std::path::PathBuf;
use std::sync::Arc;

use drover_hcl::variables::Strictness;
use drover_hcl::{Diagnostic, Diagnostics, DiskHost, Source, Span};
use drover_wire::job::Job;

use crate::parse::{Options, parse};
use crate::submission::{SubmissionError, parse_submission};

/// Prefixes of environment variables that give values to a job's variables; later ones win.
const ENV_PREFIXES: [&str; 2] = ["NOMAD_VAR_", "DROVER_VAR_"];

/// A job as a command is asked to read it.
#[derive(Clone, Debug, Default)]
pub struct JobArgs {
    /// The file's name as given; diagnostics show it.
    pub name: String,
    /// The file's content.
    pub content: Vec<u8>,
    /// `-json`: the content is the API's JSON.
    pub json: bool,
    /// `-var`: `name=value`, in order. What has no equals sign is ignored, as the reference does.
    pub vars: Vec<String>,
    /// `-var-file`: paths, in order.
    pub var_files: Vec<String>,
    /// `-hcl2-strict=false`: values for undeclared variables are ignored.
    pub lenient: bool,
    /// The environment; only `NOMAD_VAR_…` and `DROVER_VAR_…` are looked at.
    pub env: Vec<(String, String)>,
    /// Where relative paths of `file()` and `-var-file` start: the working directory.
    pub working_dir: PathBuf,
    /// What `~` stands for.
    pub home_dir: Option<PathBuf>,
}

/// Why there is no job.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The job's text is wrong.
    #[error("{0}")]
    Job(Diagnostics),
    /// `-json` with variables.
    #[error("invalid job options: variables cannot be used with JSON files: -json takes a finished job")]
    VariablesWithJson,
}

impl From<Diagnostics> for LoadError {
    fn from(problems: Diagnostics) -> Self {
        Self::Job(problems)
    }
}

/// Reads a job as `job run`, `job plan` and `job validate` do.
///
/// # Errors
/// The job cannot be read; the text names every place.
pub fn load(args: &JobArgs) -> Result<Job, LoadError> {
    if args.json {
        if !args.vars.is_empty() || !args.var_files.is_empty() {
            return Err(LoadError::VariablesWithJson);
        }
        let text = String::from_utf8_lossy(&args.content);
        return parse_submission(&text).map_err(|error| LoadError::Job(placed(&args.name, &text, &error).into()));
    }
    let source = Source::from_bytes(&args.name, &args.content).map_err(Diagnostics::from)?;
    let options = Options {
        env_vars: env_vars(&args.env),
        var_files: var_files(args)?,
        vars: args
            .vars
            .iter()
            .filter_map(|var| var.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        strictness: if args.lenient { Strictness::Lenient } else { Strictness::Strict },
        host: Arc::new(DiskHost::new(&args.working_dir, args.home_dir.clone())),
    };
    Ok(parse(&source, &options)?)
}

/// The fault of a job in the API's JSON at its place in the file.
fn placed(name: &str, text: &str, error: &SubmissionError) -> Diagnostic {
    let (detail, place) = match error {
        SubmissionError::Syntax(error) => (error.to_string(), Some((error.line(), error.column()))),
        SubmissionError::Field { path, message, line, column } => {
            (format!("{path}: {message}"), Some((*line, *column)).filter(|(line, _)| *line > 0))
        }
        SubmissionError::TooLarge(_) => (error.to_string(), None),
    };
    let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
    let problem = Diagnostic::error("failed to parse JSON job", detail);
    let Some((line, column)) = place else { return problem };
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    // The reader stands behind what it did not like.
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    problem.at(&Source::new(name, text), Span::new(at, at + 1))
}

fn env_vars(env: &[(String, String)]) -> Vec<(String, String)> {
    let with = |prefix: &'static str| {
        env.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())))
    };
    ENV_PREFIXES.into_iter().flat_map(with).collect()
}

fn var_files(args: &JobArgs) -> Result<Vec<Arc<Source>>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut sources = Vec::new();
    for path in &args.var_files {
        let bytes = match std::fs::read(args.working_dir.join(path)) {
            Ok(bytes) => bytes,
            Err(error) => {
                problems.push(Diagnostic::error("Failed to read variable file", format!("{path}: {error}")));
                continue;
            }
        };
        match Source::from_bytes(path, &bytes) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result(sources)
}
