//! The same jobs on the same nodes, on the reference's real agents and on Drover's servers: the same
//! counts per class of nodes, the same dry runs, the same reasons where nothing fits.
//!
//! The reference runs one server and one client agent per node, on loopback. Drover's side has its whole
//! server and HTTP API, and nodes that describe themselves word for word as the reference's clients do
//! and pretend to run `mock_driver` tasks. Where the reference is not at hand the test says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compare;
mod engine;
mod fake_node;
mod reference;
mod scenarios;
mod simulated;
mod steps;

#[test]
#[ignore = "takes about ten minutes: cargo test -p drover-tests --test placement -- --ignored"]
fn both_engines_place_the_same() {
    let Some(nomad) = drover_tests::peer("nomad").filter(|_| drover_tests::is_root()) else { return };
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let reference = reference::Reference::start(&nomad);
    let simulated = simulated::Simulated::start(reference.describe_nodes());
    let mut wrong = Vec::new();
    for scenario in scenarios::all().into_iter().filter(|scenario| scenario.name.contains(&only)) {
        if let Err(difference) = compare::run(&scenario, &reference, &simulated) {
            wrong.push(format!("{}: {difference}", scenario.name));
        }
    }
    assert!(wrong.is_empty(), "{} scenarios differ:\n{}", wrong.len(), wrong.join("\n\n"));
}
