//! Numbers of the node.

use super::{Label, Metrics};
use crate::state::MetricsOptions;
use drover_model::{AllocClientStatus, Allocation, Node, TaskStateKind};
use drover_node::NodeHandle;
use drover_state::Snapshot;
use serde_json::Value;
use std::sync::Arc;

const BYTES_PER_MIB: i64 = 1024 * 1024;

pub(super) async fn collect(metrics: &mut Metrics, handle: &NodeHandle, snapshot: &Snapshot, options: &MetricsOptions) {
    let id = handle.node_id();
    // The servers know more of it: eligibility, for one.
    let node = snapshot.node(&id).cloned().unwrap_or_else(|| handle.node());
    let labels = labels(&node);
    let allocs: Vec<&Arc<Allocation>> = snapshot.allocs_by_node(&id).collect();
    counts(metrics, &labels, &allocs);
    resources(metrics, &labels, &node, &allocs);
    if options.of_node {
        host(metrics, &labels, &handle.host_stats());
    }
    if !options.of_allocations {
        return;
    }
    for alloc in allocs.iter().filter(|alloc| alloc.client_status == AllocClientStatus::Running) {
        tasks(metrics, handle, alloc).await;
    }
}

fn labels(node: &Node) -> Vec<Label> {
    let class = if node.node_class.is_empty() { "none" } else { &node.node_class };
    vec![
        ("node_id", node.id.as_str().into()),
        ("datacenter", node.datacenter.as_str().into()),
        ("node_class", class.into()),
        ("node_pool", node.node_pool.as_str().into()),
        ("node_status", node.status.as_str().into()),
        ("node_scheduling_eligibility", node.scheduling_eligibility.as_str().into()),
    ]
}

fn counts(metrics: &mut Metrics, labels: &[Label], allocs: &[&Arc<Allocation>]) {
    let count = |wanted: &dyn Fn(&Allocation) -> bool| allocs.iter().filter(|alloc| wanted(alloc)).count() as f64;
    let running = count(&|alloc| alloc.client_status == AllocClientStatus::Running);
    let pending = count(&|alloc| alloc.client_status == AllocClientStatus::Pending);
    let terminal = count(&|alloc| alloc.client_status.is_terminal());
    metrics.gauge_of("nomad.client.allocations.running", labels, running);
    metrics.gauge_of("nomad.client.allocations.pending", labels, pending);
    metrics.gauge_of("nomad.client.allocations.terminal", labels, terminal);
    metrics.gauge_of("nomad.client.allocations.blocked", labels, 0.0);
    metrics.gauge_of("nomad.client.allocations.migrating", labels, 0.0);
    let states = || allocs.iter().flat_map(|alloc| alloc.task_states.values());
    for (name, kind) in [
        ("nomad.client.tasks.running", TaskStateKind::Running),
        ("nomad.client.tasks.pending", TaskStateKind::Pending),
        ("nomad.client.tasks.dead", TaskStateKind::Dead),
    ] {
        metrics.gauge_of(name, labels, states().filter(|state| state.state == kind).count() as f64);
    }
}

fn resources(metrics: &mut Metrics, labels: &[Label], node: &Node, allocs: &[&Arc<Allocation>]) {
    let (mut cpu, mut memory, mut max_memory, mut disk) = (0, 0, 0, 0);
    for alloc in allocs.iter().filter(|alloc| !alloc.client_status.is_terminal()) {
        let Some(resources) = &alloc.allocated_resources else { continue };
        disk += resources.shared.disk_mb;
        for task in resources.tasks.values() {
            cpu += task.cpu.cpu_shares;
            memory += task.memory.memory_mb;
            max_memory += task.memory.memory_mb.max(task.memory.memory_max_mb);
        }
    }
    let (total, reserved) = (&node.node_resources, &node.reserved_resources);
    metrics.gauge_of("nomad.client.allocated.cpu", labels, cpu as f64);
    metrics.gauge_of("nomad.client.allocated.memory", labels, memory as f64);
    metrics.gauge_of("nomad.client.allocated.max_memory", labels, max_memory as f64);
    metrics.gauge_of("nomad.client.allocated.disk", labels, disk as f64);
    let free = |total: i64, reserved: i64, used: i64| (total - reserved - used) as f64;
    let free_cpu = free(total.cpu.cpu_shares, reserved.cpu.cpu_shares, cpu);
    let free_memory = free(total.memory.memory_mb, reserved.memory.memory_mb, memory);
    let free_disk = free(total.disk.disk_mb, reserved.disk.disk_mb, disk);
    metrics.gauge_of("nomad.client.unallocated.cpu", labels, free_cpu);
    metrics.gauge_of("nomad.client.unallocated.memory", labels, free_memory);
    metrics.gauge_of("nomad.client.unallocated.disk", labels, free_disk);
}

/// `stats` are those of `/v1/client/stats`.
fn host(metrics: &mut Metrics, labels: &[Label], stats: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let list = |name: &str| stats[name].as_array().into_iter().flatten();
    let with = |name: &'static str, value: &Value| {
        let extra: Label = (name, value.as_str().unwrap_or_default().into());
        [labels, &[extra]].concat()
    };
    for (name, key) in [
        ("nomad.client.host.memory.total", "Total"),
        ("nomad.client.host.memory.available", "Available"),
        ("nomad.client.host.memory.used", "Used"),
        ("nomad.client.host.memory.free", "Free"),
    ] {
        metrics.gauge_of(name, labels, number(&stats["Memory"][key]));
    }
    for cpu in list("CPU") {
        let labels = with("cpu", &cpu["CPU"]);
        for (name, key) in [
            ("nomad.client.host.cpu.total", "TotalPercent"),
            ("nomad.client.host.cpu.total_percent", "TotalPercent"),
            ("nomad.client.host.cpu.total_ticks", "TotalTicks"),
            ("nomad.client.host.cpu.user", "User"),
            ("nomad.client.host.cpu.system", "System"),
            ("nomad.client.host.cpu.idle", "Idle"),
        ] {
            metrics.gauge_of(name, &labels, number(&cpu[key]));
        }
    }
    for disk in list("DiskStats") {
        let labels = with("disk", &disk["Device"]);
        for (name, key) in [
            ("nomad.client.host.disk.size", "Size"),
            ("nomad.client.host.disk.used", "Used"),
            ("nomad.client.host.disk.available", "Available"),
            ("nomad.client.host.disk.used_percent", "UsedPercent"),
            ("nomad.client.host.disk.inodes_percent", "InodesUsedPercent"),
        ] {
            metrics.gauge_of(name, &labels, number(&disk[key]));
        }
    }
    metrics.gauge_of("nomad.client.uptime", labels, number(&stats["Uptime"]));
}

/// What the tasks of an allocation use.
async fn tasks(metrics: &mut Metrics, handle: &NodeHandle, alloc: &Allocation) {
    // It may be over by now.
    let Ok(stats) = handle.alloc_stats(&alloc.id, None).await else { return };
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    for (task, stats) in stats["Tasks"].as_object().into_iter().flatten() {
        let labels: [Label; 5] = [
            ("job", alloc.job_id.as_str().into()),
            ("task_group", alloc.task_group.as_str().into()),
            ("alloc_id", alloc.id.as_str().into()),
            ("task", task.as_str().into()),
            ("namespace", alloc.namespace.as_str().into()),
        ];
        let usage = &stats["ResourceUsage"];
        for (name, value) in [
            ("nomad.client.allocs.memory.rss", &usage["MemoryStats"]["RSS"]),
            ("nomad.client.allocs.memory.cache", &usage["MemoryStats"]["Cache"]),
            ("nomad.client.allocs.memory.swap", &usage["MemoryStats"]["Swap"]),
            ("nomad.client.allocs.memory.usage", &usage["MemoryStats"]["Usage"]),
            ("nomad.client.allocs.cpu.total_percent", &usage["CpuStats"]["Percent"]),
            ("nomad.client.allocs.cpu.total_ticks", &usage["CpuStats"]["TotalTicks"]),
            ("nomad.client.allocs.cpu.system", &usage["CpuStats"]["SystemMode"]),
            ("nomad.client.allocs.cpu.user", &usage["CpuStats"]["UserMode"]),
            ("nomad.client.allocs.cpu.throttled_periods", &usage["CpuStats"]["ThrottledPeriods"]),
            ("nomad.client.allocs.cpu.throttled_time", &usage["CpuStats"]["ThrottledTime"]),
        ] {
            metrics.gauge_of(name, &labels, number(value));
        }
        let given = alloc.allocated_resources.as_ref().and_then(|resources| resources.tasks.get(task));
        if let Some(given) = given {
            let bytes = given.memory.memory_mb * BYTES_PER_MIB;
            metrics.gauge_of("nomad.client.allocs.memory.allocated", &labels, bytes as f64);
            metrics.gauge_of("nomad.client.allocs.cpu.allocated", &labels, given.cpu.cpu_shares as f64);
        }
    }
}
