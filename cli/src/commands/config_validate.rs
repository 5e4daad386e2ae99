//! `config validate`: checks configuration files of the agent.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registry::{Invoke, Outcome};
use drover_agent::config::{Overrides, read_paths, resolve};
use std::path::PathBuf;

/// Checks files.
#[derive(clap::Args)]
pub struct ConfigValidate {
    #[arg(hide = true)]
    paths: Vec<PathBuf>,
}

impl Invoke for ConfigValidate {
    fn invoke(self, context: &Context) -> Outcome {
        if self.paths.is_empty() {
            return Err(context.usage("Must specify at least one config file or directory"));
        }
        let failed = |error: &(dyn std::error::Error + 'static)| CliError::new(drover_base::error::chain(error));
        let (file, _) = read_paths(&self.paths).map_err(|error| failed(&error))?;
        let bootstraps = file.server.bootstrap_expect == Some(1);
        resolve(file, &Overrides::default()).map_err(|error| failed(&error))?;
        let title = context.program.title();
        output::error_line(&format!("WARNING: mTLS is not configured - {title} is not secure without mTLS!"));
        if bootstraps {
            output::error_line("WARNING: Bootstrap mode enabled! Potentially unsafe operation.");
        }
        output::line("Configuration is valid!");
        Ok(0)
    }
}
