//! Job files: read from a path or the standard input, HCL or JSON, into the submission form.

use crate::error::CliError;
use clap::Args;
use drover_hcl::Source;
use drover_jobspec::{JobArgs, Places};
use drover_sdk::types::Submission;
use drover_wire::job::Job;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest job file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Flags of every command that reads a job file.
#[derive(Args, Clone, Debug, Default)]
pub struct JobFileArgs {
    /// Reads the file as JSON; a `Job` field around the job is fine.
    #[arg(long)]
    pub json: bool,
    /// Refuses variables that the file does not declare. Default: true.
    #[arg(long = "hcl2-strict", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    pub hcl2_strict: bool,
    /// Sets a variable; may be given several times.
    #[arg(long, value_name = "key=value")]
    pub var: Vec<String>,
    /// Reads variables from a file; may be given several times.
    #[arg(long = "var-file", value_name = "path")]
    pub var_file: Vec<PathBuf>,
    /// Stores this Vault namespace in the job.
    #[arg(long = "vault-namespace", value_name = "namespace")]
    pub vault_namespace: Option<String>,
}

/// A job as it will be submitted, and the text it was made of.
pub struct JobFile {
    /// The submission form.
    pub job: Job,
    /// The file's name as given; messages show it.
    pub name: String,
    /// The text and its variables.
    pub submission: Submission,
}

impl JobFile {
    /// The job's id.
    pub fn id(&self) -> &str {
        self.job.id.as_deref().unwrap_or_default()
    }
    /// The job's namespace, when set.
    pub fn namespace(&self) -> Option<&str> {
        self.job.namespace.as_deref().filter(|namespace| !namespace.is_empty())
    }
    /// Whether it starts by the clock.
    pub fn is_periodic(&self) -> bool {
        self.job.periodic.as_ref().is_some_and(|periodic| periodic.enabled != Some(false))
    }
    /// Where things are in the file.
    pub fn places(&self) -> Option<Places> {
        let source = Source::new(self.name.clone(), self.submission.source.clone());
        if self.submission.format == "json" { Places::of_submission(&source) } else { Places::of(&source) }
    }
}

impl JobFileArgs {
    /// Reads `path` (`-` is the standard input). Asks no engine.
    ///
    /// # Errors
    /// It cannot be read, or is no job.
    pub fn load(&self, path: &str) -> Result<JobFile, CliError> {
        let given = path;
        let content = read(path).map_err(|error| {
            let (reason, path) = (reason(&error), std::path::absolute(path).unwrap_or_else(|_| path.into()).display().to_string());
            CliError::new(format!("Error getting job struct: Error getting jobfile from \"{given}\": source path error: stat {path}: {reason}"))
        })?;
        let source = String::from_utf8_lossy(&content).into_owned();
        let args = JobArgs {
            name: if path == "-" { "stdin.nomad.hcl".to_owned() } else { path.to_owned() },
            content,
            json: self.json,
            vars: self.var.clone(),
            var_files: self.var_file.iter().map(|path| path.display().to_string()).collect(),
            lenient: !self.hcl2_strict,
            env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            working_dir: std::env::current_dir().unwrap_or_default(),
            home_dir: std::env::home_dir(),
        };
        let mut job = drover_jobspec::load(&args).map_err(|error| {
            CliError::new(format!("Error getting job struct: Error parsing job file from {path}:\n{error}"))
        })?;
        if let Some(namespace) = &self.vault_namespace {
            job.vault_namespace = Some(namespace.clone());
        }
        Ok(JobFile { job, name: args.name, submission: self.submission(source)? })
    }

    /// What has no equals sign gives no variable a value, as in the reference.
    fn variable_flags(&self) -> BTreeMap<String, String> {
        let pairs = self.var.iter().filter_map(|given| given.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn submission(&self, source: String) -> Result<Submission, CliError> {
        let mut variables = String::new();
        for path in &self.var_file {
            variables.push_str(&read_var_file(path)?);
        }
        let format = if self.json { "json" } else { "hcl2" };
        Ok(Submission { source, format: format.to_owned(), variable_flags: self.variable_flags(), variables })
    }

    /// The flags as they would have to be typed again, for hints: ` -var="x=1"`, with a space at the end.
    pub fn as_flags(&self) -> String {
        let mut text = String::new();
        if self.json {
            text.push_str("-json ");
        }
        for given in &self.var {
            text.push_str(&format!("-var={given:?} "));
        }
        for path in &self.var_file {
            text.push_str(&format!("-var-file={:?} ", path.display().to_string()));
        }
        text
    }
}

fn read(path: &str) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if path == "-" {
        std::io::stdin().lock().take(MAX_FILE_BYTES).read_to_end(&mut content)?;
    } else {
        std::fs::File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut content)?;
    }
    Ok(content)
}

fn read_var_file(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| {
        CliError::new(format!(
            "Error getting job struct: cannot read variables: open {}: {}",
            path.display(),
            reason(&error)
        ))
    })
}

/// The system's word for a failed file operation, without its number.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_repeated_as_typed() {
        let args = JobFileArgs { var: vec!["colour=red".into()], ..JobFileArgs::default() };
        assert_eq!(args.as_flags(), "-var=\"colour=red\" ");
    }
}
