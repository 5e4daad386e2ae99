//! Root keys, what is sealed with them, and identities that they sign.

use super::*;
use drover_model::registry::RootKeyState;
use drover_server::identity::{IdentityWish, IntroductionRequest, Workload};
use drover_server::keyring::RotateRequest;
use drover_server::request::VariableWrite;
use drover_server::{AclConfig, Identity};

async fn active(server: &Server) -> String {
    until(server, "an active root key", |state| {
        state.root_keys().find(|key| key.state == RootKeyState::Active).map(|key| key.key_id.clone())
    })
    .await
}

fn write(path: &str) -> VariableWrite {
    VariableWrite {
        namespace: "default".into(),
        path: path.to_owned(),
        items: [("a".to_owned(), "b".to_owned())].into(),
        cas: None,
        lock: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_rotation_seals_everything_anew_and_lets_the_old_key_go() {
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig { data_dir: Some(dir.path().to_owned()), ..ServerConfig::default() };
    let server = Server::open(config.clone()).await.unwrap();
    let first = active(&server).await;
    for n in 0..300 {
        server.put_variable(write(&format!("app/{n}"))).await.unwrap();
    }
    let index = server.get_variable(&"default".into(), "app/7").unwrap().unwrap().modify_index;
    let refused = server.remove_root_key(&first).await.unwrap_err();
    assert_eq!(refused.message, "active root key cannot be deleted - call rotate first");
    server.rotate_root_key(RotateRequest::default()).await.unwrap();
    assert_eq!(server.remove_root_key(&first).await.unwrap_err().message, "root key in use, cannot delete");
    let rotated = server.rotate_root_key(RotateRequest { full: true, publish_time: None }).await.unwrap();
    until(&server, "everything sealed anew", |state| {
        let done = state.variables().all(|variable| variable.key_id == rotated.key.key_id)
            && state.root_keys().all(|key| key.state != RootKeyState::Rekeying);
        done.then_some(())
    })
    .await;
    // Nobody who watches the variable has seen a change.
    let variable = server.get_variable(&"default".into(), "app/7").unwrap().unwrap();
    assert_eq!((variable.items["a"].as_str(), variable.modify_index), ("b", index));
    server.remove_root_key(&first).await.unwrap();
    assert_eq!(server.remove_root_key(&first).await.unwrap_err().message, "root key not found");
    server.shutdown().await;
    drop(server);
    let server = Server::open(config).await.unwrap();
    assert_eq!(active(&server).await, rotated.key.key_id);
    assert_eq!(server.get_variable(&"default".into(), "app/299").unwrap().unwrap().items["a"], "b");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepublished_key_waits_for_its_time() {
    let server = server().await;
    let first = active(&server).await;
    let later = drover_model::UnixNanos(i64::MAX);
    let both = RotateRequest { full: true, publish_time: Some(later) };
    assert!(server.rotate_root_key(both).await.is_err());
    let made = server.rotate_root_key(RotateRequest { full: false, publish_time: Some(later) }).await.unwrap();
    assert_eq!(made.key.state, RootKeyState::Prepublished);
    assert_eq!(active(&server).await, first);
    server.remove_root_key(&made.key.key_id).await.unwrap();
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_identity_is_its_task_for_as_long_as_the_allocation_lives() {
    let acl = AclConfig { enabled: true, ..AclConfig::default() };
    let server = Server::open(ServerConfig { acl, ..ServerConfig::default() }).await.unwrap();
    active(&server).await;
    let node = FakeNode::join(&server, "one").await;
    register(&server, service("web", 1, "run")).await;
    until_running(&server, "web", 1).await;
    let snapshot = server.state().snapshot();
    let alloc = snapshot.allocs().next().unwrap().clone();
    assert!(!alloc.signing_key_id.is_empty());
    let wish = |identity: &str| {
        vec![IdentityWish {
            alloc_id: alloc.id.clone(),
            workload: Workload::Task("t".to_owned()),
            identity: identity.to_owned(),
        }]
    };
    let signed = server.sign_identities(&alloc.node_id, &wish("default")).await.unwrap();
    let access = server.resolve(&signed[0].jwt).unwrap();
    let claims = access.workload().unwrap();
    assert_eq!((claims.job_id.as_str(), claims.group.as_str(), claims.task.as_str()), ("web", "main", "t"));
    assert!(!access.acl.is_management());
    assert!(server.sign_identities(&"another".into(), &wish("default")).await.is_err());
    assert!(server.sign_identities(&alloc.node_id, &wish("none")).await.is_err());
    let of_node = server.sign_node_identity(&alloc.node_id).await.unwrap();
    assert!(matches!(server.resolve(&of_node.jwt).unwrap().identity, Identity::Node(id) if id == alloc.node_id));
    // A token that lets a node in lets nobody do anything else.
    let introduction = server.sign_introduction(&IntroductionRequest::default()).await.unwrap();
    assert!(server.resolve(&introduction.jwt).is_err());
    server.deregister_job(&key("web"), drover_server::request::DeregisterOptions::default()).await.unwrap();
    until(&server, "the allocation over", |state| state.alloc(&alloc.id)?.is_terminal().then_some(())).await;
    assert!(server.resolve(&signed[0].jwt).is_err());
    drop(node);
    server.shutdown().await;
}
