//! Runs the binary as a user does, in a hermetic environment.

use crate::drover;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a command did.
#[derive(Debug)]
pub struct Run {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Both outputs, for messages.
    pub fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
    /// Fails unless the exit code is `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "unexpected exit code\n{}", self.all());
        self
    }
    /// Fails unless standard output or standard error holds `text`.
    #[track_caller]
    pub fn expect_text(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "no {text:?} in\n{}", self.all());
        self
    }
    /// Fails when standard output or standard error holds `text`.
    #[track_caller]
    pub fn expect_no(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} in\n{}", self.all());
        self
    }
    /// Fails unless a line of the output has these words in this order with nothing but blanks between them.
    #[track_caller]
    pub fn expect_row(self, row: &str) -> Self {
        let wanted: Vec<&str> = row.split_whitespace().collect();
        let found = self.stdout.lines().any(|line| line.split_whitespace().eq(wanted.iter().copied()));
        assert!(found, "no row {row:?} in\n{}", self.all());
        self
    }
    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON: {error}\n{}", self.all()))
    }
    /// Standard output as one JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.all()));
        self.stdout.lines().map(parse).collect()
    }
}

/// Runs `drover ARGS` against the engine at `address`, in the root of the checkout.
pub fn run(address: &str, args: &[&str]) -> Run {
    run_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &[("DROVER_ADDR", address)], args)
}

/// Runs `drover ARGS` in `folder` with nothing in the environment but what is needed and `env`.
pub fn run_in(folder: &Path, env: &[(&str, &str)], args: &[&str]) -> Run {
    run_program(drover(), folder, env, args)
}

/// As [`run_in`], with another program: the binary under another name, or the reference's.
///
/// # Panics
/// When the program cannot be started.
pub fn run_program(program: &Path, folder: &Path, env: &[(&str, &str)], args: &[&str]) -> Run {
    let out = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started");
    Run {
        code: out.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}
