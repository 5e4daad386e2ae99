//! Measuring a container.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures::StreamExt;

use super::client::message;
use crate::driver::{CpuUsage, DriverError, MemoryUsage, ResourceUsage, TaskStats};

/// CPU time seen at the previous measurement.
#[derive(Debug, Default)]
pub(super) struct Sample {
    taken: Option<(Instant, u64)>,
}

pub(super) async fn ask(docker: &bollard::Docker, id: &str) -> Result<ContainerStatsResponse, DriverError> {
    let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
    let answer = docker.stats(id, Some(options)).next().await;
    answer
        .ok_or_else(|| DriverError::recoverable(format!("container {id} has no statistics")))?
        .map_err(|error| DriverError::recoverable(format!("statistics of container {id}: {}", message(&error))))
}

pub(super) fn convert(answer: &ContainerStatsResponse, sample: &mut Sample) -> TaskStats {
    let now = Instant::now();
    let memory = answer.memory_stats.clone().unwrap_or_default();
    let counters = memory.stats.unwrap_or_default();
    // v1 names first, then those of v2.
    let counter = |names: [&str; 2]| names.iter().find_map(|name| counters.get(*name)).copied().unwrap_or(0);
    let cpu = answer.cpu_stats.clone().unwrap_or_default();
    let total_ns = cpu.cpu_usage.and_then(|usage| usage.total_usage).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
    let percent = sample.taken.map_or(0.0, |(before, ns)| {
        let elapsed = now.duration_since(before).as_nanos().max(1);
        total_ns.saturating_sub(ns) as f64 * 100.0 / elapsed as f64
    });
    sample.taken = Some((now, total_ns));
    let throttling = cpu.throttling_data.unwrap_or_default();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TaskStats {
        total: ResourceUsage {
            memory: MemoryUsage {
                rss: counter(["rss", "anon"]),
                cache: counter(["cache", "file"]),
                swap: counter(["swap", "swap"]),
                mapped_file: counter(["mapped_file", "file_mapped"]),
                usage: memory.usage.unwrap_or(0),
                max_usage: memory.max_usage.unwrap_or(0),
                measured: vec!["RSS", "Cache", "Swap", "Usage", "Max Usage"],
            },
            cpu: CpuUsage {
                percent,
                total_ns,
                throttled_periods: throttling.throttled_periods.unwrap_or(0),
                throttled_time_ns: throttling.throttled_time.unwrap_or(0),
                measured: vec!["Throttled Periods", "Throttled Time", "Percent"],
                ..CpuUsage::default()
            },
        },
        processes: BTreeMap::new(),
        timestamp_ns: i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
    }
}
