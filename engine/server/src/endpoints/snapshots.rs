//! Saving the state, and putting a saved one in its place.

use crate::answer::Written;
use crate::archive::{self, Archive, Configuration, Meta, Peer};
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::UnixNanos;
use drover_state::{Command, RestoreState, codec};
use std::sync::Arc;

impl Server {
    /// The whole state, with the keys of its variables, as one archive. `servers` are those of the cluster.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub async fn save_snapshot(&self, servers: Vec<Peer>) -> Result<Vec<u8>> {
        let snapshot = self.inner.store.snapshot();
        let term = self.inner.log.status().term;
        let inner = self.inner.clone();
        let made = tokio::task::spawn_blocking(move || {
            let failed = |error: &dyn std::fmt::Display| ServerError::unavailable(format!("no snapshot: {error}"));
            let state = codec::encode_state(&snapshot).map_err(|error| failed(&error))?;
            let keys = inner.keyring.pack(&snapshot)?;
            let milliseconds = UnixNanos::now().0 / 1_000_000;
            let meta = Meta {
                version: archive::VERSION,
                id: format!("{term}-{}-{milliseconds}", snapshot.index()),
                index: snapshot.index(),
                term,
                peers: String::new(),
                configuration: Configuration { servers },
                configuration_index: 1,
                size: state.len() as u64,
            };
            archive::write(&meta, &state, Some(&keys)).map_err(|error| failed(&error))
        });
        made.await.unwrap_or_else(|error| Err(ServerError::unavailable(error.to_string())))
    }

    /// Replaces the whole state by an archive's, as one command of the log: everything that waits for changes starts
    /// anew from it, and so does all work of the leader.
    ///
    /// # Errors
    /// The archive is damaged or of another version; nothing is changed then.
    pub async fn restore_snapshot(&self, bytes: Vec<u8>) -> Result<Written> {
        let refused =
            |error: &dyn std::fmt::Display| ServerError::refused(format!("failed to restore from snapshot: {error}"));
        let read = tokio::task::spawn_blocking(move || {
            let archive = archive::read(bytes.as_slice())?;
            Ok::<Archive, archive::ArchiveError>(archive)
        });
        let read = read.await.map_err(|error| refused(&error))?;
        let Archive { state, keys, meta } = read.map_err(|error| refused(&error))?;
        let image = tokio::task::spawn_blocking(move || codec::compress_state(&state));
        let image = image.await.map_err(|error| refused(&error))?;
        let image = image.map_err(|error| refused(&drover_base::error::chain(&error)))?;
        if let Some(keys) = keys {
            self.inner.keyring.unpack(&keys)?;
        }
        let restore = Command::RestoreState(RestoreState { image: Arc::new(image) });
        let index = self.inner.propose(restore).await?.index;
        tracing::info!(snapshot = meta.id, index, "the state was replaced by a saved one");
        // The command is as long as the state: it should not be read again at the next start.
        self.inner.log.compact().await;
        Ok(Written { index })
    }
}
