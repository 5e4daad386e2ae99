//! What callers may ask of a server, one file per family.

pub(crate) mod acl;
mod allocs;
mod csi;
mod deployments;
mod evals;
mod host_volumes;
mod jobs;
mod namespaces;
mod node_agent;
mod node_pools;
mod nodes;
mod operator;
pub(crate) mod quotas;
mod services;
mod snapshots;
mod variable_locks;
pub(crate) mod variables;

pub use csi::{CsiClaimed, CsiVolumesWritten, PluginPage};
pub use host_volumes::HostVolumeWritten;
