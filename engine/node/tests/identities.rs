//! Signed identities of tasks: in their environment, in files, renewed in time; and the API at their sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use drover_model::{JobType, Nanos, Task, WorkloadIdentity};
use drover_node::TaskApi;
use futures::future::{BoxFuture, FutureExt};
use std::sync::Arc;
use support::{Servers, alloc, group, node, shell};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn identity(name: &str) -> WorkloadIdentity {
    WorkloadIdentity { name: name.into(), env: true, file: true, ..WorkloadIdentity::default() }
}

fn task(script: &str, identities: Vec<WorkloadIdentity>) -> Task {
    Task { identity: Some(identity("default")), identities, ..shell("t", script) }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_have_their_identities() {
    let dir = tempfile::tempdir().unwrap();
    let servers = Servers::new();
    let _node = node(dir.path(), &servers).await;
    let other = WorkloadIdentity { filepath: "local/deep/other.jwt".into(), ..identity("other") };
    let script = "echo \"$NOMAD_TOKEN $NOMAD_TOKEN_other\" > $NOMAD_TASK_DIR/env; sleep 60";
    servers.place(alloc("a", JobType::Service, group(vec![task(script, vec![other])])));
    servers.until_status("a", "running").await;
    let root = dir.path().join("alloc/a/t");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    assert_eq!(read("secrets/nomad_token"), "t-default-1");
    assert_eq!(read("local/deep/other.jwt"), "t-other-1");
    let in_env = async {
        while read("local/env").trim() != "t-default-1 t-other-1" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, in_env).await.unwrap();
    servers.stop("a");
    servers.until_status("a", "complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_is_renewed_and_the_task_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let servers = Servers::new();
    let _node = node(dir.path(), &servers).await;
    let short = WorkloadIdentity {
        ttl: Nanos::from_secs(2),
        change_mode: "signal".into(),
        change_signal: "SIGUSR1".into(),
        ..identity("short")
    };
    let script = "trap 'echo told > $NOMAD_TASK_DIR/told' USR1; while true; do sleep 0.1; done";
    servers.place(alloc("b", JobType::Service, group(vec![task(script, vec![short])])));
    servers.until_status("b", "running").await;
    let root = dir.path().join("alloc/b/t");
    let renewed = async {
        loop {
            let token = std::fs::read_to_string(root.join("secrets/nomad_short.jwt")).unwrap_or_default();
            if token != "t-short-1" && !token.is_empty() && root.join("local/told").exists() {
                return token;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let token = tokio::time::timeout(support::PATIENCE, renewed).await.unwrap();
    assert!(token.starts_with("t-short-"), "{token}");
    // What has no end is not asked for again.
    assert_eq!(std::fs::read_to_string(root.join("secrets/nomad_token")).unwrap(), "t-default-1");
    servers.stop("b");
    servers.until_status("b", "complete").await;
}

/// Answers everybody the same.
#[derive(Debug)]
struct Echo;

impl TaskApi for Echo {
    fn serve(&self, listener: UnixListener) -> BoxFuture<'static, ()> {
        async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(b"hello").await;
            }
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_find_the_api_at_their_socket() {
    let dir = tempfile::tempdir().unwrap();
    let servers = Servers::new();
    let node = node(dir.path(), &servers).await;
    node.offer_task_api(Arc::new(Echo));
    servers.place(alloc("c", JobType::Service, group(vec![shell("t", "sleep 60")])));
    servers.until_status("c", "running").await;
    let mut stream = UnixStream::connect(dir.path().join("alloc/c/t/secrets/api.sock")).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
    servers.stop("c");
    servers.until_status("c", "complete").await;
}
