//! Whole evaluations against an in-memory cluster.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use drover_model::deployment::description;
use drover_model::policy::DisconnectStrategy;
use drover_model::{
    AllocClientStatus, AllocDesiredStatus, Constraint, DeploymentStatus, DesiredUpdates, EvalStatus, EvalTrigger, Job,
    JobType, Nanos, NodeStatus,
};
use drover_scheduler::Outcome;
use std::sync::Arc;
use support::{Cluster, batch, changed, job, with_ports};

fn desired(outcome: &Outcome) -> DesiredUpdates {
    outcome.annotations().unwrap().desired_tg_updates["g"].clone()
}

fn constraint(left: &str, operand: &str, right: &str) -> Constraint {
    Constraint { left: left.into(), operand: operand.into(), right: right.into() }
}

#[test]
fn a_new_job_is_placed_and_deployed() {
    let mut cluster = Cluster::with_nodes(6);
    cluster.register(job("web", 4));
    let outcome = cluster.run("web");
    assert_eq!(outcome.eval.status, EvalStatus::Complete);
    assert_eq!(cluster.names("web"), ["web.g[0]", "web.g[1]", "web.g[2]", "web.g[3]"]);
    assert_eq!(desired(&outcome), DesiredUpdates { place: 4, ..DesiredUpdates::default() });
    assert_eq!(outcome.eval.queued_allocations["g"], 0);
    let deployment = cluster.last_deployment();
    assert_eq!((deployment.task_groups["g"].desired_total, deployment.task_groups["g"].placed_allocs), (4, 4));
    assert_eq!(deployment.status_description, description::RUNNING);
    assert!(outcome.blocked.is_empty());
    cluster.all_healthy("web");
    let outcome = cluster.run("web");
    assert_eq!(desired(&outcome), DesiredUpdates { ignore: 4, ..DesiredUpdates::default() });
    assert_eq!(cluster.last_deployment().status, DeploymentStatus::Successful);
    assert_eq!(cluster.last_deployment().status_description, description::SUCCESSFUL);
}

#[test]
fn what_does_not_fit_is_blocked_with_reasons() {
    let mut cluster = Cluster::with_nodes(3);
    let mut big = job("big", 5);
    big.task_groups[0].tasks[0].resources.memory_mb = 999_999;
    cluster.register(big);
    let outcome = cluster.run("big");
    let metric = &outcome.failed_groups()["g"];
    assert_eq!((metric.nodes_evaluated, metric.nodes_exhausted, metric.coalesced_failures), (3, 3, 4));
    assert_eq!(metric.dimension_exhausted["memory"], 3);
    assert_eq!(metric.resources_exhausted["t"].memory_mb, 5 * 999_999);
    assert_eq!(outcome.eval.queued_allocations["g"], 5);
    let blocked = &outcome.blocked[0];
    assert_eq!((blocked.status, blocked.triggered_by), (EvalStatus::Blocked, EvalTrigger::QueuedAllocs));
    assert_eq!(blocked.status_description, "created to place remaining allocations");
    assert_eq!(blocked.previous_eval, outcome.eval.id);
    assert_eq!(outcome.eval.blocked_eval, blocked.id);
    assert!(blocked.class_eligibility.values().all(|eligible| *eligible));
    let again = cluster.run_eval(&blocked.clone());
    assert!(again.is_blocked_again() && again.blocked.is_empty());
}

#[test]
fn broken_constraints_are_counted_by_their_text() {
    let mut cluster = Cluster::with_nodes(4);
    let mut windows = job("w", 1);
    windows.constraints = vec![constraint("${attr.kernel.name}", "=", "windows")];
    cluster.register(windows);
    let outcome = cluster.run("w");
    let metric = &outcome.failed_groups()["g"];
    assert_eq!(metric.nodes_filtered, 4);
    assert_eq!(metric.constraint_filtered["${attr.kernel.name} = windows"], 4);
    assert_eq!(outcome.blocked[0].class_eligibility.len(), 4);
    assert!(outcome.blocked[0].class_eligibility.values().all(|eligible| !eligible));

    let mut docker = job("d", 1);
    docker.task_groups[0].tasks[0].driver = "docker".into();
    cluster.register(docker);
    assert_eq!(cluster.run("d").failed_groups()["g"].constraint_filtered["missing drivers"], 4);
}

#[test]
fn counts_go_down_from_the_highest_number() {
    let mut cluster = Cluster::with_nodes(6);
    cluster.register(job("web", 5));
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.register(job("web", 2));
    let outcome = cluster.run("web");
    assert_eq!(cluster.names("web"), ["web.g[0]", "web.g[1]"]);
    assert_eq!(desired(&outcome), DesiredUpdates { stop: 3, in_place_update: 2, ..DesiredUpdates::default() });
    let stopped = outcome.plan.node_update.values().flatten().next().unwrap();
    assert_eq!(stopped.desired_description, "alloc not needed due to job update");
}

#[test]
fn stopped_and_purged_jobs_are_stopped() {
    for purge in [false, true] {
        let mut cluster = Cluster::with_nodes(3);
        cluster.register(job("web", 3));
        cluster.run("web");
        let key = job("web", 3).key();
        if purge {
            cluster.jobs.remove(&key);
        } else {
            cluster.register(Job { stop: true, ..job("web", 3) });
        }
        let outcome = cluster.run("web");
        assert!(cluster.live("web").is_empty());
        assert_eq!(desired(&outcome).stop, 3);
        assert_eq!(cluster.last_deployment().status_description, description::STOPPED_JOB);
    }
}

#[test]
fn rolling_updates_wait_for_health() {
    let mut cluster = Cluster::with_nodes(6);
    let mut web = job("web", 4);
    web.task_groups[0].update.as_mut().unwrap().max_parallel = 2;
    cluster.register(web.clone());
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.run("web");
    cluster.register(changed(web));
    let outcome = cluster.run("web");
    assert_eq!(desired(&outcome), DesiredUpdates { destructive_update: 2, ignore: 2, ..DesiredUpdates::default() });
    assert_eq!(cluster.last_deployment().task_groups["g"].desired_total, 4);
    assert_eq!(desired(&cluster.run("web")).destructive_update, 0);
    cluster.all_healthy("web");
    assert_eq!(desired(&cluster.run("web")).destructive_update, 2);
    cluster.all_healthy("web");
    cluster.run("web");
    assert_eq!(cluster.last_deployment().status, DeploymentStatus::Successful);
    assert!(cluster.live("web").iter().all(|alloc| alloc.job_version() == 1));
}

#[test]
fn an_unhealthy_allocation_holds_the_update() {
    let mut cluster = Cluster::with_nodes(6);
    let mut web = job("web", 4);
    web.task_groups[0].update.as_mut().unwrap().max_parallel = 2;
    cluster.register(web.clone());
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.register(changed(web));
    cluster.run("web");
    let new = cluster.live("web").into_iter().find(|alloc| alloc.job_version() == 1).unwrap();
    cluster.all_healthy("web");
    cluster.edit_alloc(&new.id, |alloc| alloc.deployment_status.as_mut().unwrap().healthy = Some(false));
    assert_eq!(desired(&cluster.run("web")).destructive_update, 0);
}

#[test]
fn canaries_wait_for_promotion() {
    let mut cluster = Cluster::with_nodes(8);
    let mut web = job("web", 3);
    let update = web.task_groups[0].update.as_mut().unwrap();
    (update.max_parallel, update.canary) = (2, 1);
    cluster.register(web.clone());
    assert_eq!(desired(&cluster.run("web")).canary, 0);
    cluster.all_healthy("web");
    cluster.run("web");
    cluster.register(changed(web.clone()));
    let outcome = cluster.run("web");
    assert_eq!(desired(&outcome), DesiredUpdates { canary: 1, ignore: 3, ..DesiredUpdates::default() });
    assert_eq!(cluster.last_deployment().status_description, description::NEEDS_PROMOTION);
    assert_eq!(cluster.last_deployment().task_groups["g"].placed_canaries.len(), 1);
    assert_eq!(cluster.live("web").len(), 4);
    cluster.all_healthy("web");
    assert!(cluster.run("web").plan.is_no_op());

    // A failure among the old ones is replaced by the old version.
    let old = cluster.live("web").into_iter().find(|alloc| alloc.job_version() == 0).unwrap();
    cluster.fail(&old.id);
    cluster.now = cluster.now.plus(Nanos::from_secs(60));
    cluster.run("web");
    assert_eq!(cluster.live("web").iter().filter(|alloc| alloc.job_version() == 0).count(), 3);

    cluster.all_healthy("web");
    cluster.promote();
    // The canary is left alone; the failed one that was replaced does not count.
    let outcome = cluster.run("web");
    assert_eq!(
        desired(&outcome),
        DesiredUpdates { ignore: 1, stop: 1, destructive_update: 2, ..DesiredUpdates::default() }
    );
    cluster.all_healthy("web");
    for _ in 0..3 {
        cluster.run("web");
        cluster.all_healthy("web");
    }
    assert_eq!(cluster.live("web").len(), 3);
    assert!(cluster.live("web").iter().all(|alloc| alloc.job_version() == 1));
    cluster.run("web");
    assert_eq!(cluster.last_deployment().status, DeploymentStatus::Successful);
}

#[test]
fn newer_versions_overtake_deployments_and_their_canaries() {
    let mut cluster = Cluster::with_nodes(8);
    let mut web = job("web", 2);
    web.task_groups[0].update.as_mut().unwrap().canary = 1;
    cluster.register(web.clone());
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.run("web");
    cluster.register(changed(web.clone()));
    cluster.run("web");
    let canary = cluster.last_deployment().task_groups["g"].placed_canaries[0].clone();
    cluster.register(changed(changed(web)));
    cluster.run("web");
    assert!(cluster.allocs[canary.as_str()].is_server_terminal());
    let statuses: Vec<_> = cluster.deployments.iter().map(|d| (d.status, d.status_description.as_str())).collect();
    assert_eq!(statuses[1], (DeploymentStatus::Cancelled, description::NEWER_JOB));
    assert_eq!(statuses[2].0, DeploymentStatus::Running);
}

#[test]
fn failures_are_replaced_later_by_a_follow_up() {
    let mut cluster = Cluster::with_nodes(4);
    cluster.register(job("web", 2));
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.run("web");
    let failed = cluster.live("web")[0].clone();
    cluster.fail(&failed.id);
    let outcome = cluster.run("web");
    assert_eq!(desired(&outcome).reschedule_later, 1);
    let follow_up = outcome.follow_ups[0].clone();
    assert_eq!(follow_up.wait_until.nanos().unwrap(), cluster.now.plus(Nanos::from_secs(30)));
    assert_eq!(outcome.eval.next_eval, follow_up.id);
    assert_eq!(cluster.allocs[failed.id.as_str()].followup_eval_id, follow_up.id);
    assert!(cluster.run("web").plan.is_no_op());

    cluster.now = cluster.now.plus(Nanos::from_secs(30));
    let outcome = cluster.run_eval(&follow_up);
    assert_eq!((desired(&outcome).place, desired(&outcome).stop), (1, 1));
    let new = outcome.plan.node_allocation.values().flatten().next().unwrap();
    assert_eq!((new.previous_allocation.clone(), new.name.clone()), (failed.id.clone(), failed.name.clone()));
    let tracker = new.reschedule_tracker.as_ref().unwrap();
    assert_eq!((tracker.events.len(), tracker.last_reschedule.as_str()), (1, "ok"));
    assert_eq!(tracker.events[0].prev_alloc_id, failed.id);
    assert_ne!(new.node_id, failed.node_id, "the node it failed on is avoided");
    let stopped = &cluster.allocs[failed.id.as_str()];
    assert_eq!((stopped.desired_status, stopped.desired_description.as_str()), (AllocDesiredStatus::Stop, ""));
}

#[test]
fn batch_jobs_are_done_when_they_are_done() {
    let mut cluster = Cluster::with_nodes(4);
    cluster.register(batch("b", 2));
    let outcome = cluster.run("b");
    assert!(outcome.plan.deployment.is_none());
    let ids: Vec<String> = cluster.allocs.keys().cloned().collect();
    cluster.edit_alloc(&ids[0], |alloc| alloc.client_status = AllocClientStatus::Complete);
    assert!(cluster.run("b").plan.is_no_op());
    // One attempt within the interval, then no more.
    cluster.fail(&ids[1]);
    cluster.now = cluster.now.plus(Nanos::from_secs(60));
    assert_eq!(desired(&cluster.run("b")).place, 1);
    let again = cluster.live("b")[0].clone();
    cluster.fail(&again.id);
    cluster.now = cluster.now.plus(Nanos::from_secs(60));
    assert!(cluster.run("b").plan.is_no_op());
}

#[test]
fn lost_and_draining_nodes_are_left() {
    let mut cluster = Cluster::with_nodes(4);
    cluster.register(job("web", 3));
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.run("web");
    let gone = cluster.live("web")[0].clone();
    cluster.edit_node(&gone.node_id, |node| node.status = NodeStatus::Down);
    let outcome = cluster.run("web");
    let lost = &cluster.allocs[gone.id.as_str()];
    assert_eq!((lost.client_status, lost.desired_status), (AllocClientStatus::Lost, AllocDesiredStatus::Stop));
    assert_eq!(lost.desired_description, "alloc is lost since its node is down");
    assert_eq!((desired(&outcome).place, cluster.live("web").len()), (1, 3));

    let moving = cluster.live("web")[0].clone();
    cluster.edit_alloc(&moving.id, |alloc| alloc.desired_transition.migrate = Some(true));
    cluster.edit_node(&moving.node_id, |node| {
        node.drain_strategy = Some(drover_model::node::DrainStrategy::default());
    });
    let outcome = cluster.run("web");
    assert_eq!(desired(&outcome).migrate, 1);
    assert_eq!(cluster.allocs[moving.id.as_str()].desired_description, "alloc is being migrated");
    assert_eq!(cluster.live("web").len(), 3);
}

#[test]
fn static_ports_keep_allocations_apart() {
    let mut cluster = Cluster::with_nodes(2);
    cluster.register(with_ports(job("web", 3), &[18_080], 1));
    let outcome = cluster.run("web");
    assert_eq!(cluster.live("web").len(), 2);
    let metric = &outcome.failed_groups()["g"];
    assert_eq!(metric.dimension_exhausted["network: reserved port collision s18080=18080"], 2);
    assert_eq!(metric.resources_exhausted["t"].memory_mb, 0);
    let shared = &cluster.live("web")[0].allocated_resources.clone().unwrap().shared;
    assert_eq!(shared.ports.len(), 2);
    assert_eq!(shared.networks[0].reserved_ports[0].value, 18_080);
    assert_eq!(shared.networks[0].dynamic_ports[0].value, shared.ports[1].value);
    assert!((20_000..=32_000).contains(&shared.ports[1].value));
}

#[test]
fn distinct_hosts_and_properties_hold() {
    let mut cluster = Cluster::with_nodes(8);
    let mut hosts = job("hosts", 10);
    hosts.constraints = vec![constraint("", "distinct_hosts", "true")];
    cluster.register(hosts);
    let outcome = cluster.run("hosts");
    assert_eq!(cluster.live("hosts").len(), 8);
    assert!(outcome.failed_groups()["g"].constraint_filtered.contains_key("distinct_hosts"));

    let mut racks = job("racks", 10);
    racks.constraints = vec![constraint("${meta.rack}", "distinct_property", "2")];
    cluster.register(racks);
    let outcome = cluster.run("racks");
    assert_eq!(cluster.live("racks").len(), 8);
    let texts = &outcome.failed_groups()["g"].constraint_filtered;
    assert!(texts.contains_key("distinct_property: ${meta.rack}=r0 used by 2 allocs"), "{texts:?}");
}

#[test]
fn system_jobs_run_on_every_node() {
    let mut cluster = Cluster::with_nodes(4);
    let mut agent = job("agent", 1);
    agent.kind = JobType::System;
    agent.task_groups[0].constraints = vec![constraint("${meta.rack}", "!=", "r3")];
    cluster.register(agent.clone());
    let outcome = cluster.run("agent");
    assert_eq!(cluster.live("agent").len(), 3);
    assert!(outcome.failed_groups().is_empty() && outcome.blocked.is_empty());
    assert_eq!(cluster.last_deployment().task_groups["g"].desired_total, 3);
    assert!(cluster.run("agent").plan.is_no_op());
    cluster.all_healthy("agent");
    cluster.run("agent");
    assert_eq!(cluster.last_deployment().status, DeploymentStatus::Successful);

    cluster.add_node(support::node(4));
    // The counts are the reference's: all nodes that are wanted, and all updates, also those that must wait.
    assert_eq!(desired(&cluster.run("agent")).place, 4);
    cluster.all_healthy("agent");
    cluster.register(changed(agent));
    let outcome = cluster.run("agent");
    assert_eq!((desired(&outcome).destructive_update, desired(&outcome).ignore), (4, 0));
    assert_eq!(cluster.live("agent").iter().filter(|alloc| alloc.job_version() == 1).count(), 1);
    for _ in 0..4 {
        cluster.all_healthy("agent");
        cluster.run("agent");
    }
    assert!(cluster.live("agent").iter().all(|alloc| alloc.job_version() == 1));
    assert_eq!(cluster.live("agent").len(), 4);
    assert_eq!(cluster.last_deployment().status, DeploymentStatus::Successful);
}

#[test]
fn system_jobs_wait_for_full_nodes() {
    let mut cluster = Cluster::with_nodes(2);
    let mut agent = job("agent", 1);
    agent.kind = JobType::Sysbatch;
    agent.task_groups[0].tasks[0].resources.memory_mb = 5000;
    cluster.register(agent.clone());
    cluster.run("agent");
    let done: Vec<String> = cluster.allocs.keys().cloned().collect();
    for id in &done {
        cluster.edit_alloc(id, |alloc| alloc.client_status = AllocClientStatus::Complete);
    }
    assert!(cluster.run("agent").plan.is_no_op(), "done is done");
    agent.task_groups[0].tasks[0].resources.memory_mb = 50_000;
    cluster.register(agent);
    let outcome = cluster.run("agent");
    assert_eq!(outcome.blocked.len(), 2);
    assert!(outcome.blocked.iter().all(|eval| !eval.node_id.is_empty()));
    assert_eq!(outcome.eval.queued_allocations["g"], 2);
}

#[test]
fn out_of_reach_is_unknown_then_lost() {
    let mut cluster = Cluster::with_nodes(3);
    let mut web = job("web", 1);
    web.task_groups[0].disconnect =
        Some(DisconnectStrategy { lost_after: Nanos::from_hours(1), ..DisconnectStrategy::default() });
    cluster.register(web);
    cluster.run("web");
    cluster.all_healthy("web");
    cluster.run("web");
    let away = cluster.live("web")[0].clone();
    cluster.edit_node(&away.node_id, |node| node.status = NodeStatus::Disconnected);
    let outcome = cluster.run("web");
    assert_eq!(cluster.allocs[away.id.as_str()].client_status, AllocClientStatus::Unknown);
    assert_eq!(outcome.follow_ups[0].triggered_by, EvalTrigger::MaxDisconnectTimeout);
    assert_eq!(cluster.live("web").len(), 2);
    assert!(cluster.run("web").plan.is_no_op());
    cluster.now = cluster.now.plus(Nanos::from_hours(2));
    cluster.run("web");
    assert_eq!(cluster.allocs[away.id.as_str()].client_status, AllocClientStatus::Lost);
    assert_eq!(cluster.live("web").len(), 1);
}

#[test]
fn sticky_disks_stay_where_their_data_is() {
    let mut cluster = Cluster::with_nodes(8);
    let mut web = job("web", 1);
    web.task_groups[0].ephemeral_disk.sticky = true;
    cluster.register(web.clone());
    cluster.run("web");
    cluster.all_healthy("web");
    let before = cluster.live("web")[0].clone();
    for _ in 0..4 {
        web = changed(web);
        cluster.register(web.clone());
        cluster.run("web");
        cluster.all_healthy("web");
        let after = cluster.live("web")[0].clone();
        assert_eq!(after.node_id, before.node_id);
        assert_ne!(after.id, before.id);
    }
}

#[test]
fn all_at_once_is_about_conflicting_plans_not_about_capacity() {
    let mut cluster = Cluster::with_nodes(1);
    cluster.register(Job { all_at_once: true, ..job("web", 100) });
    let outcome = cluster.run("web");
    assert_eq!(cluster.live("web").len(), 8);
    assert_eq!(outcome.eval.queued_allocations["g"], 92);
    assert!(outcome.plan.all_at_once);
}

#[test]
fn what_a_node_may_still_run_is_replaced_only_when_it_must_have_ended() {
    let mut cluster = Cluster::with_nodes(3);
    let mut web = job("web", 1);
    web.task_groups[0].disconnect =
        Some(DisconnectStrategy { stop_on_client_after: Some(Nanos::from_secs(60)), ..DisconnectStrategy::default() });
    cluster.register(web);
    cluster.run("web");
    let first = cluster.live("web")[0].clone();
    cluster.edit_node(&first.node_id, |node| node.status = NodeStatus::Down);
    let outcome = cluster.run("web");
    assert!(cluster.live("web").is_empty(), "replaced while it may still run");
    let follow_up = outcome.follow_ups[0].clone();
    // The kill timeout is part of it.
    assert_eq!(follow_up.wait_until.nanos(), Some(cluster.now.plus(Nanos::from_secs(65))));
    cluster.now = cluster.now.plus(Nanos::from_secs(30));
    assert!(cluster.run("web").plan.is_no_op());
    cluster.now = cluster.now.plus(Nanos::from_secs(35));
    cluster.run_eval(&follow_up);
    assert_eq!(cluster.live("web").len(), 1);
    assert_ne!(cluster.live("web")[0].node_id, first.node_id);
}

#[test]
fn the_closest_of_the_lowest_priority_makes_room() {
    let mut cluster = Cluster::with_nodes(1);
    let sized = |id: &str, cpu: i64, priority: u8| {
        let mut sized = job(id, 1);
        sized.priority = priority;
        sized.task_groups[0].tasks[0].resources.cpu = cpu;
        sized
    };
    for (id, cpu, priority) in [("small", 500, 20), ("right", 1500, 20), ("big", 1900, 30)] {
        cluster.register(sized(id, cpu, priority));
        cluster.run(id);
    }
    Arc::make_mut(&mut cluster.configuration).preemption_config.service_scheduler_enabled = true;
    cluster.register(sized("urgent", 1400, 80));
    cluster.run("urgent");
    let live: Vec<usize> = ["small", "right", "big", "urgent"].iter().map(|id| cluster.live(id).len()).collect();
    assert_eq!(live, [1, 0, 1, 1]);
}

#[test]
fn the_applier_refuses_what_no_longer_fits() {
    use drover_scheduler::capacity::{NodeRefusal, evaluate_node};
    let mut cluster = Cluster::with_nodes(1);
    cluster.register(with_ports(job("a", 1), &[8080], 0));
    cluster.register(with_ports(job("b", 1), &[8080], 0));
    let (eval_a, eval_b) = (cluster.eval("a"), cluster.eval("b"));
    let (a, b) = (cluster.schedule(&eval_a), cluster.schedule(&eval_b));
    let node = cluster.nodes.keys().next().unwrap().clone();
    assert_eq!(evaluate_node(&cluster, &a.plan, &node), Ok(()));
    cluster.commit(&a.plan);
    let refusal = evaluate_node(&cluster, &b.plan, &node).unwrap_err();
    assert_eq!(refusal.to_string(), "reserved alloc port collision: 8080");
    cluster.edit_node(&node, |node| node.status = NodeStatus::Down);
    assert_eq!(evaluate_node(&cluster, &b.plan, &node), Err(NodeRefusal::NotReady));
    let _ = Arc::strong_count(&cluster.nodes[&node]);
}

#[test]
fn system_jobs_push_out_lower_priorities() {
    let mut cluster = Cluster::with_nodes(2);
    cluster.register(Job { priority: 20, ..job("low", 16) });
    cluster.run("low");
    assert_eq!(cluster.live("low").len(), 16);
    let mut agent = Job { priority: 80, kind: JobType::System, ..job("agent", 1) };
    agent.task_groups[0].tasks[0].resources.cpu = 900;
    cluster.register(agent.clone());
    let outcome = cluster.run("agent");
    assert_eq!((cluster.live("agent").len(), cluster.live("low").len()), (2, 12));
    assert_eq!(desired(&outcome).preemptions, 4);
    let evicted = outcome.plan.node_preemptions.values().flatten().next().unwrap();
    assert_eq!(evicted.desired_status, AllocDesiredStatus::Evict);
    assert_eq!(evicted.desired_description, format!("Preempted by alloc ID {}", evicted.preempted_by_allocation));
    // A service may not, unless the operator says so.
    cluster.register(Job { priority: 90, ..job("web", 20) });
    assert!(cluster.run("web").plan.node_preemptions.is_empty());
}
