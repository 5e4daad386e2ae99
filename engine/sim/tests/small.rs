//! Ten thousand allocations, untimed: everything is placed once, and nothing over capacity.

use drover_sim::{JobShape, NodeShape, Simulation, Wrong};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_placed_once_and_again_when_nodes_die() {
    let mut sim = Simulation::start(4).await.unwrap();
    sim.add_nodes(200, &NodeShape::default()).await.unwrap();
    for job in 0..20 {
        sim.submit(&format!("job-{job}"), &JobShape::of(500)).await.unwrap();
    }
    sim.settle().await;
    let report = sim.check().unwrap();
    assert_eq!((report.live, report.all), (10_000, 10_000));

    let lost_nodes = sim.kill_every(10).await.unwrap();
    assert_eq!(lost_nodes, 20);
    assert!(matches!(sim.check(), Err(Wrong::DeadNode { .. } | Wrong::Count { .. })), "the check sees what is missing");
    sim.settle().await;
    let report = sim.check().unwrap();
    assert_eq!(report.live, 10_000);
    assert!(report.all > 10_000, "what was lost is still known");
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_cluster_is_not_overfilled_and_fills_up_when_nodes_come() {
    let mut sim = Simulation::start(4).await.unwrap();
    let small = NodeShape { cores: 1, core_mhz: 1_000, memory_mb: 4096, disk_mb: 10_000 };
    sim.add_nodes(10, &small).await.unwrap();
    for job in 0..5 {
        sim.submit(&format!("job-{job}"), &JobShape::of(10)).await.unwrap();
    }
    sim.wait_for_evaluations().await;
    // Three of 300 MHz fit on a node of 1,000: 30 of the 50.
    assert!(matches!(sim.check(), Err(Wrong::Count { .. })));
    assert_eq!(sim.snapshot().allocs().filter(|alloc| !alloc.is_terminal()).count(), 30);
    sim.add_nodes(10, &small).await.unwrap();
    sim.settle().await;
    assert_eq!(sim.check().unwrap().most_on_a_node, 3);
    sim.stop().await;
}
