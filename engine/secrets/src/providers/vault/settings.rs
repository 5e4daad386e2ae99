//! How a server is reached, and as whom.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::{Secret, SecretRef, SettingsError, Taint, duration};

/// How long one request may take when nobody says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a request is tried again when nobody says otherwise.
const DEFAULT_RETRIES: u32 = 2;
/// The most that somebody may ask for.
const MAX_RETRIES: u32 = 10;

/// The `secrets "vault"` block of a stack. Credentials are references, such as `env:ROLE_SECRET_ID`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultSettings {
    /// Of the server, as `https://vault.example:8200`.
    pub address: Option<String>,
    /// Namespace of the server.
    pub namespace: Option<String>,
    /// File of certificate authorities (PEM).
    pub ca_cert: Option<PathBuf>,
    /// Name that the server's certificate is checked against.
    pub tls_server_name: Option<String>,
    /// How long one request may take, as `15s`.
    pub timeout: Option<String>,
    /// How often a request is tried again.
    pub retries: Option<u32>,
    /// How to log in; without it the person's token is used.
    pub auth: Option<AuthSettings>,
}

/// An `auth "METHOD" {}` block.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum AuthSettings {
    /// A token: the one that is named, else the person's.
    Token(TokenSettings),
    /// A role's id and secret id.
    AppRole(AppRoleSettings),
    /// A signed token of somebody whom the server trusts, such as a CI system.
    Jwt(JwtSettings),
    /// A client certificate.
    Cert(CertSettings),
}

/// `auth "token"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// Reference to it.
    pub token: Option<Reference>,
}

/// `auth "approle"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRoleSettings {
    /// Where the method is mounted; `approle` unless said.
    pub mount: Option<String>,
    /// The role's id.
    pub role_id: String,
    /// Reference to the secret id; roles may do without one.
    pub secret_id: Option<Reference>,
}

/// `auth "jwt"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSettings {
    /// Where the method is mounted; `jwt` unless said.
    pub mount: Option<String>,
    /// The role; the method's default unless said.
    pub role: Option<String>,
    /// Reference to the signed token.
    pub jwt: Reference,
}

/// `auth "cert"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertSettings {
    /// Where the method is mounted; `cert` unless said.
    pub mount: Option<String>,
    /// The role; any that fits unless said.
    pub role: Option<String>,
    /// File of the certificate (PEM).
    pub client_cert: Option<PathBuf>,
    /// File of its key (PEM).
    pub client_key: Option<PathBuf>,
}

/// A reference in settings. Its text is not repeated when it is none: somebody may have put a value there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(pub SecretRef);

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let problem = "credentials such as token, secret_id and jwt are written as references, for example secret_id = \"env:VAULT_SECRET_ID\"; a stack's files hold no credentials";
        text.parse().map(Self).map_err(|_| serde::de::Error::custom(problem))
    }
}

/// What the person's environment says.
#[derive(Clone, Debug, Default)]
pub struct VaultDefaults {
    /// `VAULT_ADDR`.
    pub address: Option<String>,
    /// `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// `VAULT_CACERT`.
    pub ca_cert: Option<PathBuf>,
    /// `VAULT_CLIENT_CERT`.
    pub client_cert: Option<PathBuf>,
    /// `VAULT_CLIENT_KEY`.
    pub client_key: Option<PathBuf>,
    /// `VAULT_TLS_SERVER_NAME`.
    pub tls_server_name: Option<String>,
    /// `VAULT_SKIP_VERIFY`.
    pub skip_verify: bool,
    /// `VAULT_TOKEN`.
    pub token: Option<Secret<String>>,
    /// `~/.vault-token`, and what else a login leaves; the first that is there counts.
    pub token_files: Vec<PathBuf>,
}

type Answer = dyn Fn(&SecretRef) -> Result<Secret<String>, String> + Send + Sync;

/// Answers the references that settings hold.
#[derive(Clone)]
pub struct Credentials(Arc<Answer>);

impl Credentials {
    /// `answer` gives the value of a reference, or says why it cannot.
    pub fn new(answer: impl Fn(&SecretRef) -> Result<Secret<String>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    pub(super) fn get(&self, reference: &Reference) -> Result<Secret<String>, String> {
        (self.0)(&reference.0)
    }
}

/// Settings and environment together.
#[derive(Clone)]
pub(super) struct Plan {
    /// None when nobody named a server; then nothing can be read.
    pub(super) address: Option<Url>,
    pub(super) namespace: Option<String>,
    pub(super) ca_cert: Option<PathBuf>,
    pub(super) client: Option<(PathBuf, PathBuf)>,
    pub(super) tls_server_name: Option<String>,
    pub(super) skip_verify: bool,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) auth: AuthSettings,
    pub(super) token: Option<Secret<String>>,
    pub(super) token_files: Vec<PathBuf>,
    pub(super) credentials: Credentials,
    pub(super) taint: Taint,
}

impl Plan {
    pub(super) fn new(
        settings: &VaultSettings,
        defaults: &VaultDefaults,
        credentials: Credentials,
        taint: Taint,
    ) -> Result<Self, SettingsError> {
        let address = settings.address.as_ref().or(defaults.address.as_ref());
        let address = address.map(|text| url(text)).transpose()?;
        let auth = settings.auth.clone().unwrap_or(AuthSettings::Token(TokenSettings::default()));
        let own = match &auth {
            AuthSettings::Cert(cert) => (cert.client_cert.clone(), cert.client_key.clone()),
            _ => (None, None),
        };
        let client =
            match (own.0.or_else(|| defaults.client_cert.clone()), own.1.or_else(|| defaults.client_key.clone())) {
                (Some(certificate), Some(key)) => Some((certificate, key)),
                (None, None) if !matches!(auth, AuthSettings::Cert(_)) => None,
                _ => {
                    let reason = "a client certificate needs both `client_cert` and `client_key`".to_owned();
                    return Err(SettingsError::Bad { reason });
                }
            };
        // A token in the environment is for the server in the environment: it does not go to one that a stack names, unless
        // they are the same or the environment names none.
        let foreign = match (&settings.address, &defaults.address) {
            (Some(named), Some(own)) => url(named)?.origin() != url(own)?.origin(),
            _ => false,
        };
        Ok(Self {
            address,
            namespace: settings.namespace.clone().or_else(|| defaults.namespace.clone()),
            ca_cert: settings.ca_cert.clone().or_else(|| defaults.ca_cert.clone()),
            client,
            tls_server_name: settings.tls_server_name.clone().or_else(|| defaults.tls_server_name.clone()),
            skip_verify: defaults.skip_verify,
            timeout: settings.timeout.as_deref().map(duration::parse).transpose()?.unwrap_or(DEFAULT_TIMEOUT),
            retries: settings.retries.unwrap_or(DEFAULT_RETRIES).min(MAX_RETRIES),
            auth,
            token: defaults.token.clone().filter(|_| !foreign),
            token_files: if foreign { Vec::new() } else { defaults.token_files.clone() },
            credentials,
            taint,
        })
    }
}

fn url(text: &str) -> Result<Url, SettingsError> {
    let bad =
        || SettingsError::Bad { reason: format!("the address {text:?} is no URL such as https://vault.example:8200") };
    let url = Url::parse(text).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad());
    }
    Ok(url)
}
