//! Evaluations that wait for capacity.

pub mod core;
