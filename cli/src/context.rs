//! What every command is given: as what the binary was called, and how it may print.

use crate::error::CliError;
use crate::registry::Command;
use std::future::Future;
use std::io::IsTerminal;

/// As what the binary answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Itself.
    Drover,
    /// Nomad's command line, when linked as `nomad`.
    Nomad,
}

impl Program {
    /// The name that people type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drover => "drover",
            Self::Nomad => "nomad",
        }
    }
    /// The name in prose.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Drover => "Drover",
            Self::Nomad => "Nomad",
        }
    }
}

/// Everything about an invocation that is not an argument of its command.
#[derive(Clone)]
pub struct Context {
    /// As what the binary answers.
    pub program: Program,
    /// The command that runs.
    pub command: &'static Command,
}

impl Context {
    /// Runs a future to its end on a runtime of this thread, made only now.
    ///
    /// # Errors
    /// Those of the future, or the runtime cannot be made.
    pub fn block_on<T>(&self, future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::new(format!("cannot start: {error}")))?;
        runtime.block_on(future)
    }
    /// An error about how the command was called.
    pub fn usage(&self, message: impl Into<String>) -> CliError {
        CliError::usage(
            message,
            format!("For additional help try '{} {} -help'", self.program.name(), self.command.path),
        )
    }
    /// Whether a person watches the output.
    pub fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }
}
