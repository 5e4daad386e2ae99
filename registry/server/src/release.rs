//! A published version as it is kept.

use drover_registry::wire::{VersionDetail, Yanked};
use serde::{Deserialize, Serialize};

/// The form of what is kept; a server refuses to serve a newer one.
pub(crate) const FORMAT: u32 = 1;

/// The object whose presence publishes a version: `packs/TEAM/NAME/VERSION/release.json`. It is written once.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Release {
    /// [`FORMAT`].
    pub format: u32,
    /// What clients see of it. Yanks and later signatures lie beside it.
    pub detail: VersionDetail,
    /// Where its [`Documents`] are.
    #[serde(default)]
    pub documents: Option<String>,
    /// The registry that it was mirrored from.
    #[serde(default)]
    pub mirrored_from: Option<String>,
}

/// What can change of a version: `…/state.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct State {
    /// Whether it was taken back.
    #[serde(default)]
    pub yanked: Option<Yanked>,
}

/// Long texts of a version, which only its page needs: `documents/HEX.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Documents {
    /// The README.
    #[serde(default)]
    pub readme: Option<String>,
    /// What it renders to with its defaults.
    #[serde(default)]
    pub example: Vec<ExampleFile>,
    /// Why there is no example.
    #[serde(default)]
    pub no_example: Option<String>,
    /// Its files with their sizes.
    #[serde(default)]
    pub files: Vec<(String, u64)>,
}

/// A rendered file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ExampleFile {
    /// Its path in the pack, without the template's ending.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Documents {
    /// All rendered files as one text.
    #[must_use]
    pub fn example_text(&self) -> Option<String> {
        match self.example.as_slice() {
            [] => None,
            [only] => Some(only.text.clone()),
            files => Some(
                files
                    .iter()
                    .map(|file| format!("# {}\n\n{}\n", file.path, file.text.trim_end()))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
        }
    }
}

/// The key of a version's objects.
pub(crate) fn folder(team: &str, name: &str, version: &str) -> String {
    format!("packs/{team}/{name}/{version}")
}

pub(crate) fn blob(digest: &drover_registry::Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// What a key below `packs/` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Release,
    State,
    Signature,
}

/// Takes a key below `packs/` apart; none for files that the registry did not write.
pub(crate) fn parse_key(key: &str) -> Option<(&str, &str, &str, Part)> {
    let steps: Vec<&str> = key.split('/').collect();
    match steps.as_slice() {
        ["packs", team, name, version, "release.json"] => Some((team, name, version, Part::Release)),
        ["packs", team, name, version, "state.json"] => Some((team, name, version, Part::State)),
        ["packs", team, name, version, "signatures", file] if file.ends_with(".json") => {
            Some((team, name, version, Part::Signature))
        }
        _ => None,
    }
}
