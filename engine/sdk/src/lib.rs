//! A typed asynchronous client of the `/v1` API, for the command line, stacks and third parties.
//!
//! It speaks to any engine with Nomad's v1 API: Drover's own or a Nomad cluster. It must not know of
//! terminals, files of jobs or the environment; whoever builds a [`Config`] does.
//!
//! - [`Client`]: one method per route, grouped by file (`jobs`, `allocations`, `nodes`, …), over
//!   [`Client::get`], [`Client::send`] and [`Client::stream`] for everything else.
//! - [`Query`]: prefix, filter, paging and blocking (`index` + `wait`) of a read; [`Answer`]: value and index.
//! - [`Error`]: unreachable engine, refused request (status, body), unreadable answer.
//! - [`FrameStream`]: log and file frames as they come.
//!
//! Reads are the types of `drover-model` and, for lists and envelopes, [`types`]. They are tolerant: null,
//! missing and unknown fields are fine.

mod acl;
mod allocations;
mod client;
mod cluster;
mod config;
mod deployments;
mod error;
mod evaluations;
mod exec;
mod files;
mod jobs;
mod node_pools;
mod nodes;
mod operator;
mod query;
mod registry;
mod stream;
pub mod types;
mod variables;
mod volumes;

pub use client::{Client, Method, NO_BODY};
pub use config::{Config, ConfigError, TlsFiles};
pub use error::Error;
pub use exec::{ActionOptions, ExecEvent, ExecEvents, ExecInput, ExecOptions};
pub use files::{FileInfo, LogOptions, Origin};
pub use jobs::{RegisterOptions, StopOptions};
pub use query::{Answer, Query};
pub use stream::{ByteStream, Frame, FrameStream};
pub use variables::{VariableWrite, variable_path};

/// What calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
