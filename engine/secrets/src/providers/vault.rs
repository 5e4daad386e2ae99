//! `vault:PATH#FIELD`: HashiCorp Vault and OpenBao.
//!
//! A thread of its own talks to the server: one request at a time, and between them it renews the token and the leases that it
//! holds. When the provider is dropped, leases that nobody kept are revoked, and so is a token that it logged in for.

mod auth;
mod http;
mod lease;
mod read;
mod session;
mod settings;

pub use settings::{Credentials, VaultDefaults, VaultSettings};

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::provider::Binding;
use crate::{Access, Lease, Provider, ProviderError, ProviderSettings, SecretData, SecretRef, SettingsError, Taint};

use session::Session;
use settings::Plan;

/// How many requests may wait for the thread; each caller waits for one.
const MAX_WAITING: usize = 64;

/// Reads from one server.
pub struct VaultProvider {
    plan: Plan,
    worker: Mutex<Option<Worker>>,
}

struct Worker {
    asks: mpsc::Sender<Ask>,
    thread: JoinHandle<()>,
}

/// What the thread is asked for, and where the answer goes.
enum Ask {
    Read(String, SyncSender<Result<SecretData, ProviderError>>),
    Check(SecretRef, SyncSender<Result<Access, ProviderError>>),
    Lease(String, SyncSender<Option<Lease>>),
    Keep(String, SyncSender<()>),
}

impl VaultProvider {
    /// `defaults` are what the person's environment says, `credentials` answers the references that settings hold, and tokens are
    /// recorded in `taint`.
    ///
    /// # Errors
    /// A setting makes no sense.
    pub fn new(
        settings: &ProviderSettings,
        defaults: &VaultDefaults,
        credentials: Credentials,
        taint: Taint,
    ) -> Result<Self, SettingsError> {
        let plan = Plan::new(&settings.read::<VaultSettings>()?, defaults, credentials, taint)?;
        Ok(Self { plan, worker: Mutex::new(None) })
    }

    fn ask<T>(&self, ask: impl FnOnce(SyncSender<T>) -> Ask) -> Result<T, ProviderError> {
        let stopped = || ProviderError::Unavailable { reason: "the connection to Vault has ended".to_owned() };
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let asks = match &*worker {
            Some(worker) => worker.asks.clone(),
            None => worker.insert(start(self.plan.clone())?).asks.clone(),
        };
        drop(worker);
        let (answer, answered): (_, Receiver<T>) = sync_channel(1);
        asks.try_send(ask(answer)).map_err(|_| stopped())?;
        answered.recv().map_err(|_| stopped())
    }

    fn is_running(&self) -> bool {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

fn start(plan: Plan) -> Result<Worker, ProviderError> {
    let failed = |error: std::io::Error| ProviderError::Unavailable { reason: format!("cannot start: {error}") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (asks, asked) = mpsc::channel(MAX_WAITING);
    let run = move || runtime.block_on(run(plan, asked));
    let thread = std::thread::Builder::new().name("vault".to_owned()).spawn(run).map_err(failed)?;
    Ok(Worker { asks, thread })
}

async fn run(plan: Plan, mut asked: mpsc::Receiver<Ask>) {
    let mut session = Session::new(plan);
    loop {
        let next = session.next_renewal();
        let renewal = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ask = asked.recv() => match ask {
                // Whoever asked may have gone; then nobody needs the answer.
                Some(Ask::Read(path, answer)) => drop(answer.send(session.read(&path).await)),
                Some(Ask::Check(reference, answer)) => drop(answer.send(session.check(&reference).await)),
                Some(Ask::Lease(path, answer)) => drop(answer.send(session.lease(&path))),
                Some(Ask::Keep(path, answer)) => {
                    session.keep(&path).await;
                    let _ = answer.send(());
                }
                None => break,
            },
            () = renewal => session.renew().await,
        }
    }
    session.close().await;
}

impl Drop for VaultProvider {
    fn drop(&mut self) {
        let worker = self.worker.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Worker { asks, thread }) = worker {
            drop(asks);
            // It ends within the limit of closing; a panic there was shown already.
            let _ = thread.join();
        }
    }
}

impl Provider for VaultProvider {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        self.ask(|answer| Ask::Read(reference.path().to_owned(), answer))?
    }

    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        self.ask(|answer| Ask::Check(reference.clone(), answer))?
    }

    fn lease(&self, reference: &SecretRef) -> Option<Lease> {
        if !self.is_running() {
            return None;
        }
        self.ask(|answer| Ask::Lease(reference.path().to_owned(), answer)).ok().flatten()
    }

    fn keep(&self, reference: &SecretRef) {
        if self.is_running() {
            // Without the thread there is no lease either.
            let _ = self.ask(|answer| Ask::Keep(reference.path().to_owned(), answer));
        }
    }

    fn at_runtime(&self, reference: &SecretRef) -> Option<Binding> {
        let (path, arguments) = read::split(reference.path());
        let mut call = format!("secret {}", raw(path)?);
        for (name, value) in &arguments {
            call.push(' ');
            call.push_str(&raw(&format!("{name}={value}"))?);
        }
        let field = field(reference.field()?)?;
        // Version 2 of the key-value engine keeps the fields one level deeper. Which one it is need not be known here: the
        // person who plans may have no access at all.
        let template = format!(
            "{{{{ with {call} }}}}{{{{ with index .Data `data` }}}}{{{{ index . {field} }}}}{{{{ else }}}}{{{{ index .Data {field} }}}}{{{{ end }}}}{{{{ end }}}}"
        );
        let assignment = format!(
            "{{{{ with {call} }}}}{{{{ $data := .Data }}}}{{{{ with index .Data `data` }}}}{{{{ $data = . }}}}{{{{ end }}}}{{{{ with index $data {field} }}}}{{{{ $value = . }}}}{{{{ end }}}}{{{{ end }}}}"
        );
        Some(Binding { template, assignment, needs_vault: true })
    }
}

/// A text as a raw string of a template; none when it holds the mark that would end it, or begins or ends an action.
pub(super) fn raw(text: &str) -> Option<String> {
    let is_safe = !text.contains(['`', '\n', '\r']) && !text.contains("{{") && !text.contains("}}");
    is_safe.then(|| format!("`{text}`"))
}

/// A dotted field as arguments of `index`.
fn field(field: &str) -> Option<String> {
    let parts: Option<Vec<String>> = field.split('.').map(raw).collect();
    Some(parts?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(options: serde_json::Value) -> Result<VaultProvider, SettingsError> {
        let serde_json::Value::Object(options) = options else { panic!("an object") };
        let settings = ProviderSettings { options, ..ProviderSettings::of("vault") };
        let credentials = Credentials::new(|_| Err("none".to_owned()));
        VaultProvider::new(&settings, &VaultDefaults::default(), credentials, Taint::default())
    }

    #[test]
    fn what_a_task_reads_by_itself() {
        let vault = provider(serde_json::json!({})).unwrap();
        let template = |text: &str| vault.at_runtime(&text.parse().unwrap()).map(|bound| bound.template);
        assert_eq!(
            template("vault:kv/shop/db#password").unwrap(),
            "{{ with secret `kv/shop/db` }}{{ with index .Data `data` }}{{ index . `password` }}{{ else }}{{ index .Data `password` }}{{ end }}{{ end }}"
        );
        assert!(
            template("vault:pki/issue/web?common_name=a.b#a.b")
                .unwrap()
                .starts_with("{{ with secret `pki/issue/web` `common_name=a.b` }}")
        );
        assert_eq!(template("vault:kv/shop/db"), None);
        assert_eq!(template("vault:kv/a`b#c"), None);
    }

    #[test]
    fn settings_are_checked() {
        let error = |options| provider(options).err().unwrap().to_string();
        assert!(error(serde_json::json!({"adress": "x"})).contains("adress"));
        assert!(error(serde_json::json!({"address": "not a url"})).contains("address"));
        assert!(
            error(serde_json::json!({"auth": {"approle": {"role_id": "r", "secret_id": "hunter2"}}}))
                .contains("secret_id")
        );
        assert!(
            !error(serde_json::json!({"auth": {"approle": {"role_id": "r", "secret_id": "hunter2"}}}))
                .contains("hunter2")
        );
        assert!(error(serde_json::json!({"auth": {"ldap": {}}})).contains("ldap"));
    }

    #[test]
    fn without_an_address_nothing_is_asked() {
        let error = provider(serde_json::json!({})).unwrap().read(&"vault:kv/x#y".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("VAULT_ADDR"), "{error}");
    }
}
