//! The replicated tables of the engine: [`Command`]s in, [`Event`]s out.
//!
//! - [`StateStore`] owns the tables. [`StateStore::apply`] is the only way to change them; it is
//!   deterministic (ids and times come in the command) and all or nothing.
//! - [`Snapshot`] is an immutable view at one index, taken in O(1); it is the scheduler's
//!   [`drover_model::ClusterView`] and what the API reads.
//! - [`Watch`] is a future that wakes only when what it waits for was touched ([`WatchKey`]).
//! - [`codec`] turns commands and whole states into bytes and back.
//!
//! This crate knows nothing of consensus, HTTP, clocks, randomness or any async runtime.

mod apply;
pub mod census;
pub mod codec;
mod command;
mod event;
mod index;
mod outcome;
mod read;
mod rows;
mod snapshot;
mod store;
mod tables;
mod watch;

pub use command::*;
pub use event::{Event, EventBatch, EventPayload, MAX_EVENT_BATCHES, Topic};
pub use outcome::{Applied, ApplyOutcome, StateError, VariableConflict};
pub use snapshot::Snapshot;
pub use store::{Observer, StateStore};
pub use tables::Table;
pub use watch::{Watch, WatchKey};
