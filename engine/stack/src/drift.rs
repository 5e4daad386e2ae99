//! What the engine holds, compared with what the last release left.

use std::collections::BTreeSet;

use drover_secrets::Masker;

use crate::desired::{Desired, Target};
use crate::engine::{Engine, EngineError};
use crate::live::Live;
use crate::plan::{Action, Options, compute};
use crate::preview::Line;
use crate::release::Snapshot;

/// One thing that is not as the release left it.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The resource.
    pub address: String,
    /// The thing.
    pub target: Target,
    /// In which way.
    pub kind: Kind,
    /// The difference, from what is there to what the release wanted; safe to show.
    pub lines: Vec<Line>,
}

/// The ways of drifting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was changed.
    Changed,
    /// It is not there any more, or was stopped.
    Gone,
    /// It says that it belongs to the stack, and no release made it.
    Extra,
}

impl Kind {
    /// For programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Extra => "extra",
        }
    }
}

/// The addresses whose things have another index than the release left them with: only those need to be looked at.
pub fn suspects(release: &Snapshot, live: &Live) -> BTreeSet<String> {
    let is_suspect = |address: &str, target: &Target| {
        let recorded = live.record.resources.get(address).map_or(0, |recorded| recorded.index);
        recorded == 0 || live.index(target) != recorded || live.jobs.get(target).is_some_and(|job| job.is_stopped)
    };
    release
        .resources
        .iter()
        .filter(|(address, kept)| is_suspect(address, &kept.target))
        .map(|(address, _)| address.clone())
        .collect()
}

/// Compares the suspects with what the release wanted, and looks for what no release made. `desired` holds the suspects only.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn compare(
    engine: &Engine,
    desired: &Desired,
    live: &Live,
    masker: &Masker,
) -> Result<Vec<Drift>, EngineError> {
    let mut drifts = Vec::new();
    if !desired.resources.is_empty() {
        let targets = desired.resources.iter().map(|resource| resource.address.clone()).collect();
        let options = Options { adopt: true, targets, ..Options::default() };
        let found = engine.read(desired, &options, masker).await?;
        // With everything taken over and no two of the same kind, nothing is left to refuse.
        let plan = compute(desired, &found, &options, masker).ok();
        for change in plan.into_iter().flat_map(|plan| plan.changes) {
            let kind = match change.action {
                Action::Create => Kind::Gone,
                Action::Update | Action::Replace => Kind::Changed,
                Action::Delete | Action::Resume | Action::Adopt | Action::Move => continue,
            };
            let lines = if kind == Kind::Gone { Vec::new() } else { change.lines };
            drifts.push(Drift { address: change.address, target: change.target, kind, lines });
        }
    }
    let known: BTreeSet<&Target> = live.record.resources.values().map(|recorded| &recorded.target).collect();
    for owned in live.owned(&live.stack).into_iter().filter(|owned| !known.contains(&owned.target)) {
        drifts.push(Drift { address: owned.address, target: owned.target, kind: Kind::Extra, lines: Vec::new() });
    }
    Ok(drifts)
}
