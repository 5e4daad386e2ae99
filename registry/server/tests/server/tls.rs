//! The server speaks TLS itself.

use drover_registry_server::config::Tls;
use drover_registry_server::{Config, Server};
use rcgen::{CertifiedKey, generate_simple_self_signed};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trusts_the_certificate_is_served_and_others_are_not() {
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    let mut config = Config::in_folder(folder.path().join("store"));
    config.listen = ([127, 0, 0, 1], 0).into();
    config.tls = Some(Tls { cert_file: cert_file.clone(), key_file: cert_file.clone() });
    let error = Server::start(config.clone()).await.err().unwrap();
    assert!(error.to_string().contains("cert.pem"), "{error}");
    config.tls = Some(Tls { cert_file, key_file });
    let server = Server::start(config).await.unwrap();
    let url = format!("https://localhost:{}/v1/", server.address().port());
    let (send, handle) = tokio::sync::oneshot::channel();
    let running = tokio::spawn(server.run(|handle| drop(send.send(handle))));
    let handle = handle.await.unwrap();
    let trusted = reqwest::Certificate::from_pem(cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    assert!(reqwest::Client::new().get(&url).send().await.is_err());
    handle.reload();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    drop(client);
    handle.stop();
    tokio::time::timeout(std::time::Duration::from_secs(10), running).await.unwrap().unwrap();
}
