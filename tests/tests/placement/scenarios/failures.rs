//! What fails: tasks, updates, nodes.

use super::{Job, Scenario, scenario};
use crate::steps::Step;
use serde_json::{Value, json};

pub(super) fn all() -> Vec<Scenario> {
    let mut all = tasks();
    all.extend(silent_nodes());
    all
}

fn reschedule(attempts: u32, unlimited: bool, delay_secs: u64) -> Value {
    json!({
        "Attempts": attempts, "Unlimited": unlimited, "Interval": 3_600_000_000_000_u64,
        "Delay": delay_secs * 1_000_000_000, "DelayFunction": "constant", "MaxDelay": 3_600_000_000_000_u64,
    })
}

fn failing(job: Job) -> Job {
    job.config("start_error", json!("it is broken"))
}

fn tasks() -> Vec<Scenario> {
    vec![
        scenario(
            "a batch that fails for good",
            [failing(Job::batch("broken", 2))
                .only("gamma")
                .group("ReschedulePolicy", reschedule(0, false, 5))
                .register()],
        ),
        scenario(
            "a service that fails and waits",
            [failing(Job::service("flaky", 2))
                .only("gamma")
                .group("ReschedulePolicy", reschedule(0, true, 3600))
                .register()],
        ),
        scenario(
            "a failed update goes back",
            [
                Job::rolling("back", 3, 1)
                    .only("alpha")
                    .update(json!({"AutoRevert": true}))
                    .group("ReschedulePolicy", reschedule(0, false, 5))
                    .register(),
                failing(Job::rolling("back", 3, 1))
                    .only("alpha")
                    .update(json!({"AutoRevert": true}))
                    .group("ReschedulePolicy", reschedule(0, false, 5))
                    .register(),
            ],
        ),
        scenario(
            "a failed update stays",
            [
                Job::rolling("stuck", 3, 1).only("alpha").group("ReschedulePolicy", reschedule(0, false, 5)).register(),
                failing(Job::rolling("stuck", 3, 1))
                    .only("alpha")
                    .group("ReschedulePolicy", reschedule(0, false, 5))
                    .register(),
            ],
        ),
        scenario(
            "a failing canary",
            [
                Job::rolling("bird", 2, 1)
                    .only("alpha")
                    .update(json!({"Canary": 1}))
                    .group("ReschedulePolicy", reschedule(0, false, 5))
                    .register(),
                failing(Job::rolling("bird", 2, 1))
                    .only("alpha")
                    .update(json!({"Canary": 1}))
                    .group("ReschedulePolicy", reschedule(0, false, 5))
                    .register(),
            ],
        ),
        scenario("a system job that fails", [failing(Job::system("sysfail")).only("alpha").register()]),
        scenario("sysbatch that fails", [failing(Job::sysbatch("sbfail")).only("alpha").register()]),
    ]
}

fn silent_nodes() -> Vec<Scenario> {
    let away = |more: Value| {
        let mut disconnect = json!({"LostAfter": 3_600_000_000_000_u64, "Replace": true, "Reconcile": "keep_original"});
        disconnect.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        disconnect
    };
    let on = |job: Job, nodes: &str| job.constraint("${node.unique.name}", "regexp", nodes);
    vec![
        scenario(
            "a silent node's work is lost, and moves",
            [
                on(Job::service("lost", 3), "^a2$").register(),
                on(Job::service("lost", 3), "^(a2|c1)$").register(),
                Job::system("sys").register(),
                Job::batch("done", 2).constraint("${node.unique.name}", "=", "a2").register(),
                Step::Eligible("c1", false),
                Step::Kill("a2"),
                Step::Eligible("c1", true),
                Step::Revive("a2"),
            ],
        ),
        scenario(
            "a silent node's work is awaited",
            [
                on(Job::service("await", 2).group("Disconnect", away(json!({"Replace": false}))), "^a1$").register(),
                on(Job::service("await", 2).group("Disconnect", away(json!({"Replace": false}))), "^(a1|c1)$")
                    .register(),
                Step::Kill("a1"),
            ],
        ),
    ]
}
