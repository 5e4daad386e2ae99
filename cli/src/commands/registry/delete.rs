//! `registry delete`: takes a registry's name away.

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::registries::Places;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;

/// Forgets registries. What was fetched from them stays in the cache.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Delete Options")]
pub struct Delete {
    /// Taken for the sake of nomad-pack's scripts: a registry has one name for all its versions.
    #[arg(long = "ref", value_name = "name", hide = true)]
    _reference: Option<String>,
    /// Taken for the sake of nomad-pack's scripts: packs are not kept one by one.
    #[arg(long = "target", value_name = "pack", hide = true)]
    _target: Option<String>,
    #[arg(hide = true)]
    names: Vec<String>,
}

impl Invoke for Delete {
    fn invoke(self, context: &Context) -> Outcome {
        if self.names.is_empty() {
            return Err(context.usage("name the registry to delete"));
        }
        let places = Places::find()?;
        let mut registries = places.read_registries()?;
        for name in &self.names {
            if registries.named.remove(name).is_none() {
                return Err(CliError::new(format!("there is no registry named {name}")));
            }
        }
        registries.write(&places.registries()).map_err(|error| explained(&error))?;
        self.names.iter().for_each(|name| output::line(&format!("Registry {name} is forgotten.")));
        Ok(0)
    }
}
