//! What was acknowledged is there after any end of the process.

mod support;

use drover_raft::{Config, Consensus, RaftError};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Words, config, open};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_memory_is_ready_at_once() {
    let begin = Instant::now();
    let (node, machine) = open(Config::default()).await;
    let ready = begin.elapsed();
    assert_eq!(node.propose("a".to_owned()).await.unwrap(), (1, 1));
    assert!(node.is_leader());
    assert_eq!(node.barrier().await.unwrap(), 1);
    assert_eq!(*machine.0.lock().unwrap(), ["a"]);
    assert!(ready < Duration::from_millis(500), "{ready:?}");
    node.shutdown().await;
    assert!(matches!(node.propose("b".to_owned()).await, Err(RaftError::Closed | RaftError::Fatal(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_proposals_are_all_applied_once() {
    let (node, machine) = open(Config::default()).await;
    let proposals = (0..500).map(|number| {
        let node = node.clone();
        tokio::spawn(async move { node.propose(format!("w{number}")).await.unwrap().0 })
    });
    let mut indexes = Vec::new();
    for proposal in proposals.collect::<Vec<_>>() {
        indexes.push(proposal.await.unwrap());
    }
    indexes.sort_unstable();
    assert_eq!(indexes, (1..=500).collect::<Vec<u64>>());
    assert_eq!(machine.0.lock().unwrap().len(), 500);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_and_snapshots_bring_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    // Small segments and frequent snapshots, so that several of each come and go.
    let config = || Config { snapshot_every_entries: 50, segment_bytes: 2048, ..config(dir.path()) };
    let mut wanted = Vec::new();
    for round in 0..4 {
        let (node, machine) = open(config()).await;
        assert_eq!(*machine.0.lock().unwrap(), wanted, "round {round}");
        for number in 0..130 {
            let word = format!("word-{round}-{number}");
            let (index, _) = node.propose(word.clone()).await.unwrap();
            wanted.push(word);
            assert_eq!(index, wanted.len() as u64);
        }
        node.shutdown().await;
        drop(node);
    }
    let segments = std::fs::read_dir(dir.path()).unwrap().flatten();
    let segments = segments.filter(|entry| entry.file_name().to_string_lossy().starts_with("log-")).count();
    assert!(segments < 20, "purged segments are removed, {segments} are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _machine) = open(config(dir.path())).await;
    let second = Consensus::open(config(dir.path()), Arc::new(Words::default())).await;
    assert!(matches!(second, Err(RaftError::InUse(_))));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_record_at_the_end_is_cut_off_and_damage_before_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _machine) = open(config(dir.path())).await;
    for word in ["one", "two", "three"] {
        node.propose(word.to_owned()).await.unwrap();
    }
    node.shutdown().await;
    drop(node);
    let log = std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.path());
    let log = log.filter(|path| path.extension().is_some_and(|ending| ending == "seg")).max().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    let at = bytes.windows(5).rposition(|window| window == b"three").unwrap();
    bytes[at] = b'X';
    std::fs::write(&log, &bytes).unwrap();
    let (node, machine) = open(config(dir.path())).await;
    assert_eq!(*machine.0.lock().unwrap(), ["one", "two"]);
    assert_eq!(node.propose("four".to_owned()).await.unwrap().0, 3);
    node.shutdown().await;
    drop(node);
    std::fs::write(dir.path().join("vote"), b"\x01garbage").unwrap();
    let damaged = Consensus::open(config(dir.path()), Arc::new(Words::default())).await;
    assert!(matches!(damaged, Err(RaftError::Damaged { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_the_change_and_nothing_else() {
    use nix::mount::{MntFlags, MsFlags, mount, umount2};
    let dir = tempfile::tempdir().unwrap();
    let mounted = mount(Some("tmpfs"), dir.path(), Some("tmpfs"), MsFlags::empty(), Some("size=512k"));
    if mounted.is_err() {
        eprintln!("left out: a small file system cannot be mounted here");
        return;
    }
    std::fs::write(dir.path().join("filler"), vec![1; 200_000]).unwrap();
    let data = dir.path().join("raft");
    let small = || Config { segment_bytes: 32 * 1024, ..config(&data) };
    let (node, machine) = open(small()).await;
    let word = "x".repeat(20_000);
    let mut stored = 0;
    let error = loop {
        match node.propose(word.clone()).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RaftError::DiskFull(_)), "{error:?}");
    assert_eq!(machine.0.lock().unwrap().len(), stored);
    assert!(stored > 2);
    std::fs::remove_file(dir.path().join("filler")).unwrap();
    node.propose(word.clone()).await.unwrap();
    node.shutdown().await;
    drop(node);
    let (node, machine) = open(small()).await;
    assert_eq!(machine.0.lock().unwrap().len(), stored + 1);
    node.shutdown().await;
    umount2(dir.path(), MntFlags::MNT_DETACH).unwrap();
}

/// Writes words until it is killed; each acknowledged one is told on standard output.
#[test]
#[ignore = "run by acknowledged_words_survive_kill_9 as a process of its own"]
fn child_writer() {
    let dir = std::env::var("DROVER_RAFT_TEST_DIR").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = Config { snapshot_every_entries: 40, segment_bytes: 4096, ..config(dir.as_ref()) };
        let (node, machine) = open(config).await;
        let begin = machine.0.lock().unwrap().len();
        let writers = (0..4).map(|writer| {
            let node = node.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let word = format!("ack:{begin}.{writer}.{number}");
                    node.propose(word.clone()).await.unwrap();
                    println!("\n{word}");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_words_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writer", "--ignored", "--nocapture"])
            .env("DROVER_RAFT_TEST_DIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        // The lines up to a point that moves from round to round, then the kill, then what was still in the pipe.
        let kill_after = 20 + round * 37 % 150;
        let mut seen = 0;
        for line in output.lines() {
            let line = line.unwrap();
            let Some(word) = line.strip_prefix("ack:") else { continue };
            acknowledged.push(format!("ack:{word}"));
            seen += 1;
            if seen == kill_after {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= kill_after, "the writer ended by itself after {seen} words");
        let (node, machine) = open(config(dir.path())).await;
        let words = machine.0.lock().unwrap().clone();
        let missing: Vec<_> = acknowledged.iter().filter(|word| !words.contains(word)).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?}");
        node.shutdown().await;
    }
}
