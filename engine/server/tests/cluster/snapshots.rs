//! Saving the state, putting it back, and locks of variables.

use super::*;
use drover_model::registry::VariableLock;
use drover_server::ErrorKind;
use drover_server::request::{VariableLockRequest, VariableWrite};
use drover_state::WatchKey;

fn write(value: &str) -> VariableWrite {
    VariableWrite {
        namespace: "default".into(),
        path: "kept".to_owned(),
        items: [("a".to_owned(), value.to_owned())].into(),
        ..VariableWrite::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_state_comes_back_in_another_cluster_with_its_variables() {
    let first = server().await;
    first.put_variable(write("1")).await.unwrap();
    let archive = first.save_snapshot(Vec::new()).await.unwrap();
    first.shutdown().await;

    let second = server().await;
    second.put_variable(write("2")).await.unwrap();
    let watch = second.state().watch(vec![WatchKey::Variable("default".into(), "kept".to_owned())]);
    let damaged = archive[..archive.len() / 2].to_vec();
    assert!(second.restore_snapshot(damaged).await.is_err());
    let before = second.state().generation();
    second.restore_snapshot(archive).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), watch).await.expect("who waits is woken");
    assert!(second.state().generation() > before);
    let read = second.get_variable(&"default".into(), "kept").unwrap().unwrap();
    assert_eq!(read.items["a"], "1", "the keys came along");
    second.put_variable(write("3")).await.expect("the log goes on");
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_holder_of_a_lock_changes_what_is_locked() {
    let server = server().await;
    let request = |id: &str| VariableLockRequest {
        namespace: "default".into(),
        path: "kept".to_owned(),
        lock: VariableLock { id: id.to_owned(), ..VariableLock::default() },
        ..VariableLockRequest::default()
    };
    let held = server.acquire_variable_lock(request("")).await.unwrap().lock.unwrap();
    let taken = server.acquire_variable_lock(request("")).await.unwrap_err();
    assert!(matches!(taken.kind, ErrorKind::Conflict(_)), "{taken:?}");
    assert!(server.put_variable(write("theirs")).await.is_err());
    assert!(server.delete_variable(&"default".into(), "kept", None).await.is_err());
    let own = VariableWrite { lock: Some(held.clone()), ..write("mine") };
    server.put_variable(own).await.unwrap();
    server.renew_variable_lock(&request(&held.id)).unwrap();
    assert_eq!(server.renew_variable_lock(&request("other")).unwrap_err().kind, ErrorKind::Contested);
    server.release_variable_lock(request(&held.id)).await.unwrap();
    server.put_variable(write("free")).await.unwrap();
    server.shutdown().await;
}
