//! Variables, secrets and environment: what comes from the person's side.

use super::explained;
use crate::context::Context;
use crate::engine::EngineArgs;
use crate::error::CliError;
use drover_packs::{Pack, Supplied};
use drover_secrets::{Resolver, Taint};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Flags that give values to variables.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct VariableArgs {
    /// A variable's value, as name=value; for a dependency of a pack, alias.name=value. Repeatable; it wins over files.
    #[arg(long = "var", value_name = "name=value")]
    pub var: Vec<String>,
    /// A file of values: HCL, JSON, YAML or TOML. Repeatable; the last one wins.
    #[arg(long = "var-file", short = 'f', value_name = "path")]
    pub var_file: Vec<String>,
    /// Values that are kept elsewhere: nomad://HOST/PATH, consul://HOST/PATH or vault://HOST/MOUNT/PATH; without HOST the
    /// usual environment says where. Repeatable; environment, files and -var win over it.
    #[arg(long = "var-source", value_name = "url")]
    pub var_source: Vec<String>,
    /// An environment variable that packs may read. Repeatable.
    #[arg(long = "allow-env", value_name = "name")]
    pub allow_env: Vec<String>,
    /// A secret that packs may ask for, as provider:path, in which * stands for any text. Repeatable.
    #[arg(long = "allow-secret", value_name = "reference")]
    pub allow_secret: Vec<String>,
}

impl VariableArgs {
    /// All values for a pack, in whichever format it is.
    ///
    /// # Errors
    /// A source or file cannot be read, or an argument is no assignment.
    pub fn supplied_to(&self, pack: &Pack, secrets: &Arc<Resolver>, context: &Context) -> Result<Supplied, CliError> {
        match &pack.go {
            Some(_) => crate::commands::pack::go::supplied(self, context),
            None => self.supplied(secrets, context),
        }
    }

    /// All values: those of sources, then the environment's, then those of files and arguments, so that later ones win.
    ///
    /// # Errors
    /// A source or file cannot be read, or an argument is no assignment.
    pub fn supplied(&self, secrets: &Arc<Resolver>, context: &Context) -> Result<Supplied, CliError> {
        let mut supplied = self.sources(context)?;
        supplied.add_environment(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
        for path in &self.var_file {
            let content = std::fs::read(path)
                .map_err(|error| CliError::new(format!("cannot read the variable file {path}: {error}")))?;
            supplied.add_file(path, &content, secrets).map_err(|problems| explained(&problems))?;
        }
        for argument in &self.var {
            supplied.add_argument(argument).map_err(|error| explained(&error))?;
        }
        Ok(supplied)
    }

    /// The values that `-var-source` names.
    ///
    /// # Errors
    /// A source does not answer, or refuses.
    pub fn sources(&self, context: &Context) -> Result<Supplied, CliError> {
        let mut supplied = Supplied::default();
        for source in &self.var_source {
            supplied.add_items(super::var_source::read(source, context)?);
        }
        Ok(supplied)
    }

    /// The environment variables that packs may read, with their values.
    pub fn allowed_environment(&self) -> Arc<BTreeMap<String, String>> {
        let allowed = self.allow_env.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
        Arc::new(allowed.collect())
    }
}

/// A resolver with all providers; a fault of this program shows none of its values.
pub fn resolver(folder: &Path, variables: &VariableArgs, engine: &EngineArgs, context: &Context) -> Arc<Resolver> {
    let resolver = crate::secrets::resolver(folder, variables, engine, context);
    mask_panics(resolver.taint());
    Arc::new(resolver)
}

/// A panic's message may hold a value that was worked on.
fn mask_panics(taint: &Taint) {
    let taint = taint.clone();
    std::panic::set_hook(Box::new(move |info| {
        crate::output::error_line(&taint.masker().mask(&format!("drover has a fault: {info}")));
    }));
}
