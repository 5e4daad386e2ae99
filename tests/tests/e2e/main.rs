//! End-to-end tests with the real binary. One file per promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod against_nomad;
mod agent;
mod bad_input;
mod crash;
mod drivers;
mod examples;
mod job_cli;
mod local_engine;
mod nomad_cli;
mod pack;
mod plan_diff;
mod registry_client;
mod registry_serve;
mod secret_canary;
mod secret_runtime;
mod stack;
mod stack_follow;
mod stack_ops;
mod terminal;
