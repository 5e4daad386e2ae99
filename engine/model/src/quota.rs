//! Quotas: what all jobs of the namespaces that name one may use together.

use crate::{AllocatedResources, Resources, TaskGroup};
use drover_base::serde_null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A quota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaSpec {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// By region.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub limits: Vec<QuotaLimit>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

impl QuotaSpec {
    /// The limit of a region.
    pub fn limit(&self, region: &str) -> Option<&QuotaLimit> {
        self.limits.iter().find(|limit| limit.region == region)
    }
}

/// What may be used in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaLimit {
    /// The region.
    pub region: String,
    /// Amounts; 0 or null: no limit, negative: nothing at all.
    pub region_limit: Option<QuotaResources>,
    /// MiB of variables: the older form of `Storage.VariablesMB`.
    pub variables_limit: Option<i64>,
    /// Tells limits apart; base64.
    #[serde(deserialize_with = "serde_null::deserialize")]
    pub hash: String,
}

/// Amounts of a quota. For limits, 0 or null is none and a negative amount forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaResources {
    /// MHz.
    #[serde(rename = "CPU")]
    pub cpu: Option<i64>,
    /// Reserved cores.
    pub cores: Option<i64>,
    /// MiB.
    #[serde(rename = "MemoryMB")]
    pub memory_mb: Option<i64>,
    /// MiB, with oversubscription.
    #[serde(rename = "MemoryMaxMB")]
    pub memory_max_mb: Option<i64>,
    /// Devices by name.
    #[serde(with = "serde_null")]
    pub devices: Vec<QuotaDevice>,
    /// Volumes and variables.
    pub storage: Option<QuotaStorage>,
    /// Further limits of jobs by their pool of nodes.
    #[serde(with = "serde_null")]
    pub node_pools: Vec<QuotaNodePool>,
}

/// Devices of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaDevice {
    /// `type`, `vendor/type` or `vendor/type/name`.
    pub name: String,
    /// How many; 0 or null: no limit.
    pub count: Option<i64>,
}

/// Storage of a quota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaStorage {
    /// MiB of variables.
    #[serde(rename = "VariablesMB", alias = "Variables")]
    pub variables_mb: i64,
    /// MiB of dynamic host volumes.
    #[serde(rename = "HostVolumesMB", alias = "HostVolumes")]
    pub host_volumes_mb: i64,
}

/// Amounts of the jobs of one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaNodePool {
    /// The pool.
    pub node_pool: String,
    /// MHz.
    #[serde(rename = "CPU")]
    pub cpu: Option<i64>,
    /// Reserved cores.
    pub cores: Option<i64>,
    /// MiB.
    #[serde(rename = "MemoryMB")]
    pub memory_mb: Option<i64>,
    /// MiB, with oversubscription.
    #[serde(rename = "MemoryMaxMB")]
    pub memory_max_mb: Option<i64>,
    /// Devices by name.
    #[serde(with = "serde_null")]
    pub devices: Vec<QuotaDevice>,
}

/// What is used of a quota, by the hash of the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuotaUsage {
    /// The quota.
    pub name: String,
    /// By hash.
    pub used: BTreeMap<String, QuotaLimit>,
    /// Raft index of the quota's creation.
    pub create_index: u64,
    /// Raft index of its last change.
    pub modify_index: u64,
}

/// Amounts that allocations hold or ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaAmounts {
    /// MHz.
    pub cpu: i64,
    /// Reserved cores.
    pub cores: i64,
    /// MiB.
    pub memory_mb: i64,
    /// MiB, with oversubscription.
    pub memory_max_mb: i64,
    /// By full name.
    pub devices: BTreeMap<String, i64>,
}

impl QuotaAmounts {
    /// What an allocation of the group asks for.
    pub fn of_group(group: &TaskGroup) -> Self {
        let mut sum = Self::default();
        for task in &group.tasks {
            sum.add_task(&task.resources);
        }
        sum
    }

    fn add_task(&mut self, asked: &Resources) {
        self.cpu += i64::from(asked.cores == 0) * asked.cpu;
        self.cores += asked.cores;
        self.memory_mb += asked.memory_mb;
        self.memory_max_mb += asked.memory_max_mb.max(asked.memory_mb);
        for device in &asked.devices {
            let count = i64::try_from(device.count).unwrap_or(i64::MAX);
            *self.devices.entry(device.name.clone()).or_default() += count;
        }
    }

    /// What an allocation holds.
    pub fn of_alloc(held: &AllocatedResources) -> Self {
        let mut sum = Self::default();
        for task in held.tasks.values() {
            let cores = i64::try_from(task.cpu.reserved_cores.len()).unwrap_or(i64::MAX);
            sum.cores += cores;
            sum.cpu += if cores == 0 { task.cpu.cpu_shares } else { 0 };
            sum.memory_mb += task.memory.memory_mb;
            sum.memory_max_mb += task.memory.memory_max_mb.max(task.memory.memory_mb);
            for device in &task.devices {
                let name = format!("{}/{}/{}", device.vendor, device.kind, device.name);
                let count = i64::try_from(device.device_ids.len()).unwrap_or(i64::MAX);
                *sum.devices.entry(name).or_default() += count;
            }
        }
        sum
    }

    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.change(other, 1);
    }

    /// Takes another sum away.
    pub fn remove(&mut self, other: &Self) {
        self.change(other, -1);
    }

    fn change(&mut self, other: &Self, sign: i64) {
        self.cpu += sign * other.cpu;
        self.cores += sign * other.cores;
        self.memory_mb += sign * other.memory_mb;
        self.memory_max_mb += sign * other.memory_max_mb;
        for (name, count) in &other.devices {
            *self.devices.entry(name.clone()).or_default() += sign * count;
        }
    }

    /// Devices whose name is or lies below `name` (`gpu`, `nvidia/gpu`, `nvidia/gpu/1080ti`).
    fn devices_of(&self, name: &str) -> i64 {
        self.devices.iter().filter(|(found, _)| names_device(name, found)).map(|(_, count)| count).sum()
    }
}

/// Whether a short name of devices (`gpu`, `nvidia/gpu`) means what the longer one names.
fn names_device(short: &str, long: &str) -> bool {
    if short == long {
        return true;
    }
    let long: Vec<&str> = long.split('/').collect();
    match (short.split('/').collect::<Vec<_>>().as_slice(), long.as_slice()) {
        ([kind], [_, found] | [_, found, _]) => kind == found,
        ([vendor, kind], [by, found, _]) => vendor == by && kind == found,
        _ => false,
    }
}

/// What the live allocations of a quota's namespaces hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaHeld {
    /// In all.
    pub total: QuotaAmounts,
    /// By the pool of the job.
    pub by_pool: BTreeMap<String, QuotaAmounts>,
}

impl QuotaHeld {
    /// An allocation of a job in `pool` comes.
    pub fn add(&mut self, pool: &str, amounts: &QuotaAmounts) {
        self.total.add(amounts);
        self.by_pool.entry(pool.to_owned()).or_default().add(amounts);
    }
    /// An allocation of a job in `pool` goes.
    pub fn remove(&mut self, pool: &str, amounts: &QuotaAmounts) {
        self.total.remove(amounts);
        self.by_pool.entry(pool.to_owned()).or_default().remove(amounts);
    }
}

impl QuotaSpec {
    /// What an allocation of a job in `pool` that asks for `asked` would break in a region, in words.
    pub fn exceeded(&self, region: &str, pool: &str, held: &QuotaHeld, asked: &QuotaAmounts) -> Vec<String> {
        let Some(limit) = self.limit(region).and_then(|limit| limit.region_limit.as_ref()) else { return Vec::new() };
        let mut found = limit.exceeded(&held.total, asked);
        let nothing = QuotaAmounts::default();
        found.extend(limit.exceeded_in_pool(pool, held.by_pool.get(pool).unwrap_or(&nothing), asked));
        found
    }
}

/// One ceiling over amounts, whether of a region or of a pool.
struct Ceiling<'a> {
    cpu: Option<i64>,
    cores: Option<i64>,
    memory_mb: Option<i64>,
    memory_max_mb: Option<i64>,
    devices: &'a [QuotaDevice],
}

impl Ceiling<'_> {
    fn exceeded(&self, used: &QuotaAmounts, asked: &QuotaAmounts, prefix: &str, found: &mut Vec<String>) {
        let pairs = [
            ("cpu", self.cpu, used.cpu, asked.cpu),
            ("cores", self.cores, used.cores, asked.cores),
            ("memory", self.memory_mb, used.memory_mb, asked.memory_mb),
            ("memory_max", self.memory_max_mb, used.memory_max_mb, asked.memory_max_mb),
        ];
        for (name, limit, used, asked) in pairs {
            check(limit, used, asked, || format!("{prefix}{name}"), found);
        }
        for device in self.devices {
            let (used, asked) = (used.devices_of(&device.name), asked.devices_of(&device.name));
            check(device.count, used, asked, || format!("{prefix}device {}", device.name), found);
        }
    }
}

fn check(limit: Option<i64>, used: i64, asked: i64, name: impl Fn() -> String, found: &mut Vec<String>) {
    let Some(limit) = limit.filter(|limit| *limit != 0) else { return };
    let wanted = used.saturating_add(asked);
    if asked > 0 && wanted > limit.max(0) {
        found.push(format!("{} exhausted ({wanted} needed > {} limit)", name(), limit.max(0)));
    }
}

impl QuotaResources {
    /// The dimensions that `asked` would break beside what is `used`, in words.
    pub fn exceeded(&self, used: &QuotaAmounts, asked: &QuotaAmounts) -> Vec<String> {
        let mut found = Vec::new();
        let ceiling = Ceiling {
            cpu: self.cpu,
            cores: self.cores,
            memory_mb: self.memory_mb,
            memory_max_mb: self.memory_max_mb,
            devices: &self.devices,
        };
        ceiling.exceeded(used, asked, "", &mut found);
        found
    }

    /// The same for the jobs of a pool.
    pub fn exceeded_in_pool(&self, pool: &str, used: &QuotaAmounts, asked: &QuotaAmounts) -> Vec<String> {
        let mut found = Vec::new();
        for limit in self.node_pools.iter().filter(|limit| limit.node_pool == pool) {
            let ceiling = Ceiling {
                cpu: limit.cpu,
                cores: limit.cores,
                memory_mb: limit.memory_mb,
                memory_max_mb: limit.memory_max_mb,
                devices: &limit.devices,
            };
            ceiling.exceeded(used, asked, &format!("node pool {pool} "), &mut found);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_limit_and_negative_forbids() {
        let limit = QuotaResources {
            cpu: Some(1000),
            memory_mb: Some(0),
            cores: Some(-1),
            devices: vec![QuotaDevice { name: "nvidia/gpu".into(), count: Some(1) }],
            ..QuotaResources::default()
        };
        let used = QuotaAmounts { cpu: 900, memory_mb: 1 << 40, ..QuotaAmounts::default() };
        let asked = |cpu, cores| QuotaAmounts { cpu, cores, memory_mb: 5, ..QuotaAmounts::default() };
        assert_eq!(limit.exceeded(&used, &asked(100, 0)), Vec::<String>::new());
        assert_eq!(limit.exceeded(&used, &asked(101, 0)), ["cpu exhausted (1001 needed > 1000 limit)"]);
        assert_eq!(limit.exceeded(&used, &asked(0, 1)), ["cores exhausted (1 needed > 0 limit)"]);
        let gpus = QuotaAmounts { devices: [("nvidia/gpu/1080ti".to_owned(), 2)].into(), ..QuotaAmounts::default() };
        assert_eq!(limit.exceeded(&used, &gpus), ["device nvidia/gpu exhausted (2 needed > 1 limit)"]);
    }

    #[test]
    fn pools_have_ceilings_of_their_own() {
        let limit = QuotaResources {
            node_pools: vec![QuotaNodePool { node_pool: "gpu".into(), cpu: Some(10), ..QuotaNodePool::default() }],
            ..QuotaResources::default()
        };
        let asked = QuotaAmounts { cpu: 11, ..QuotaAmounts::default() };
        assert!(limit.exceeded_in_pool("default", &QuotaAmounts::default(), &asked).is_empty());
        assert_eq!(limit.exceeded_in_pool("gpu", &QuotaAmounts::default(), &asked).len(), 1);
    }
}
