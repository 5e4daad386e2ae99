//! The work of a server: it takes requests, proposes commands to the log, and, as the leader, keeps
//! the cluster going.
//!
//! - [`Server`] is the handle that the API and nodes use: writes are its async methods (`endpoints`,
//!   one file per family), reads go through the snapshots and watches of [`Server::state`].
//! - Register → evaluation ([`broker`]) → worker → scheduler → [`applier`] → allocations. What cannot be
//!   placed waits in [`blocked`]. [`deployments`], [`drainer`], [`heartbeat`], [`periodic`] and [`gc`] react to
//!   changes of the state and to time.
//! - Each of these has a pure `core` (no clock, no tasks: time comes in) and a shell around it.
//!
//! It knows nothing of HTTP, and nothing of how nodes run things.

pub mod access;
pub mod answer;
pub mod applier;
pub mod archive;
pub mod archive_view;
pub mod blocked;
pub mod broker;
pub mod config;
pub mod deployments;
pub mod drainer;
mod endpoints;
pub mod error;
mod evals;
pub mod gc;
pub mod heartbeat;
pub mod identity;
pub mod keyring;
mod leader;
mod locks;
mod log;
pub mod login;
mod node_updates;
pub mod periodic;
pub mod request;
mod server;
mod spec;
pub mod storage;
mod timer;
mod worker;

pub use access::{Access, Identity, WorkloadClaims};
pub use config::{AclConfig, GcConfig, HeartbeatConfig, IntroductionConfig, JobLimits, KeyringConfig, ServerConfig};
pub use endpoints::{CsiClaimed, CsiVolumesWritten, HostVolumeWritten, PluginPage};
pub use error::{ErrorKind, Result, ServerError};
pub use log::{Committed, LogStatus, ProposeError, ProposeLog};
pub use server::Server;
pub use worker::pool::{KINDS as WORKER_KINDS, WorkerSettings};
