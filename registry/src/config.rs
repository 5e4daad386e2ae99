//! The registries that a person has given names: `registries.hcl` in the folder of settings.
//!
//! ```hcl
//! registry "team" {
//!   source       = "oci://registry.example.com/packs"
//!   trusted_keys = ["ed25519:…"]
//!   rotations    = ["{…}"]
//! }
//! revoked_keys = ["0123456789abcdef"]
//! ```

use crate::metadata::{quoted, text, texts};
use crate::name;
use crate::sign::{KeyError, PublicKey, Rotation, TrustPolicy};
use drover_hcl::{Source, parse_body};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

const HEADING: &str = "# Registries of packs, kept by `drover registry add`.\n";

/// The registries that have names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    /// By name.
    pub named: BTreeMap<String, NamedRegistry>,
    /// Ids of keys that nobody shall believe any more.
    pub revoked_keys: BTreeSet<String>,
}

/// A registry that has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedRegistry {
    /// As a person wrote it.
    pub source: String,
    /// One of them must have signed what is used; empty: signatures are not asked for.
    pub trusted_keys: Vec<PublicKey>,
    /// Keys that took the place of trusted ones.
    pub rotations: Vec<Rotation>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The operating system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It says something wrong.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What.
        reason: String,
    },
}

impl Registries {
    /// Reads a file; an absent one names none.
    ///
    /// # Errors
    /// It cannot be read, or says something wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Io { what: "read", path: path.to_owned(), source }),
        };
        let wrong = |reason: String| ConfigError::Content { path: path.to_owned(), reason };
        let source = Source::from_bytes(&path.display().to_string(), &content);
        let source = source.map_err(|problem| wrong(problem.to_string()))?;
        let body = parse_body(&source).map_err(|problems| wrong(problems.to_string()))?;
        let mut registries =
            Self { revoked_keys: texts(&body, "revoked_keys").into_iter().collect(), ..Self::default() };
        for block in body.blocks_of("registry") {
            let name = block.label(0).unwrap_or_default().to_owned();
            name::check("registry", &name).map_err(|error| wrong(error.to_string()))?;
            let source = text(&block.body, "source");
            if source.is_empty() {
                return Err(wrong(format!("the registry {name} has no source")));
            }
            let trusted_keys: Result<Vec<PublicKey>, _> =
                texts(&block.body, "trusted_keys").iter().map(|key| key.parse()).collect();
            let trusted_keys = trusted_keys.map_err(|error: KeyError| wrong(format!("{name}: {error}")))?;
            let rotations: Result<Vec<Rotation>, _> =
                texts(&block.body, "rotations").iter().map(|text| Rotation::parse(text)).collect();
            let rotations = rotations.map_err(|_| wrong(format!("{name}: a rotation is false")))?;
            registries.named.insert(name, NamedRegistry { source, trusted_keys, rotations });
        }
        Ok(registries)
    }

    /// Writes the file, wholly or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ConfigError> {
        crate::write_atomically(path, self.to_text().as_bytes(), 0o644).map_err(|source| ConfigError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }

    fn to_text(&self) -> String {
        let list =
            |items: Vec<String>| format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "));
        let mut out = HEADING.to_owned();
        if !self.revoked_keys.is_empty() {
            out.push_str(&format!("\nrevoked_keys = {}\n", list(self.revoked_keys.iter().cloned().collect())));
        }
        for (name, registry) in &self.named {
            out.push_str(&format!("\nregistry {} {{\n  source = {}\n", quoted(name), quoted(&registry.source)));
            if !registry.trusted_keys.is_empty() {
                let keys = registry.trusted_keys.iter().map(PublicKey::to_string).collect();
                out.push_str(&format!("  trusted_keys = {}\n", list(keys)));
            }
            if !registry.rotations.is_empty() {
                let rotations = registry.rotations.iter().filter_map(|one| serde_json::to_string(one).ok()).collect();
                out.push_str(&format!("  rotations = {}\n", list(rotations)));
            }
            out.push_str("}\n");
        }
        out
    }

    /// Whom to believe about the packs of a registry; of one without a name, no signatures are asked for.
    pub fn trust(&self, registry: Option<&NamedRegistry>) -> TrustPolicy {
        let (trusted_keys, rotations) = match registry {
            Some(registry) => (registry.trusted_keys.clone(), registry.rotations.clone()),
            None => (Vec::new(), Vec::new()),
        };
        TrustPolicy { trusted_keys, rotations, revoked_keys: self.revoked_keys.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SigningKey;

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d/registries.hcl");
        let (old, new) = (SigningKey::generate(), SigningKey::generate());
        let team = NamedRegistry {
            source: "oci://h/packs".to_owned(),
            trusted_keys: vec![old.public()],
            rotations: vec![Rotation::sign(&old, new.public(), "2026-01-01T00:00:00Z")],
        };
        let registries = Registries {
            named: BTreeMap::from([("team".to_owned(), team)]),
            revoked_keys: BTreeSet::from(["0123456789abcdef".to_owned()]),
        };
        registries.write(&path).unwrap();
        let read = Registries::read(&path).unwrap();
        assert_eq!(read, registries);
        assert!(read.trust(read.named.get("team")).trusts(&new.public()));
    }

    #[test]
    fn wrong_files_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registries.hcl");
        for (text, part) in [
            ("registry \"a\" {}", "has no source"),
            ("registry \"a\" {\n source = \"x\"\n trusted_keys = [\"no\"]\n}", "no public key"),
            ("registry \"A b\" {\n source = \"x\"\n}", "cannot be the name"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Registries::read(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{part} not in {error}");
        }
    }
}
