//! The JSON form.

use super::{Label, Metrics};
use crate::telemetry::{INTERVAL, Sample};
use drover_base::UnixNanos;
use serde_json::{Map, Value, json};

pub(super) fn document(metrics: &Metrics) -> Value {
    let gauges: Vec<Value> = metrics
        .gauges
        .iter()
        .map(|gauge| json!({ "Labels": labels(&gauge.labels), "Name": gauge.name, "Value": gauge.value }))
        .collect();
    let counters: Vec<Value> = metrics.counters.iter().map(|counter| sample(counter.name, &counter.recent)).collect();
    let samples: Vec<Value> = metrics.measured.iter().map(|measured| sample(measured.name, &measured.recent)).collect();
    json!({
        "Counters": counters,
        "Gauges": gauges,
        "Points": [],
        "PrecisionGauges": [],
        "Samples": samples,
        "Timestamp": timestamp(),
    })
}

fn labels(labels: &[Label]) -> Map<String, Value> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), Value::from(&**value))).collect()
}

fn sample(name: &str, sample: &Sample) -> Value {
    json!({
        "Count": sample.count,
        "Labels": {},
        "Max": sample.max,
        "Mean": sample.mean(),
        "Min": sample.min,
        "Name": name,
        "Rate": sample.sum / INTERVAL.as_secs_f64(),
        "Stddev": sample.deviation(),
        "Sum": sample.sum,
    })
}

/// `2026-11-22 16:24:20 +0000 UTC`, the beginning of an interval.
fn timestamp() -> String {
    let nanos = i64::try_from(INTERVAL.as_nanos()).unwrap_or(i64::MAX);
    let now = UnixNanos::now().0;
    UnixNanos(now - now % nanos).timestamp().strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}
