//! What is known about a server while secrets of it are used: the token, the mounts, the leases.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::auth::{self, Token};
use super::http::{Fault, Http};
use super::lease::{Held, Term};
use super::read::{Kind, Mount, split};
use super::settings::Plan;
use crate::{Access, Lease, ProviderError, SecretData, SecretRef, document};

/// How long the end of a session may take, with all that is revoked.
const MAX_CLOSING: Duration = Duration::from_secs(10);

/// A session; it logs in when it is first asked for something.
pub(super) struct Session {
    plan: Plan,
    address: String,
    open: Option<Open>,
    /// Why logging in failed; it is not tried again for each reference.
    failed: Option<ProviderError>,
}

struct Open {
    http: Http,
    token: Token,
    term: Term,
    mounts: Vec<Mount>,
    leases: Vec<Held>,
}

impl Session {
    pub(super) fn new(plan: Plan) -> Self {
        let address =
            plan.address.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()).unwrap_or_default();
        Self { plan, address, open: None, failed: None }
    }

    async fn open(&mut self) -> Result<&mut Open, ProviderError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.open.is_none() {
            match self.connect().await {
                Ok(open) => self.open = Some(open),
                Err(error) => {
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
        }
        Ok(self.open.as_mut().expect("it was opened above"))
    }

    async fn connect(&self) -> Result<Open, ProviderError> {
        let Some(address) = &self.plan.address else {
            let reason =
                "nobody says where Vault is: set VAULT_ADDR, or write `address` in a block `secrets \"vault\"`";
            return Err(ProviderError::Unavailable { reason: reason.to_owned() });
        };
        let http = Http::new(&self.plan, address).map_err(|reason| ProviderError::Unavailable { reason })?;
        let token = auth::token(&http, &self.plan, &self.address).await?;
        let term = Term::new(token.seconds, token.is_renewable);
        Ok(Open { http, token, term, mounts: Vec::new(), leases: Vec::new() })
    }

    pub(super) async fn read(&mut self, path: &str) -> Result<SecretData, ProviderError> {
        let address = self.address.clone();
        let open = self.open().await?;
        let (bare, arguments) = split(path);
        let mount = open.mount(bare).await.map_err(|fault| fault.explain(&format!("reading {bare}"), &address))?;
        let (answer, asked) = match &mount {
            Some(mount) if mount.kind == Kind::Kv2 => {
                let query: Vec<String> = arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let asked = mount.below("data", bare);
                let whole = if query.is_empty() { asked.clone() } else { format!("{asked}?{}", query.join("&")) };
                (open.get(&whole).await, asked)
            }
            // As with other clients: what has arguments is written, and the answer is the secret.
            _ if !arguments.is_empty() => {
                let body: serde_json::Map<String, Value> =
                    arguments.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
                (open.put(bare, Value::Object(body)).await, bare.to_owned())
            }
            _ => (open.get(bare).await, bare.to_owned()),
        };
        let answer = answer.map_err(|fault| explain(fault, path, &asked, mount.as_ref(), &address))?;
        let is_versioned = mount.is_some_and(|mount| mount.kind == Kind::Kv2);
        let data = if is_versioned { &answer["data"]["data"] } else { &answer["data"] };
        if !data.is_object() {
            let hint = format!("Vault at {address} has no secret at {asked}");
            return Err(ProviderError::NotFound { hint });
        }
        open.hold(path, &answer);
        Ok(SecretData::Fields(document::fields(data)))
    }

    /// Whether a path can be read: by the token's capabilities, and where the engine has versions also whether it is there.
    pub(super) async fn check(&mut self, reference: &SecretRef) -> Result<Access, ProviderError> {
        let address = self.address.clone();
        let open = self.open().await?;
        let (bare, arguments) = split(reference.path());
        let mount = open.mount(bare).await.map_err(|fault| fault.explain(&format!("reading {bare}"), &address))?;
        let versioned = mount.filter(|mount| mount.kind == Kind::Kv2);
        let asked = versioned.as_ref().map_or_else(|| bare.to_owned(), |mount| mount.below("data", bare));
        let wanted: &[&str] =
            if versioned.is_none() && !arguments.is_empty() { &["update", "create"] } else { &["read"] };
        let body = json!({"paths": [asked]});
        let answer = open.put("sys/capabilities-self", body).await;
        let answer = answer.map_err(|fault| fault.explain(&format!("what may be done with {asked}"), &address))?;
        let capabilities = &answer["data"][&asked];
        let has = |name: &str| capabilities.as_array().into_iter().flatten().any(|known| known.as_str() == Some(name));
        if !has("root") && !wanted.iter().any(|name| has(name)) {
            let reason = format!("the token at {address} has no capability `{}` on {asked}", wanted.join("` or `"));
            return Err(ProviderError::Denied { reason });
        }
        match versioned {
            Some(mount) => open.look(&mount, bare, reference.field(), &address).await,
            None => Ok(Access::Readable),
        }
    }

    pub(super) fn lease(&self, path: &str) -> Option<Lease> {
        let open = self.open.as_ref()?;
        let held = open.leases.iter().find(|held| held.path == path)?;
        // A lease ends with the token that it was got with.
        let lasts = if open.token.seconds > 0 { held.term.lasts.min(open.term.lasts) } else { held.term.lasts };
        Some(Lease { lasts })
    }

    pub(super) async fn keep(&mut self, path: &str) {
        let Some(open) = &mut self.open else { return };
        // For as long as can be had, from now on.
        open.renew_token().await;
        for index in 0..open.leases.len() {
            if open.leases[index].path == path {
                open.leases[index].is_kept = true;
                open.renew_lease(index).await;
            }
        }
    }

    pub(super) fn next_renewal(&self) -> Option<Instant> {
        let open = self.open.as_ref()?;
        let leases = open.leases.iter().filter_map(|held| held.term.renew_at());
        leases.chain(open.term.renew_at()).min()
    }

    /// Renews what is due.
    pub(super) async fn renew(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.term.is_due() {
            open.renew_token().await;
        }
        for index in 0..open.leases.len() {
            if open.leases[index].term.is_due() {
                open.renew_lease(index).await;
            }
        }
    }

    /// Revokes what nobody uses any more.
    pub(super) async fn close(self) {
        let Some(open) = self.open else { return };
        // What is not revoked in time ends by itself.
        let _ = timeout(MAX_CLOSING, open.revoke()).await;
    }
}

impl Open {
    async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.http.call(Method::GET, path, Some(&self.token.secret), None).await
    }

    async fn put(&self, path: &str, body: Value) -> Result<Value, Fault> {
        self.http.call(Method::PUT, path, Some(&self.token.secret), Some(&body)).await
    }

    /// What is mounted there; none where the server does not tell.
    async fn mount(&mut self, path: &str) -> Result<Option<Mount>, Fault> {
        if let Some(known) = self.mounts.iter().find(|mount| path.starts_with(mount.path.as_str())) {
            return Ok(Some(known.clone()));
        }
        match self.get(&format!("sys/internal/ui/mounts/{path}")).await {
            Ok(answer) => {
                let mount = Mount::parse(&answer);
                self.mounts.extend(mount.clone());
                Ok(mount)
            }
            // It does not tell a token without access to the mount; reading says what is wrong.
            Err(fault) if matches!(fault.code(), Some(400 | 403 | 404)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Whether a versioned secret and its field are there. Only names are asked for.
    async fn look(
        &self,
        mount: &Mount,
        path: &str,
        field: Option<&str>,
        address: &str,
    ) -> Result<Access, ProviderError> {
        let asked = mount.below("subkeys", path);
        let answer = match self.get(&asked).await {
            Ok(answer) => answer,
            Err(fault) if fault.code() == Some(404) => {
                return Err(explain(fault, path, &mount.below("data", path), Some(mount), address));
            }
            // Reading may be allowed where looking is not.
            Err(_) => return Ok(Access::Readable),
        };
        let mut at = &answer["data"]["subkeys"];
        for part in field.into_iter().flat_map(|field| field.split('.')) {
            let Some(inner) = at.as_object().and_then(|members| members.get(part)) else {
                let known: Vec<&str> = answer["data"]["subkeys"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str())
                    .collect();
                let field = field.unwrap_or_default();
                let hint = format!("there is no field `{field}`; there are: {}", known.join(", "));
                return Err(ProviderError::NotFound { hint });
            };
            at = inner;
        }
        Ok(Access::Readable)
    }

    /// Remembers the lease of an answer.
    fn hold(&mut self, path: &str, answer: &Value) {
        let Some(id) = answer["lease_id"].as_str().filter(|id| !id.is_empty()) else { return };
        let is_renewable = answer["renewable"].as_bool().unwrap_or(false);
        let term = Term::new(answer["lease_duration"].as_u64().unwrap_or(0), is_renewable);
        self.leases.push(Held { path: path.to_owned(), id: id.to_owned(), is_renewable, term, is_kept: false });
    }

    async fn renew_token(&mut self) {
        if !self.token.is_renewable {
            return;
        }
        let body = json!({});
        let answer =
            self.http.try_once(Method::PUT, "auth/token/renew-self", Some(&self.token.secret), Some(&body)).await;
        match answer {
            Ok(answer) => {
                let auth = &answer["auth"];
                self.token.seconds = auth["lease_duration"].as_u64().unwrap_or(0);
                self.term = Term::new(self.token.seconds, auth["renewable"].as_bool().unwrap_or(false));
            }
            Err(_) => self.term.failed(),
        }
    }

    async fn renew_lease(&mut self, index: usize) {
        let held = &self.leases[index];
        if !held.is_renewable {
            return;
        }
        let body = json!({"lease_id": held.id});
        let answer = self.http.try_once(Method::PUT, "sys/leases/renew", Some(&self.token.secret), Some(&body)).await;
        let held = &mut self.leases[index];
        match answer {
            Ok(answer) => {
                let seconds = answer["lease_duration"].as_u64().unwrap_or(0);
                held.term = Term::new(seconds, answer["renewable"].as_bool().unwrap_or(false));
            }
            Err(_) => held.term.failed(),
        }
    }

    async fn revoke(self) {
        let token = Some(&self.token.secret);
        for held in self.leases.iter().filter(|held| !held.is_kept) {
            let body = json!({"lease_id": held.id, "sync": true});
            // It ends by itself when it cannot be revoked.
            let _ = self.http.try_once(Method::PUT, "sys/leases/revoke", token, Some(&body)).await;
        }
        // Revoking a token revokes all leases that were got with it.
        if self.token.is_own && !self.leases.iter().any(|held| held.is_kept) {
            let _ = self.http.try_once(Method::PUT, "auth/token/revoke-self", token, Some(&json!({}))).await;
        }
    }
}

/// What is wrong with a read that the server answered.
fn explain(fault: Fault, path: &str, asked: &str, mount: Option<&Mount>, address: &str) -> ProviderError {
    let Fault::Status { code: 404, body, .. } = &fault else {
        return fault.explain(&format!("reading {asked}"), address);
    };
    let metadata = &body["data"]["metadata"];
    if metadata["destroyed"].as_bool() == Some(true) {
        return ProviderError::NotFound { hint: format!("the version of {asked} at {address} was destroyed") };
    }
    if let Some(when) = metadata["deletion_time"].as_str().filter(|when| !when.is_empty()) {
        let hint = format!("the version of {asked} at {address} was deleted at {when}; `kv undelete` brings it back");
        return ProviderError::NotFound { hint };
    }
    let Some(mount) = mount else {
        let hint = format!("Vault at {address} has nothing at {path}, or nothing is mounted there");
        return ProviderError::NotFound { hint };
    };
    let inner = path.strip_prefix(mount.path.as_str()).unwrap_or(path);
    let hint = match inner.strip_prefix("data/") {
        Some(rest) if mount.kind == Kind::Kv2 => {
            format!("Vault at {address} has no secret at {asked}; write {}{rest}, without `data/`", mount.path)
        }
        _ => format!("Vault at {address} has no secret at {asked}"),
    };
    ProviderError::NotFound { hint }
}
