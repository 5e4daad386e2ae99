//! Watches deployments: the next batch, promotion, failure, the way back.

pub mod core;
mod watcher;

pub(crate) use watcher::{Rollback, Signals, evaluation, rollback, run};
