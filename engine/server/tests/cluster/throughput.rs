//! Not a test of right and wrong: prints how fast things go. Run with `--ignored --nocapture`, best in release mode.

use super::*;
use drover_model::JobStatus;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints times, checks nothing"]
async fn times() {
    let dir = tempfile::tempdir().unwrap();
    for data_dir in [None, Some(dir.path().to_owned())] {
        let kind = if data_dir.is_some() { "on disk" } else { "in memory" };
        let server = Server::open(ServerConfig { data_dir, ..ServerConfig::default() }).await.unwrap();
        let _node = FakeNode::join(&server, "one").await;
        register(&server, service("warm", 1, "run")).await;
        until_running(&server, "warm", 1).await;
        let mut placed: Vec<Duration> = Vec::new();
        for n in 0..20 {
            let id = format!("web-{n}");
            let before = Instant::now();
            register(&server, service(&id, 1, "run")).await;
            let mut watch = server.state().watch(vec![WatchKey::JobAllocs(key(&id))]);
            while server.state().snapshot().allocs_by_job(&key(&id)).count() == 0 {
                (&mut watch).await;
                watch.rearm();
            }
            placed.push(before.elapsed());
        }
        placed.sort();
        let before = Instant::now();
        let jobs = (0..100).map(|n| {
            let server = server.clone();
            tokio::spawn(async move { register(&server, small(n)).await })
        });
        for job in jobs.collect::<Vec<_>>() {
            job.await.unwrap();
        }
        until(&server, "all batch jobs dead", |snapshot| {
            let dead =
                snapshot.jobs().filter(|job| job.id.starts_with("sum-") && job.status == JobStatus::Dead).count();
            (dead == 100).then_some(())
        })
        .await;
        println!("{kind}: placed in {:?} (median), 100 batch jobs in {:?}", placed[10], before.elapsed());
        server.shutdown().await;
    }
}

fn small(n: usize) -> Value {
    let mut job = batch(&format!("sum-{n}"), 1, "finish");
    job["TaskGroups"][0]["Tasks"][0]["Resources"] = json!({"CPU": 1, "MemoryMB": 10});
    job["TaskGroups"][0]["EphemeralDisk"] = json!({"SizeMB": 110});
    job
}
