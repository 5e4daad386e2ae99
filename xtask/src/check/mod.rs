//! `cargo xtask check`: what must hold before a change lands.

mod directions;
mod links;
mod sizes;

use crate::{say, workspace};
use anyhow::{Context, Result, bail};
use std::process::Command;

type Check = (&'static str, fn() -> Result<()>);

const CHECKS: &[Check] = &[
    ("fmt", fmt),
    ("directions", directions::check),
    ("sizes", sizes::check),
    ("links", links::check),
    ("clippy", clippy),
    ("doc", doc),
];

/// Runs the named checks, or all; reports each and fails if any failed.
pub fn run(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| CHECKS.iter().all(|(known, _)| known != name)) {
        bail!("unknown check {unknown:?}: one of {}", CHECKS.map_names());
    }
    let mut failed = Vec::new();
    for (name, check) in CHECKS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name)) {
        match check() {
            Ok(()) => say(&format!("ok      {name}")),
            Err(error) => {
                say(&format!("FAILED  {name}: {error:#}"));
                failed.push(*name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

trait MapNames {
    fn map_names(&self) -> String;
}

impl MapNames for [Check] {
    fn map_names(&self) -> String {
        self.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

fn fmt() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])
}

fn clippy() -> Result<()> {
    cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"], &[])
}

fn doc() -> Result<()> {
    cargo(
        &["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"],
        &[("RUSTDOCFLAGS", "-D rustdoc::broken_intra_doc_links -A rustdoc::private_intra_doc_links")],
    )
}

fn cargo(args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(args)
        .envs(env.iter().copied())
        .current_dir(workspace::root())
        .status()
        .context("starting cargo")?;
    if status.success() { Ok(()) } else { bail!("cargo {} says no", args[0]) }
}
