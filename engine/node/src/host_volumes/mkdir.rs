//! The built-in plugin: a directory per volume, with the owner and mode that its parameters ask for.

use super::plugin::PluginError;
use drover_model::volume::HostVolume;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The mode of directories that do not ask for one.
const DEFAULT_MODE: u32 = 0o700;

/// Makes the directory, or leaves the one that is there.
pub fn create(volumes_dir: &Path, volume: &HostVolume) -> Result<PathBuf, PluginError> {
    let parameter = |name: &str| volume.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let mode = match parameter("mode") {
        Some(text) => u32::from_str_radix(text, 8).map_err(|_| invalid("mode", text, "ParseUint"))?,
        None => DEFAULT_MODE,
    };
    let id = |name: &'static str| {
        parameter(name).map(|text| text.parse::<u32>().map_err(|_| invalid(name, text, "Atoi"))).transpose()
    };
    let (user, group) = (id("uid")?, id("gid")?);
    let path = place(volumes_dir, volume)?;
    if path.is_dir() {
        return Ok(path);
    }
    let failed = |error| PluginError::Io { path: path.clone(), error };
    std::fs::create_dir_all(&path).map_err(failed)?;
    let settled = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).and_then(|()| {
        if user.is_some() || group.is_some() { std::os::unix::fs::chown(&path, user, group) } else { Ok(()) }
    });
    if let Err(error) = settled {
        // Half of a volume is none.
        let _ = std::fs::remove_dir(&path);
        return Err(failed(error));
    }
    Ok(path)
}

/// Removes the directory with all that is in it.
pub fn delete(volumes_dir: &Path, volume: &HostVolume) -> Result<(), PluginError> {
    let path = place(volumes_dir, volume)?;
    match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(PluginError::Io { path, error }),
        _ => Ok(()),
    }
}

/// Ids are the cluster's, but a path must never be made of one that is not.
fn place(volumes_dir: &Path, volume: &HostVolume) -> Result<PathBuf, PluginError> {
    let is_uuid = volume.id.len() == 36 && volume.id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_uuid { Ok(volumes_dir.join(&volume.id)) } else { Err(PluginError::BadId(volume.id.clone())) }
}

fn invalid(name: &'static str, text: &str, function: &str) -> PluginError {
    PluginError::Invalid { name, reason: format!("strconv.{function}: parsing {text:?}: invalid syntax") }
}
