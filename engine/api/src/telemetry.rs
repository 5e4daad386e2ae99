//! What the API counts of itself.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long numbers are added up before they are shown.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// How long requests take. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry(Arc<Mutex<Times>>);

#[derive(Debug)]
struct Times {
    since: Instant,
    now: Sample,
    /// Since the start.
    total: Sample,
    /// The interval before, once there is one.
    before: Option<Sample>,
}

/// Numbers of one interval, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    pub count: u64,
    pub sum: f64,
    pub sum_of_squares: f64,
    pub min: f64,
    pub max: f64,
}

impl Sample {
    fn add(&mut self, value: f64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum += value;
        self.sum_of_squares += value * value;
    }

    /// The mean; 0 of nothing.
    pub(crate) fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// The standard deviation; 0 of less than two.
    pub(crate) fn deviation(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let count = self.count as f64;
        let squares = count * self.sum_of_squares - self.sum * self.sum;
        (squares.max(0.0) / (count * (count - 1.0))).sqrt()
    }

    /// So many times one.
    pub(crate) fn ones(count: u64) -> Self {
        let sum = count as f64;
        Self { count, sum, sum_of_squares: sum, min: 1.0, max: 1.0 }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        let times = Times { since: Instant::now(), now: Sample::default(), total: Sample::default(), before: None };
        Self(Arc::new(Mutex::new(times)))
    }
}

impl Telemetry {
    /// A request was answered.
    pub(crate) fn answered(&self, took: Duration) {
        let mut times = self.0.lock();
        times.turn(Instant::now());
        let milliseconds = took.as_secs_f64() * 1000.0;
        times.now.add(milliseconds);
        times.total.add(milliseconds);
    }

    /// Milliseconds that requests took: since the start, and in the last whole interval (in the current one at the
    /// beginning).
    pub(crate) fn request_times(&self) -> (Sample, Sample) {
        let mut times = self.0.lock();
        times.turn(Instant::now());
        (times.total, times.before.filter(|before| before.count > 0).unwrap_or(times.now))
    }
}

impl Times {
    fn turn(&mut self, now: Instant) {
        let passed = now.duration_since(self.since);
        if passed < INTERVAL {
            return;
        }
        let is_next = passed < 2 * INTERVAL;
        self.before = Some(if is_next { self.now } else { Sample::default() });
        self.now = Sample::default();
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_described() {
        let mut sample = Sample::default();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            sample.add(value);
        }
        assert_eq!((sample.count, sample.min, sample.max, sample.mean()), (8, 2.0, 9.0, 5.0));
        assert!((sample.deviation() - 2.138_089_935).abs() < 1e-6, "of a sample, not of a population");
        assert_eq!(Sample::ones(3).deviation(), 0.0);
    }

    #[test]
    fn an_interval_ends() {
        let start = Instant::now();
        let mut times = Times { since: start, now: Sample::ones(3), total: Sample::ones(3), before: None };
        times.turn(start + INTERVAL / 2);
        assert_eq!((times.now.count, times.before), (3, None));
        times.turn(start + INTERVAL);
        assert_eq!((times.now.count, times.before.map(|before| before.count)), (0, Some(3)));
        times.turn(start + 5 * INTERVAL);
        assert_eq!(times.before.map(|before| before.count), Some(0), "what is old is not shown");
    }
}
