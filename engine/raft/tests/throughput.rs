//! Prints proposals per second; run with `--ignored --nocapture`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement is read by people")]

mod support;

use drover_raft::Config;
use std::time::Instant;
use support::{config, open};

async fn measure(name: &str, config: Config, writers: usize, each: usize) {
    let begin = Instant::now();
    let (node, _machine) = open(config).await;
    let ready = begin.elapsed();
    let begin = Instant::now();
    let tasks = (0..writers).map(|_| {
        let node = node.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                node.propose("x".repeat(200)).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let took = begin.elapsed();
    let count = writers * each;
    println!(
        "{name}: {writers} writers: {:.0}/s, {:.1} µs each; ready after {ready:?}",
        count as f64 / took.as_secs_f64(),
        took.as_micros() as f64 / each as f64,
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn throughput() {
    for writers in [1, 16, 256] {
        measure("memory", Config::default(), writers, 20_000 / writers).await;
        let dir = tempfile::tempdir().unwrap();
        measure("disk", config(dir.path()), writers, 3_000 / writers).await;
    }
}
