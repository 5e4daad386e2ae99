//! Consensus on openraft: one way in for commands, a durable log, snapshots.
//!
//! - [`Consensus`] is the handle: [`Consensus::propose`] returns when a command is committed,
//!   durable (unless everything is kept in memory) and applied.
//! - [`StateMachine`] is what commands are applied to; this crate knows nothing of its domain.
//! - Concurrent proposals travel in one log entry and share one write to disk.
//!
//! On disk (`Config::data_dir`): `log-*.seg` segments, `vote`, `purged`, `snapshot-*`, `lock`. Every
//! file begins with a format version, and every record carries a CRC-32.

mod codec;
mod consensus;
mod error;
mod files;
mod log;
mod machine;
mod network;
mod proposer;
mod snapshots;
mod types;

pub use consensus::{Config, Consensus, Status};
pub use error::RaftError;
pub use machine::{BoxError, SnapshotFn, StateMachine};
