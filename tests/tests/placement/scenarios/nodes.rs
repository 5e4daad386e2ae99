//! What happens to nodes: drains, eligibility, silence.

use super::{Job, Scenario, scenario};
use crate::steps::Step;
use serde_json::json;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            "a drained node's services move",
            [
                Job::service("drained", 4).constraint("${node.unique.name}", "regexp", "^(c1)$").register(),
                Job::service("drained", 4).constraint("${node.class}", "regexp", "^(alpha|gamma)$").register(),
                Step::Drain("c1", 3600),
                Step::Undrain("c1"),
            ],
        ),
        scenario(
            "system jobs leave a drained node last",
            [
                Job::system("agent").register(),
                Job::service("app", 2).only("gamma").register(),
                Step::Drain("a1", 3600),
                Step::Undrain("a1"),
            ],
        ),
        scenario(
            "system jobs may stay on a drained node",
            [Job::system("stays").register(), Step::DrainButSystem("b1"), Step::Undrain("b1")],
        ),
        scenario(
            "batch work is given time",
            [
                Job::batch("long", 3).config("run_for", json!("24h")).only("beta").register(),
                Step::Drain("b1", 3600),
                Step::Undrain("b1"),
            ],
        ),
        scenario(
            "a drain at once",
            [
                Job::batch("rushed", 2)
                    .config("run_for", json!("24h"))
                    .constraint("${node.unique.name}", "=", "b2")
                    .register(),
                Step::Drain("b2", -1),
                Step::Undrain("b2"),
            ],
        ),
        scenario(
            "ineligible nodes get nothing new",
            [Step::Eligible("c1", false), Job::service("shy", 14).cpu(1000).register(), Step::Eligible("c1", true)],
        ),
        scenario(
            "a system job on a node that takes nothing new",
            [Step::Eligible("b1", false), Job::system("partial").register(), Step::Eligible("b1", true)],
        ),
    ]
}
