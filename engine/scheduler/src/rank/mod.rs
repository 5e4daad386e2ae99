//! Scores: which of the feasible nodes is best. One file each; the final score is their mean.

mod affinity;
mod anti_affinity;
mod binpack;
mod penalty;
mod spread;

pub(crate) use affinity::AffinityScorer;
pub(crate) use anti_affinity::collision_score;
pub(crate) use binpack::{Algorithm, fit_score};
pub(crate) use penalty::reschedule_penalty;
pub(crate) use spread::SpreadScorer;

use drover_model::placement_metric::SCORERS;

/// Which scores the metrics show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownScores {
    /// Those that service and batch jobs are ranked by, counting or not.
    All,
    /// Those that count: jobs that run on every node are not compared with others.
    Counting,
}

/// The scores of one node for one placement. `None` of the optional ones means "does not count".
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scores {
    pub(crate) binpack: f64,
    pub(crate) devices: Option<f64>,
    pub(crate) anti_affinity: Option<f64>,
    pub(crate) penalty: Option<f64>,
    pub(crate) affinity: Option<f64>,
    pub(crate) spread: Option<f64>,
    pub(crate) preemption: Option<f64>,
}

impl Scores {
    /// The mean of those that count.
    pub(crate) fn mean(&self) -> f64 {
        let optional = [self.devices, self.anti_affinity, self.penalty, self.affinity, self.spread, self.preemption];
        let (sum, count) =
            optional.into_iter().flatten().fold((self.binpack, 1.0), |(sum, count), score| (sum + score, count + 1.0));
        sum / count
    }

    /// In the order of [`SCORERS`], as the metrics show them: three of them are shown as 0 when they do
    /// not count.
    pub(crate) fn shown(&self, shows: ShownScores) -> [Option<f64>; SCORERS.len()] {
        let or_zero = |score: Option<f64>| if shows == ShownScores::All { Some(score.unwrap_or(0.0)) } else { score };
        [
            Some(self.binpack),
            self.devices,
            or_zero(self.anti_affinity),
            or_zero(self.penalty),
            or_zero(self.affinity),
            self.spread,
            self.preemption,
            None,
        ]
    }
}
