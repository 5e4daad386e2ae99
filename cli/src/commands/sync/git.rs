//! The repository that is followed: a copy of one branch, made and renewed by the `git` program.

use crate::error::CliError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Seconds without any data after which git gives a transfer up.
const STALLED_SECONDS: &str = "30";

/// A copy of a repository.
pub struct Copy {
    /// Where it comes from.
    pub repository: String,
    /// The branch or tag.
    pub branch: String,
    folder: PathBuf,
}

impl Copy {
    /// A copy in `folder`, which this command alone uses. Nothing is fetched yet.
    pub fn new(repository: &str, branch: &str, folder: PathBuf) -> Self {
        // Git runs in the copy's folder, from which a relative path would lead somewhere else.
        let absolute =
            Path::new(repository).canonicalize().ok().and_then(|path| path.into_os_string().into_string().ok());
        Self { repository: absolute.unwrap_or_else(|| repository.to_owned()), branch: branch.to_owned(), folder }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fetches the branch; answers its commit. The files stay as they are.
    ///
    /// # Errors
    /// The repository cannot be reached, or has no such branch.
    pub fn fetch(&self) -> Result<String, CliError> {
        if !self.folder.join(".git").exists() {
            std::fs::create_dir_all(&self.folder)
                .map_err(|error| CliError::new(format!("cannot make {}: {error}", self.folder.display())))?;
            self.git(&["init", "--quiet"])?;
        }
        // A name that begins with a dash would be taken for an option.
        self.git(&["fetch", "--quiet", "--depth=50", "--force", "--", &self.repository, &self.branch])?;
        Ok(self.git(&["rev-parse", "--verify", "FETCH_HEAD^{commit}"])?.trim().to_owned())
    }

    /// The commit that the files are of; none before the first.
    pub fn current(&self) -> Option<String> {
        if !self.folder.join(".git").exists() {
            return None;
        }
        self.git(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ok().map(|commit| commit.trim().to_owned())
    }

    /// Brings the files to a commit; whatever else lies there goes.
    ///
    /// # Errors
    /// The commit is not there, or files cannot be written.
    pub fn check_out(&self, commit: &str) -> Result<(), CliError> {
        self.git(&["checkout", "--quiet", "--force", "--detach", commit])?;
        self.git(&["clean", "--quiet", "-ffdx"])?;
        Ok(())
    }

    /// Checks the commit's signature with the keys that git trusts here.
    ///
    /// # Errors
    /// There is none, or it is not good.
    pub fn verify(&self, commit: &str) -> Result<(), CliError> {
        self.git(&["verify-commit", commit]).map(|_| ()).map_err(|error| {
            let mut error = CliError::new(format!("commit {} has no good signature: {}", short(commit), error.message));
            error.hints.push(
                "git verify-commit decides; gpg.ssh.allowedSignersFile or the GPG keyring say who is trusted".into(),
            );
            error
        })
    }

    /// The first line of the commit's message.
    pub fn subject(&self, commit: &str) -> String {
        self.git(&["log", "-1", "--format=%s", commit]).unwrap_or_default().trim().to_owned()
    }

    fn git(&self, arguments: &[&str]) -> Result<String, CliError> {
        let ended = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            // Hooks and helpers of a copy that somebody else may have filled are not run.
            .args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"])
            .args(["-c", "http.lowSpeedLimit=1", "-c", &format!("http.lowSpeedTime={STALLED_SECONDS}")])
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_SSH_COMMAND", ssh_command())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| CliError::new(format!("cannot run git: {error}")).hint("install git"))?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        Err(CliError::new(format!("git {}: {}", arguments.first().unwrap_or(&""), without_password(said.trim()))))
    }
}

fn ssh_command() -> String {
    let given = std::env::var("GIT_SSH_COMMAND").ok().filter(|command| !command.is_empty());
    given.unwrap_or_else(|| format!("ssh -o BatchMode=yes -o ConnectTimeout={STALLED_SECONDS}"))
}

/// The first characters of a commit, as people know it.
pub fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

/// A text in which the passwords of addresses are not shown.
pub fn without_password(text: &str) -> String {
    let mut shown = String::new();
    for (place, part) in text.split("://").enumerate() {
        if place == 0 {
            shown.push_str(part);
            continue;
        }
        shown.push_str("://");
        let end = part.find(['/', ' ', '\'', '"', '\n']).unwrap_or(part.len());
        match part[..end].rfind('@') {
            Some(at) => shown.push_str(&format!("***{}", &part[at..])),
            None => shown.push_str(part),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_addresses_are_not_shown() {
        let said = "fatal: unable to access 'https://me:tok-1@git.example/x@y.git': no";
        assert_eq!(without_password(said), "fatal: unable to access 'https://***@git.example/x@y.git': no");
        assert_eq!(without_password("git@host:x.git"), "git@host:x.git");
    }
}
