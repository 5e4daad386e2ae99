//! Dynamic host volumes of this node: what plugins made, and directories that were registered. They are kept on disk,
//! so that the node reports them again after a restart.

mod mkdir;
mod plugin;

pub use plugin::PluginError;

use crate::config::NodeConfig;
use crate::context::NodeContext;
use drover_model::node::HostVolumeConfig;
use drover_model::node_call::{NodeCall, NodeReply};
use drover_model::volume::HostVolume;
use drover_model::{Node, NodeId};
use parking_lot::Mutex;
use plugin::External;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file below the node's own state.
const STATE_FILE: &str = "host_volumes.json";
/// The name of the plugin that needs no program.
const MKDIR: &str = "mkdir";
/// The version that it reports.
const MKDIR_VERSION: &str = "0.0.1";

/// The volumes of a node.
#[derive(Debug)]
pub struct HostVolumes {
    plugin_dir: PathBuf,
    volumes_dir: PathBuf,
    file: PathBuf,
    known: Mutex<BTreeMap<String, Kept>>,
    /// One change at a time, as plugins may take long.
    changing: tokio::sync::Mutex<()>,
}

/// A volume as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    volume: HostVolume,
    /// What to mount.
    path: PathBuf,
}

impl HostVolumes {
    /// The volumes that an earlier agent left.
    ///
    /// # Errors
    /// The file with them cannot be read.
    pub fn load(config: &NodeConfig) -> std::io::Result<Self> {
        let file = config.state_dir.join(STATE_FILE);
        let known = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::other)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            plugin_dir: config.host_volume_plugin_dir.clone(),
            volumes_dir: config.host_volumes_dir.clone(),
            file,
            known: Mutex::new(known),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Adds what is there to a node's description.
    pub fn describe(&self, node: &mut Node) {
        node.attributes.insert(version_attribute(MKDIR), MKDIR_VERSION.to_owned());
        for kept in self.known.lock().values() {
            node.host_volumes.insert(kept.volume.name.clone(), config_of(kept));
        }
    }

    fn plugin(&self, name: &str) -> Result<Plugin, PluginError> {
        if name == MKDIR {
            return Ok(Plugin::Mkdir);
        }
        let external = External::find(&self.plugin_dir, name)?;
        Ok(Plugin::External(external))
    }

    async fn create(&self, node: &NodeId, volume: HostVolume) -> Result<Kept, PluginError> {
        let taken =
            self.known.lock().values().any(|kept| kept.volume.name == volume.name && kept.volume.id != volume.id);
        if taken {
            return Err(PluginError::NameTaken(volume.name));
        }
        let (path, bytes) = match self.plugin(&volume.plugin_id)? {
            Plugin::Mkdir => (mkdir::create(&self.volumes_dir, &volume)?, 0),
            Plugin::External(plugin) => plugin.create(&self.volumes_dir, node, &volume).await?,
        };
        let volume = HostVolume { capacity_bytes: bytes, ..volume };
        Ok(Kept { volume, path })
    }

    fn register(&self, volume: HostVolume) -> Result<Kept, PluginError> {
        let path = PathBuf::from(&volume.host_path);
        std::fs::metadata(&path).map_err(|error| PluginError::NoPath {
            name: volume.name.clone(),
            path: path.clone(),
            error,
        })?;
        Ok(Kept { volume, path })
    }

    async fn delete(&self, node: &NodeId, volume: &HostVolume) -> Result<(), PluginError> {
        if volume.plugin_id.is_empty() {
            return Ok(());
        }
        match self.plugin(&volume.plugin_id)? {
            Plugin::Mkdir => mkdir::delete(&self.volumes_dir, volume),
            Plugin::External(plugin) => plugin.delete(&self.volumes_dir, node, volume).await,
        }
    }

    fn keep(&self, kept: Kept) -> std::io::Result<()> {
        let mut known = self.known.lock();
        known.insert(kept.volume.id.clone(), kept);
        self.write(&known)
    }

    fn forget(&self, id: &str) -> std::io::Result<()> {
        let mut known = self.known.lock();
        known.remove(id);
        self.write(&known)
    }

    fn write(&self, known: &BTreeMap<String, Kept>) -> std::io::Result<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(known)?)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&new, &self.file)
    }
}

/// Who makes volumes.
enum Plugin {
    Mkdir,
    External(External),
}

fn version_attribute(plugin: &str) -> String {
    format!("plugins.host_volume.{plugin}.version")
}

fn config_of(kept: &Kept) -> HostVolumeConfig {
    HostVolumeConfig {
        name: kept.volume.name.clone(),
        path: kept.path.to_string_lossy().into_owned(),
        read_only: false,
        id: kept.volume.id.clone(),
    }
}

/// Makes what is missing of volumes that an earlier agent knew, and finds plugins. Both tell the servers.
pub async fn restore(context: Arc<NodeContext>) {
    let node = context.node().id.clone();
    let known: Vec<Kept> = context.host_volumes.known.lock().values().cloned().collect();
    for kept in known.into_iter().filter(|kept| !kept.volume.plugin_id.is_empty()) {
        if let Err(error) = context.host_volumes.create(&node, kept.volume.clone()).await {
            tracing::warn!(volume = kept.volume.name, %error, "host volume was not made again, and is not offered");
            context.change_node(|node| node.host_volumes.remove(&kept.volume.name).is_some());
        }
    }
    let found = plugin::fingerprint(&context.host_volumes.plugin_dir).await;
    if !found.is_empty() {
        context.change_node(|node| {
            for (name, version) in found {
                node.attributes.insert(version_attribute(&name), version);
            }
            node.computed_class = crate::fingerprint::computed_class(node);
            true
        });
    }
}

/// Does what the servers ask.
pub async fn call(context: &Arc<NodeContext>, call: NodeCall) -> Result<NodeReply, String> {
    let volumes = &context.host_volumes;
    let _one_at_a_time = volumes.changing.lock().await;
    let node = context.node().id.clone();
    let kept = match call {
        NodeCall::CreateHostVolume(volume) => volumes.create(&node, volume).await,
        NodeCall::RegisterHostVolume(volume) => volumes.register(volume),
        NodeCall::DeleteHostVolume(volume) => {
            volumes.delete(&node, &volume).await.map_err(|error| error.to_string())?;
            volumes.forget(&volume.id).map_err(|error| error.to_string())?;
            let is_ours = |found: &HostVolumeConfig| found.id == volume.id;
            context.change_node(|node| {
                node.host_volumes.get(&volume.name).is_some_and(is_ours)
                    && node.host_volumes.remove(&volume.name).is_some()
            });
            return Ok(NodeReply::Done);
        }
        _ => return Err("this is no call for host volumes".to_owned()),
    };
    let kept = kept.map_err(|error| error.to_string())?;
    volumes.keep(kept.clone()).map_err(|error| error.to_string())?;
    context.change_node(|node| {
        node.host_volumes.insert(kept.volume.name.clone(), config_of(&kept));
        true
    });
    Ok(NodeReply::HostVolume { path: text(&kept.path), bytes: kept.volume.capacity_bytes })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes(dir: &Path) -> HostVolumes {
        let mut config = NodeConfig::in_dir(dir);
        config.host_volume_plugin_dir = dir.join("plugins");
        std::fs::create_dir_all(&config.state_dir).unwrap();
        std::fs::create_dir_all(&config.host_volume_plugin_dir).unwrap();
        HostVolumes::load(&config).unwrap()
    }

    fn volume(plugin: &str) -> HostVolume {
        HostVolume {
            id: "11111111-2222-3333-4444-555555555555".into(),
            name: "data".into(),
            plugin_id: plugin.into(),
            ..HostVolume::default()
        }
    }

    #[tokio::test]
    async fn a_directory_is_made_kept_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let volumes = volumes(dir.path());
        let mut wanted = volume(MKDIR);
        wanted.parameters.insert("mode".into(), "0750".into());
        let kept = volumes.create(&"n".into(), wanted).await.unwrap();
        assert_eq!(std::fs::metadata(&kept.path).unwrap().permissions().mode() & 0o777, 0o750);
        volumes.keep(kept.clone()).unwrap();
        let mut node = Node::default();
        self::volumes(dir.path()).describe(&mut node);
        assert_eq!(node.host_volumes["data"].id, kept.volume.id, "it is known after a restart");
        assert_eq!(node.attributes["plugins.host_volume.mkdir.version"], MKDIR_VERSION);
        volumes.delete(&"n".into(), &kept.volume).await.unwrap();
        assert!(!kept.path.exists());
    }

    #[tokio::test]
    async fn a_program_makes_volumes_and_is_told_all_by_its_environment() {
        let dir = tempfile::tempdir().unwrap();
        let volumes = volumes(dir.path());
        let script = "#!/bin/sh\nset -e\ncase \"$1\" in\n\
            fingerprint) echo '{\"version\": \"1.2.3\"}' ;;\n\
            create) mkdir -p \"$DHV_VOLUMES_DIR/$DHV_VOLUME_NAME\"\n\
              echo \"{\\\"path\\\": \\\"$DHV_VOLUMES_DIR/$DHV_VOLUME_NAME\\\", \\\"bytes\\\": $DHV_CAPACITY_MIN_BYTES}\" ;;\n\
            delete) rmdir \"$DHV_CREATED_PATH\" ;;\nesac\n";
        let program = dir.path().join("plugins/maker");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let found = plugin::fingerprint(&volumes.plugin_dir).await;
        assert_eq!(found, [("maker".to_owned(), "1.2.3".to_owned())]);
        let wanted = HostVolume { requested_capacity_min_bytes: 77, ..volume("maker") };
        let kept = volumes.create(&"n".into(), wanted).await.unwrap();
        assert_eq!((kept.volume.capacity_bytes, kept.path.is_dir()), (77, true));
        let made = HostVolume { host_path: text(&kept.path), ..kept.volume };
        volumes.delete(&"n".into(), &made).await.unwrap();
        assert!(!kept.path.exists());
        let missing = volumes.create(&"n".into(), volume("nobody")).await.unwrap_err();
        assert!(missing.to_string().contains("nobody"), "{missing}");
        let escaping = volumes.create(&"n".into(), volume("../maker")).await;
        assert!(escaping.is_err(), "a plugin's name is no path");
    }
}
