//! Numbers of the server.

use super::{Counter, Label, Measured, Metrics};
use crate::state::ApiState;
use crate::telemetry::Sample;
use drover_model::{EvalStatus, Job, JobStatus, NodeStatus};
use drover_state::Snapshot;
use std::sync::Arc;

pub(super) fn collect(metrics: &mut Metrics, state: &ApiState, snapshot: &Snapshot) {
    requests(metrics, state);
    broker(metrics, state, snapshot);
    jobs(metrics, snapshot);
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
}

fn jobs(metrics: &mut Metrics, snapshot: &Snapshot) {
    let count = |status| snapshot.jobs().filter(|job| job.status == status).count() as f64;
    metrics.gauge("nomad.nomad.job_status.pending", count(JobStatus::Pending));
    metrics.gauge("nomad.nomad.job_status.running", count(JobStatus::Running));
    metrics.gauge("nomad.nomad.job_status.dead", count(JobStatus::Dead));
    for job in snapshot.jobs() {
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
