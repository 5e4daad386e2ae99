//! Drover's registry server.

use super::net::{body, encoded, json, send};
use super::{ClientContext, ClientError, Credential, FoundPack, PublishOutcome, Published, RegistryClient, Release};
use crate::archive::Limits;
use crate::name;
use crate::sign::SignatureDocument;
use crate::source::HttpSource;
use crate::wire::{
    DIGEST_HEADER, ErrorBody, PackDetail, PackList, SIGNATURE_HEADER, SIGNATURE_MEDIA_TYPE, SignatureList,
    VersionDetail, WhoAmI, YankRequest, Yanked,
};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder, Response, StatusCode};

/// Versions of one search page.
const PAGE: usize = 100;
/// No search brings more than this.
const MAX_FOUND: usize = 1_000;

/// A client of one server, or of one team on it.
pub struct HttpClient {
    source: HttpSource,
    registry: String,
    client: reqwest::Client,
    credential: Option<Credential>,
}

impl HttpClient {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// The certificates or proxies are wrong.
    pub fn new(source: &HttpSource, context: &ClientContext) -> Result<Self, ClientError> {
        let registry = source.base.clone();
        let client = context.network.client(&registry)?;
        let credential = context.credentials.of(&host(&source.base), false);
        Ok(Self { source: source.clone(), registry, client, credential })
    }

    /// Whose token is used, as the server sees it.
    ///
    /// # Errors
    /// The token is not accepted, or the server does not answer.
    pub async fn who_am_i(&self) -> Result<WhoAmI, ClientError> {
        let answer = self.send(Method::GET, "/whoami", |request| request).await?;
        json(&self.registry, self.accepted("the token", answer).await?).await
    }

    fn path(&self, pack: &str) -> String {
        let (team, name) = match &self.source.team {
            Some(team) => (team.as_str(), pack),
            None => pack.split_once('/').unwrap_or(("", pack)),
        };
        format!("/packs/{}/{}", encoded(team), encoded(name))
    }

    fn version_path(&self, pack: &str, published: &Published) -> String {
        format!("{}/versions/{}", self.path(pack), encoded(&published.version.to_string()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        shape: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, ClientError> {
        let url = format!("{}/v1{path}", self.source.base);
        let make = || {
            let request = shape(self.client.request(method.clone(), &url));
            match &self.credential {
                Some(Credential::Token(token) | Credential::Identity(token)) => request.bearer_auth(token),
                Some(Credential::Password { password, .. }) => request.bearer_auth(password),
                None => request,
            }
        };
        send(&self.registry, make).await
    }

    async fn accepted(&self, what: &str, answer: Response) -> Result<Response, ClientError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = body(&self.registry, answer, super::net::MAX_DOCUMENT_BYTES).await?;
        let said = serde_json::from_slice::<ErrorBody>(&text).ok().map(|body| body.error);
        let mut reason = match &said {
            Some(said) => said.message.clone(),
            None => format!("it answers {status} to a request about {what}"),
        };
        if let Some(hint) = said.as_ref().and_then(|said| said.hint.as_ref()) {
            reason.push_str(&format!("; {hint}"));
        }
        let registry = self.registry.clone();
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClientError::Denied { registry, reason },
            StatusCode::NOT_FOUND => ClientError::NotFound { what: what.to_owned(), registry },
            _ => ClientError::Answer { registry, reason },
        })
    }

    async fn detail(&self, pack: &str) -> Result<PackDetail, ClientError> {
        let answer = self.send(Method::GET, &self.path(pack), |request| request).await?;
        json(&self.registry, self.accepted(&format!("the pack {pack}"), answer).await?).await
    }
}

fn host(base: &str) -> String {
    let after = base.split_once("://").map_or(base, |(_, rest)| rest);
    after.split('/').next().unwrap_or(after).to_owned()
}

#[async_trait]
impl RegistryClient for HttpClient {
    async fn search(&self, text: &str) -> Result<Vec<FoundPack>, ClientError> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let limit = PAGE.to_string();
            let mut query = vec![("q", text), ("limit", &limit)];
            if let Some(team) = &self.source.team {
                query.push(("team", team));
            }
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let answer = self.send(Method::GET, "/packs", |request| request.query(&query)).await?;
            let list: PackList = json(&self.registry, self.accepted("packs", answer).await?).await?;
            found.extend(list.packs.into_iter().map(|pack| FoundPack {
                pack: match self.source.team {
                    Some(_) => pack.name,
                    None => format!("{}/{}", pack.team, pack.name),
                },
                description: pack.description,
                latest: pack.latest,
            }));
            cursor = list.next;
            if cursor.is_none() || found.len() >= MAX_FOUND {
                return Ok(found);
            }
        }
    }

    async fn versions(&self, pack: &str) -> Result<Vec<Published>, ClientError> {
        let detail = self.detail(pack).await?;
        // A version that we cannot read is not one that could be chosen.
        let known = detail.versions.into_iter().filter_map(|summary| {
            Some(Published {
                version: name::version(&summary.version).ok()?,
                digest: Some(summary.digest),
                yanked: summary.yanked,
                published_at: summary.published_at,
                handle: summary.version,
            })
        });
        Ok(known.collect())
    }

    async fn fetch(&self, pack: &str, version: &Published) -> Result<Vec<u8>, ClientError> {
        let path = format!("{}/archive", self.version_path(pack, version));
        let answer = self.send(Method::GET, &path, |request| request).await?;
        let what = format!("{pack} {}", version.version);
        let answer = self.accepted(&what, answer).await?;
        body(&self.registry, answer, Limits::default().archive_bytes).await
    }

    async fn signatures(&self, pack: &str, version: &Published) -> Result<Vec<SignatureDocument>, ClientError> {
        let path = format!("{}/signatures", self.version_path(pack, version));
        let answer = self.send(Method::GET, &path, |request| request).await?;
        let answer = self.accepted(&format!("{pack} {}", version.version), answer).await?;
        let list: SignatureList = json(&self.registry, answer).await?;
        Ok(list.signatures)
    }

    async fn publish(&self, pack: &str, release: &Release) -> Result<PublishOutcome, ClientError> {
        let what = format!("{pack} {}", release.version);
        let path = self.version_path(pack, &Published::of(release.version.clone()));
        let bytes = bytes::Bytes::from(release.archive.bytes.clone());
        let documents: Vec<String> = release
            .signatures
            .iter()
            .map(|document| STANDARD.encode(serde_json::to_vec(document).unwrap_or_default()))
            .collect();
        let answer = self
            .send(Method::PUT, &path, |request| {
                let request = request
                    .header("content-type", release.archive.media_type.as_str())
                    .header(DIGEST_HEADER, release.archive.digest.to_string())
                    .body(bytes.clone());
                documents.iter().fold(request, |request, document| request.header(SIGNATURE_HEADER, document))
            })
            .await?;
        if answer.status() == StatusCode::CONFLICT {
            let published = self.versions(pack).await.unwrap_or_default();
            let digest = published.into_iter().find(|one| one.version == release.version).and_then(|one| one.digest);
            return Err(ClientError::Exists { what, registry: self.registry.clone(), digest });
        }
        let is_new = answer.status() == StatusCode::CREATED;
        let detail: VersionDetail = json(&self.registry, self.accepted(&what, answer).await?).await?;
        let digest = detail.summary.digest;
        Ok(if is_new { PublishOutcome::Created { digest } } else { PublishOutcome::Same { digest } })
    }

    async fn add_signature(
        &self,
        pack: &str,
        version: &Published,
        signature: &SignatureDocument,
    ) -> Result<(), ClientError> {
        let path = format!("{}/signatures/{}", self.version_path(pack, version), encoded(&signature.key_id));
        let document = serde_json::to_vec(signature).unwrap_or_default();
        let shape =
            |request: RequestBuilder| request.header("content-type", SIGNATURE_MEDIA_TYPE).body(document.clone());
        let answer = self.send(Method::PUT, &path, shape).await?;
        self.accepted(&format!("{pack} {}", version.version), answer).await.map(drop)
    }

    async fn yank(&self, pack: &str, version: &Published, yanked: Option<&Yanked>) -> Result<(), ClientError> {
        let path = format!("{}/yank", self.version_path(pack, version));
        let answer = match yanked {
            Some(yanked) => {
                let request = YankRequest { reason: yanked.reason.clone() };
                self.send(Method::PUT, &path, |builder| builder.json(&request)).await?
            }
            None => self.send(Method::DELETE, &path, |request| request).await?,
        };
        self.accepted(&format!("{pack} {}", version.version), answer).await.map(drop)
    }
}
