//! Requests to registries: proxies, certificates, retries, bounded answers.

use super::ClientError;
use futures::StreamExt as _;
use reqwest::{Response, StatusCode};
use std::error::Error as _;
use std::time::Duration;

/// How this machine reaches others; the command line fills it from the environment.
#[derive(Clone, Debug, Default)]
pub struct NetworkOptions {
    /// Certificates in PEM that are believed besides the system's.
    pub extra_certificates: Vec<u8>,
    /// Proxy of http addresses.
    pub http_proxy: Option<String>,
    /// Proxy of https addresses.
    pub https_proxy: Option<String>,
    /// Hosts that are asked without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// As in `drover/0.1.0`.
    pub user_agent: String,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two parts of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_TRIES: u32 = 4;
/// What a server may ask one to wait.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Of answers that are not archives.
pub(super) const MAX_DOCUMENT_BYTES: u64 = 8 * 1024 * 1024;

impl NetworkOptions {
    pub(super) fn client(&self, registry: &str) -> Result<reqwest::Client, ClientError> {
        // Installing twice fails and changes nothing: the provider is the same either way.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |reason: String| ClientError::Answer { registry: registry.to_owned(), reason };
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(self.user_agent.as_str())
            .no_proxy();
        let except = || self.no_proxy.as_deref().and_then(reqwest::NoProxy::from_string);
        if let Some(proxy) = self.http_proxy.as_deref().filter(|proxy| !proxy.is_empty()) {
            let proxy = reqwest::Proxy::http(proxy).map_err(|error| wrong(format!("the http proxy: {error}")))?;
            builder = builder.proxy(proxy.no_proxy(except()));
        }
        if let Some(proxy) = self.https_proxy.as_deref().filter(|proxy| !proxy.is_empty()) {
            let proxy = reqwest::Proxy::https(proxy).map_err(|error| wrong(format!("the https proxy: {error}")))?;
            builder = builder.proxy(proxy.no_proxy(except()));
        }
        if !self.extra_certificates.is_empty() {
            let certificates = reqwest::Certificate::from_pem_bundle(&self.extra_certificates)
                .map_err(|error| wrong(format!("the file of certificates: {error}")))?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder.build().map_err(|error| wrong(format!("TLS: {error}")))
    }
}

/// Sends a request, again where it may help: all of ours may be repeated. `make` gives it anew each time.
pub(super) async fn send(registry: &str, make: impl Fn() -> reqwest::RequestBuilder) -> Result<Response, ClientError> {
    let mut pause = Duration::from_millis(200);
    for attempt in 1.. {
        let result = make().send().await;
        let is_last = attempt == MAX_TRIES;
        match result {
            Ok(answer) if is_last || !is_passing(answer.status()) => return Ok(answer),
            Ok(answer) => pause = asked_pause(&answer).unwrap_or(pause).min(MAX_WAIT),
            Err(error) if is_last || !(error.is_connect() || error.is_timeout()) => {
                return Err(unreachable(registry, &error));
            }
            Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    unreachable!("the last try returns")
}

fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn asked_pause(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

pub(super) fn unreachable(registry: &str, error: &reqwest::Error) -> ClientError {
    let mut reason = String::new();
    let mut cause = error.source();
    while let Some(next) = cause {
        reason = next.to_string();
        cause = next.source();
    }
    if reason.is_empty() {
        reason = error.to_string();
    }
    ClientError::Unreachable { registry: registry.to_owned(), reason }
}

/// The body of an answer, of which no more than `limit_bytes` are taken.
pub(super) async fn body(registry: &str, answer: Response, limit_bytes: u64) -> Result<Vec<u8>, ClientError> {
    let expected = answer.content_length();
    let mut stream = answer.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| unreachable(registry, &error))?;
        if (bytes.len() + part.len()) as u64 > limit_bytes {
            let reason = format!("its answer has more than {limit_bytes} bytes");
            return Err(ClientError::Answer { registry: registry.to_owned(), reason });
        }
        bytes.extend_from_slice(&part);
    }
    if expected.is_some_and(|expected| expected != bytes.len() as u64) {
        let reason = "its answer ended too early".to_owned();
        return Err(ClientError::Answer { registry: registry.to_owned(), reason });
    }
    Ok(bytes)
}

/// The JSON of an answer.
pub(super) async fn json<T: serde::de::DeserializeOwned>(registry: &str, answer: Response) -> Result<T, ClientError> {
    let bytes = body(registry, answer, MAX_DOCUMENT_BYTES).await?;
    serde_json::from_slice(&bytes).map_err(|error| ClientError::Answer {
        registry: registry.to_owned(),
        reason: format!("its answer is not what was expected: {error}"),
    })
}

/// A part of a path in an address.
pub(super) fn encoded(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
}
