//! What operators ask of the keyring: a new key, or one less.

use super::keystore::ALGORITHM;
use super::{Material, active_key};
use crate::answer::{RootKeyRotated, Written};
use crate::error::{Result, ServerError};
use crate::server::{Inner, Server};
use drover_model::UnixNanos;
use drover_model::registry::{RootKey, RootKeyState};
use drover_state::{Command, Snapshot};
use std::sync::Arc;

/// How to rotate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotateRequest {
    /// Seal everything anew with the new key.
    pub full: bool,
    /// Publish the new key now, and use it from this time on.
    pub publish_time: Option<UnixNanos>,
}

impl Server {
    /// Makes a new root key. Re-encryption goes on in the background when this returns.
    ///
    /// # Errors
    /// The request contradicts itself; the key cannot be made or kept.
    pub async fn rotate_root_key(&self, request: RotateRequest) -> Result<RootKeyRotated> {
        if request.full && request.publish_time.is_some() {
            return Err(ServerError::refused("keyring cannot be prepublished and full rotated at the same time"));
        }
        self.inner.rotate_root_key(request).await
    }

    /// Removes a root key that is not needed any more.
    ///
    /// # Errors
    /// It is active, unknown, or something was sealed or signed with it.
    pub async fn remove_root_key(&self, id: &str) -> Result<Written> {
        if id.is_empty() {
            return Err(ServerError::refused("root key ID is required"));
        }
        let _changing = self.inner.keyring.changes.lock().await;
        let snapshot = self.inner.store.snapshot();
        let Some(key) = snapshot.root_key(id) else { return Err(ServerError::refused("root key not found")) };
        if key.state == RootKeyState::Active {
            return Err(ServerError::refused("active root key cannot be deleted - call rotate first"));
        }
        if is_used(&snapshot, key) {
            return Err(ServerError::refused("root key in use, cannot delete"));
        }
        let index = self.inner.remove_root_key(id).await?;
        Ok(Written { index })
    }
}

impl Inner {
    /// Makes a key as asked, and replicates it.
    pub(super) async fn rotate_root_key(&self, request: RotateRequest) -> Result<RootKeyRotated> {
        let _changing = self.keyring.changes.lock().await;
        self.add_root_key(request).await
    }

    /// The first key of a cluster; does nothing when another one was faster.
    pub(super) async fn initialize_root_key(&self) -> Result<()> {
        let _changing = self.keyring.changes.lock().await;
        if active_key(&self.store.snapshot()).is_none() {
            let made = self.add_root_key(RotateRequest::default()).await?;
            tracing::info!(id = made.key.key_id, "initialized keyring");
        }
        Ok(())
    }

    /// Makes a prepublished key the active one.
    pub(super) async fn promote_root_key(&self, id: &str) -> Result<()> {
        let _changing = self.keyring.changes.lock().await;
        let snapshot = self.store.snapshot();
        let Some(key) = snapshot.root_key(id) else { return Ok(()) };
        let promoted = RootKey { state: RootKeyState::Active, publish_time: UnixNanos(0), ..(**key).clone() };
        let commands = replacing_active(&snapshot, promoted, RootKeyState::Inactive);
        self.propose(Command::Batch(commands)).await?;
        tracing::info!(id, "a prepublished root key became active");
        Ok(())
    }

    /// Removes a key that nothing uses, first from the state.
    pub(super) async fn remove_root_key(&self, id: &str) -> Result<u64> {
        let committed = self.propose(Command::DeleteRootKey(id.to_owned())).await?;
        self.keyring.forget(id);
        Ok(committed.index)
    }

    async fn add_root_key(&self, request: RotateRequest) -> Result<RootKeyRotated> {
        let made = tokio::task::spawn_blocking(Material::generate).await;
        let material = made.map_err(|_| ServerError::unavailable("the making of a key was interrupted"))??;
        let (public_modulus, public_exponent) = material.public();
        let state = if request.publish_time.is_some() { RootKeyState::Prepublished } else { RootKeyState::Active };
        let key = RootKey {
            key_id: material.id().to_owned(),
            algorithm: ALGORITHM.to_owned(),
            state,
            public_modulus,
            public_exponent,
            create_time: material.created(),
            publish_time: request.publish_time.unwrap_or_default(),
            ..RootKey::default()
        };
        self.keyring.keep(material)?;
        let snapshot = self.store.snapshot();
        let former = if request.full { RootKeyState::Rekeying } else { RootKeyState::Inactive };
        let commands = match state {
            RootKeyState::Active => replacing_active(&snapshot, key.clone(), former),
            _ => vec![Command::UpsertRootKey(key.clone())],
        };
        let proposed = self.propose(Command::Batch(commands)).await;
        if proposed.is_err() {
            self.keyring.forget(&key.key_id);
        }
        Ok(RootKeyRotated { key, index: proposed?.index })
    }
}

/// `key` and the end of the one that was active. A full rotation reaches back to all that older keys sealed.
fn replacing_active(snapshot: &Snapshot, key: RootKey, former: RootKeyState) -> Vec<Command> {
    let ends = |old: &Arc<RootKey>| match old.state {
        RootKeyState::Active => true,
        RootKeyState::Inactive => former == RootKeyState::Rekeying,
        _ => false,
    };
    let mut commands: Vec<Command> = snapshot
        .root_keys()
        .filter(|old| old.key_id != key.key_id && ends(old))
        .map(|old| Command::UpsertRootKey(RootKey { state: former, ..(**old).clone() }))
        .collect();
    commands.push(Command::UpsertRootKey(key));
    commands
}

/// Whether something needs a key that seals and signs no longer: variables that it sealed, identities that it signed.
pub(super) fn is_used(snapshot: &Snapshot, key: &RootKey) -> bool {
    let id = &key.key_id;
    snapshot.variables().any(|variable| variable.key_id == *id)
        || snapshot.nodes().any(|node| node.identity_signing_key_id == *id)
        || snapshot.allocs().any(|alloc| !alloc.is_terminal() && alloc.signing_key_id == *id)
}
