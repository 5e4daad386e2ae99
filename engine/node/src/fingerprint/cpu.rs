//! Processors: model, cores, frequencies and how cores lie on NUMA nodes.

use super::{Draft, read_line};
use drover_model::resources::{Core, Topology};
use std::path::Path;

/// Assumed when nothing says how fast a core is, MHz.
const FALLBACK_MHZ: i64 = 1_000;

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let topology = topology(&info);
    let cores = u16::try_from(topology.cores.len()).unwrap_or(u16::MAX);
    let frequency = topology.cores.iter().map(|core| core.base_speed.max(core.guess_speed)).max().unwrap_or_default();
    let found: i64 = topology.cores.iter().map(|core| core.base_speed.max(core.guess_speed)).sum();
    let total = if draft.config.cpu_total_compute > 0 { draft.config.cpu_total_compute } else { found };
    let reserved_cores = &draft.config.reserved.cpu.reserved_cpu_cores;
    let reservable: Vec<u16> =
        topology.cores.iter().map(|core| core.id).filter(|id| !reserved_cores.contains(id)).collect();
    let usable = total - draft.config.reserved.cpu.cpu_shares;

    draft.set("cpu.modelname", field(&info, "model name").unwrap_or_default());
    draft.set("cpu.frequency", frequency.to_string());
    draft.set("cpu.numcores", cores.to_string());
    draft.set("cpu.reservablecores", reservable.len().to_string());
    draft.set("cpu.totalcompute", total.to_string());
    draft.set("cpu.usablecompute", usable.to_string());
    draft.set("numa.node.count", topology.nodes.len().to_string());
    for node in &topology.nodes {
        let ids: Vec<u16> = topology.cores.iter().filter(|core| core.node_id == *node).map(|core| core.id).collect();
        draft.set(&format!("numa.node{node}.cores"), ranges(&ids));
    }

    let resources = &mut draft.node.node_resources;
    resources.cpu.cpu_shares = total;
    resources.cpu.total_cpu_cores = cores;
    resources.cpu.reservable_cpu_cores = reservable;
    resources.processors.topology = topology;
}

fn topology(info: &str) -> Topology {
    let measured = field(info, "cpu MHz").and_then(|text| text.split('.').next()?.parse::<i64>().ok());
    let mut cores: Vec<Core> = Vec::new();
    for line in info.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        if key.trim() == "processor"
            && let Ok(id) = value.trim().parse::<u16>()
        {
            cores.push(core(id, measured));
        }
    }
    if cores.is_empty() {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        cores = (0..u16::try_from(count).unwrap_or(u16::MAX)).map(|id| core(id, measured)).collect();
    }
    let mut nodes: Vec<u16> = cores.iter().map(|core| core.node_id).collect();
    nodes.sort_unstable();
    nodes.dedup();
    Topology { nodes, cores, ..Topology::default() }
}

fn core(id: u16, measured_mhz: Option<i64>) -> Core {
    let dir = format!("/sys/devices/system/cpu/cpu{id}");
    let number = |path: &str| read_line(format!("{dir}/{path}"))?.parse::<i64>().ok();
    let base = number("cpufreq/base_frequency").map(|khz| khz / 1_000).or(measured_mhz);
    let max = number("cpufreq/cpuinfo_max_freq").map_or(0, |khz| khz / 1_000);
    Core {
        socket_id: number("topology/physical_package_id").and_then(|id| u16::try_from(id).ok()).unwrap_or_default(),
        node_id: numa_node(Path::new(&dir)).unwrap_or_default(),
        id,
        grade: true,
        disable: false,
        base_speed: base.unwrap_or_default(),
        max_speed: max,
        guess_speed: if base.is_none() { max.max(FALLBACK_MHZ) } else { 0 },
    }
}

/// A core's directory links to its NUMA node's.
fn numa_node(dir: &Path) -> Option<u16> {
    std::fs::read_dir(dir).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.strip_prefix("node")?.parse().ok()
    })
}

fn field(info: &str, name: &str) -> Option<String> {
    info.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// `0-1,4`.
fn ranges(ids: &[u16]) -> String {
    let mut parts: Vec<(u16, u16)> = Vec::new();
    for id in ids {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *id => *last = *id,
            _ => parts.push((*id, *id)),
        }
    }
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_written_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 4, 6, 7]), "0-2,4,6-7");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn the_first_core_speaks_for_all() {
        let info = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2596.120\n\nprocessor\t: 1\n";
        let topology = topology(info);
        assert_eq!(topology.cores.len(), 2);
        assert_eq!(field(info, "model name").as_deref(), Some("AMD EPYC"));
    }
}
