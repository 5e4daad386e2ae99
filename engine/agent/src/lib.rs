//! The composition root: configuration to roles, run, drain.
//!
//! This is the only crate that knows servers, nodes, drivers and the HTTP API at once. It reads
//! configuration files ([`config`]), opens the state, starts the server and the node with their
//! in-process link, serves the API, and stops all of it in order on a signal ([`Agent`]).
//! It holds no domain logic: what it decides is who is started with which settings.

mod about;
mod banner;
pub mod config;
mod link;
mod logfile;
pub mod logging;
mod memory;
pub mod offline;
mod plugins;
mod run;
mod settings;
mod signals;
mod statsd;
mod task_api;

pub use config::{AgentConfig, ConfigError, Overrides};
pub use run::{Agent, AgentError};
pub use settings::API_VERSION;
