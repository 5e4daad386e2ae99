//! Numbers of the server.

use super::{Counter, Label, Measured, Metrics};
use crate::state::ApiState;
use crate::telemetry::Sample;
use drover_model::{EvalStatus, Job, JobStatus, NodeStatus};
use drover_state::Snapshot;
use std::sync::Arc;

/// Bytes of a page of memory, as the kernel counts them here.
const PAGE_BYTES: f64 = 4096.0;

pub(super) fn collect(metrics: &mut Metrics, state: &ApiState, snapshot: &Snapshot) {
    requests(metrics, state);
    broker(metrics, state, snapshot);
    jobs(metrics, state, snapshot);
    let index = snapshot.index() as f64;
    metrics.gauge("nomad.raft.appliedIndex", index);
    metrics.gauge("nomad.raft.lastIndex", index);
    metrics.gauge("nomad.state.snapshotIndex", index);
    // Placements are applied as they come: there is no queue.
    metrics.gauge("nomad.nomad.plan.queue_depth", 0.0);
    metrics.gauge("nomad.nomad.autopilot.healthy", 1.0);
    metrics.gauge("nomad.nomad.autopilot.failure_tolerance", 0.0);
    let alive = snapshot.nodes().filter(|node| node.status != NodeStatus::Down).count();
    metrics.gauge("nomad.nomad.heartbeat.active", alive as f64);
    let locked = snapshot.variables().filter(|variable| variable.lock.is_some()).count();
    metrics.gauge("nomad.variables.locks.ttl_timer.num", locked as f64);
    // A lock and its delay run out together here.
    metrics.gauge("nomad.variables.locks.delay_timer.num", 0.0);
    process(metrics);
}

/// What the process takes, under the names of the reference's runtime. Nothing collects garbage here.
fn process(metrics: &mut Metrics) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut pages = pages.split_whitespace().map(|number| number.parse::<f64>().unwrap_or(0.0) * PAGE_BYTES);
    metrics.gauge("nomad.runtime.sys_bytes", pages.next().unwrap_or(0.0));
    metrics.gauge("nomad.runtime.alloc_bytes", pages.next().unwrap_or(0.0));
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    metrics.gauge("nomad.runtime.num_goroutines", tasks as f64);
    metrics.gauge("nomad.runtime.total_gc_pause_ns", 0.0);
    metrics.gauge("nomad.runtime.total_gc_runs", 0.0);
}

fn requests(metrics: &mut Metrics, state: &ApiState) {
    let (total, recent) = state.telemetry.request_times();
    let counter = Counter { name: "nomad.nomad.rpc.request", total: total.count, recent: Sample::ones(recent.count) };
    metrics.counters.push(counter);
    metrics.measured.push(Measured { name: "nomad.nomad.agent.http.request", total, recent });
}

fn broker(metrics: &mut Metrics, state: &ApiState, snapshot: &Snapshot) {
    let stats = state.server.broker_stats();
    metrics.gauge("nomad.nomad.broker.total_ready", stats.ready as f64);
    metrics.gauge("nomad.nomad.broker.total_unacked", stats.in_flight as f64);
    metrics.gauge("nomad.nomad.broker.total_waiting", stats.waiting as f64);
    metrics.gauge("nomad.nomad.broker.total_pending", stats.waiting as f64);
    let blocked = snapshot.evals().filter(|eval| eval.status == EvalStatus::Blocked);
    let escaped = blocked.filter(|eval| eval.escaped_computed_class).count();
    metrics.gauge("nomad.nomad.blocked_evals.total_blocked", stats.blocked as f64);
    metrics.gauge("nomad.nomad.blocked_evals.total_escaped", escaped as f64);
    let by_quota =
        snapshot.evals().filter(|eval| eval.status == EvalStatus::Blocked && !eval.quota_limit_reached.is_empty());
    metrics.gauge("nomad.nomad.blocked_evals.total_quota_limit", by_quota.count() as f64);
    metrics.gauge("nomad.nomad.broker.total_cancelable", 0.0);
}

fn jobs(metrics: &mut Metrics, state: &ApiState, snapshot: &Snapshot) {
    let count = |status| snapshot.jobs().filter(|job| job.status == status).count() as f64;
    metrics.gauge("nomad.nomad.job_status.pending", count(JobStatus::Pending));
    metrics.gauge("nomad.nomad.job_status.running", count(JobStatus::Running));
    metrics.gauge("nomad.nomad.job_status.dead", count(JobStatus::Dead));
    let options = &state.metrics;
    for job in snapshot.jobs().filter(|job| !(options.without_dispatched && job.dispatched)) {
        summary(metrics, snapshot, job);
    }
}

fn summary(metrics: &mut Metrics, snapshot: &Snapshot, job: &Arc<Job>) {
    let Some(summary) = snapshot.job_summary(&job.key()) else { return };
    for (group, counts) in &summary.summary {
        let labels: [Label; 3] = [
            ("job", job.id.as_str().into()),
            ("task_group", group.as_str().into()),
            ("namespace", job.namespace.as_str().into()),
        ];
        for (name, count) in [
            ("nomad.nomad.job_summary.queued", counts.queued),
            ("nomad.nomad.job_summary.complete", counts.complete),
            ("nomad.nomad.job_summary.failed", counts.failed),
            ("nomad.nomad.job_summary.running", counts.running),
            ("nomad.nomad.job_summary.starting", counts.starting),
            ("nomad.nomad.job_summary.lost", counts.lost),
            ("nomad.nomad.job_summary.unknown", counts.unknown),
        ] {
            metrics.gauge_of(name, &labels, count as f64);
        }
    }
}
