//! `tests/*.drovertest.hcl`: runs of a pack with given variables, and what must be true of the result.
//!
//! [`TestFile::read`] parses a file, [`run`] renders and checks its runs; [`report`] writes the results for programs.
//! What an engine would do is asked through [`Planner`]. Only golden files are written here, and only when asked to.

mod file;
mod golden;
pub mod report;
mod runner;
mod secrets;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use drover_hcl::Diagnostics;
use serde_json::Value as Json;

pub use file::TestFile;
pub use runner::{Options, run};

/// Where a pack's tests are.
pub const FOLDER: &str = "tests";
/// How the names of test files end.
pub const FILE_END: &str = ".drovertest.hcl";

/// Asks an engine what registering a job would do.
pub trait Planner: Sync {
    /// The answer of the dry run to a job as submitted.
    ///
    /// # Errors
    /// The engine refuses the job, or does not answer.
    fn plan(&self, job: &Json) -> Result<Json, String>;
}

/// How one run ended.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The file, as the person would name it.
    pub file: String,
    /// The run's name.
    pub name: String,
    /// Line of the run in its file.
    pub line: usize,
    /// What was not as it should be; none when it passed.
    pub failures: Vec<Failure>,
    /// Golden files that were written.
    pub updated: Vec<PathBuf>,
    /// How long it took.
    pub took: Duration,
}

impl RunReport {
    /// Whether everything was as it should be.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What is wrong, in one line or with the source line.
    pub message: String,
    /// Differences, values and other lines that help.
    pub details: Vec<String>,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: Vec::new() }
    }
    fn of(problems: &Diagnostics) -> Self {
        Self::new(problems.to_string())
    }
}
