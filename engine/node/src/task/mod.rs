//! Tasks: the state machine of one, its restart policy, its events and its environment.

pub mod config;
pub mod core;
pub mod env;
pub mod events;
pub mod interpolate;
pub mod restart;
