//! Variables and the small tables.

use super::*;
use drover_model::Namespace;
use drover_server::ErrorKind;
use drover_server::request::VariableWrite;

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_sealed_and_compared() {
    let server = server().await;
    let write = |value: &str, cas| VariableWrite {
        namespace: "default".into(),
        path: "app/db".to_owned(),
        items: [("password".to_owned(), value.to_owned())].into(),
        cas,
        lock: None,
    };
    let first = server.put_variable(write("secret", Some(0))).await.unwrap();
    let sealed = server.state().snapshot().variable(&"default".into(), "app/db").unwrap().sealed.clone();
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    let conflict = server.put_variable(write("other", Some(0))).await.unwrap_err();
    let ErrorKind::Conflict(current) = conflict.kind else { panic!("{conflict:?}") };
    assert_eq!(current.items["password"], "secret");
    server.put_variable(write("newer", Some(first.modify_index))).await.unwrap();
    let read = server.get_variable(&"default".into(), "app/db").unwrap().unwrap();
    assert_eq!(read.items["password"], "newer");
    server.delete_variable(&"default".into(), "app/db", None).await.unwrap();
    assert!(server.get_variable(&"default".into(), "app/db").unwrap().is_none());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_and_variables_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig { data_dir: Some(dir.path().to_owned()), ..ServerConfig::default() };
    let server = Server::open(config.clone()).await.unwrap();
    let write = VariableWrite {
        namespace: Namespace::from("default"),
        path: "app".to_owned(),
        items: [("a".to_owned(), "b".to_owned())].into(),
        cas: None,
        lock: None,
    };
    server.put_variable(write).await.unwrap();
    register(&server, service("web", 1, "run")).await;
    until(&server, "the job blocked", |_| (server.broker_stats().blocked == 1).then_some(())).await;
    server.shutdown().await;
    drop(server);

    let server = Server::open(config).await.unwrap();
    assert_eq!(server.get_variable(&"default".into(), "app").unwrap().unwrap().items["a"], "b");
    until(&server, "the job blocked again", |_| (server.broker_stats().blocked == 1).then_some(())).await;
    let _node = FakeNode::join(&server, "one").await;
    until_running(&server, "web", 1).await;
    server.shutdown().await;
}
