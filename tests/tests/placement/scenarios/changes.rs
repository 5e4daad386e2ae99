//! Changes of jobs: counts, updates, canaries, versions.

use super::{Job, Scenario, scenario};
use crate::steps::Step;
use serde_json::json;

pub(super) fn all() -> Vec<Scenario> {
    let mut all = services();
    all.extend(deployments());
    all.extend(per_node());
    all.extend(batches());
    all
}

fn services() -> Vec<Scenario> {
    vec![
        scenario(
            "more, fewer, none",
            [
                Job::service("scaled", 4).cpu(1000).only("gamma").register(),
                Step::Scale("scaled", 10),
                Step::Scale("scaled", 3),
                Step::Scale("scaled", 0),
            ],
        ),
        scenario(
            "a new version at once",
            [
                Job::service("swap", 4).only("alpha").register(),
                Job::service("swap", 4).only("alpha").version(1).register(),
                Step::Revert("swap", 0),
            ],
        ),
        scenario(
            "what changes in place",
            [
                Job::service("inplace", 3).only("alpha").register(),
                Job::service("inplace", 3).only("alpha").job("Priority", json!(60)).register(),
                Job::service("inplace", 5).only("alpha").job("Priority", json!(60)).register(),
            ],
        ),
        scenario(
            "a constraint that no longer holds",
            [Job::service("moves", 3).only("alpha").register(), Job::service("moves", 3).only("gamma").register()],
        ),
        scenario(
            "datacenters that are left",
            [
                Job::service("dcs", 4).job("Datacenters", json!(["dc2"])).only("gamma").register(),
                Job::service("dcs", 4).job("Datacenters", json!(["dc1"])).only("alpha").register(),
            ],
        ),
        scenario(
            "a group comes and goes",
            [
                Job::service("groups", 2).only("alpha").register(),
                Job::service("groups", 2).only("alpha").second_group("h", 3).register(),
                Job::service("groups", 1).only("alpha").register(),
            ],
        ),
        scenario(
            "stopped and started again",
            [
                Job::service("stopped", 3).only("beta").register(),
                Step::Stop("stopped"),
                Job::service("stopped", 3).only("beta").register(),
            ],
        ),
        scenario(
            "one is stopped by hand",
            [Job::service("single", 3).only("gamma").register(), Step::StopOne("single")],
        ),
        scenario(
            "lower priorities make room",
            [
                Step::Configure(json!({"PreemptionConfig": {
                    "ServiceSchedulerEnabled": true, "SystemSchedulerEnabled": true,
                    "BatchSchedulerEnabled": false, "SysBatchSchedulerEnabled": false,
                }})),
                Job::service("low", 8).cpu(1000).only("gamma").job("Priority", json!(20)).register(),
                Job::service("high", 1).cpu(2000).only("gamma").job("Priority", json!(80)).register(),
            ],
        ),
        scenario(
            "priorities that are too close stay",
            [
                Step::Configure(json!({"PreemptionConfig": {
                    "ServiceSchedulerEnabled": true, "SystemSchedulerEnabled": true,
                    "BatchSchedulerEnabled": false, "SysBatchSchedulerEnabled": false,
                }})),
                Job::service("near", 8).cpu(1000).only("gamma").job("Priority", json!(50)).register(),
                Job::service("nearer", 2).cpu(2000).only("gamma").job("Priority", json!(59)).register(),
            ],
        ),
        scenario(
            "system jobs push out",
            [
                Step::Configure(json!({"PreemptionConfig": {
                    "ServiceSchedulerEnabled": false, "SystemSchedulerEnabled": true,
                    "BatchSchedulerEnabled": false, "SysBatchSchedulerEnabled": false,
                }})),
                Job::service("crowd", 20).cpu(1000).job("Priority", json!(10)).register(),
                Job::system("guard").cpu(500).job("Priority", json!(90)).register(),
            ],
        ),
    ]
}

fn deployments() -> Vec<Scenario> {
    vec![
        scenario(
            "in steps of two",
            [
                Job::rolling("steps", 4, 2).only("alpha").register(),
                Job::rolling("steps", 4, 2).only("alpha").version(1).register(),
            ],
        ),
        scenario(
            "a canary that is promoted",
            [
                Job::rolling("canary", 3, 1).only("alpha").update(json!({"Canary": 1})).register(),
                Job::rolling("canary", 3, 1).only("alpha").update(json!({"Canary": 1})).version(1).register(),
                Step::Promote("canary"),
            ],
        ),
        scenario(
            "a canary that is given up",
            [
                Job::rolling("giveup", 3, 1).only("alpha").update(json!({"Canary": 2})).register(),
                Job::rolling("giveup", 3, 1).only("alpha").update(json!({"Canary": 2})).version(1).register(),
                Step::Fail("giveup"),
            ],
        ),
        scenario(
            "blue and green",
            [
                Job::rolling("blue", 3, 3).only("gamma").update(json!({"Canary": 3, "MaxParallel": 3})).register(),
                Job::rolling("blue", 3, 3)
                    .only("gamma")
                    .update(json!({"Canary": 3, "MaxParallel": 3}))
                    .version(1)
                    .register(),
                Step::Promote("blue"),
            ],
        ),
        scenario(
            "canaries that promote themselves",
            [
                Job::rolling("auto", 2, 1).only("alpha").update(json!({"Canary": 1, "AutoPromote": true})).register(),
                Job::rolling("auto", 2, 1)
                    .only("alpha")
                    .update(json!({"Canary": 1, "AutoPromote": true}))
                    .version(1)
                    .register(),
            ],
        ),
        scenario(
            "overtaken by a newer version",
            [
                Job::rolling("newer", 3, 1).only("alpha").update(json!({"Canary": 1})).register(),
                Job::rolling("newer", 3, 1).only("alpha").update(json!({"Canary": 1})).version(1).register(),
                Job::rolling("newer", 3, 1).only("alpha").update(json!({"Canary": 1})).version(2).register(),
                Step::Promote("newer"),
            ],
        ),
        scenario(
            "a canary that finds no room",
            [
                Job::rolling("tight", 4, 1)
                    .cpu(1000)
                    .constraint("${node.unique.name}", "=", "a1")
                    .update(json!({"Canary": 1}))
                    .register(),
                Job::rolling("tight", 4, 1)
                    .cpu(1000)
                    .constraint("${node.unique.name}", "=", "a1")
                    .update(json!({"Canary": 1}))
                    .version(1)
                    .register(),
            ],
        ),
        scenario(
            "more of them during an update",
            [
                Job::rolling("grow", 2, 1).only("gamma").update(json!({"Canary": 1})).register(),
                Job::rolling("grow", 4, 1).only("gamma").update(json!({"Canary": 1})).version(1).register(),
                Step::Promote("grow"),
            ],
        ),
    ]
}

fn per_node() -> Vec<Scenario> {
    vec![
        scenario(
            "a system job everywhere",
            [
                Job::system("every").register(),
                Job::system("every").version(1).register(),
                Job::system("every").version(1).constraint("${node.class}", "!=", "beta").register(),
                Step::Stop("every"),
            ],
        ),
        scenario("a system job in its pool", [Job::system("pooled").job("NodePool", json!("special")).register()]),
        scenario(
            "a system job in all pools and one datacenter",
            [Job::system("dc1").job("NodePool", json!("all")).job("Datacenters", json!(["dc1"])).register()],
        ),
        scenario(
            "a system job that nothing satisfies",
            [Job::system("windows").constraint("${attr.kernel.name}", "=", "windows").register()],
        ),
        scenario(
            "a system job beside full nodes",
            [
                Job::service("crowd", 5).cpu(1000).constraint("${node.unique.name}", "=", "a1").register(),
                Job::system("late").cpu(500).register(),
                Step::Scale("crowd", 3),
            ],
        ),
        scenario(
            "a system job in steps",
            [
                Job::system("sysroll").update(json!({"MaxParallel": 2})).register(),
                Job::system("sysroll").update(json!({"MaxParallel": 2})).version(1).register(),
            ],
        ),
        scenario(
            "a system job with canaries",
            [
                Job::system("syscan").update(json!({"MaxParallel": 5, "Canary": 100})).register(),
                Job::system("syscan").update(json!({"MaxParallel": 5, "Canary": 100})).version(1).register(),
                Step::Promote("syscan"),
            ],
        ),
        scenario(
            "a system job with two groups",
            [
                Job::system("pair").second_group("h", 1).register(),
                Job::system("pair").second_group("h", 1).version(1).register(),
            ],
        ),
        scenario(
            "sysbatch runs once per node",
            [
                Job::sysbatch("once").register(),
                Job::sysbatch("once").job("Priority", json!(70)).register(),
                Job::sysbatch("once").job("Priority", json!(70)).version(1).register(),
            ],
        ),
    ]
}

fn batches() -> Vec<Scenario> {
    vec![
        scenario(
            "a batch is done once",
            [Job::batch("sum", 4).only("gamma").register(), Job::batch("sum", 4).only("gamma").register()],
        ),
        scenario(
            "a batch that waits for room",
            [Job::batch("wide", 3).cpu(1500).config("run_for", json!("24h")).only("beta").register()],
        ),
        scenario(
            "dispatched",
            [
                Job::batch("param", 1)
                    .only("gamma")
                    .job("ParameterizedJob", json!({"Payload": "optional", "MetaRequired": ["who"]}))
                    .register(),
                Step::Dispatch("param"),
            ],
        ),
        scenario(
            "launched by force",
            [
                Job::batch("cron", 2)
                    .only("alpha")
                    .job(
                        "Periodic",
                        json!({"Enabled": true, "SpecType": "cron", "Spec": "0 0 1 1 *", "ProhibitOverlap": true}),
                    )
                    .register(),
                Step::Force("cron"),
            ],
        ),
    ]
}
