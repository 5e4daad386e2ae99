//! What nodes measure.

use drover_model::serde_null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an allocation uses.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AllocStats {
    /// All tasks together.
    pub resource_usage: Option<ResourceUsage>,
    /// Per task.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub tasks: BTreeMap<String, TaskUsage>,
    /// Nanoseconds since 1970.
    pub timestamp: i64,
}

/// What a task uses.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskUsage {
    /// Its use.
    pub resource_usage: Option<ResourceUsage>,
    /// Nanoseconds since 1970.
    pub timestamp: i64,
}

/// Use of CPU and memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResourceUsage {
    /// Memory.
    pub memory_stats: MemoryStats,
    /// CPU.
    pub cpu_stats: CpuStats,
}

/// Use of memory in bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MemoryStats {
    /// Resident.
    #[serde(rename = "RSS")]
    pub rss: u64,
    /// Cache.
    pub cache: u64,
    /// Swapped out.
    pub swap: u64,
    /// All of it.
    pub usage: u64,
    /// The most so far.
    pub max_usage: u64,
    /// By the kernel.
    pub kernel_usage: u64,
    /// The most by the kernel.
    pub kernel_max_usage: u64,
    /// Which of these were measured.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub measured: Vec<String>,
}

/// Use of CPU.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CpuStats {
    /// Percent in the kernel.
    pub system_mode: f64,
    /// Percent in the program.
    pub user_mode: f64,
    /// MHz.
    pub total_ticks: f64,
    /// Periods held back.
    pub throttled_periods: u64,
    /// Nanoseconds held back.
    pub throttled_time: u64,
    /// Percent of one core.
    pub percent: f64,
    /// Which of these were measured.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub measured: Vec<String>,
}

/// What a machine does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostStats {
    /// Memory.
    pub memory: HostMemory,
    /// Cores.
    #[serde(rename = "CPU", deserialize_with = "serde_null::deserialize")]
    pub cpu: Vec<HostCpu>,
    /// Mounted disks.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub disk_stats: Vec<DiskStats>,
    /// Seconds since it started.
    pub uptime: u64,
    /// MHz in use.
    #[serde(rename = "CPUTicksConsumed")]
    pub cpu_ticks_consumed: f64,
    /// Nanoseconds since 1970.
    pub timestamp: i64,
}

/// A machine's memory in bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostMemory {
    /// All.
    pub total: u64,
    /// For programs.
    pub available: u64,
    /// In use.
    pub used: u64,
    /// Untouched.
    pub free: u64,
}

/// A core.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostCpu {
    /// Its name.
    #[serde(rename = "CPU")]
    pub cpu: String,
    /// Percent in programs.
    pub user: f64,
    /// Percent in the kernel.
    pub system: f64,
    /// Percent idle.
    pub idle: f64,
    /// Percent in use.
    pub total: f64,
}

/// A mounted disk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DiskStats {
    /// The device.
    pub device: String,
    /// Where it is mounted.
    pub mountpoint: String,
    /// Bytes.
    pub size: u64,
    /// Bytes.
    pub used: u64,
    /// Bytes.
    pub available: u64,
    /// Percent.
    pub used_percent: f64,
    /// Percent.
    pub inodes_used_percent: f64,
}
