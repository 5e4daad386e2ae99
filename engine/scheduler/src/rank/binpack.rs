//! How full a node becomes.

use crate::capacity::Amounts;

/// The largest score of one node, which normalises it.
const MAX_FIT_SCORE: f64 = 18.0;

/// What the cluster prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Full nodes, so that others stay free.
    Binpack,
    /// Empty nodes.
    Spread,
}

/// 0 to 1. After "best fit v3" as Google described it: 10 to the power of the free shares of CPU and memory.
pub(crate) fn fit_score(capacity: Amounts, used: Amounts, algorithm: Algorithm) -> f64 {
    let free = |used: i64, capacity: i64| 1.0 - used as f64 / capacity as f64;
    let total = power_of_ten(free(used.cpu, capacity.cpu)) + power_of_ten(free(used.memory, capacity.memory));
    let score = match algorithm {
        Algorithm::Binpack => 20.0 - total,
        Algorithm::Spread => total - 2.0,
    };
    if score.is_nan() { 0.0 } else { score.clamp(0.0, MAX_FIT_SCORE) / MAX_FIT_SCORE }
}

fn power_of_ten(exponent: f64) -> f64 {
    (exponent * std::f64::consts::LN_10).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_reference() {
        let capacity = Amounts { cpu: 5192, memory: 24_105, disk: 258_019 };
        // Two allocations of 50 MHz and 64 MiB on the recorded node.
        let used = Amounts { cpu: 100, memory: 128, disk: 600 };
        let score = fit_score(capacity, used, Algorithm::Binpack);
        assert!((score - 0.030_851_222_424_770_935).abs() < 1e-12, "{score}");
        assert!(fit_score(capacity, capacity, Algorithm::Binpack) > 0.999);
        assert!(fit_score(capacity, Amounts::default(), Algorithm::Spread) > 0.999);
        assert!(fit_score(Amounts::default(), Amounts::default(), Algorithm::Binpack).abs() < 1e-12);
    }
}
