//! Runs a scenario on both sides at the same time, and compares what is seen after each step.

use crate::engine::Engine;
use crate::scenarios::Scenario;
use crate::steps::{Seen, take};
use std::fmt::Write;

/// Runs it; `Err` tells what differs.
pub(crate) fn run(scenario: &Scenario, reference: &dyn Engine, drover: &dyn Engine) -> Result<(), String> {
    let (wanted, got) = std::thread::scope(|scope| {
        let wanted = scope.spawn(|| all_steps(scenario, reference));
        let got = scope.spawn(|| all_steps(scenario, drover));
        (wanted.join(), got.join())
    });
    let wanted = wanted.map_err(|_| "the reference could not do it".to_owned())?;
    let got = got.map_err(|_| "drover could not do it".to_owned())?;
    let mut text = String::new();
    for ((wanted, got), step) in wanted.iter().zip(&got).zip(&scenario.steps) {
        if wanted != got {
            let _ = write!(text, "\nafter {step:?}\n{}", wanted.difference(got));
        }
    }
    if text.is_empty() { Ok(()) } else { Err(text) }
}

fn all_steps(scenario: &Scenario, engine: &dyn Engine) -> Vec<Seen> {
    let seen = scenario.steps.iter().map(|step| take(engine, step)).collect();
    engine.clean();
    seen
}
