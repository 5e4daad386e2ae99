//! The leader's care for the keyring: the first key, keys that come and go with time, re-encryption.

use super::active_key;
use super::core::{Step, steps};
use super::rotate::{RotateRequest, is_used};
use crate::error::Result;
use crate::server::Inner;
use drover_model::UnixNanos;
use drover_model::registry::{RootKey, RootKeyState};
use drover_state::{Command, RekeyVariable, Snapshot, Table, WatchKey};
use std::sync::Arc;
use std::time::Duration;

/// Wait after something that did not work.
const RETRY_WAIT: Duration = Duration::from_secs(1);
/// Variables that are sealed anew by one command.
const MAX_REKEYED_PER_COMMAND: usize = 256;

/// Looks after the keyring until the task is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut watch = inner.store.watch(vec![WatchKey::Table(Table::RootKeys)]);
    let mut keep_time = tokio::time::interval(inner.config.keyring.gc_interval.as_duration());
    keep_time.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        watch.rearm();
        let worked = tokio::select! {
            _ = keep_time.tick() => care(&inner).await,
            () = &mut watch => rekey(&inner).await,
        };
        if let Err(error) = worked {
            tracing::warn!(%error, "the keyring could not be looked after; it is tried again");
            tokio::time::sleep(RETRY_WAIT).await;
            keep_time.reset_immediately();
        }
    }
}

/// Does everything whose time has come.
async fn care(inner: &Inner) -> Result<()> {
    let snapshot = inner.store.snapshot();
    let keys: Vec<Arc<RootKey>> = snapshot.root_keys().cloned().collect();
    for step in steps(&keys, &inner.config.keyring, UnixNanos::now(), |key| is_used(&snapshot, key)) {
        match step {
            Step::Initialize => inner.initialize_root_key().await?,
            Step::Prepublish(at) => {
                inner.rotate_root_key(RotateRequest { full: false, publish_time: Some(at) }).await?;
            }
            Step::Promote(id) => inner.promote_root_key(&id).await?,
            Step::Remove(id) => {
                inner.remove_root_key(&id).await?;
                tracing::info!(id, "a root key that nothing uses was removed");
            }
        }
    }
    rekey(inner).await
}

/// Seals anew what keys sealed that are to be replaced everywhere, then retires those keys.
async fn rekey(inner: &Inner) -> Result<()> {
    let snapshot = inner.store.snapshot();
    let retiring: Vec<Arc<RootKey>> =
        snapshot.root_keys().filter(|key| key.state == RootKeyState::Rekeying).cloned().collect();
    let Some(active) = active_key(&snapshot).filter(|_| !retiring.is_empty()) else { return Ok(()) };
    loop {
        let snapshot = inner.store.snapshot();
        let batch = sealed_anew(inner, &snapshot, &retiring, &active.key_id)?;
        if batch.is_empty() {
            break;
        }
        // One that changed meanwhile stays as it is, and is sealed with the new key already.
        inner.propose(Command::RekeyVariables(batch)).await?;
    }
    let retired = retiring.iter().map(|key| RootKey { state: RootKeyState::Inactive, ..(**key).clone() });
    for key in retired {
        inner.propose(Command::UpsertRootKey(key)).await?;
    }
    tracing::info!(active = active.key_id, "all variables are encrypted with the new root key");
    Ok(())
}

fn sealed_anew(
    inner: &Inner,
    snapshot: &Snapshot,
    retiring: &[Arc<RootKey>],
    active: &str,
) -> Result<Vec<RekeyVariable>> {
    let material = inner.keyring.material(active)?;
    let old = snapshot.variables().filter(|variable| retiring.iter().any(|key| key.key_id == variable.key_id));
    old.take(MAX_REKEYED_PER_COMMAND)
        .map(|variable| {
            let context = crate::endpoints::variables::context(&variable.namespace, &variable.path);
            let plain = inner.keyring.material(&variable.key_id)?.open(&context, &variable.sealed)?;
            let plain = zeroize::Zeroizing::new(plain);
            Ok(RekeyVariable {
                namespace: variable.namespace.clone(),
                path: variable.path.clone(),
                modify_index: variable.modify_index,
                key_id: active.to_owned(),
                sealed: material.seal(&context, &plain)?,
            })
        })
        .collect()
}
