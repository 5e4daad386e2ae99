//! Reads configuration files and folders, in order.

use super::file::FileConfig;
use super::{ConfigError, known, tree};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Merges all files; a folder stands for its `.hcl` and `.json` files by name. Returns the merged
/// configuration and the files that were read.
///
/// # Errors
/// The first file that cannot be read, parsed or understood.
pub fn read_paths(paths: &[PathBuf]) -> Result<(FileConfig, Vec<PathBuf>), ConfigError> {
    let mut whole = Value::Object(Map::new());
    let mut read = Vec::new();
    for path in paths.iter().map(|path| expand(path)).collect::<Result<Vec<_>, _>>()?.concat() {
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        let file = path.display().to_string();
        let one = tree::parse(&file, &text)?;
        decode(&file, &text, one.clone())?;
        tree::merge(&mut whole, one);
        read.push(path);
    }
    Ok((decode("configuration", "", whole)?, read))
}

fn expand(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    if !path.metadata().map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|ext| ext == "hcl" || ext == "json") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn decode(file: &str, text: &str, mut value: Value) -> Result<FileConfig, ConfigError> {
    let known = known::take_out(&mut value);
    let decoded: Result<FileConfig, _> = serde_path_to_error::deserialize(value);
    let config = decoded.map_err(|error| {
        let path = error.path().to_string();
        let place = place_of(file, text, &path);
        ConfigError::Value { place, message: format!("{path}: {}", error.inner()) }
    })?;
    Ok(FileConfig { known, ..config })
}

/// `file:line:column` of the last key of `path`, or the file alone.
fn place_of(file: &str, text: &str, path: &str) -> String {
    let key = path.rsplit('.').next().unwrap_or(path);
    let found = text.lines().enumerate().find_map(|(number, line)| {
        let column = line.find(key)?;
        let before = line[..column].trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '{');
        before.is_empty().then_some((number + 1, column + 1))
    });
    match found {
        Some((line, column)) => format!("{file}:{line}:{column}"),
        None => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<FileConfig, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_paths(&[path]).map(|(config, _)| config)
    }

    #[test]
    fn unknown_keys_and_wrong_types_name_their_place() {
        let error = read("a.hcl", "client {\n  enabeld = true\n}\n").unwrap_err().to_string();
        assert!(error.contains("a.hcl:2:3") && error.contains("enabeld"), "{error}");
        let error = read("a.json", "{\n \"ports\": {\n  \"http\": \"x\"}}").unwrap_err().to_string();
        assert!(error.contains("a.json:3:") && error.contains("ports.http"), "{error}");
    }

    #[test]
    fn settings_without_effect_are_known_by_name() {
        let config = read("a.hcl", "tls { http = true }\nvault { enabled = false }\n").unwrap();
        assert_eq!(config.unsupported(), ["tls"]);
    }
}
