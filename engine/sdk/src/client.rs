//! The client: one HTTP connection pool, and the few verbs that every route uses.

use crate::error::reason;
use crate::{Answer, ByteStream, Config, ConfigError, Error, Query, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// For requests without a body.
pub const NO_BODY: Option<&()> = None;

/// Time to reach the engine before it counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The verbs of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A read.
    Get,
    /// A write.
    Put,
    /// A write.
    Post,
    /// A removal.
    Delete,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "Get",
            Self::Put => "Put",
            Self::Post => "Post",
            Self::Delete => "Delete",
        }
    }
    const fn http(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Put => reqwest::Method::PUT,
            Self::Post => reqwest::Method::POST,
            Self::Delete => reqwest::Method::DELETE,
        }
    }
}

/// A client of one engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    host: String,
    config: Config,
}

impl Client {
    /// Whether requests carry a token.
    pub fn has_token(&self) -> bool {
        self.config.token.as_deref().is_some_and(|token| !token.is_empty())
    }

    /// A client for `config`. Nothing is sent yet.
    ///
    /// # Errors
    /// An address that is none, or certificates that cannot be read.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        // Installing twice fails and changes nothing: the provider is the same either way.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let invalid = |reason: String| ConfigError::Address { address: config.address.clone(), reason };
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy();
        let (base, host);
        if let Some(path) = config.address.strip_prefix("unix://") {
            builder = without_tls(builder).unix_socket(path);
            base = "http://localhost".to_owned();
            host = path.to_owned();
        } else {
            let address = if config.address.contains("://") {
                config.address.clone()
            } else {
                format!("http://{}", config.address)
            };
            let url = url::Url::parse(&address).map_err(|error| invalid(error.to_string()))?;
            match url.scheme() {
                "http" => builder = without_tls(builder),
                "https" => builder = with_tls(builder, &config)?,
                other => return Err(invalid(format!("unknown scheme {other:?}; use http, https or unix"))),
            }
            let name = url.host_str().ok_or_else(|| invalid("no host".to_owned()))?;
            host = format!("{name}:{}", url.port_or_known_default().unwrap_or(4646));
            base = match config.tls.server_name.as_deref().filter(|_| url.scheme() == "https") {
                None => address.trim_end_matches('/').to_owned(),
                Some(server_name) => {
                    let found;
                    (builder, found) = under_name(builder, &url, server_name)?;
                    found
                }
            };
        }
        let http = builder.build().map_err(|error| ConfigError::Tls(error.to_string()))?;
        Ok(Self { http, base, host, config })
    }

    /// What it was made of.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The same connections under another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let mut other = self.clone();
        other.config.namespace = Some(namespace.to_owned());
        other
    }

    /// Reads `path` (from `/v1` on).
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<Answer<T>> {
        let (response, url) = self.request(Method::Get, path, query, NO_BODY).await?;
        let index = header(&response, "x-nomad-index").and_then(|text| text.parse().ok()).unwrap_or(0);
        let next_token = header(&response, "x-nomad-nexttoken").unwrap_or_default();
        let value = decode(response, Method::Get, &self.host, url).await?;
        Ok(Answer { value, index, next_token })
    }

    /// Writes; the answer may be empty when `T` is `()` or `Value`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn send<T: DeserializeOwned, B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<&B>,
    ) -> Result<T> {
        let (response, url) = self.request(method, path, query, body).await?;
        decode(response, method, &self.host, url).await
    }

    /// Reads `path` as bytes as they come.
    ///
    /// # Errors
    /// Any [`Error`] before the first byte.
    pub async fn stream(&self, path: &str, query: &Query) -> Result<ByteStream> {
        let (response, url) = self.request(Method::Get, path, query, NO_BODY).await?;
        Ok(ByteStream::new(response, url))
    }

    /// Sends a raw request, whatever it answers: status, headers and body.
    ///
    /// # Errors
    /// Only [`Error::Unreachable`].
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, Vec<(String, String)>, Vec<u8>)> {
        let url = format!("{}{path}", self.base);
        let verb = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or(reqwest::Method::GET);
        let mut request = self.http.request(verb, &url);
        if let Some(token) = &self.config.token {
            request = request.header("X-Nomad-Token", token);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let unreachable = |error: reqwest::Error| Error::Unreachable {
            method: "Get",
            url: url.clone(),
            reason: reason(&error, &self.host),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = response.bytes().await.map_err(unreachable)?;
        Ok((status, headers, body.to_vec()))
    }

    /// Asks for a websocket at `path`; the connection once the engine has switched to it.
    pub(crate) async fn upgrade(&self, path: &str, query: &Query) -> Result<reqwest::Upgraded> {
        let url = self.url(path, query);
        let unreachable = |error: &reqwest::Error| Error::Unreachable {
            method: "Get",
            url: url.clone(),
            reason: reason(error, &self.host),
        };
        let key = tokio_tungstenite::tungstenite::handshake::client::generate_key();
        let accepted = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let mut request = self
            .http
            .get(&url)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", key);
        if let Some(token) = self.config.token.as_deref().filter(|token| !token.is_empty()) {
            request = request.header("X-Nomad-Token", token);
        }
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        if response.status() != reqwest::StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status().as_u16();
            let body = response.text().await.unwrap_or_default().trim().to_owned();
            return Err(Error::Status { status, body, url });
        }
        if header(&response, "sec-websocket-accept") != Some(accepted) {
            return Err(Error::Decode { url, reason: "the answer belongs to another websocket".to_owned() });
        }
        response.upgrade().await.map_err(|error| unreachable(&error))
    }

    /// The URL of `path` under `query`, with the client's region and namespace, keys in order.
    pub fn url(&self, path: &str, query: &Query) -> String {
        let mut pairs: Vec<(&str, &str)> =
            query.pairs().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if let Some(namespace) = self.config.namespace.as_deref().filter(|_| !query.has("namespace")) {
            pairs.push(("namespace", namespace));
        }
        if let Some(region) = self.config.region.as_deref().filter(|_| !query.has("region")) {
            pairs.push(("region", region));
        }
        pairs.sort_unstable();
        let mut url = format!("{}{path}", self.base);
        if !pairs.is_empty() {
            let text: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            url.push(if path.contains('?') { '&' } else { '?' });
            url.push_str(&text);
        }
        url
    }

    async fn request<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<&B>,
    ) -> Result<(reqwest::Response, String)> {
        let url = self.url(path, query);
        let mut request = self.http.request(method.http(), &url);
        if let Some(token) = self.config.token.as_deref().filter(|token| !token.is_empty()) {
            request = request.header("X-Nomad-Token", token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Err(Error::Unreachable { method: method.name(), reason: reason(&error, &self.host), url });
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok((response, url));
        }
        let body = response.text().await.unwrap_or_default().trim().to_owned();
        Err(Error::Status { status: status.as_u16(), body, url })
    }
}

/// A path segment: everything but unreserved characters escaped, as job ids may hold `/`.
pub(crate) fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte as char),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

/// Plain HTTP needs no roots: reading the system's would cost more than the request.
fn without_tls(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    let config =
        rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    builder.tls_backend_preconfigured(config)
}

/// Requests go to the hosts of `url` under the name `server_name`, which TLS then asks for; the new base.
fn under_name(
    builder: reqwest::ClientBuilder,
    url: &url::Url,
    server_name: &str,
) -> Result<(reqwest::ClientBuilder, String), ConfigError> {
    let addresses = url
        .socket_addrs(|| Some(4646))
        .map_err(|source| ConfigError::Resolve { host: url.authority().to_owned(), source })?;
    let port = url.port_or_known_default().unwrap_or(4646);
    let base = format!("https://{server_name}:{port}{}", url.path().trim_end_matches('/'));
    Ok((builder.resolve_to_addrs(server_name, &addresses), base))
}

fn with_tls(mut builder: reqwest::ClientBuilder, config: &Config) -> Result<reqwest::ClientBuilder, ConfigError> {
    let tls = &config.tls;
    let bad = |error: reqwest::Error| ConfigError::Tls(error.to_string());
    let mut authorities = Vec::new();
    if let Some(path) = &tls.ca_cert {
        authorities.push(read(path)?);
    } else if let Some(folder) = &tls.ca_path {
        let entries = std::fs::read_dir(folder).map_err(|source| ConfigError::File { path: folder.clone(), source })?;
        for entry in entries.flatten().filter(|entry| entry.path().is_file()) {
            authorities.push(read(&entry.path())?);
        }
    }
    let mut roots = Vec::new();
    for pem in &authorities {
        roots.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(bad)?);
    }
    if !roots.is_empty() {
        builder = builder.tls_certs_only(roots);
    }
    if let (Some(cert), Some(key)) = (&tls.client_cert, &tls.client_key) {
        let mut pem = read(cert)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(bad)?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.skip_verify))
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })
}

fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

async fn decode<T: DeserializeOwned>(
    response: reqwest::Response,
    method: Method,
    host: &str,
    url: String,
) -> Result<T> {
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Err(Error::Unreachable { method: method.name(), reason: reason(&error, host), url }),
    };
    let unreadable = |error: serde_json::Error, url: String| Error::Decode { url, reason: error.to_string() };
    let mut value = if body.iter().all(u8::is_ascii_whitespace) {
        Value::Null
    } else {
        match serde_json::from_slice(&body) {
            Ok(value) => value,
            Err(error) => return Err(unreadable(error, url)),
        }
    };
    // The value itself first, so that raw JSON keeps its nulls; types that know no null get another try without.
    match T::deserialize(&value) {
        Ok(decoded) => Ok(decoded),
        Err(_) => {
            strip_nulls(&mut value);
            serde_json::from_value(value).map_err(|error| unreadable(error, url))
        }
    }
}

/// Removes fields that are null, so that they read as missing.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_carry_region_and_namespace_in_order() {
        let mut config = Config::at("http://127.0.0.1:4646/");
        config.namespace = Some("team".into());
        let client = Client::new(config).unwrap();
        let query = Query::new().prefix("a b");
        assert_eq!(client.url("/v1/jobs", &query), "http://127.0.0.1:4646/v1/jobs?namespace=team&prefix=a+b");
        assert_eq!(client.url("/v1/jobs", &Query::new().namespace("*")), "http://127.0.0.1:4646/v1/jobs?namespace=*");
    }

    #[test]
    fn job_ids_with_slashes_stay_one_segment() {
        assert_eq!(segment("nightly/periodic-1"), "nightly%2Fperiodic-1");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(Client::new(Config::at("not an address")).is_err());
        assert!(Client::new(Config::at("ftp://host")).is_err());
    }

    #[tokio::test]
    async fn an_unreachable_engine_is_named() {
        let client = Client::new(Config::at("http://127.0.0.1:1")).unwrap();
        let error = client.get::<Value>("/v1/jobs", &Query::new()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Get \"http://127.0.0.1:1/v1/jobs\": dial tcp 127.0.0.1:1: connect: connection refused"
        );
    }
}
