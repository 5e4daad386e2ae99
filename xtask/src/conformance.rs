//! `cargo xtask conformance`: the recorded facts of the reference, where they are at hand.
//!
//! Each suite prints `N passed, M failed` as its last line. Fewer passes than `tests/conformance.toml`
//! records is a failure; a suite that depends on time is run once more before that counts.

use crate::{say, workspace};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// Arguments after `--bin PATH`.
    #[serde(default)]
    args: Vec<String>,
    /// Passes that were seen once and must not be lost.
    passed: u32,
    /// Whether a second run counts when the first falls short.
    #[serde(default)]
    depends_on_time: bool,
}

/// Runs all suites, or the named ones.
pub fn run(names: &[String]) -> Result<()> {
    let root = workspace::root();
    let shared = root.join("../shared/conformance");
    if !shared.exists() {
        say("skipped conformance: ../shared/conformance is not here");
        return Ok(());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), std::path::PathBuf::from);
    let binary = target.join("release/drover");
    if !binary.exists() {
        bail!("{} is missing: cargo build --release first", binary.display());
    }
    let text = std::fs::read_to_string(root.join("tests/conformance.toml")).context("tests/conformance.toml")?;
    let suites: BTreeMap<String, Suite> = toml::from_str(&text).context("tests/conformance.toml")?;
    let mut short = Vec::new();
    for (name, suite) in suites.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        let mut passed = run_suite(&shared.join(name).join("check"), &binary, suite)?;
        if passed < suite.passed && suite.depends_on_time {
            say(&format!("{name}: {passed} passed, {} wanted; once more", suite.passed));
            passed = passed.max(run_suite(&shared.join(name).join("check"), &binary, suite)?);
        }
        say(&format!("conformance {name}: {passed} passed, {} wanted", suite.passed));
        if passed < suite.passed {
            short.push(name.as_str());
        }
    }
    if short.is_empty() { Ok(()) } else { bail!("below the recorded figures: {}", short.join(", ")) }
}

fn run_suite(check: &Path, binary: &Path, suite: &Suite) -> Result<u32> {
    let out = Command::new(check)
        .arg("--bin")
        .arg(binary)
        .args(&suite.args)
        .output()
        .with_context(|| format!("starting {}", check.display()))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let last = text.lines().rev().find(|line| line.contains(" passed")).unwrap_or_default();
    last.split_whitespace().next().and_then(|n| n.parse().ok()).with_context(|| {
        format!("{} printed no result: {text}{}", check.display(), String::from_utf8_lossy(&out.stderr))
    })
}
