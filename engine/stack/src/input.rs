//! What a person points a command at: a stack's folder, a folder of jobs, one job file, one pack.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use drover_hcl::{Diagnostic, Diagnostics, Source};

use crate::desired::Desired;
use crate::language::{self, Inputs};

/// The end of the names of stack files.
pub const STACK_FILE_END: &str = ".drover.hcl";
/// The ends of the names of job files.
const JOB_FILE_ENDS: [&str; 3] = [".nomad.hcl", ".nomad", ".nomad.json"];

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Stack files, in order of name.
    Stack {
        /// The files.
        files: Vec<PathBuf>,
        /// Their folder.
        folder: PathBuf,
    },
    /// A pack's folder.
    Pack(PathBuf),
    /// Job files, in order of name.
    Jobs(Vec<PathBuf>),
}

/// Why nothing usable was found, or it is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The path is not there.
    #[error("there is no file or folder {}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The folder holds nothing that can be planned.
    #[error("{} holds no stack (*{STACK_FILE_END}), no pack (metadata.hcl) and no job files (*.nomad.hcl)", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// The name that was made from the path cannot be a stack's.
    #[error(
        "`{name}` cannot be a stack's name; write a stack block, or give one with -name (letters, digits, dashes, underscores)"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is written there is wrong.
    #[error(transparent)]
    Content(#[from] Diagnostics),
}

impl Input {
    /// Looks at a path.
    ///
    /// # Errors
    /// When there is nothing usable.
    pub fn find(path: &Path) -> Result<Self, InputError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => InputError::Missing { path: path.to_owned() },
            _ => InputError::Io { path: path.to_owned(), source },
        };
        if fs::metadata(path).map_err(io)?.is_file() {
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let is_stack = path.to_string_lossy().ends_with(STACK_FILE_END);
            return Ok(if is_stack {
                Self::Stack { files: vec![path.to_owned()], folder: folder.to_owned() }
            } else {
                Self::Jobs(vec![path.to_owned()])
            });
        }
        let mut names: Vec<PathBuf> = fs::read_dir(path)
            .map_err(io)?
            .filter_map(Result::ok)
            .map(|entry| tidy(entry.path()))
            .filter(|path| path.is_file())
            .collect();
        names.sort();
        let ending = |ends: &[&str]| -> Vec<PathBuf> {
            let has_end = |path: &&PathBuf| ends.iter().any(|end| path.to_string_lossy().ends_with(end));
            names.iter().filter(has_end).cloned().collect()
        };
        let files = ending(&[STACK_FILE_END]);
        if !files.is_empty() {
            return Ok(Self::Stack { files, folder: path.to_owned() });
        }
        if drover_packs::files::is_pack(path) {
            return Ok(Self::Pack(path.to_owned()));
        }
        match ending(&JOB_FILE_ENDS) {
            jobs if jobs.is_empty() => Err(InputError::Nothing { path: path.to_owned() }),
            jobs => Ok(Self::Jobs(jobs)),
        }
    }

    /// The folder that paths are relative to.
    pub fn folder(&self) -> PathBuf {
        match self {
            Self::Stack { folder, .. } | Self::Pack(folder) => folder.clone(),
            Self::Jobs(files) => files.first().and_then(|file| file.parent()).map_or_else(PathBuf::new, Path::to_owned),
        }
    }

    /// The stack's name when nothing says otherwise: that of the folder, or of the single file.
    pub fn default_name(&self) -> String {
        let path = match self {
            Self::Jobs(files) if files.len() == 1 => files[0].clone(),
            _ => self.folder().canonicalize().unwrap_or_else(|_| self.folder()),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ends = JOB_FILE_ENDS.iter().chain(&[".hcl", ".json"]);
        let stem = ends.filter_map(|end| name.strip_suffix(end)).next().unwrap_or(&name);
        stem.replace(['.', ' '], "-")
    }

    /// Evaluates what was found.
    ///
    /// # Errors
    /// When a file cannot be read or is wrong.
    pub fn evaluate(&self, inputs: &Inputs) -> Result<Desired, InputError> {
        let mut desired = match self {
            Self::Stack { files, .. } => {
                let read = |path: &PathBuf| {
                    let content = fs::read(path).map_err(|source| InputError::Io { path: path.clone(), source })?;
                    Ok(Source::from_bytes(&path.display().to_string(), &content).map_err(Diagnostics::from)?)
                };
                let sources: Vec<Arc<Source>> = files.iter().map(read).collect::<Result<_, InputError>>()?;
                language::evaluate(&sources, inputs)?
            }
            Self::Pack(folder) => language::from_pack(folder, inputs)?,
            Self::Jobs(files) => language::from_jobs(files, inputs)?,
        };
        if !language::is_name(&desired.stack) {
            return Err(InputError::BadName { name: desired.stack });
        }
        desired.folder = inputs.folder.to_string_lossy().into_owned();
        crate::bind::apply(&mut desired, &inputs.secrets.bindings()).map_err(|errors| {
            let problems = errors.into_iter().map(|error| Diagnostic::error(error.to_string(), ""));
            InputError::Content(problems.collect())
        })?;
        Ok(desired)
    }
}

/// `./x` reads `x` in messages.
fn tidy(path: PathBuf) -> PathBuf {
    path.strip_prefix(".").map(Path::to_owned).unwrap_or(path)
}
