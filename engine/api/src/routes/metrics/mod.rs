//! `/v1/metrics`: numbers under the reference's names, as JSON or for Prometheus. They are worked out when asked for.

mod client;
mod json;
mod process;
mod prometheus;
mod server;

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use crate::state::ApiState;
use crate::telemetry::Sample;
use http::StatusCode;
use std::borrow::Cow;
use std::sync::Arc;

/// A name and its value.
pub(super) type Label = (&'static str, Arc<str>);

/// A number as it is now.
pub(super) struct Gauge {
    name: Cow<'static, str>,
    labels: Vec<Label>,
    value: f64,
}

/// A number that only grows.
pub(super) struct Counter {
    name: &'static str,
    /// Since the start.
    total: u64,
    /// In the last interval.
    recent: Sample,
}

/// Measurements.
pub(super) struct Measured {
    name: &'static str,
    /// Since the start.
    total: Sample,
    /// In the last interval.
    recent: Sample,
}

/// Everything there is to tell.
#[derive(Default)]
pub(super) struct Metrics {
    gauges: Vec<Gauge>,
    counters: Vec<Counter>,
    measured: Vec<Measured>,
}

impl Metrics {
    fn gauge(&mut self, name: impl Into<Cow<'static, str>>, value: f64) {
        self.gauge_of(name, &[], value);
    }

    fn gauge_of(&mut self, name: impl Into<Cow<'static, str>>, labels: &[Label], value: f64) {
        self.gauges.push(Gauge { name: name.into(), labels: labels.to_vec(), value });
    }
}

pub(super) async fn route(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let is_prometheus = context.param("format") == Some("prometheus");
    if is_prometheus && !context.state.metrics.prometheus {
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Prometheus is not enabled"));
    }
    let metrics = collect(&context.state).await;
    if is_prometheus {
        let content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
        let text = prometheus::text(&metrics) + &process::text();
        return Ok(Reply::text(content_type, text));
    }
    context.json(&json::document(&metrics))
}

async fn collect(state: &ApiState) -> Metrics {
    let options = &state.metrics;
    let mut metrics = Metrics::default();
    let snapshot = state.store().snapshot();
    if state.agent.is_server {
        server::collect(&mut metrics, state, &snapshot);
    }
    if let Some(node) = &state.node {
        client::collect(&mut metrics, node, &snapshot, options).await;
    }
    if options.with_host {
        let host: Arc<str> = state.agent.name.as_str().into();
        metrics.gauges.iter_mut().for_each(|gauge| gauge.labels.push(("host", Arc::clone(&host))));
    }
    metrics.gauges.retain(|gauge| options.shows(&gauge.name));
    metrics.counters.retain(|counter| options.shows(counter.name));
    metrics.measured.retain(|measured| options.shows(measured.name));
    metrics
}

/// All gauges, with their labels in their names.
pub(crate) async fn flat(state: &ApiState) -> Vec<(String, f64)> {
    let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c), "_");
    let name = |gauge: &Gauge| {
        let labels = gauge.labels.iter().filter(|(name, _)| *name != "host").map(|(_, value)| plain(value));
        std::iter::once(gauge.name.to_string()).chain(labels).collect::<Vec<_>>().join(".")
    };
    collect(state).await.gauges.iter().map(|gauge| (name(gauge), gauge.value)).collect()
}
