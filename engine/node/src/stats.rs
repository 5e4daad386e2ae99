//! What tasks and the host use, in the shapes of the API.

use crate::error::NodeError;
use crate::fingerprint::device_of;
use crate::handle::NodeHandle;
use drover_base::{AllocId, UnixNanos};
use drover_drivers::{ResourceUsage, TaskStats};
use nix::sys::statvfs::statvfs;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::path::Path;

impl NodeHandle {
    /// What an allocation uses, all of its tasks or one.
    pub async fn alloc_stats(&self, id: &AllocId, task: Option<&str>) -> Result<Value, NodeError> {
        let handle = self.find(id)?;
        let running: Vec<_> = {
            let view = handle.view.lock();
            let tasks = view.tasks.iter();
            tasks
                .filter(|(name, _)| task.is_none_or(|task| task.is_empty() || task == name.as_str()))
                .filter_map(|(name, view)| Some((name.clone(), view.driver.clone()?, view.handle.clone()?)))
                .collect()
        };
        let node = self.node();
        let cores = f64::from(node.node_resources.cpu.total_cpu_cores.max(1));
        let mhz_per_percent = float(node.node_resources.cpu.cpu_shares) / cores / 100.0;
        let mut total = ResourceUsage::default();
        let mut tasks = serde_json::Map::new();
        let mut newest = 0;
        for (name, driver, handle) in running {
            // A task that ended meanwhile uses nothing.
            let Ok(stats) = driver.stats(&handle).await else { continue };
            add(&mut total, &stats.total);
            newest = newest.max(stats.timestamp_ns);
            tasks.insert(name, task_json(&stats, mhz_per_percent));
        }
        let timestamp = if newest == 0 { UnixNanos::now().0 } else { newest };
        Ok(json!({
            "ResourceUsage": usage_json(&total, mhz_per_percent, &json!([])),
            "Tasks": tasks,
            "Timestamp": timestamp,
        }))
    }

    /// What the host uses. Processor use is since the previous call.
    pub fn host_stats(&self) -> Value {
        let node = self.node();
        let cores = f64::from(node.node_resources.cpu.total_cpu_cores.max(1));
        let mhz = float(node.node_resources.cpu.cpu_shares) / cores;
        let cpus = self.host.sample();
        let ticks: f64 = cpus.iter().map(|cpu| cpu.busy / 100.0 * mhz).sum();
        let cpu: Vec<Value> = cpus
            .iter()
            .map(|cpu| {
                json!({
                    "CPU": cpu.name, "Idle": cpu.idle, "System": cpu.system, "User": cpu.user,
                    "TotalPercent": cpu.busy, "TotalTicks": cpu.busy / 100.0 * mhz,
                })
            })
            .collect();
        let alloc_dir = &self.context.config.alloc_dir;
        json!({
            "AllocDirStats": disk(alloc_dir, "", ""),
            "CPU": cpu,
            "CPUTicksConsumed": ticks,
            "DeviceStats": null,
            "DiskStats": [disk(Path::new("/"), &device_of(Path::new("/")).unwrap_or_default(), "/")],
            "Memory": memory(),
            "Timestamp": UnixNanos::now().0,
            "Uptime": uptime(),
        })
    }
}

fn task_json(stats: &TaskStats, mhz_per_percent: f64) -> Value {
    let pids: serde_json::Map<String, Value> = stats
        .processes
        .iter()
        .map(|(pid, usage)| (pid.to_string(), usage_json(usage, mhz_per_percent, &Value::Null)))
        .collect();
    json!({
        "ResourceUsage": usage_json(&stats.total, mhz_per_percent, &Value::Null),
        "Timestamp": stats.timestamp_ns,
        "Pids": pids,
    })
}

fn usage_json(usage: &ResourceUsage, mhz_per_percent: f64, devices: &Value) -> Value {
    let (memory, cpu) = (&usage.memory, &usage.cpu);
    json!({
        "MemoryStats": {
            "RSS": memory.rss, "Cache": memory.cache, "Swap": memory.swap, "MappedFile": memory.mapped_file,
            "Usage": memory.usage, "MaxUsage": memory.max_usage, "KernelUsage": 0, "KernelMaxUsage": 0,
            "Measured": memory.measured,
        },
        "CpuStats": {
            "SystemMode": cpu.system_mode, "UserMode": cpu.user_mode, "TotalTicks": cpu.percent * mhz_per_percent,
            "ThrottledPeriods": cpu.throttled_periods, "ThrottledTime": cpu.throttled_time_ns,
            "Percent": cpu.percent, "Measured": cpu.measured,
        },
        "DeviceStats": devices,
    })
}

fn add(total: &mut ResourceUsage, one: &ResourceUsage) {
    let (memory, more) = (&mut total.memory, &one.memory);
    memory.rss += more.rss;
    memory.cache += more.cache;
    memory.swap += more.swap;
    memory.mapped_file += more.mapped_file;
    memory.usage += more.usage;
    memory.max_usage += more.max_usage;
    memory.measured.clone_from(&more.measured);
    let (cpu, more) = (&mut total.cpu, &one.cpu);
    cpu.system_mode += more.system_mode;
    cpu.user_mode += more.user_mode;
    cpu.percent += more.percent;
    cpu.throttled_periods += more.throttled_periods;
    cpu.throttled_time_ns += more.throttled_time_ns;
    cpu.measured.clone_from(&more.measured);
}

/// Processor use since the previous look.
#[derive(Debug, Default)]
pub struct HostSampler {
    previous: Mutex<Vec<Ticks>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Ticks {
    name: String,
    user: u64,
    system: u64,
    idle: u64,
    total: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct CpuUse {
    name: String,
    user: f64,
    system: f64,
    idle: f64,
    busy: f64,
}

impl HostSampler {
    fn sample(&self) -> Vec<CpuUse> {
        let now = parse_ticks(&std::fs::read_to_string("/proc/stat").unwrap_or_default());
        let before = std::mem::replace(&mut *self.previous.lock(), now.clone());
        now.iter()
            .map(|now| {
                let before = before.iter().find(|before| before.name == now.name).cloned().unwrap_or_default();
                let total = now.total.saturating_sub(before.total).max(1);
                let share = |now: u64, before: u64| 100.0 * ratio(now.saturating_sub(before), total);
                let idle = share(now.idle, before.idle);
                CpuUse {
                    name: now.name.clone(),
                    user: share(now.user, before.user),
                    system: share(now.system, before.system),
                    idle,
                    busy: (100.0 - idle).max(0.0),
                }
            })
            .collect()
    }
}

fn parse_ticks(stat: &str) -> Vec<Ticks> {
    let cores = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "));
    cores
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let name = fields.next()?.to_owned();
            let numbers: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
            let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
            Some(Ticks {
                name,
                user: at(0) + at(1),
                system: at(2),
                idle: at(3) + at(4),
                total: numbers.iter().take(8).sum(),
            })
        })
        .collect()
}

fn disk(path: &Path, device: &str, mountpoint: &str) -> Value {
    let Ok(disk) = statvfs(path) else {
        return json!({
            "Available": 0, "Device": device, "InodesUsedPercent": 0.0, "Mountpoint": mountpoint,
            "Size": 0, "Used": 0, "UsedPercent": 0.0,
        });
    };
    let size = disk.blocks() * disk.fragment_size();
    let available = disk.blocks_available() * disk.fragment_size();
    let used = (disk.blocks() - disk.blocks_free()) * disk.fragment_size();
    let inodes_used = disk.files().saturating_sub(disk.files_free());
    json!({
        "Available": available,
        "Device": device,
        "InodesUsedPercent": 100.0 * ratio(inodes_used, disk.files().max(1)),
        "Mountpoint": mountpoint,
        "Size": size,
        "Used": used,
        "UsedPercent": 100.0 * ratio(used, (used + available).max(1)),
    })
}

fn memory() -> Value {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or_default() * 1024
    };
    let (total, free, available) = (bytes("MemTotal"), bytes("MemFree"), bytes("MemAvailable"));
    json!({ "Available": available, "Free": free, "Total": total, "Used": total.saturating_sub(available) })
}

fn uptime() -> u64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "shares need not be exact")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[expect(clippy::cast_precision_loss, reason = "MHz are far below the limit")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_use_is_read_per_core() {
        let ticks = parse_ticks("cpu  9 9 9 9\ncpu0 10 0 20 70 0 0 0 0 0 0\ncpu1 1 1 1 1\nintr 1\n");
        assert_eq!(ticks.len(), 2);
        assert_eq!((ticks[0].user, ticks[0].system, ticks[0].idle, ticks[0].total), (10, 20, 70, 100));
    }
}
