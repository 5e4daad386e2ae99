//! The Vault provider with a real OpenBao server, and with servers that are slow, broken or not there.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking; a skipped one says so")]

mod auth;
mod leases;
mod reading;
mod server;
mod trouble;
