//! The text form of Prometheus.

use super::{Label, Metrics};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The families by name, each with its lines.
struct Families(BTreeMap<String, (&'static str, String)>);

impl Families {
    fn add(&mut self, name: &str, kind: &'static str, write: impl FnOnce(&mut String, &str)) {
        let name = clean(name);
        let (_, lines) = self.0.entry(name.clone()).or_insert_with(|| (kind, String::new()));
        write(lines, &name);
    }
}

pub(super) fn text(metrics: &Metrics) -> String {
    let mut families = Families(BTreeMap::new());
    for gauge in &metrics.gauges {
        families.add(&gauge.name, "gauge", |lines, name| line(lines, name, &gauge.labels, gauge.value));
    }
    for counter in &metrics.counters {
        families.add(counter.name, "counter", |lines, name| line(lines, name, &[], counter.total as f64));
    }
    for measured in &metrics.measured {
        families.add(measured.name, "summary", |lines, name| {
            line(lines, &format!("{name}_sum"), &[], measured.total.sum);
            line(lines, &format!("{name}_count"), &[], measured.total.count as f64);
        });
    }
    let mut text = String::with_capacity(4096);
    for (name, (kind, lines)) in &families.0 {
        text.push_str(&format!("# HELP {name} {name}\n# TYPE {name} {kind}\n{lines}"));
    }
    text
}

fn line(lines: &mut String, name: &str, labels: &[Label], value: f64) {
    lines.push_str(name);
    if !labels.is_empty() {
        let mut labels: Vec<(String, &str)> = labels.iter().map(|(name, value)| (clean(name), &**value)).collect();
        labels.sort();
        let shown = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value)));
        lines.push_str(&format!("{{{}}}", shown.collect::<Vec<_>>().join(",")));
    }
    // Writing to a text cannot fail.
    let _ = writeln!(lines, " {value}");
}

fn clean(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_")
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::{Counter, Measured};
    use super::*;
    use crate::telemetry::Sample;

    #[test]
    fn families_are_together_and_sorted() {
        let mut metrics = Metrics::default();
        metrics.gauge_of("nomad.b.c-d", &[("z", "1".into()), ("a", "say \"hi\"".into())], 0.5);
        metrics.gauge("nomad.a", 3.0);
        metrics.gauge_of("nomad.b.c-d", &[("a", "x".into())], 1.0);
        metrics.counters.push(Counter { name: "nomad.c", total: 7, recent: Sample::default() });
        metrics.measured.push(Measured { name: "nomad.t", total: Sample::ones(2), recent: Sample::default() });
        let expected = "# HELP nomad_a nomad_a\n# TYPE nomad_a gauge\nnomad_a 3\n\
            # HELP nomad_b_c_d nomad_b_c_d\n# TYPE nomad_b_c_d gauge\n\
            nomad_b_c_d{a=\"say \\\"hi\\\"\",z=\"1\"} 0.5\nnomad_b_c_d{a=\"x\"} 1\n\
            # HELP nomad_c nomad_c\n# TYPE nomad_c counter\nnomad_c 7\n\
            # HELP nomad_t nomad_t\n# TYPE nomad_t summary\nnomad_t_sum 2\nnomad_t_count 2\n";
        assert_eq!(text(&metrics), expected);
    }
}
