//! Asking others over HTTP: issuers for their keys, registries for their packs.

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;

/// A client with a certificate authority of its own, if one is given.
pub(crate) fn client(ca_file: Option<&Path>, timeout: Duration) -> Result<reqwest::Client, String> {
    install_crypto();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(timeout)
        .user_agent(concat!("drover/", env!("CARGO_PKG_VERSION")));
    if let Some(file) = ca_file {
        let pem = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem);
        let certificates = certificates.map_err(|_| format!("{} holds no certificates", file.display()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| chain(&error))
}

/// Names what signs and seals for TLS in this process; the first one to do so wins.
pub(crate) fn install_crypto() {
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}

/// A body of at most `max_bytes`.
pub(crate) async fn body(mut response: reqwest::Response, max_bytes: u64) -> Result<Bytes, String> {
    let mut whole = BytesMut::new();
    while let Some(part) = response.chunk().await.map_err(|error| chain(&error))? {
        if (whole.len() + part.len()) as u64 > max_bytes {
            return Err(format!("the answer is longer than {max_bytes} bytes"));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

/// The JSON at `url`.
pub(crate) async fn get_json<T: DeserializeOwned>(
    client: &reqwest::Client,
    url: &str,
    max_bytes: usize,
) -> Result<T, String> {
    let response = client.get(url).send().await.map_err(|error| chain(&error))?;
    if !response.status().is_success() {
        return Err(format!("{url} answers {}", response.status()));
    }
    let body = body(response, max_bytes as u64).await?;
    serde_json::from_slice(&body).map_err(|error| format!("{url} answers with something else: {error}"))
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    drover_base::error::chain(error)
}
