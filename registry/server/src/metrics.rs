//! Counters and times in Prometheus' text form.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Upper bounds of the buckets of request times, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// What the server counts.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, &'static str, u16), u64>>,
    times: Mutex<BTreeMap<String, Times>>,
    labelled: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    /// Bytes of archives that were sent.
    pub download_bytes: AtomicU64,
    /// Requests that are being answered.
    pub in_flight: AtomicU64,
}

#[derive(Clone, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

/// Sizes that are looked up when somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Packs.
    pub packs: usize,
    /// Versions.
    pub versions: usize,
    /// Since the server was started.
    pub uptime_seconds: u64,
}

/// Counters with one label: name, label, what it counts.
const COUNTERS: [(&str, &str, &str); 9] = [
    ("drover_registry_publishes_total", "outcome", "Publishes by how they ended."),
    ("drover_registry_yanks_total", "kind", "Versions taken back or made good again."),
    ("drover_registry_signatures_total", "outcome", "Signatures that were added later."),
    ("drover_registry_downloads_total", "kind", "Archives that were sent, wholly or in part."),
    ("drover_registry_logins_total", "outcome", "Logins with the token of an issuer."),
    ("drover_registry_rejected_total", "reason", "Requests that were refused before they were looked at."),
    ("drover_registry_mirror_fetches_total", "outcome", "Versions fetched from a mirrored registry."),
    ("drover_registry_storage_errors_total", "kind", "Failures of the storage."),
    ("drover_registry_syncs_total", "outcome", "Looks at the storage for what others put there."),
];

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        *self.requests.lock().entry((route.to_owned(), method, status)).or_default() += 1;
        let mut times = self.times.lock();
        let times = times.entry(route.to_owned()).or_default();
        let seconds = took.as_secs_f64();
        times.count += 1;
        times.seconds += seconds;
        for (bucket, bound) in times.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// Counts one of the counters with a label.
    pub fn count(&self, name: &'static str, label: &'static str) {
        debug_assert!(COUNTERS.iter().any(|(known, ..)| *known == name), "{name} has no description");
        *self.labelled.lock().entry((name, label)).or_default() += 1;
    }

    /// Everything as text.
    pub fn text(&self, sizes: Sizes) -> String {
        let mut text = String::new();
        for (name, help, value) in [
            ("drover_registry_packs", "Packs that are offered.", sizes.packs as u64),
            ("drover_registry_versions", "Versions of packs.", sizes.versions as u64),
            ("drover_registry_uptime_seconds", "Since the server was started.", sizes.uptime_seconds),
            (
                "drover_registry_requests_in_flight",
                "Requests that are being answered.",
                self.in_flight.load(Ordering::Relaxed),
            ),
        ] {
            line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"));
        }
        let name = "drover_registry_download_bytes_total";
        let value = self.download_bytes.load(Ordering::Relaxed);
        line(
            &mut text,
            format_args!("# HELP {name} Bytes of archives that were sent.\n# TYPE {name} counter\n{name} {value}"),
        );
        let labelled = self.labelled.lock().clone();
        for (name, label, help) in COUNTERS {
            line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} counter"));
            for ((_, value), count) in labelled.iter().filter(|((known, _), _)| *known == name) {
                line(&mut text, format_args!("{name}{{{label}=\"{value}\"}} {count}"));
            }
        }
        self.requests_text(&mut text);
        text
    }

    fn requests_text(&self, text: &mut String) {
        let name = "drover_registry_http_requests_total";
        line(text, format_args!("# HELP {name} Answers by route, method and status.\n# TYPE {name} counter"));
        for ((route, method, status), count) in self.requests.lock().iter() {
            line(text, format_args!("{name}{{route=\"{route}\",method=\"{method}\",code=\"{status}\"}} {count}"));
        }
        let name = "drover_registry_http_request_seconds";
        line(text, format_args!("# HELP {name} Time until an answer begins.\n# TYPE {name} histogram"));
        for (route, times) in self.times.lock().iter() {
            for (count, bound) in times.buckets.iter().zip(BUCKETS) {
                line(text, format_args!("{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {count}"));
            }
            line(text, format_args!("{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", times.count));
            line(text, format_args!("{name}_sum{{route=\"{route}\"}} {}", times.seconds));
            line(text, format_args!("{name}_count{{route=\"{route}\"}} {}", times.count));
        }
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("texts take everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_outcomes_are_counted() {
        let metrics = Metrics::default();
        metrics.answered("/v1/packs", "GET", 200, Duration::from_millis(7));
        metrics.count("drover_registry_publishes_total", "new");
        let text = metrics.text(Sizes { packs: 3, versions: 9, uptime_seconds: 1 });
        for line in [
            "drover_registry_packs 3",
            "drover_registry_publishes_total{outcome=\"new\"} 1",
            "drover_registry_http_requests_total{route=\"/v1/packs\",method=\"GET\",code=\"200\"} 1",
            "drover_registry_http_request_seconds_bucket{route=\"/v1/packs\",le=\"0.005\"} 0",
            "drover_registry_http_request_seconds_bucket{route=\"/v1/packs\",le=\"0.01\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in\n{text}");
        }
    }
}
