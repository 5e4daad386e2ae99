//! Chores of the workspace. `cargo xtask` lists them; people and CI run the same ones.

mod check;
mod conformance;
mod workspace;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask CHORE

  check [NAME…]   all checks, or the named ones: fmt, clippy, directions, sizes, links, doc
  conformance     the suites of ../shared/conformance against target/release/drover;
                  fails when one falls below tests/conformance.toml
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    match args.first().map(String::as_str) {
        Some("check") => check::run(&args[1..]),
        Some("conformance") => conformance::run(&args[1..]),
        None | Some("help" | "-h" | "--help") => {
            say(HELP);
            Ok(())
        }
        Some(other) => bail!("unknown chore {other:?}\n\n{HELP}"),
    }
}

/// The one place of this program that prints.
#[expect(clippy::print_stdout, reason = "a chore reports on standard output")]
fn say(text: &str) {
    println!("{text}");
}
