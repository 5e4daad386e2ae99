//! Allocations: the state machine of one, its directories, its health, and the shell that runs it.

pub mod core;
pub mod dir;
pub mod health;
mod identities;
mod rules;
pub mod runner;
mod shell;
mod status;
pub mod view;
