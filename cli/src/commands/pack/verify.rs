//! `pack verify`: fetches a version anew and checks its digest and signatures.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{self, Table};
use crate::registries::Target;
use crate::registry::{Invoke, Outcome};
use crate::stacks::explained;
use drover_registry::archive::{Limits, inspect};
use drover_registry::{Digest, VersionRange};
use serde_json::json;

/// Verifies a published pack.
#[derive(clap::Args)]
#[command(next_help_heading = "Verify Options")]
pub struct Verify {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[arg(hide = true)]
    packs: Vec<String>,
}

impl Invoke for Verify {
    fn invoke(self, context: &Context) -> Outcome {
        let [named] = self.packs.as_slice() else {
            return Err(context.usage("name one pack, as team/web@1.2.3"));
        };
        let target = Target::find(named)?;
        let range: VersionRange =
            target.version.as_deref().unwrap_or_default().parse().map_err(|error| explained(&error))?;
        let (address, pack) = (&target.address, target.address.pack.as_str());
        let (published, bytes, signatures) = context.block_on(async {
            let client = &target.client;
            let versions = client.versions(pack).await.map_err(|error| explained(&error))?;
            let newest = versions.iter().filter(|one| range.matches(&one.version)).max_by_key(|one| &one.version);
            let published = newest.ok_or_else(|| CliError::new(format!("no version of {address} is {range}")))?.clone();
            let bytes = client.fetch(pack, &published).await.map_err(|error| explained(&error))?;
            let signatures = client.signatures(pack, &published).await.map_err(|error| explained(&error))?;
            Ok((published, bytes, signatures))
        })?;
        let digest = Digest::of(&bytes);
        if let Some(expected) = published.digest.filter(|expected| *expected != digest) {
            return Err(CliError::new(format!(
                "{address} {} is damaged: its digest is {digest}, and the registry announced {expected}",
                published.version
            )));
        }
        let contents =
            inspect(bytes.as_slice(), Some(&digest), &Limits::default()).map_err(|error| explained(&error))?;
        let trusted = target.trust.check(&address.name(), &published.version, &digest, &signatures);
        let judged: Vec<(String, &str)> = signatures
            .iter()
            .map(|signature| {
                let verdict = match signature.verify(&address.name(), &published.version, &digest) {
                    Err(_) => "false",
                    Ok(key) if target.trust.revoked_keys.contains(&key.id()) => "revoked",
                    Ok(key) if target.trust.trusts(&key) => "trusted",
                    Ok(_) => "sound, not among the trusted keys",
                };
                (signature.key_id.clone(), verdict)
            })
            .collect();
        let is_false = judged.iter().any(|(_, verdict)| *verdict == "false");
        if self.json {
            let keys: Vec<_> = judged.iter().map(|(key, verdict)| json!({"key_id": key, "verdict": verdict})).collect();
            output::line(&output::json(&json!({
                "version": 1, "address": address.to_string(), "pack_version": published.version.to_string(), "digest": digest,
                "files": contents.files, "bytes": contents.archive_bytes, "yanked": published.yanked, "signatures": keys,
                "trusted": trusted.is_ok() && !is_false,
            })));
        } else {
            output::line(&format!("{address} {}", published.version));
            output::line(&format!("  digest  {digest}"));
            output::line(&format!("  files   {}, {} bytes packed", contents.files, contents.archive_bytes));
            if let Some(yanked) = &published.yanked {
                output::line(&format!("  taken back: {}", yanked.reason));
            }
            if judged.is_empty() {
                output::line("  not signed");
            } else {
                let mut table = Table::new(&["Key", "Signature"]);
                judged.iter().for_each(|(key, verdict)| {
                    table.row([key.clone(), (*verdict).to_owned()]);
                });
                output::line(&format!("\n{}", table.render()));
            }
        }
        trusted.map_err(|error| explained(&error))?;
        if is_false { Err(CliError::new("a signature is false")) } else { Ok(0) }
    }
}
