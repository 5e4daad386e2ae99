//! Plugins that are programs: `NAME fingerprint|create|delete` with everything else in their environment, and JSON on
//! their standard output.

use drover_model::NodeId;
use drover_model::volume::HostVolume;
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// The longest that a program may take to say who it is.
const FINGERPRINT_LIMIT: Duration = Duration::from_secs(5);
/// The longest that a program may take to make or remove a volume.
const WORK_LIMIT: Duration = Duration::from_secs(60);
/// The most of a program's complaint that is passed on, in bytes.
const MAX_COMPLAINT_BYTES: usize = 2048;

/// Why there is no volume.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// No such program, or not executable.
    #[error("no such plugin {name:?} in {}: {reason}", dir.display())]
    Unknown {
        /// The plugin.
        name: String,
        /// Where plugins are.
        dir: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A parameter that the plugin does not take.
    #[error("invalid value for {name:?}: {reason}")]
    Invalid {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Another volume of the node has the name.
    #[error("a host volume named {0:?} is on this node already")]
    NameTaken(String),
    /// Not an id of the cluster.
    #[error("{0:?} is no volume ID")]
    BadId(String),
    /// A registered path is not there.
    #[error("could not verify host path for {name:?}: stat {}: {}", path.display(), said(error))]
    NoPath {
        /// The volume.
        name: String,
        /// Its path.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The file system's answer.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was to be changed.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The program failed.
    #[error("plugin {name:?} failed to {operation}: {reason}")]
    Failed {
        /// The plugin.
        name: String,
        /// What it was to do.
        operation: &'static str,
        /// What it said.
        reason: String,
    },
}

fn said(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotFound {
        "no such file or directory".to_owned()
    } else {
        error.to_string()
    }
}

/// A plugin that is a program.
#[derive(Debug)]
pub struct External {
    name: String,
    dir: PathBuf,
    program: PathBuf,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Made {
    path: PathBuf,
    #[serde(default)]
    bytes: i64,
}

impl External {
    /// The program of that name.
    pub fn find(dir: &Path, name: &str) -> Result<Self, PluginError> {
        let unknown = |reason: &str| PluginError::Unknown {
            name: name.to_owned(),
            dir: dir.to_owned(),
            reason: reason.to_owned(),
        };
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(unknown("a plugin is named by a file in that directory"));
        }
        let program = dir.join(name);
        let about = std::fs::metadata(&program).map_err(|error| unknown(&said(&error)))?;
        if !about.is_file() || about.permissions().mode() & 0o111 == 0 {
            return Err(unknown("it is no executable file"));
        }
        Ok(Self { name: name.to_owned(), dir: dir.to_owned(), program })
    }

    /// Makes a volume; again for one that is there.
    pub async fn create(
        &self,
        volumes_dir: &Path,
        node: &NodeId,
        volume: &HostVolume,
    ) -> Result<(PathBuf, i64), PluginError> {
        let made: Made = self.answer("create", &self.environment("create", volumes_dir, node, volume)).await?;
        if !made.path.is_absolute() {
            return Err(
                self.failed("create", format!("it answered a path that is not absolute: {}", made.path.display()))
            );
        }
        Ok((made.path, made.bytes))
    }

    /// Removes a volume.
    pub async fn delete(&self, volumes_dir: &Path, node: &NodeId, volume: &HostVolume) -> Result<(), PluginError> {
        let mut environment = self.environment("delete", volumes_dir, node, volume);
        environment.push(("DHV_CREATED_PATH", volume.host_path.clone()));
        self.run("delete", &environment, WORK_LIMIT).await.map(drop)
    }

    fn environment(
        &self,
        operation: &'static str,
        volumes_dir: &Path,
        node: &NodeId,
        volume: &HostVolume,
    ) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            ("DHV_OPERATION", operation.to_owned()),
            ("DHV_VOLUMES_DIR", text(volumes_dir)),
            ("DHV_PLUGIN_DIR", text(&self.dir)),
            ("DHV_NAMESPACE", volume.namespace.to_string()),
            ("DHV_VOLUME_NAME", volume.name.clone()),
            ("DHV_VOLUME_ID", volume.id.clone()),
            ("DHV_NODE_ID", node.to_string()),
            ("DHV_NODE_POOL", volume.node_pool.clone()),
            ("DHV_PARAMETERS", serde_json::to_string(&volume.parameters).unwrap_or_default()),
            ("DHV_CAPACITY_MIN_BYTES", volume.requested_capacity_min_bytes.to_string()),
            ("DHV_CAPACITY_MAX_BYTES", volume.requested_capacity_max_bytes.to_string()),
        ]
    }

    async fn answer<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &'static str,
        environment: &[(&'static str, String)],
    ) -> Result<T, PluginError> {
        let limit = if operation == "fingerprint" { FINGERPRINT_LIMIT } else { WORK_LIMIT };
        let output = self.run(operation, environment, limit).await?;
        serde_json::from_slice(&output)
            .map_err(|error| self.failed(operation, format!("its answer is no JSON: {error}")))
    }

    async fn run(
        &self,
        operation: &'static str,
        environment: &[(&'static str, String)],
        limit: Duration,
    ) -> Result<Vec<u8>, PluginError> {
        let mut command = tokio::process::Command::new(&self.program);
        command.arg(operation).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(limit, command.output()).await {
            Ok(output) => output.map_err(|error| self.failed(operation, error.to_string()))?,
            Err(_) => return Err(self.failed(operation, format!("it did not end within {limit:?}"))),
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        let complaint = String::from_utf8_lossy(&output.stderr[..output.stderr.len().min(MAX_COMPLAINT_BYTES)]);
        Err(self.failed(operation, format!("{}: {}", output.status, complaint.trim())))
    }

    fn failed(&self, operation: &'static str, reason: String) -> PluginError {
        PluginError::Failed { name: self.name.clone(), operation, reason }
    }
}

/// The plugins of a directory that say their version, by name.
pub async fn fingerprint(dir: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names {
        let Ok(plugin) = External::find(dir, &name) else { continue };
        match plugin.answer::<Version>("fingerprint", &[("DHV_OPERATION", "fingerprint".to_owned())]).await {
            Ok(answer) => found.push((name, answer.version)),
            Err(error) => tracing::warn!(plugin = name, %error, "host volume plugin is not used"),
        }
    }
    found
}
