//! Ids, durations, times and error helpers that every Drover crate shares.
//!
//! This crate depends on nothing else of Drover. It has no effects of its own except
//! [`uuid::random`], which is for shells: pure cores are handed their ids and times.
//!
//! - [`ids`]: cheap, typed string ids ([`JobId`], [`NodeId`], [`AllocId`], …).
//! - [`Nanos`]: Go-style durations, whole nanoseconds on the wire.
//! - [`time`]: nanosecond timestamps and RFC 3339 times as the wire has them.
//! - [`serde_null`]: collections that the wire shows as `null` when empty.
//! - [`tape`]: documents laid out once, to be compared or read as another type.

pub mod error;
pub mod ids;
pub mod nanos;
pub mod serde_null;
pub mod tape;
pub mod time;
pub mod uuid;

pub use ids::{AllocId, DeploymentId, EvalId, JobId, JobKey, Namespace, NodeId, short_id};
pub use nanos::{Nanos, ParseDurationError};
pub use time::{UnixNanos, WireTime};
