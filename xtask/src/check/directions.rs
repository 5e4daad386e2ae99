//! Who may depend on whom. A new arrow is a decision: it is written here and in docs/architecture.md.

use crate::workspace;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::Command;

/// Crate (without the `drover-` prefix) and the crates of ours that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("acl", &[]),
    ("model", &["base"]),
    ("filter", &[]),
    ("gotemplate", &[]),
    ("hcl", &["base"]),
    ("secrets", &["base"]),
    ("wire", &["model", "base"]),
    ("diff", &["wire", "model", "base"]),
    ("state", &["model", "base"]),
    ("scheduler", &["model", "base"]),
    ("drivers", &["model", "base"]),
    ("raft", &["base"]),
    ("jobspec", &["hcl", "wire", "base"]),
    ("sdk", &["wire", "model", "base"]),
    ("node", &["drivers", "wire", "model", "base"]),
    ("server", &["acl", "filter", "scheduler", "state", "raft", "jobspec", "wire", "diff", "model", "base"]),
    // Nothing uses it: it is the bench and the test of the whole server.
    ("sim", &["server", "state", "wire", "model"]),
    (
        "api",
        &["acl", "filter", "server", "node", "drivers", "state", "jobspec", "hcl", "wire", "diff", "model", "base"],
    ),
    ("agent", &["api", "server", "node", "drivers", "raft", "state", "hcl", "model", "base"]),
    ("registry", &["hcl"]),
    ("registry-server", &["registry", "packs", "hcl", "base"]),
    ("packs", &["gotemplate", "jobspec", "hcl", "wire", "secrets", "base"]),
    ("stack", &["sdk", "diff", "packs", "secrets", "jobspec", "hcl", "wire", "model", "base"]),
    (
        "drover",
        &[
            "agent",
            "sdk",
            "scheduler",
            "stack",
            "packs",
            "registry",
            "registry-server",
            "secrets",
            "diff",
            "jobspec",
            "hcl",
            "wire",
            "drivers",
            "model",
            "base",
        ],
    ),
    ("tests", &["base"]),
    ("xtask", &[]),
];

/// Crates that must stay free of effects, and the libraries that would bring them in.
const PURE: &[&str] = &["base", "acl", "filter", "model", "wire", "jobspec", "diff", "state", "scheduler"];
const EFFECTS: &[&str] = &["tokio", "reqwest", "axum", "hyper", "redb", "nix", "libc", "openraft", "bollard"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Fails with every arrow that is not allowed.
pub fn check() -> Result<()> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata()?.packages {
        let name = short(&package.name);
        let Some(may) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the list of xtask/src/check/directions.rs"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind.is_none()) {
            let used = short(&dependency.name);
            if allowed.contains_key(used) && used != name && !may.contains(&used) {
                wrong.push(format!("{name} must not depend on {used}"));
            }
            if PURE.contains(&name) && EFFECTS.contains(&used) {
                wrong.push(format!("{name} is pure and must not depend on {used}"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("; ")) }
}

fn metadata() -> Result<Metadata> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace::root())
        .output()
        .context("starting cargo metadata")?;
    serde_json::from_slice(&out.stdout).context("reading cargo metadata")
}

fn short(name: &str) -> &str {
    name.strip_prefix("drover-").unwrap_or(name)
}
