//! `plugin "NAME" { config { … } }`: the operator's settings of the drivers.

use crate::config::{AgentConfig, ConfigError};
use drover_drivers::DriverOptions;
use drover_drivers::docker::DockerOptions;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Settings of the drivers, with the names of those that have no effect yet.
pub(crate) fn drivers(config: &AgentConfig, supervisor: PathBuf) -> Result<(DriverOptions, Vec<String>), ConfigError> {
    let mut options = DriverOptions::new(supervisor);
    options.raw_exec_enabled = config.dev || config.local;
    options.mock_enabled = config.dev;
    let mut without_effect = Vec::new();
    for (name, plugin) in &config.plugins {
        match name.as_str() {
            "raw_exec" => {
                let RawExec { enabled, other } = read(name, plugin)?;
                options.raw_exec_enabled = enabled.unwrap_or(options.raw_exec_enabled);
                note(&mut without_effect, name, &other);
            }
            "docker" => note(&mut without_effect, name, &docker(&mut options.docker, read(name, plugin)?)),
            "exec" => {
                let Exec { allow_caps, other } = read(name, plugin)?;
                options.exec.allow_caps = allow_caps.unwrap_or(options.exec.allow_caps);
                note(&mut without_effect, name, &other);
            }
            "mock_driver" => {}
            other => {
                let text =
                    format!("plugin {other:?}: no such driver; there are docker, exec, mock_driver and raw_exec");
                return Err(ConfigError::Invalid(text));
            }
        }
    }
    Ok((options, without_effect))
}

#[derive(Deserialize)]
struct RawExec {
    enabled: Option<bool>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
struct Exec {
    allow_caps: Option<Vec<String>>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
struct Docker {
    endpoint: Option<String>,
    volumes: Option<Volumes>,
    allow_privileged: Option<bool>,
    allow_caps: Option<Vec<String>>,
    allow_runtimes: Option<Vec<String>>,
    pids_limit: Option<i64>,
    extra_labels: Option<Vec<String>>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Volumes {
    enabled: Option<bool>,
}

fn docker(options: &mut DockerOptions, given: Docker) -> Map<String, Value> {
    let set = |target: &mut Vec<String>, value: Option<Vec<String>>| {
        if let Some(value) = value {
            *target = value;
        }
    };
    set(&mut options.allow_caps, given.allow_caps);
    set(&mut options.allow_runtimes, given.allow_runtimes);
    set(&mut options.extra_labels, given.extra_labels);
    options.pids_limit = given.pids_limit.or(options.pids_limit);
    options.allow_privileged = given.allow_privileged.unwrap_or(options.allow_privileged);
    options.volumes_enabled = given.volumes.and_then(|v| v.enabled).unwrap_or(options.volumes_enabled);
    if let Some(endpoint) = given.endpoint {
        options.endpoint = endpoint;
    }
    given.other
}

fn read<T: for<'de> Deserialize<'de>>(name: &str, plugin: &Map<String, Value>) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(Value::Object(plugin.clone())).map_err(|error| ConfigError::Value {
        place: format!("plugin {name:?} config"),
        message: format!("{}: {}", error.path(), error.inner()),
    })
}

fn note(without_effect: &mut Vec<String>, name: &str, other: &Map<String, Value>) {
    without_effect.extend(other.keys().map(|key| format!("plugin.{name}.{key}")));
}
