//! What a task asks for.

use super::items;
use crate::job::{RequestedDevice, Resources};
use crate::problems::Problems;

const MIN_CPU_MHZ: i64 = 1;
const MIN_MEMORY_MB: i64 = 10;

pub(super) fn resources(asked: &Resources) -> Problems {
    let mut problems = Problems::default();
    let (cpu, cores) = (asked.cpu.unwrap_or_default(), asked.cores.unwrap_or_default());
    problems.add_if(cpu > 0 && cores > 0, "Task can only ask for 'cpu' or 'cores' resource, not both.");
    if cores < 0 {
        problems.add(format!("cores value ({cores}) cannot be negative"));
    }
    problems.group(minimums(asked));
    for (index, device) in items(&asked.devices).iter().enumerate() {
        problems.nest(&format!("device {} failed validation", index + 1), self::device(device));
    }
    if let Some(numa) = &asked.numa
        && !matches!(numa.affinity.as_str(), "" | "none" | "prefer" | "require")
    {
        problems.add("numa affinity must be one of none, prefer, or require");
    }
    for device in asked.numa.iter().flat_map(|numa| items(&numa.devices)) {
        if !items(&asked.devices).iter().any(|asked| asked.name == *device) {
            problems.add(format!("numa device {device:?} not requested as task resource"));
        }
    }
    let memory = asked.memory_mb.unwrap_or_default();
    let max = asked.memory_max_mb.unwrap_or_default();
    if max != 0 && max != -1 && max < memory {
        problems.add(format!("MemoryMaxMB value ({max}) should be larger than MemoryMB value ({memory})"));
    }
    let secrets = asked.secrets_mb.unwrap_or_default();
    if secrets < 0 {
        problems.add(format!("SecretsMB value ({secrets}) cannot be negative"));
    }
    if secrets > memory {
        problems.add(format!("SecretsMB value ({secrets}) cannot be larger than MemoryMB value ({memory})"));
    }
    problems
}

fn minimums(asked: &Resources) -> Problems {
    let mut problems = Problems::default();
    let (cpu, cores) = (asked.cpu.unwrap_or_default(), asked.cores.unwrap_or_default());
    if cpu < MIN_CPU_MHZ && cores == 0 {
        problems.add(format!("minimum CPU value is {MIN_CPU_MHZ}; got {cpu}"));
    }
    let memory = asked.memory_mb.unwrap_or_default();
    if memory < MIN_MEMORY_MB {
        problems.add(format!("minimum MemoryMB value is {MIN_MEMORY_MB}; got {memory}"));
    }
    problems
}

fn device(device: &RequestedDevice) -> Problems {
    let mut problems = Problems::default();
    problems.add_if(
        device.name.is_empty(),
        "device name must be given as one of the following: type, vendor/type, or vendor/type/name",
    );
    super::placement::constraints(items(&device.constraints), &mut problems);
    super::placement::affinities(items(&device.affinities), &mut problems);
    problems
}
