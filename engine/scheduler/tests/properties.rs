//! What holds for any cluster and any sequence of changes.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use drover_model::{Allocation, Constraint, Nanos, NodeStatus};
use drover_scheduler::{Context, schedule};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::{Cluster, batch, changed, job, with_ports};

#[derive(Clone, Debug)]
enum Step {
    Register { job: usize, count: u32, cpu: i64, memory: i64, ports: usize, rack: usize },
    Change { job: usize },
    Healthy { job: usize },
    Fail { pick: usize },
    NodeDown { pick: usize },
    NodeUp { pick: usize },
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3usize, 0..12u32, 100..1500i64, 64..3000i64, 0..4usize, 0..5usize)
            .prop_map(|(job, count, cpu, memory, ports, rack)| Step::Register { job, count, cpu, memory, ports, rack }),
        (0..3usize).prop_map(|job| Step::Change { job }),
        (0..3usize).prop_map(|job| Step::Healthy { job }),
        any::<usize>().prop_map(|pick| Step::Fail { pick }),
        any::<usize>().prop_map(|pick| Step::NodeDown { pick }),
        any::<usize>().prop_map(|pick| Step::NodeUp { pick }),
        Just(Step::Wait),
    ]
}

fn take(cluster: &mut Cluster, step: &Step) {
    let name = |job: usize| format!("job-{job}");
    match *step {
        Step::Register { job: id, count, cpu, memory, ports, rack } => {
            let new = if id == 2 { batch(&name(id), count) } else { job(&name(id), count) };
            let mut new = with_ports(new, if ports == 3 { &[9000] } else { &[] }, ports);
            new.task_groups[0].tasks[0].resources.cpu = cpu;
            new.task_groups[0].tasks[0].resources.memory_mb = memory;
            if rack < 4 {
                new.constraints =
                    vec![Constraint { left: "${meta.rack}".into(), operand: "!=".into(), right: format!("r{rack}") }];
            }
            cluster.register(new);
        }
        Step::Change { job: id } => {
            let found = cluster.jobs.values().find(|j| j.id == *name(id)).map(|j| (**j).clone());
            if let Some(found) = found {
                cluster.register(changed(found));
            }
        }
        Step::Healthy { job: id } => cluster.all_healthy(&name(id)),
        Step::Fail { pick } => {
            let live: Vec<String> = cluster
                .allocs
                .values()
                .filter(|alloc| !alloc.is_terminal())
                .map(|alloc| alloc.id.to_string())
                .collect();
            if !live.is_empty() {
                cluster.fail(&live[pick % live.len()]);
            }
        }
        Step::NodeDown { pick } | Step::NodeUp { pick } => {
            let ids: Vec<_> = cluster.nodes.keys().cloned().collect();
            let down = matches!(step, Step::NodeDown { .. });
            cluster.edit_node(&ids[pick % ids.len()], |node| {
                node.status = if down { NodeStatus::Down } else { NodeStatus::Ready };
            });
        }
        Step::Wait => cluster.now = cluster.now.plus(Nanos::from_secs(40)),
    }
}

fn check(cluster: &Cluster) {
    for (id, node) in &cluster.nodes {
        let live: Vec<_> = cluster.allocs.values().filter(|a| a.node_id == *id && !a.is_terminal()).collect();
        let (mut cpu, mut memory, mut ports) = (0, 0, BTreeSet::new());
        for alloc in &live {
            let held = alloc.allocated_resources.as_ref().unwrap();
            cpu += held.tasks.values().map(|task| task.cpu.cpu_shares).sum::<i64>();
            memory += held.tasks.values().map(|task| task.memory.memory_mb).sum::<i64>();
            for port in &held.shared.ports {
                assert!(ports.insert((port.host_ip.clone(), port.value)), "port {} twice on {id}", port.value);
            }
        }
        assert!(cpu <= node.node_resources.cpu.cpu_shares, "cpu of {id}: {cpu}");
        assert!(memory <= node.node_resources.memory.memory_mb, "memory of {id}: {memory}");
    }
    for alloc in cluster.allocs.values().filter(|alloc| !alloc.is_terminal()) {
        let rack = &cluster.nodes[&alloc.node_id].meta["rack"];
        for constraint in &alloc.job.as_ref().unwrap().constraints {
            assert_ne!(*rack, constraint.right, "{} breaks its constraint", alloc.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_are_sound(steps in prop::collection::vec(step(), 1..24), nodes in 1..9usize) {
        let mut cluster = Cluster::with_nodes(nodes);
        for step in &steps {
            take(&mut cluster, step);
            for id in 0..3 {
                let name = format!("job-{id}");
                if !cluster.jobs.values().any(|job| job.id == *name) {
                    continue;
                }
                let eval = cluster.eval(&name);
                // The same input gives the same output.
                let context = Context { seed: cluster.seed + 1, now: cluster.now };
                let twin = schedule(&cluster, &eval, context).unwrap();
                let outcome = cluster.schedule(&eval);
                prop_assert_eq!(&twin, &outcome);
                let parallel: BTreeMap<_, _> = cluster
                    .jobs.values().map(|job| (job.id.clone(), job.task_groups[0].update.clone())).collect();
                let healthy = |cluster: &Cluster| cluster.live(&name).iter().filter(|a| a.is_healthy()).count();
                let (before, jobs) = (healthy(&cluster), parallel);
                let destructive = outcome.annotations().unwrap().desired_tg_updates["g"].destructive_update as usize;
                cluster.commit(&outcome.plan);
                check(&cluster);
                // A rolling update takes away no more than it may.
                if let Some(Some(update)) = jobs.get(name.as_str()) {
                    prop_assert!(destructive <= update.max_parallel as usize);
                    prop_assert!(before <= healthy(&cluster) + destructive
                        + outcome.plan.node_update.values().map(Vec::len).sum::<usize>());
                }
                // What was done need not be done again (a deployment that ends lets failures be replaced).
                if outcome.eval.failed_tg_allocs.is_empty() && outcome.plan.deployment_updates.is_empty() {
                    let eval = cluster.eval(&name);
                    let again = cluster.schedule(&eval);
                    let quiet = again.plan.node_allocation.is_empty() && again.plan.node_update.is_empty();
                    let list = |part: &BTreeMap<_, Vec<Allocation>>| {
                        let line = |a: &Allocation| format!("{} {} {:?} {:?} {}", a.id.short(), a.name, a.client_status, a.previous_allocation.short(), a.desired_description);
                        part.values().flatten().map(line).collect::<Vec<_>>().join("\n")
                    };
                    prop_assert!(quiet, "placed again:\n{}\nstopped again:\n{}\nfirst placed:\n{}\nfirst stopped:\n{}", list(&again.plan.node_allocation),
                        list(&again.plan.node_update), list(&outcome.plan.node_allocation), list(&outcome.plan.node_update));
                }
            }
        }
    }
}
