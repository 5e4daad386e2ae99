//! `pack publish`: puts a version of a pack into a registry.

use super::{load, one_path};
use crate::commands::registry::keygen;
use crate::context::Context;
use crate::output;
use crate::registries::{Places, source};
use crate::registry::{Invoke, Outcome};
use crate::stacks::{explained, now};
use drover_registry::client::{PublishOutcome, Release, archive_for, client};
use drover_registry::name;
use drover_registry::sign::SignatureDocument;
use drover_registry::source::PackAddress;
use serde_json::json;
use std::path::PathBuf;

/// Publishes a pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Publish Options")]
pub struct Publish {
    /// The registry: its name, or its source as oci://HOST/packs. With a team in front of the pack, as NAME/TEAM, where its source
    /// names none.
    #[arg(long, value_name = "registry", required = true)]
    to: String,
    /// The key to sign with; that of `registry keygen` otherwise, when there is one.
    #[arg(long, value_name = "path")]
    key: Option<PathBuf>,
    /// Signs nothing.
    #[arg(long, conflicts_with = "key")]
    no_sign: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    paths: Vec<String>,
}

impl Invoke for Publish {
    fn invoke(self, context: &Context) -> Outcome {
        let pack = load(one_path(context, &self.paths)?)?;
        let metadata = &pack.metadata;
        name::check("pack", &metadata.name).map_err(|error| explained(&error))?;
        let version = name::version(&metadata.version)
            .map_err(|error| explained(&error).hint("write version = \"1.0.0\" into the pack block of metadata.hcl"))?;
        let (registry, team) = match source(&self.to) {
            Ok(source) => (source, None),
            Err(error) => match self.to.split_once('/') {
                Some((registry, team)) => (source(registry)?, Some(team)),
                None => return Err(error),
            },
        };
        let within = team.map_or_else(|| metadata.name.clone(), |team| format!("{team}/{}", metadata.name));
        let address = PackAddress::within(&registry, &within).map_err(|error| explained(&error))?;
        let places = Places::find()?;
        let archive = archive_for(&registry, &pack.folder).map_err(|error| explained(&error))?;
        let key = match (self.no_sign, self.key) {
            (true, _) => None,
            (false, Some(path)) => Some(path),
            (false, None) => Some(places.signing_key()).filter(|path| path.exists()),
        };
        let key = key.as_deref().map(keygen::open).transpose()?;
        let published_at = now();
        let sign = |key: &_| SignatureDocument::sign(key, &metadata.name, &version, &archive.digest, &published_at);
        let release = Release {
            name: metadata.name.clone(),
            description: metadata.description.clone(),
            signatures: key.iter().map(sign).collect(),
            version: version.clone(),
            archive,
            published_at,
        };
        let client = client(&registry, &places.context()?).map_err(|error| explained(&error))?;
        let outcome = context
            .block_on(async { client.publish(&address.pack, &release).await.map_err(|error| explained(&error)) })?;
        let (is_new, digest) = match outcome {
            PublishOutcome::Created { digest } => (true, digest),
            PublishOutcome::Same { digest } => (false, digest),
        };
        let signed_by: Vec<&str> = release.signatures.iter().map(|signature| signature.key_id.as_str()).collect();
        if self.json {
            output::line(&output::json(&json!({
                "version": 1, "address": address.to_string(), "pack_version": version.to_string(), "digest": digest,
                "created": is_new, "signed_by": signed_by,
            })));
            return Ok(0);
        }
        let done = if is_new { "Published" } else { "Already published, the same:" };
        output::line(&format!("{done} {address} {version}"));
        output::line(&format!("  digest  {digest}"));
        match signed_by.as_slice() {
            [] => output::line("  not signed (drover registry keygen makes a key)"),
            keys => output::line(&format!("  signed  by {}", keys.join(", "))),
        }
        Ok(0)
    }
}
