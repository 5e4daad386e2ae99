//! `cargo xtask conformance`: the recorded facts of the reference, where they are at hand.
//!
//! Each suite prints `N passed, M failed` as its last line. Fewer passes than `tests/conformance.toml`
//! records is a failure; a suite that depends on time is run once more before that counts.

use crate::{say, workspace};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// Arguments after `--bin PATH`.
    #[serde(default)]
    args: Vec<String>,
    /// Passes that were seen once and must not be lost.
    passed: u32,
    /// Whether the suite asks a running agent too, with `--http ADDRESS`.
    #[serde(default)]
    http: bool,
    /// Seconds after which a run is ended, and counts as none passed.
    #[serde(default = "limit_s")]
    limit_s: u64,
    /// Whether a second run counts when the first falls short.
    #[serde(default)]
    depends_on_time: bool,
}

/// All suites, run twice each, stay within what a run of the whole may take.
fn limit_s() -> u64 {
    300
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
    let agent = if suite.http { Some(Agent::start(binary)?) } else { None };
    let mut command = Command::new(check);
    command.arg("--bin").arg(binary).args(&suite.args);
    if let Some(agent) = &agent {
        command.arg("--http").arg(format!("127.0.0.1:{}", agent.port));
    }
    let limit = Duration::from_secs(suite.limit_s);
    let printed = workspace::root().join("target/conformance.txt");
    let Some(text) = output_within(command.env_remove("AWS_CA_BUNDLE"), &printed, limit)
        .with_context(|| format!("running {}", check.display()))?
    else {
        say(&format!("{} did not end within {} s and was ended", check.display(), suite.limit_s));
        return Ok(0);
    };
    let last = text.lines().rev().find(|line| line.contains(" passed")).unwrap_or_default();
    let passed = last.split_whitespace().next().and_then(|n| n.parse().ok());
    let passed = passed.with_context(|| format!("{} printed no result: {text}", check.display()))?;
    if passed < suite.passed {
        say(&text);
    }
    Ok(passed)
}

/// What a command prints on standard output, to a file, or `None` when it did not end in time. It and its children are in a process
/// group of their own, which is ended as a whole: a child that lives on would hold the output open for ever.
fn output_within(command: &mut Command, printed: &Path, limit: Duration) -> Result<Option<String>> {
    std::fs::create_dir_all(printed.parent().context("a file in a folder")?)?;
    let mut process = command.process_group(0).stdout(File::create(printed)?).stdin(Stdio::null()).spawn()?;
    let began = Instant::now();
    let in_time = loop {
        if process.try_wait()?.is_some() {
            break true;
        }
        if began.elapsed() > limit {
            break false;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    // A group that has ended already is no failure.
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", process.id())]).stderr(Stdio::null()).status();
    process.wait()?;
    let text = std::fs::read(printed)?;
    Ok(in_time.then(|| String::from_utf8_lossy(&text).into_owned()))
}

/// A dev agent for one suite.
struct Agent {
    process: Child,
    port: u16,
}

impl Agent {
    fn start(binary: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(binary)
            .args(["agent", "-dev", "-log-level=ERROR", &format!("-http-port={port}")])
            .stdout(Stdio::null())
            .spawn()
            .context("starting an agent")?;
        let agent = Self { process, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > Duration::from_secs(20) {
                bail!("the agent does not answer");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It keeps nothing and runs nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
