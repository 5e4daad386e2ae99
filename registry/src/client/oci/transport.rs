//! Requests to a registry of images: who asks, blobs, manifests.

use super::super::net::{MAX_DOCUMENT_BYTES, NetworkOptions, body, json, send};
use super::super::{ClientContext, ClientError, Credential};
use super::manifest::{INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE};
use crate::Digest;
use crate::source::{OciSource, is_loopback};
use parking_lot::Mutex;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Manifests are small; so says the specification too.
const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

pub(super) struct Transport {
    registry: String,
    base: String,
    client: reqwest::Client,
    credential: Option<Credential>,
    /// What proves who we are, by what it is for.
    proofs: Mutex<BTreeMap<String, Proof>>,
}

#[derive(Clone)]
enum Proof {
    Token(String),
    Basic,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

#[derive(Deserialize, Default)]
struct Errors {
    #[serde(default)]
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Transport {
    pub fn new(source: &OciSource, context: &ClientContext) -> Result<Self, ClientError> {
        let registry = format!("oci://{}", source.host);
        // Docker's own name is not the one that answers.
        let host = if source.host == "docker.io" { "registry-1.docker.io" } else { &source.host };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let scheme = if is_loopback(name) { "http" } else { "https" };
        let network: &NetworkOptions = &context.network;
        Ok(Self {
            base: format!("{scheme}://{host}"),
            client: network.client(&registry)?,
            credential: context.credentials.of(&source.host, true),
            registry,
            proofs: Mutex::default(),
        })
    }

    /// Sends a request about a repository; when the registry asks who we are, tells it and sends it again.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        repository: &str,
        shape: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, ClientError> {
        let url = if path.contains("://") { path.to_owned() } else { format!("{}{path}", self.base) };
        let is_reading = matches!(method, Method::GET | Method::HEAD);
        let key = format!("{repository} {}", if is_reading { "pull" } else { "pull,push" });
        let make = || {
            let request = shape(self.client.request(method.clone(), &url));
            // An upload may be sent elsewhere; who we are is this registry's business alone.
            let proof = self.proofs.lock().get(&key).cloned().filter(|_| url.starts_with(&self.base));
            match (proof, &self.credential) {
                (Some(Proof::Token(token)), _) => request.bearer_auth(token),
                (Some(Proof::Basic), Some(Credential::Password { username, password })) => {
                    request.basic_auth(username, Some(password))
                }
                _ => request,
            }
        };
        let answer = send(&self.registry, make).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let challenge = answer.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
        let Some(proof) = self.prove(challenge.unwrap_or_default(), repository, is_reading).await? else {
            return Ok(answer);
        };
        self.proofs.lock().insert(key.clone(), proof);
        send(&self.registry, make).await
    }

    async fn prove(&self, challenge: &str, repository: &str, reads: bool) -> Result<Option<Proof>, ClientError> {
        let (kind, parameters) = challenge.split_once(' ').unwrap_or((challenge, ""));
        let parameters = parameters_of(parameters);
        if kind.eq_ignore_ascii_case("basic") {
            return Ok(matches!(self.credential, Some(Credential::Password { .. })).then_some(Proof::Basic));
        }
        let Some(realm) = parameters.get("realm").filter(|_| kind.eq_ignore_ascii_case("bearer")) else {
            return Ok(None);
        };
        if !realm.starts_with("https://") && !self.base.starts_with("http://") {
            return Err(self.wrong(format!("it wants a password sent in the clear, to {realm}")));
        }
        let actions = if reads { "pull" } else { "pull,push" };
        let default_scope = match repository {
            "" => None,
            repository => Some(format!("repository:{repository}:{actions}")),
        };
        let scope = parameters.get("scope").cloned().or(default_scope).unwrap_or_default();
        let service = parameters.get("service").cloned().unwrap_or_default();
        let make = || match &self.credential {
            Some(Credential::Identity(token) | Credential::Token(token)) => self.client.post(realm).form(&[
                ("grant_type", "refresh_token"),
                ("service", &service),
                ("scope", &scope),
                ("client_id", "drover"),
                ("refresh_token", token),
            ]),
            other => {
                let request = self.client.get(realm).query(&[("service", &service), ("scope", &scope)]);
                match other {
                    Some(Credential::Password { username, password }) => request.basic_auth(username, Some(password)),
                    _ => request,
                }
            }
        };
        let answer = send(&self.registry, make).await?;
        if !answer.status().is_success() {
            let reason = format!("its token service {realm} answers {}", answer.status());
            return Err(ClientError::Denied { registry: self.registry.clone(), reason });
        }
        let answer: TokenAnswer = json(&self.registry, answer).await?;
        let token = if answer.token.is_empty() { answer.access_token } else { answer.token };
        Ok((!token.is_empty()).then_some(Proof::Token(token)))
    }

    pub fn wrong(&self, reason: String) -> ClientError {
        ClientError::Answer { registry: self.registry.clone(), reason }
    }

    pub async fn accepted(&self, what: &str, answer: Response) -> Result<Response, ClientError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = body(&self.registry, answer, MAX_DOCUMENT_BYTES).await.unwrap_or_default();
        let errors: Errors = serde_json::from_slice(&text).unwrap_or_default();
        let said: Vec<String> =
            errors.errors.iter().map(|error| format!("{} ({})", error.message, error.code)).collect();
        let reason = match said.is_empty() {
            true => format!("it answers {status} to a request about {what}"),
            false => format!("{what}: {}", said.join(", ")),
        };
        let registry = self.registry.clone();
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClientError::Denied { registry, reason },
            StatusCode::NOT_FOUND => ClientError::NotFound { what: what.to_owned(), registry },
            _ => ClientError::Answer { registry, reason },
        })
    }

    /// The bytes of a manifest or index and their digest; none when it is not there.
    pub async fn manifest(&self, repository: &str, reference: &str) -> Result<Option<(Vec<u8>, Digest)>, ClientError> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let accept = format!("{MANIFEST_MEDIA_TYPE}, {INDEX_MEDIA_TYPE}");
        let answer = self.send(Method::GET, &path, repository, |request| request.header("accept", &accept)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = self.accepted(&format!("{repository}:{reference}"), answer).await?;
        let bytes = body(&self.registry, answer, MAX_MANIFEST_BYTES).await?;
        let digest = Digest::of(&bytes);
        if let Ok(expected) = reference.parse::<Digest>()
            && expected != digest
        {
            return Err(crate::archive::ArchiveError::WrongDigest { expected, actual: digest }.into());
        }
        Ok(Some((bytes, digest)))
    }

    /// Writes a manifest; answers whether the registry itself lists manifests by their subject.
    pub async fn push_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<bool, ClientError> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let shape = |request: RequestBuilder| request.header("content-type", media_type).body(bytes.to_vec());
        let answer = self.send(Method::PUT, &path, repository, shape).await?;
        let answer = self.accepted(&format!("{repository}:{reference}"), answer).await?;
        Ok(answer.headers().contains_key("oci-subject"))
    }

    pub async fn blob(&self, repository: &str, digest: &Digest, size: u64) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let answer = self.send(Method::GET, &path, repository, |request| request).await?;
        let answer = self.accepted(&format!("{repository}@{digest}"), answer).await?;
        body(&self.registry, answer, size).await
    }

    /// Uploads a blob in one piece, unless it is there.
    pub async fn push_blob(&self, repository: &str, digest: &Digest, bytes: Vec<u8>) -> Result<(), ClientError> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let known = self.send(Method::HEAD, &path, repository, |request| request).await?;
        if known.status().is_success() {
            return Ok(());
        }
        let path = format!("/v2/{repository}/blobs/uploads/");
        let answer = self.send(Method::POST, &path, repository, |request| request.header("content-length", 0)).await?;
        let answer = self.accepted(repository, answer).await?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.wrong("it names no place for an upload".to_owned()))?;
        let joint = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{joint}digest={digest}");
        let bytes = bytes::Bytes::from(bytes);
        let shape =
            |request: RequestBuilder| request.header("content-type", "application/octet-stream").body(bytes.clone());
        let answer = self.send(Method::PUT, &target, repository, shape).await?;
        self.accepted(repository, answer).await.map(drop)
    }

    pub async fn delete_tag(&self, repository: &str, tag: &str) -> Result<(), ClientError> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let answer = self.send(Method::DELETE, &path, repository, |request| request).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(()),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::BAD_REQUEST => Err(ClientError::Unsupported {
                registry: self.registry.clone(),
                reason: format!("it does not let tags be deleted, so that {repository}:{tag} stays"),
            }),
            _ => self.accepted(tag, answer).await.map(drop),
        }
    }
}

/// `a="x, y",b=z` by name.
fn parameters_of(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value.trim().to_owned());
        rest = next;
    }
    found
}

/// The address in `Link: <…>; rel="next"`.
pub(super) fn next_page(answer: &Response) -> Option<String> {
    let link = answer.headers().get("link")?.to_str().ok()?;
    let (address, rest) = link.strip_prefix('<')?.split_once('>')?;
    // Another host is not this registry.
    (rest.contains("next") && address.starts_with('/')).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_taken_apart() {
        let found = parameters_of("realm=\"https://a/t?x=1,2\",service=\"r\", scope=\"repository:x:pull,push\"");
        assert_eq!((found["realm"].as_str(), found["service"].as_str()), ("https://a/t?x=1,2", "r"));
        assert_eq!(found["scope"], "repository:x:pull,push");
    }
}
