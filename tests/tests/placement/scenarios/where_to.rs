//! Which nodes a job gets: capacity, constraints, preferences, pools, ports, cores.

use super::{Job, Scenario, scenario};
use crate::steps::Step;
use serde_json::json;

pub(super) fn all() -> Vec<Scenario> {
    let mut all = capacity();
    all.extend(constraints());
    all.extend(preferences());
    all.extend(ports_and_cores());
    all
}

fn capacity() -> Vec<Scenario> {
    vec![
        scenario("more than the cluster's cpu", [Job::service("fill", 30).cpu(1000).register()]),
        scenario("more than the cluster's memory", [
            Job::service("wide", 12).cpu(10).resources("MemoryMB", json!(1900)).register(),
        ]),
        scenario("disk runs out", [
            Job::service("disk", 12).cpu(10).group("EphemeralDisk", json!({"SizeMB": 9000})).register(),
        ]),
        scenario("all at once is not all or nothing", [
            Job::service("atonce", 30).cpu(1000).job("AllAtOnce", json!(true)).register(),
        ]),
        scenario("memory may be oversubscribed", [
            Step::Configure(json!({"MemoryOversubscriptionEnabled": true})),
            Job::service("over", 14).cpu(10).resources("MemoryMB", json!(1500)).resources("MemoryMaxMB", json!(4000)).register(),
        ]),
        scenario("tasks that never run together share", [
            Job::service("phases", 30)
                .cpu(1000)
                .task("Lifecycle", json!({"Hook": "prestart", "Sidecar": false}))
                .group("Tasks", json!([
                    {"Name": "t", "Driver": "mock_driver", "Config": {"run_for": "24h"}, "KillTimeout": 1_000_000,
                     "Resources": {"CPU": 1000, "MemoryMB": 32}, "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1}},
                    {"Name": "after", "Driver": "mock_driver", "Config": {"run_for": "1ms"}, "KillTimeout": 1_000_000,
                     "Lifecycle": {"Hook": "poststop"},
                     "Resources": {"CPU": 1000, "MemoryMB": 32}, "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1}},
                ]))
                .register(),
        ]),
    ]
}

fn constraints() -> Vec<Scenario> {
    vec![
        scenario(
            "meta narrows the nodes",
            [Job::service("rack", 12).cpu(600).constraint("${meta.rack}", "=", "r1").register()],
        ),
        scenario(
            "classes by pattern",
            [Job::service("pattern", 20).cpu(1000).constraint("${node.class}", "regexp", "^(alpha|gamma)$").register()],
        ),
        scenario(
            "nothing satisfies",
            [Job::service("windows", 2).constraint("${attr.kernel.name}", "=", "windows").register()],
        ),
        scenario(
            "meta that is set, and one that is not",
            [
                Job::service("gold", 14).cpu(1000).constraint("${meta.gold}", "is_set", "").register(),
                Job::service("plain", 10).cpu(1000).constraint("${meta.gold}", "is_not_set", "").register(),
            ],
        ),
        scenario(
            "numbers and versions",
            [
                Job::service("large", 14).cpu(1000).constraint("${meta.size}", ">=", "4000").register(),
                Job::service("version", 5)
                    .cpu(900)
                    .constraint("${attr.nomad.version}", "version", ">= 2.0, < 3")
                    .register(),
            ],
        ),
        scenario(
            "a constraint of a task and one of its group",
            [Job::service("both", 6)
                .cpu(1500)
                .group("Constraints", json!([{"LTarget": "${node.datacenter}", "Operand": "=", "RTarget": "dc1"}]))
                .task(
                    "Constraints",
                    json!([{"LTarget": "${meta.rack}", "Operand": "set_contains_any", "RTarget": "r2,r3"}]),
                )
                .register()],
        ),
        scenario(
            "unique attributes escape the classes",
            [Job::service("named", 5).cpu(1000).constraint("${node.unique.name}", "regexp", "^[ab]1$").register()],
        ),
        scenario(
            "each on a host of its own",
            [Job::service("apart", 7)
                .job("Constraints", json!([{"Operand": "distinct_hosts", "RTarget": "true"}]))
                .register()],
        ),
        scenario(
            "at most two per class",
            [Job::service("property", 9)
                .job(
                    "Constraints",
                    json!([{"LTarget": "${node.class}", "Operand": "distinct_property", "RTarget": "2"}]),
                )
                .register()],
        ),
        scenario(
            "a driver that no node has",
            [Job::service("driverless", 1)
                .task("Driver", json!("exec"))
                .config("command", json!("/bin/true"))
                .register()],
        ),
        scenario("one datacenter", [Job::service("west", 12).cpu(1000).job("Datacenters", json!(["dc2"])).register()]),
        scenario(
            "a datacenter that is not there",
            [Job::service("mars", 2).job("Datacenters", json!(["mars*"])).register()],
        ),
        scenario(
            "a pool of its own",
            [Job::service("special", 6).cpu(1000).job("NodePool", json!("special")).register()],
        ),
        scenario("all pools", [Job::service("every", 26).cpu(1000).job("NodePool", json!("all")).register()]),
    ]
}

fn preferences() -> Vec<Scenario> {
    let affinity = |left: &str, right: &str, weight: i32| json!([{"LTarget": left, "Operand": "=", "RTarget": right, "Weight": weight}]);
    let spread = |attribute: &str, targets: serde_json::Value| json!([{"Attribute": attribute, "Weight": 100, "SpreadTarget": targets}]);
    vec![
        scenario(
            "rather on gamma",
            [Job::service("likes", 6).cpu(500).job("Affinities", affinity("${node.class}", "gamma", 100)).register()],
        ),
        scenario(
            "rather not on alpha",
            [Job::service("dislikes", 4)
                .cpu(500)
                .job("Affinities", affinity("${node.class}", "alpha", -80))
                .register()],
        ),
        scenario(
            "two datacenters in halves",
            [Job::service("halves", 8)
                .job(
                    "Spreads",
                    spread(
                        "${node.datacenter}",
                        json!([{"Value": "dc1", "Percent": 50}, {"Value": "dc2", "Percent": 50}]),
                    ),
                )
                .register()],
        ),
        scenario(
            "shares of classes",
            [Job::service("shares", 12)
                .job(
                    "Spreads",
                    spread(
                        "${node.class}",
                        json!([{"Value": "alpha", "Percent": 50}, {"Value": "beta", "Percent": 25}]),
                    ),
                )
                .register()],
        ),
        scenario(
            "evenly over racks",
            [Job::service("even", 9).job("Spreads", spread("${meta.rack}", json!(null))).register()],
        ),
        scenario(
            "evenly over classes, then more",
            [
                Job::service("even2", 3).job("Spreads", spread("${node.class}", json!(null))).register(),
                Step::Scale("even2", 9),
                Step::Scale("even2", 4),
            ],
        ),
        scenario("full nodes first", [Job::service("pack", 2).cpu(500).compare_all().register()]),
        scenario(
            "empty nodes first",
            [
                Step::Configure(json!({"SchedulerAlgorithm": "spread"})),
                Job::service("thin", 4).cpu(500).compare_all().register(),
            ],
        ),
    ]
}

fn ports_and_cores() -> Vec<Scenario> {
    let ports = |fixed: serde_json::Value, dynamic: serde_json::Value| json!([{"Mode": "host", "ReservedPorts": fixed, "DynamicPorts": dynamic}]);
    vec![
        scenario(
            "one static port per node",
            [Job::service("static", 7)
                .group("Networks", ports(json!([{"Label": "http", "Value": 8080}]), json!([])))
                .register()],
        ),
        scenario(
            "a port that nodes keep",
            [Job::service("ssh", 1)
                .group("Networks", ports(json!([{"Label": "ssh", "Value": 22}]), json!([])))
                .register()],
        ),
        scenario(
            "dynamic ports",
            [Job::service("dynamic", 25)
                .cpu(1000)
                .group("Networks", ports(json!([]), json!([{"Label": "a"}, {"Label": "b", "To": -1}])))
                .register()],
        ),
        scenario(
            "a host network that is not there",
            [Job::service("public", 1)
                .group("Networks", ports(json!([]), json!([{"Label": "a", "HostNetwork": "public"}])))
                .register()],
        ),
        scenario(
            "bridge networks need their plugins",
            [Job::service("bridge", 1).group("Networks", json!([{"Mode": "bridge"}])).register()],
        ),
        scenario(
            "whole cores",
            [Job::service("cores", 8).task("Resources", json!({"Cores": 1, "MemoryMB": 32})).plan()],
        ),
        scenario(
            "a device that no node has",
            [Job::service("gpu", 1).resources("Devices", json!([{"Name": "nvidia/gpu", "Count": 1}])).register()],
        ),
        scenario(
            "a volume that no node has",
            [Job::service("volume", 1)
                .group(
                    "Volumes",
                    json!({"data": {"Name": "data", "Type": "host", "Source": "data", "ReadOnly": false}}),
                )
                .register()],
        ),
    ]
}
