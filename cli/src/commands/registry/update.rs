//! `registry update`: fetches what registries list, for work without them, and changes whom one trusts.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, plural};
use crate::registries::Places;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_registry::Cache;
use drover_registry::client::client;
use drover_registry::config::{NamedRegistry, Registries};
use drover_registry::sign::{PublicKey, Rotation};
use drover_registry::source::{PackAddress, Source};
use std::path::{Path, PathBuf};

/// Brings what is known of registries up to date.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Update Options")]
pub struct Update {
    /// Trusts this key from now on; may be repeated.
    #[arg(long = "trusted-key", value_name = "key")]
    trusted_keys: Vec<PublicKey>,
    /// Trusts the key with this id no more; may be repeated.
    #[arg(long = "untrusted-key", value_name = "id")]
    untrusted_keys: Vec<String>,
    /// A file in which a trusted key names its successor (keygen -rotate); may be repeated.
    #[arg(long = "rotation", value_name = "path")]
    rotations: Vec<PathBuf>,
    /// Believes the key with this id nowhere any more; may be repeated.
    #[arg(long = "revoked-key", value_name = "id")]
    revoked_keys: Vec<String>,
    #[arg(hide = true)]
    names: Vec<String>,
}

impl Invoke for Update {
    fn invoke(self, context: &Context) -> Outcome {
        let places = Places::find()?;
        let mut registries = places.read_registries()?;
        let names = if self.names.is_empty() { registries.named.keys().cloned().collect() } else { self.names.clone() };
        if self.changes(&mut registries, context)? {
            registries.write(&places.registries()).map_err(|error| explained(&error))?;
            output::line("The keys are noted.");
        }
        for name in &names {
            let registry = registries.named.get(name).ok_or_else(|| {
                CliError::new(format!("there is no registry named {name}"))
                    .hint("drover registry list shows those there are")
            })?;
            let packs = context.block_on(fetch_lists(registry, &places))?;
            output::line(&format!("Registry {name}: {}.", plural(packs, "pack")));
        }
        Ok(0)
    }
}

impl Update {
    fn changes(&self, registries: &mut Registries, context: &Context) -> Result<bool, CliError> {
        registries.revoked_keys.extend(self.revoked_keys.iter().cloned());
        let is_about_one =
            !self.trusted_keys.is_empty() || !self.untrusted_keys.is_empty() || !self.rotations.is_empty();
        if !is_about_one {
            return Ok(!self.revoked_keys.is_empty());
        }
        let [name] = self.names.as_slice() else {
            return Err(context.usage("name the one registry whose keys change"));
        };
        let one = registries.named.get_mut(name);
        let one = one.ok_or_else(|| CliError::new(format!("there is no registry named {name}")))?;
        for key in &self.trusted_keys {
            if !one.trusted_keys.contains(key) {
                one.trusted_keys.push(*key);
            }
        }
        let asked = !one.trusted_keys.is_empty();
        one.trusted_keys.retain(|key| !self.untrusted_keys.contains(&key.id()));
        if asked && one.trusted_keys.is_empty() {
            return Err(CliError::new(format!("registry {name} would have no trusted key, and take unsigned packs"))
                .hint("delete it and add it again to have it so"));
        }
        for path in &self.rotations {
            let text = std::fs::read_to_string(path)
                .map_err(|error| CliError::new(format!("cannot read {}: {error}", path.display())))?;
            let rotation = Rotation::parse(&text)
                .map_err(|_| CliError::new(format!("{} is no rotation of a key, or a false one", path.display())))?;
            if !one.rotations.contains(&rotation) {
                one.rotations.push(rotation);
            }
        }
        Ok(true)
    }
}

async fn fetch_lists(registry: &NamedRegistry, places: &Places) -> Result<u64, CliError> {
    let source = Source::parse(&registry.source, Path::new("/")).map_err(|error| explained(&error))?;
    let client = client(&source, &places.context()?).map_err(|error| explained(&error))?;
    let cache = Cache::new(&places.cache);
    let packs = client.search("").await.map_err(|error| explained(&error))?;
    for found in &packs {
        let versions = client.versions(&found.pack).await.map_err(|error| explained(&error))?;
        let Ok(address) = PackAddress::within(&source, &found.pack) else { continue };
        cache.note_versions(&address.to_string(), &versions).map_err(|error| explained(&error))?;
    }
    Ok(packs.len() as u64)
}
