//! Root keys on their way into an archive of the state and out of it: without them, its variables could not be read.

use super::{Keyring, Material};
use crate::error::{Result, ServerError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_model::UnixNanos;
use drover_state::Snapshot;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// A key in an archive.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Carried {
    #[serde(rename = "KeyID")]
    key_id: String,
    create_time: UnixNanos,
    /// Base64.
    seal_key: String,
    /// PKCS#1 DER, base64.
    signing_key: String,
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.seal_key.zeroize();
        self.signing_key.zeroize();
    }
}

impl Keyring {
    /// The keys of a state as far as this server has them, as a JSON document.
    pub(crate) fn pack(&self, snapshot: &Snapshot) -> Result<Zeroizing<Vec<u8>>> {
        let held = snapshot.root_keys().filter_map(|key| self.material(&key.key_id).ok());
        let carried: Vec<Carried> = held
            .map(|material| Carried {
                key_id: material.id().to_owned(),
                create_time: material.created(),
                seal_key: STANDARD.encode(material.seal_bytes()),
                signing_key: STANDARD.encode(material.signing_der()),
            })
            .collect();
        let document = serde_json::to_vec(&carried).map(Zeroizing::new);
        document.map_err(|error| ServerError::unavailable(format!("the keyring cannot be written: {error}")))
    }

    /// Keeps the keys of a document that [`Keyring::pack`] made. Those that are here already stay.
    ///
    /// # Errors
    /// The document is damaged, or a key cannot be written.
    pub(crate) fn unpack(&self, document: &[u8]) -> Result<()> {
        let damaged = |error: &dyn std::fmt::Display| {
            ServerError::refused(format!("failed to restore from snapshot: its keys are damaged: {error}"))
        };
        let carried: Vec<Carried> = serde_json::from_slice(document).map_err(|error| damaged(&error))?;
        for key in carried {
            if self.material(&key.key_id).is_ok() {
                continue;
            }
            let bytes = |text: &str| STANDARD.decode(text).map(Zeroizing::new).map_err(|error| damaged(&error));
            let (seal, sign) = (bytes(&key.seal_key)?, bytes(&key.signing_key)?);
            self.keep(Material::new(key.key_id.clone(), key.create_time, seal, sign)?)?;
        }
        Ok(())
    }
}
