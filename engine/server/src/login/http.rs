//! Calls to issuers of tokens: bounded in time and size.

use serde::de::DeserializeOwned;
use std::sync::Once;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

static CRYPTOGRAPHY: Once = Once::new();

/// How a client proves itself at the token endpoint.
pub(super) enum ClientProof<'a> {
    /// Id and secret in a header.
    Basic(&'a str, &'a str),
    /// By what the form holds.
    InForm,
}

/// Reads a document; `certificates` (PEM) are trusted besides the host's.
pub(super) async fn get<T: DeserializeOwned>(
    url: &str,
    certificates: &[&str],
    bearer: Option<&str>,
) -> Result<T, String> {
    let mut request = client(certificates)?.get(url);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    answer(url, request).await
}

/// Sends a form and reads the document that comes back.
pub(super) async fn post_form<T: DeserializeOwned>(
    url: &str,
    certificates: &[&str],
    form: &[(&str, &str)],
    proof: ClientProof<'_>,
) -> Result<T, String> {
    let mut request = client(certificates)?.post(url).form(form);
    if let ClientProof::Basic(id, secret) = proof {
        // Form encoding of both parts is what RFC 6749 asks for.
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        request = request.basic_auth(encode(id), Some(encode(secret)));
    }
    answer(url, request).await
}

fn client(certificates: &[&str]) -> Result<reqwest::Client, String> {
    CRYPTOGRAPHY.call_once(|| {
        // Someone else may have chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = reqwest::Client::builder().timeout(TIMEOUT);
    let mut trusted = Vec::new();
    for pem in certificates.iter().filter(|pem| !pem.is_empty()) {
        let found = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
        trusted.extend(found.map_err(|error| format!("a CA certificate cannot be read: {error}"))?);
    }
    if !trusted.is_empty() {
        builder = builder.tls_certs_merge(trusted);
    }
    builder.build().map_err(|error| format!("cannot make an HTTP client: {}", chain(&error)))
}

async fn answer<T: DeserializeOwned>(url: &str, request: reqwest::RequestBuilder) -> Result<T, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{url}: {error}");
    let mut response = request.send().await.map_err(|error| failed(&chain(&error)))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&chain(&error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(failed(&format!("the answer is longer than {MAX_ANSWER_BYTES} bytes")));
        }
    }
    if !status.is_success() {
        return Err(failed(&format!("the answer is {status}{}", reason(&body))));
    }
    serde_json::from_slice(&body).map_err(|error| failed(&format!("the answer cannot be understood: {error}")))
}

/// What OAuth servers say of a refusal; other bodies are not repeated, as they may hold anything.
fn reason(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { error, error_description }) if error_description.is_empty() => format!(": {error}"),
        Ok(Refusal { error, error_description }) => format!(": {error}: {error_description}"),
        Err(_) => String::new(),
    }
}

/// The whole chain; the address, which may carry secrets in its query, stays out.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    if text.is_empty() { "the call failed".to_owned() } else { text }
}
