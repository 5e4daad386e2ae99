//! From defaults, files and flags to one resolved configuration.

mod access;
mod file;
mod keyring;
mod known;
mod outlets;
mod read;
mod resolve;
mod tree;

pub use file::{ClientFile, FileConfig, HostVolumeFile};
pub use outlets::{LogFile, Telemetry};
pub use read::read_paths;
pub use resolve::{AgentConfig, ClientSettings, Overrides, ServerSettings, resolve};

use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or folder cannot be read.
    #[error("cannot read configuration {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A syntax error, with its place.
    #[error("{0}")]
    Syntax(String),
    /// A key or value that is wrong, with its place as far as it is known.
    #[error("{place}: {message}")]
    Value {
        /// `file:line:column` or `file: path.of.keys`.
        place: String,
        /// What is wrong and what is expected.
        message: String,
    },
    /// Settings that do not fit together.
    #[error("{0}")]
    Invalid(String),
}
