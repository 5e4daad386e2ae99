//! Runs the `git` program.
//!
//! Why the program and not a library: publishing has to push, which gitoxide cannot do (as of 0.90) and libgit2 does
//! only with C and OpenSSL; and the program brings what people have set up already: credential helpers, ssh with its
//! agent and configuration, proxies, rewritten addresses.

use super::super::ClientError;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Of one run of the program.
const TIMEOUT: Duration = Duration::from_secs(300);

pub(super) struct Git<'a> {
    pub registry: &'a str,
    /// The repository that it works in.
    pub folder: &'a Path,
}

/// What a run gave: its output, or what it complained of.
pub(super) enum Ended {
    Well(Vec<u8>),
    Badly(String),
}

impl Git<'_> {
    /// Runs it; an error ends with what it complained of.
    pub async fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, ClientError> {
        match self.try_run(arguments, None).await? {
            Ended::Well(output) => Ok(output),
            Ended::Badly(complaint) => Err(self.explain(arguments, &complaint)),
        }
    }

    /// Runs it, and lets the caller judge its failure.
    pub async fn try_run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Ended, ClientError> {
        let mut command = Command::new("git");
        command
            .args(["-c", "protocol.ext.allow=never", "-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null"])
            .args(["-c", "advice.detachedHead=false", "-c", "core.autocrlf=false"])
            .args(arguments)
            .current_dir(self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|error| self.wrong(format!("git cannot be started: {error}; install git")))?;
        let pipe = child.stdin.take();
        let feed = async {
            if let (Some(mut pipe), Some(input)) = (pipe, input) {
                // A git that has ended reads no more, which its status says.
                let _ = pipe.write_all(input).await;
            }
        };
        let run = async { tokio::join!(feed, child.wait_with_output()).1 };
        let Ok(ended) = tokio::time::timeout(TIMEOUT, run).await else {
            let reason = format!("git {} did not end within {} s", arguments.first().unwrap_or(&""), TIMEOUT.as_secs());
            return Err(ClientError::Unreachable { registry: self.registry.to_owned(), reason });
        };
        let output = ended.map_err(|error| self.wrong(format!("git: {error}")))?;
        Ok(match output.status.success() {
            true => Ended::Well(output.stdout),
            false => Ended::Badly(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        })
    }

    pub fn wrong(&self, reason: String) -> ClientError {
        ClientError::Answer { registry: self.registry.to_owned(), reason }
    }

    pub fn explain(&self, arguments: &[&str], complaint: &str) -> ClientError {
        let registry = self.registry.to_owned();
        let line = |line: &&str| line.contains("fatal:") || line.contains("error:") || line.contains("denied");
        let reason = complaint.lines().find(line).or(complaint.lines().next()).unwrap_or("it failed").trim().to_owned();
        let any = |parts: &[&str]| parts.iter().any(|part| complaint.contains(part));
        if any(&["could not read Username", "Authentication failed", "Permission denied", "403"]) {
            let reason = format!("{reason}; git needs credentials: set up a credential helper or an ssh key");
            return ClientError::Denied { registry, reason };
        }
        if any(&[
            "Could not resolve",
            "unable to access",
            "Connection refused",
            "timed out",
            "does not appear to be",
            "not found",
        ]) {
            return ClientError::Unreachable { registry, reason };
        }
        ClientError::Answer { registry, reason: format!("git {}: {reason}", arguments.first().unwrap_or(&"")) }
    }
}
