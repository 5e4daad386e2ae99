//! The registry server: packs published, searched, downloaded and browsed over HTTP, kept in a folder or a bucket.
//!
//! [`Server::start`] opens what a [`Config`] names and listens; [`Server::run`] answers until it is stopped. Below it an
//! [`App`] joins the [`catalog::Catalog`] (the packs: an [`index::Index`] in memory that follows the [`storage::Store`]), the
//! tokens and issuers of [`access`], mirrors of other registries, the audit log, rates and metrics. `http` has the API, `web`
//! the pages.
//!
//! The crate must not know about engines, stacks or the terminal; it neither prints nor reads the environment. Packs of
//! strangers are unpacked within limits and rendered only in a process of their own.

pub mod access;
mod app;
pub mod audit;
pub mod catalog;
mod client;
mod clients;
pub mod config;
mod example;
mod http;
pub mod index;
mod inspect;
pub mod metrics;
mod mirror;
mod publish;
pub mod rate;
pub mod release;
mod server;
pub mod storage;
mod time;
mod tls;
mod web;

pub use app::{App, OpenError};
pub use config::Config;
pub use server::{Handle, Server, StartError};
pub use tls::TlsError;
