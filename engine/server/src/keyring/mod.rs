//! The root keys: what seals variables and signs identities.
//!
//! What everybody may know of a key (its state, its public half) is replicated as [`RootKey`]; its material lies in the
//! keystore folder of the servers ([`keystore`]), wrapped, and in their memory. [`core`] decides what becomes of keys
//! with time, [`lead`] carries that out on the leader, [`rotate`] is what operators ask for.

mod carry;
pub mod core;
mod keystore;
pub(crate) mod lead;
mod material;
mod rotate;

pub use rotate::RotateRequest;

use self::keystore::Keystore;
pub(crate) use self::material::Material;
use crate::error::{Result, ServerError};
use crate::server::Inner;
use drover_model::registry::{RootKey, RootKeyState};
use drover_state::{Snapshot, Table, WatchKey};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a request waits for the first key of a new cluster.
const FIRST_KEY_PATIENCE: Duration = Duration::from_secs(10);

/// The material of the keys that this server has.
pub(crate) struct Keyring {
    keystore: Keystore,
    held: RwLock<HashMap<String, Arc<Material>>>,
    /// Changes of the keyring come one after the other.
    changes: tokio::sync::Mutex<()>,
}

impl Keyring {
    /// A keyring that keeps its keys below `data_dir`, or in memory only.
    pub(crate) fn new(data_dir: Option<&Path>) -> Self {
        Self { keystore: Keystore::new(data_dir), held: RwLock::default(), changes: tokio::sync::Mutex::default() }
    }

    /// The material of a key.
    ///
    /// # Errors
    /// This server does not have it, or its file is damaged.
    pub(crate) fn material(&self, id: &str) -> Result<Arc<Material>> {
        if let Some(held) = self.held.read().get(id) {
            return Ok(held.clone());
        }
        let read = self.keystore.read(id)?.ok_or_else(|| {
            ServerError::unavailable(format!(
                "root key {id} is not in this server's keystore: restore the keystore folder that belongs to this \
                 state, or rotate the keyring"
            ))
        })?;
        let material = Arc::new(read);
        self.held.write().insert(id.to_owned(), material.clone());
        Ok(material)
    }

    /// Takes in a new key; it is on disk when this returns.
    fn keep(&self, material: Material) -> Result<Arc<Material>> {
        self.keystore.write(&material)?;
        let material = Arc::new(material);
        self.held.write().insert(material.id().to_owned(), material.clone());
        Ok(material)
    }

    /// Forgets a key, on disk too.
    fn forget(&self, id: &str) {
        self.held.write().remove(id);
        self.keystore.remove(id);
    }
}

/// The key that seals and signs.
pub(crate) fn active_key(snapshot: &Snapshot) -> Option<&Arc<RootKey>> {
    snapshot.root_keys().find(|key| key.state == RootKeyState::Active)
}

impl Inner {
    /// The material of the active key. A new cluster makes its first key in the background: this waits for it.
    ///
    /// # Errors
    /// There is none, or this server does not have its material.
    pub(crate) async fn active_material(&self) -> Result<Arc<Material>> {
        let mut watch = self.store.watch(vec![WatchKey::Table(Table::RootKeys)]);
        let search = async {
            loop {
                watch.rearm();
                if let Some(key) = active_key(&self.store.snapshot()) {
                    return key.key_id.clone();
                }
                (&mut watch).await;
            }
        };
        let id = tokio::time::timeout(FIRST_KEY_PATIENCE, search)
            .await
            .map_err(|_elapsed| ServerError::unavailable("keyring has not been initialized yet"))?;
        self.keyring.material(&id)
    }
}
