//! Test helper: the supervisor's entry point as the `drover` binary has it, for this crate's integration tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    drover_drivers::supervisor::main(std::env::args_os().skip(2))
}
