//! One request with its limits: time, size, tries.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::settings::Plan;
use crate::{ProviderError, Secret};

/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// The pause before the second try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the server.
pub(super) struct Http {
    client: reqwest::Client,
    base: Url,
    namespace: Option<String>,
    timeout: Duration,
    retries: u32,
}

/// Why there is no usable answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server answered with an error.
    Status { code: u16, errors: Vec<String>, body: Value },
    /// It did not answer.
    Unreachable(String),
    /// It answered something else than this API.
    Malformed(String),
}

impl Fault {
    pub(super) const fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    fn is_sealed(&self) -> bool {
        matches!(self, Self::Status { code: 503, errors, .. } if errors.iter().any(|error| error.contains("sealed")))
    }

    /// As the provider's error, for a request that was made to do `what`.
    pub(super) fn explain(self, what: &str, address: &str) -> ProviderError {
        if self.is_sealed() {
            let reason = format!("Vault at {address} is sealed; unseal it and run again");
            return ProviderError::Unavailable { reason };
        }
        match self {
            Self::Unreachable(reason) => {
                ProviderError::Unavailable { reason: format!("Vault at {address} does not answer: {reason}") }
            }
            Self::Malformed(reason) => {
                ProviderError::Malformed { reason: format!("what answers at {address} is no Vault: {reason}") }
            }
            Self::Status { code: 403, errors, .. } => {
                let reason = format!("Vault at {address} refuses {what}{}", said(&errors));
                ProviderError::Denied { reason }
            }
            Self::Status { code: 404, errors, .. } => ProviderError::NotFound {
                hint: format!("Vault at {address} has nothing to answer {what}{}", said(&errors)),
            },
            Self::Status { code, errors, .. } => {
                let reason = format!("Vault at {address} answers {what} with {code}{}", said(&errors));
                ProviderError::Unavailable { reason }
            }
        }
    }
}

fn said(errors: &[String]) -> String {
    let lines: Vec<&str> =
        errors.iter().flat_map(|error| error.lines()).map(|line| line.trim_start_matches(['\t', '*', ' '])).collect();
    let text = lines
        .into_iter()
        .filter(|line| !line.is_empty() && !line.ends_with("errors occurred:") && !line.ends_with("error occurred:"))
        .collect::<Vec<_>>()
        .join("; ");
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl Http {
    pub(super) fn new(plan: &Plan, address: &Url) -> Result<Self, String> {
        // Whoever was first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(plan.timeout))
            .timeout(plan.timeout);
        let mut base = address.clone();
        if base.scheme() == "https" {
            builder = with_tls(builder, plan)?;
            if let Some(name) = &plan.tls_server_name {
                let addresses = base.socket_addrs(|| None).map_err(|error| error.to_string())?;
                builder = builder.resolve_to_addrs(name, &addresses);
                base.set_host(Some(name)).map_err(|error| format!("tls_server_name: {error}"))?;
            }
        } else {
            // Plain HTTP needs no roots: reading the system's would cost more than the request.
            let roots = rustls::RootCertStore::empty();
            let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            builder = builder.tls_backend_preconfigured(config);
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, base, namespace: plan.namespace.clone(), timeout: plan.timeout, retries: plan.retries })
    }

    /// Asks `/v1/PATH` until there is an answer or the tries are used up.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret<String>>,
        body: Option<&Value>,
    ) -> Result<Value, Fault> {
        let mut tried = 0;
        loop {
            let fault = match self.once(&method, path, token, body).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if tried == self.retries || !fault.is_worth_another_try(&method) {
                return Err(fault.fault);
            }
            let pause = FIRST_PAUSE.saturating_mul(1 << tried.min(8)).min(MAX_PAUSE);
            tokio::time::sleep(fault.after.unwrap_or_else(|| pause.mul_f64(rand::random_range(0.5..1.0)))).await;
            tried += 1;
        }
    }

    /// As [`Http::call`] with one try.
    pub(super) async fn try_once(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret<String>>,
        body: Option<&Value>,
    ) -> Result<Value, Fault> {
        self.once(&method, path, token, body).await.map_err(|tried| tried.fault)
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        token: Option<&Secret<String>>,
        body: Option<&Value>,
    ) -> Result<Value, Tried> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/v1/", self.base.path().trim_end_matches('/')));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        url.path_segments_mut()
            .map_err(|()| Tried::of(Fault::Unreachable("its address is no base".to_owned())))?
            .pop_if_empty()
            .extend(path.split('/'));
        url.set_query((!query.is_empty()).then_some(query));
        let response = self.send(method, url, token, body).await?;
        let response = match redirected(&response, &self.base) {
            // A standby server names the active one. The token follows once, and never from TLS to plain text.
            Some(target) => self.send(method, target, token, body).await?,
            None => response,
        };
        answer(response, self.timeout).await
    }

    async fn send(
        &self,
        method: &Method,
        url: Url,
        token: Option<&Secret<String>>,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, Tried> {
        let mut request = self.client.request(method.clone(), url).header("X-Vault-Request", "true");
        if let Some(token) = token {
            let mut value = reqwest::header::HeaderValue::from_str(token.expose())
                .map_err(|_| Tried::of(Fault::Malformed("the token has characters that no token has".to_owned())))?;
            value.set_sensitive(true);
            request = request.header("X-Vault-Token", value);
        }
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| Tried {
            was_sent: !error.is_connect(),
            timed_out: error.is_timeout(),
            ..Tried::of(Fault::Unreachable(reason(&error, self.timeout)))
        })
    }
}

/// A try that failed.
struct Tried {
    fault: Fault,
    /// Whether the server may have got the request.
    was_sent: bool,
    timed_out: bool,
    /// When the server wants to be asked again.
    after: Option<Duration>,
}

impl Tried {
    const fn of(fault: Fault) -> Self {
        Self { fault, was_sent: true, timed_out: false, after: None }
    }

    fn is_worth_another_try(&self, method: &Method) -> bool {
        match &self.fault {
            Fault::Malformed(_) => false,
            Fault::Unreachable(_) => !self.was_sent || (*method == Method::GET && !self.timed_out),
            fault @ Fault::Status { code, .. } => match code {
                412 | 429 => true,
                501 => false,
                503 => !fault.is_sealed(),
                _ => *code >= 500 && *method == Method::GET,
            },
        }
    }
}

async fn answer(mut response: reqwest::Response, timeout: Duration) -> Result<Value, Tried> {
    let status = response.status();
    let after = response.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER_BYTES => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                return Err(Tried::of(Fault::Malformed(format!("its answer is larger than {MAX_ANSWER_BYTES} bytes"))));
            }
            Ok(None) => break,
            Err(error) => {
                let fault = Fault::Unreachable(reason(&error, timeout));
                return Err(Tried { timed_out: error.is_timeout(), ..Tried::of(fault) });
            }
        }
    }
    let body: Value = match serde_json::from_slice(&bytes) {
        Ok(body) => body,
        Err(_) if bytes.is_empty() => Value::Null,
        Err(_) if !status.is_success() => Value::Null,
        // What is there may be a secret, so it is not quoted.
        Err(_) => return Err(Tried::of(Fault::Malformed("the answer is no JSON".to_owned()))),
    };
    if status.is_success() {
        return Ok(body);
    }
    let errors = body["errors"].as_array().into_iter().flatten().filter_map(|error| error.as_str().map(str::to_owned));
    let fault = Fault::Status { code: status.as_u16(), errors: errors.collect(), body };
    Err(Tried { after: after.map(|seconds| Duration::from_secs(seconds).min(MAX_PAUSE)), ..Tried::of(fault) })
}

fn redirected(response: &reqwest::Response, base: &Url) -> Option<Url> {
    if !matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
        return None;
    }
    let target = response.url().join(response.headers().get("Location")?.to_str().ok()?).ok()?;
    let is_safe = target.scheme() == base.scheme() || target.scheme() == "https";
    is_safe.then_some(target)
}

/// The innermost cause; addresses of requests are left out.
fn reason(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {}", crate::duration::shown(timeout));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn with_tls(mut builder: reqwest::ClientBuilder, plan: &Plan) -> Result<reqwest::ClientBuilder, String> {
    let read = |path: &std::path::Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    if let Some(path) = &plan.ca_cert {
        let bad = |error: reqwest::Error| format!("{}: {error}", path.display());
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&read(path)?).map_err(bad)?);
    }
    if let Some((certificate, key)) = &plan.client {
        let mut pem = read(certificate)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        // The error is not quoted: it is about a key.
        let identity = reqwest::Identity::from_pem(&pem).map_err(|_| {
            format!("{} and {} are no certificate and key in PEM", certificate.display(), key.display())
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder.tls_danger_accept_invalid_certs(plan.skip_verify))
}
