//! The composition root: configuration to roles, run, drain.
//!
//! This is the only crate that knows servers, nodes, drivers and the HTTP API at once. It reads
//! configuration files ([`config`]), opens the state, starts the server and the node with their
//! in-process link, serves the API, and stops all of it in order on a signal.
//! It holds no domain logic: what it decides is who is started with which settings.

pub mod config;

pub mod logging;

pub use config::{AgentConfig, ConfigError, Overrides};
mod banner;
mod signals;
