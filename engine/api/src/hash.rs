//! Hashes that tell versions of small objects apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A hash of an object's document, base64.
pub(crate) fn of<T: Serialize>(object: &T) -> String {
    let document = serde_json::to_vec(object).expect("documents of the model can be written");
    STANDARD.encode(Sha256::digest(document))
}
