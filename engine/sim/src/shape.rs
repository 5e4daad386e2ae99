//! What simulated nodes and jobs look like.

use drover_model::{Node, NodeStatus};
use drover_wire::job;
use serde_json::json;

/// A kind of node.
#[derive(Clone, Debug)]
pub struct NodeShape {
    /// Whole cores.
    pub cores: u16,
    /// Speed of each.
    pub core_mhz: i64,
    /// Memory in MiB.
    pub memory_mb: i64,
    /// Disk in MiB.
    pub disk_mb: i64,
}

impl Default for NodeShape {
    /// 64 cores of 2,500 MHz, 128 GiB of memory, 1 TiB of disk.
    fn default() -> Self {
        Self { cores: 64, core_mhz: 2_500, memory_mb: 128 * 1024, disk_mb: 1024 * 1024 }
    }
}

impl NodeShape {
    /// The node with this number: two datacenters, 25 racks, as many classes.
    pub(crate) fn node(&self, number: usize) -> Node {
        let rack = number % 25;
        let mut node = Node {
            id: format!("{:08x}-0000-4000-8000-{number:012x}", spread_out(number)).into(),
            secret_id: format!("{:08x}-0000-4000-9000-{number:012x}", spread_out(number)),
            name: format!("sim-{number}"),
            datacenter: format!("dc{}", number % 2 + 1),
            node_pool: "default".to_owned(),
            computed_class: format!("v1:{}", rack * 2 + number % 2),
            status: NodeStatus::Ready,
            ..Node::default()
        };
        let resources = &mut node.node_resources;
        resources.cpu.cpu_shares = i64::from(self.cores) * self.core_mhz;
        resources.cpu.total_cpu_cores = self.cores;
        resources.memory.memory_mb = self.memory_mb;
        resources.disk.disk_mb = self.disk_mb;
        node.attributes.insert("kernel.name".to_owned(), "linux".to_owned());
        node.attributes.insert("driver.mock_driver".to_owned(), "1".to_owned());
        node.meta.insert("rack".to_owned(), format!("r{rack}"));
        node
    }
}

/// Ids of real nodes are random; these are only spread.
fn spread_out(number: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "any 32 bits will do")]
    let low = number as u32;
    low.wrapping_mul(0x9e37_79b1)
}

/// A kind of job: one group of one task.
#[derive(Clone, Debug)]
pub struct JobShape {
    /// Allocations.
    pub count: u32,
    /// MHz of each.
    pub cpu: i64,
    /// MiB of each.
    pub memory_mb: i64,
    /// 1 to 100.
    pub priority: u8,
}

impl JobShape {
    /// Small tasks, `count` of them.
    pub const fn of(count: u32) -> Self {
        Self { count, cpu: 300, memory_mb: 300, priority: 50 }
    }

    /// As it is submitted.
    pub(crate) fn job(&self, id: &str) -> job::Job {
        let job = json!({
            "ID": id, "Name": id, "Type": "service", "Datacenters": ["*"], "Priority": self.priority,
            "Update": {"MaxParallel": 0},
            "TaskGroups": [{
                "Name": "main", "Count": self.count, "Update": {"MaxParallel": 0},
                "Tasks": [{
                    "Name": "task", "Driver": "mock_driver",
                    "Resources": {"CPU": self.cpu, "MemoryMB": self.memory_mb},
                }],
            }],
        });
        serde_json::from_value(job).expect("the job is written above")
    }
}
