//! The harness of the end-to-end tests: the real binary, real agents on free ports, real processes.
//!
//! Everything a test starts lives in a temporary folder and is ended and removed when the test ends,
//! also when it fails. Tests never share an agent, so that they can run in parallel.

mod agent;
mod binary;
mod command;
pub mod files;
pub mod jobs;
mod normal;
mod peers;
pub mod processes;
mod terminal;
mod wait;

pub use agent::{Agent, AgentOptions, free_ports};
pub use binary::drover;
pub use command::{Run, run, run_in, run_program};
pub use normal::{normal, rows};
pub use peers::{docker_available, is_root, peer};
pub use terminal::Terminal;
pub use wait::{eventually, wait_for};
