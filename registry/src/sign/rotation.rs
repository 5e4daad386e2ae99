//! Handing a key's trust on to its successor.

use super::{KeyError, PublicKey, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "drover-key-rotation/1";

/// The old key's word that the new one takes its place. Signed are four lines: format, old key, new key, time.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Rotation {
    format: String,
    /// Whose word it is.
    pub old_key: PublicKey,
    /// What takes its place.
    pub new_key: PublicKey,
    /// RFC 3339 in UTC.
    pub rotated_at: String,
    signature: String,
}

impl Rotation {
    /// Made by the owner of the old key.
    pub fn sign(old: &SigningKey, new_key: PublicKey, rotated_at: &str) -> Self {
        let mut rotation = Self {
            format: FORMAT.to_owned(),
            old_key: old.public(),
            new_key,
            rotated_at: rotated_at.to_owned(),
            signature: String::new(),
        };
        rotation.signature = STANDARD.encode(old.sign(rotation.message().as_bytes()));
        rotation
    }

    fn message(&self) -> String {
        format!("{FORMAT}\n{}\n{}\n{}\n", self.old_key, self.new_key, self.rotated_at)
    }

    /// Whether the old key really said so.
    pub fn is_sound(&self) -> bool {
        let signature = STANDARD.decode(&self.signature).unwrap_or_default();
        self.format == FORMAT
            && !self.rotated_at.contains(char::is_control)
            && self.old_key.verifies(self.message().as_bytes(), &signature)
    }

    /// From the text of a file.
    ///
    /// # Errors
    /// It is none, or it is false.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError { text: text.chars().take(60).collect() };
        serde_json::from_str::<Self>(text).ok().filter(Self::is_sound).ok_or_else(wrong)
    }
}
