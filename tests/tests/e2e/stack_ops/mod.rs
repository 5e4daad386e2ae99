//! What can happen to a stack, on Drover's engine and on the reference's agent: the same exit codes, the same result.

mod crash;
mod lab;
mod proxy;
mod resources;
mod scenarios;

use drover_tests::{Agent, AgentOptions, peer};
use lab::Lab;
use serde_json::Value;
use std::sync::Mutex;

/// Scenarios that run at a time on one engine.
const AT_A_TIME: usize = 3;

type Scenario = fn(&Lab<'_>) -> Value;

/// Runs all scenarios on one engine; what each of them left, by name.
fn run_all(agent: &Agent) -> Vec<(&'static str, Value)> {
    let open = Mutex::new(scenarios::ALL.iter().collect::<Vec<_>>());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some((name, scenario)) = open.lock().unwrap().pop() else { return };
                    let lab = Lab::new(agent, &name.replace('_', "-"));
                    let seen = scenario(&lab);
                    lab.drover(&["destroy", "-auto-approve", "-purge", "s"]);
                    results.lock().unwrap().push((*name, seen));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(name, _)| *name);
    results
}

#[test]
fn stacks_end_the_same_on_both_engines() {
    let drover = std::thread::spawn(|| run_all(&Agent::dev()));
    let reference = peer("nomad").map(|nomad| {
        let agent = Agent::start(AgentOptions { binary: Some(nomad), ..AgentOptions::default() });
        run_all(&agent)
    });
    let drover = drover.join().expect("all scenarios hold on drover");
    assert_eq!(drover.len(), scenarios::ALL.len());
    for ((name, here), (_, there)) in drover.iter().zip(reference.iter().flatten()) {
        assert_eq!(here, there, "scenario {name}: drover's engine left the first, the reference's the second");
    }
}
