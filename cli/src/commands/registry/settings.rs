//! Which registry `serve` and `token` work on: a configuration, or just a folder.

use crate::error::CliError;
use crate::stacks::explained;
use drover_registry_server::{Config, config};
use std::path::PathBuf;

/// A registry's settings.
#[derive(clap::Args)]
pub struct Settings {
    /// The registry's configuration (HCL).
    #[arg(long, value_name = "path")]
    config: Option<PathBuf>,
    /// The folder that holds the registry; takes the place of the configuration's storage.
    #[arg(long, value_name = "path")]
    storage: Option<PathBuf>,
}

impl Settings {
    /// What they say.
    ///
    /// # Errors
    /// Neither is given, or the configuration is wrong.
    pub fn config(&self) -> Result<Config, CliError> {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        match (&self.config, &self.storage) {
            (Some(file), storage) => {
                let mut config = config::read(file, &environment.collect()).map_err(|error| explained(&error))?;
                if let Some(folder) = storage {
                    config.storage = config::Storage::Folder(folder.clone());
                }
                Ok(config)
            }
            (None, Some(folder)) => Ok(Config::in_folder(folder)),
            (None, None) => Err(CliError::new("it is not said where the registry is")
                .hint("-storage FOLDER keeps everything in a folder; -config FILE reads a configuration")),
        }
    }
}
