//! `registry add`: gives a registry a name.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, plural};
use crate::registries::Places;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_registry::client::{ClientError, client};
use drover_registry::config::NamedRegistry;
use drover_registry::name;
use drover_registry::sign::PublicKey;
use drover_registry::source::{Source, is_address};
use std::path::Path;

/// Names a registry.
#[derive(clap::Args)]
#[command(next_help_heading = "Registry Add Options")]
pub struct Add {
    /// A key that packs have to be signed with, as ed25519:…; may be repeated. Without one, signatures are not asked for.
    #[arg(long = "trusted-key", value_name = "key")]
    trusted_keys: Vec<PublicKey>,
    /// The branch, tag or commit of a git registry.
    #[arg(long = "ref", value_name = "name")]
    reference: Option<String>,
    /// The one pack that has to be there; the registry is added as a whole.
    #[arg(long, value_name = "pack")]
    target: Option<String>,
    /// Adds it without looking whether it answers.
    #[arg(long)]
    no_check: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

impl Invoke for Add {
    fn invoke(self, context: &Context) -> Outcome {
        let [registry, source] = self.words.as_slice() else {
            return Err(context.usage("this command takes two arguments: a name and a source"));
        };
        name::check("registry", registry).map_err(|error| explained(&error))?;
        let text = self.source_text(source)?;
        let parsed = Source::parse(&text, Path::new("/")).map_err(|error| explained(&error))?;
        let places = Places::find()?;
        let mut found = String::new();
        if !self.no_check {
            let client = client(&parsed, &places.context()?).map_err(|error| explained(&error))?;
            let target = self.target.clone();
            let check = async {
                match &target {
                    Some(pack) => client.versions(pack).await.map(|versions| plural(versions.len() as u64, "version")),
                    None => match client.search("").await {
                        Ok(packs) => Ok(plural(packs.len() as u64, "pack")),
                        // A registry that lists nothing still gives what it is asked for by name.
                        Err(ClientError::Unsupported { .. }) => Ok("packs are not listed".to_owned()),
                        Err(error) => Err(error),
                    },
                }
                .map_err(|error| explained(&error).hint("-no-check adds it all the same"))
            };
            found = format!(" ({})", context.block_on(check)?);
        }
        let mut registries = places.read_registries()?;
        let known = registries.named.remove(registry).unwrap_or_default();
        let is_same = known.source == text;
        // Adding again must not forget whom one trusts.
        let trusted_keys = if self.trusted_keys.is_empty() && is_same { known.trusted_keys } else { self.trusted_keys };
        let rotations = if is_same { known.rotations } else { Vec::new() };
        registries.named.insert(registry.clone(), NamedRegistry { source: text, trusted_keys, rotations });
        registries.write(&places.registries()).map_err(|error| explained(&error))?;
        output::line(&format!("Registry {registry} is {parsed}{found}."));
        Ok(0)
    }
}

impl Add {
    /// Folders are kept absolute: the name is used from anywhere.
    fn source_text(&self, source: &str) -> Result<String, CliError> {
        if !is_address(source) {
            let path = std::path::absolute(source)
                .map_err(|error| CliError::new(format!("cannot find the folder {source}: {error}")))?;
            return Ok(path.display().to_string());
        }
        let Some(reference) = self.reference.as_deref().filter(|reference| *reference != "latest") else {
            return Ok(source.to_owned());
        };
        let git = if source.starts_with("https://") { format!("git::{source}") } else { source.to_owned() };
        Ok(format!("{git}?ref={reference}"))
    }
}
