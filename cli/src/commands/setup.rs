//! `setup vault`, `setup consul`: lets a Vault or Consul know the identities of tasks.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::registry::{Invoke, Outcome};
use crate::{output, prompt};
use drover_sdk::{Client, Config, Query, TlsFiles};
use serde_json::{Value, json};
use std::env;

const AUTH_METHOD: &str = "jwt-nomad";
const ROLE: &str = "nomad-workloads";
const AUDIENCE_VAULT: &str = "vault.io";
const AUDIENCE_CONSUL: &str = "consul.io";
const DEFAULT_JWKS: &str = "http://localhost:4646/.well-known/jwks.json";

/// Flags of both.
#[derive(clap::Args)]
struct Common {
    /// Where the keys of this cluster are found by the other side.
    #[arg(long = "jwks-url", value_name = "url", default_value = DEFAULT_JWKS)]
    jwks_url: String,
    /// The authority (PEM) of that address.
    #[arg(long = "jwks-ca-file", value_name = "path")]
    jwks_ca_file: Option<String>,
    /// Removes what this command made.
    #[arg(long)]
    destroy: bool,
    /// Does not ask.
    #[arg(long)]
    y: bool,
}

impl Common {
    fn jwks_ca(&self) -> Result<String, CliError> {
        self.jwks_ca_file.as_deref().map_or_else(|| Ok(String::new()), crate::specfile::read)
    }

    fn confirm(&self, question: &str) -> Result<bool, CliError> {
        if self.y {
            return Ok(true);
        }
        if !prompt::can_ask() {
            return Err(CliError::new("This command requires -y option when running in non-interactive mode"));
        }
        prompt::confirm(question)
    }
}

/// The other side, with its token.
struct Other {
    client: Client,
    token: (String, String),
}

impl Other {
    fn new(address: String, header: &str, token: String) -> Result<Self, CliError> {
        let config = Config { address, region: None, namespace: None, token: None, tls: TlsFiles::default() };
        let client = Client::new(config).map_err(|error| CliError::new(error.to_string()))?;
        Ok(Self { client, token: (header.to_owned(), token) })
    }

    /// Sends a request; something that is there or gone already is fine where `fine` says so.
    async fn send(&self, method: &str, path: &str, body: Option<Value>, fine: &[u16]) -> Result<(), CliError> {
        let body = body.map(|body| body.to_string().into_bytes());
        let sent = self.client.raw(method, path, std::slice::from_ref(&self.token), body).await;
        let (status, _, answer) = sent.map_err(|error| CliError::new(error.to_string()))?;
        if (200..300).contains(&status) || fine.contains(&status) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer);
        Err(CliError::new(format!("{method} {path} was refused ({status}): {}", text.trim())))
    }
}

impl Other {
    /// What a Vault calls the auth method in policies.
    async fn accessor(&self) -> Result<String, CliError> {
        let sent = self.client.raw("GET", "/v1/sys/auth", std::slice::from_ref(&self.token), None).await;
        let (_, _, answer) = sent.map_err(|error| CliError::new(error.to_string()))?;
        let methods: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let accessor = methods[format!("{AUTH_METHOD}/")]["accessor"].as_str();
        accessor
            .map(str::to_owned)
            .ok_or_else(|| CliError::new("The Vault does not say the accessor of its auth method"))
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Sets a Vault up.
#[derive(clap::Args)]
#[command(next_help_heading = "Setup Vault Options")]
pub struct Vault {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    common: Common,
    /// The secrets engine that tasks may read from.
    #[arg(long = "kv-path", value_name = "path", default_value = "secret")]
    kv_path: String,
    /// Only says whether the cluster is ready for identities of tasks.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    form: output::Format,
    /// Shows whole ids.
    #[arg(long)]
    verbose: bool,
}

impl Invoke for Vault {
    fn invoke(self, context: &Context) -> Outcome {
        if self.check {
            return self.check(context);
        }
        let address = variable("VAULT_ADDR").unwrap_or_else(|| "https://127.0.0.1:8200".to_owned());
        let token = variable("VAULT_TOKEN").ok_or_else(|| CliError::new("VAULT_TOKEN is not set"))?;
        let vault = Other::new(address.clone(), "X-Vault-Token", token)?;
        if self.common.destroy {
            if !self.common.confirm(&format!("Remove {ROLE} and {AUTH_METHOD} from the Vault at {address}?"))? {
                return Ok(0);
            }
            return context.block_on(async {
                vault.send("DELETE", &format!("/v1/sys/policies/acl/{ROLE}"), None, &[404]).await?;
                vault.send("DELETE", &format!("/v1/sys/auth/{AUTH_METHOD}"), None, &[404]).await?;
                output::line("Vault cleanup complete.");
                Ok(0)
            });
        }
        let question =
            format!("Make the auth method {AUTH_METHOD}, the role and the policy {ROLE} in the Vault at {address}?");
        if !self.common.confirm(&question)? {
            return Ok(0);
        }
        let ca = self.common.jwks_ca()?;
        context.block_on(async {
            // 400: there is one already.
            let mount = Some(json!({ "type": "jwt", "description": "Login method for Nomad workloads" }));
            vault.send("POST", &format!("/v1/sys/auth/{AUTH_METHOD}"), mount, &[400]).await?;
            let config = json!({
                "jwks_url": self.common.jwks_url,
                "jwks_ca_pem": ca,
                "jwt_supported_algs": ["RS256", "EdDSA"],
                "default_role": ROLE,
            });
            vault.send("POST", &format!("/v1/auth/{AUTH_METHOD}/config"), Some(config), &[]).await?;
            output::line(&format!("[✔] Configured auth method {AUTH_METHOD}."));
            vault.send("POST", &format!("/v1/auth/{AUTH_METHOD}/role/{ROLE}"), Some(role()), &[]).await?;
            output::line(&format!("[✔] Created role {ROLE}."));
            let accessor = vault.accessor().await?;
            let policy = Some(json!({ "policy": policy(&self.kv_path, &accessor) }));
            vault.send("PUT", &format!("/v1/sys/policies/acl/{ROLE}"), policy, &[]).await?;
            output::line(&format!("[✔] Created policy {ROLE}.\n\nVault is ready for the identities of tasks."));
            Ok(0)
        })
    }
}

fn role() -> Value {
    json!({
        "role_type": "jwt",
        "bound_audiences": [AUDIENCE_VAULT],
        "user_claim": "/nomad_job_id",
        "user_claim_json_pointer": true,
        "claim_mappings": {
            "nomad_namespace": "nomad_namespace",
            "nomad_job_id": "nomad_job_id",
            "nomad_group": "nomad_group",
            "nomad_task": "nomad_task",
        },
        "token_type": "service",
        "token_policies": [ROLE],
        "token_period": "30m",
        "token_explicit_max_ttl": 0,
    })
}

/// Each job reads below its namespace and id.
fn policy(kv: &str, accessor: &str) -> String {
    let claim = |name: &str| format!("{{{{identity.entity.aliases.{accessor}.metadata.{name}}}}}");
    let own = format!("{}/{}", claim("nomad_namespace"), claim("nomad_job_id"));
    let listed = claim("nomad_namespace");
    format!(
        "path \"{kv}/data/{own}/*\" {{\n  capabilities = [\"read\"]\n}}\n\npath \"{kv}/data/{own}\" {{\n  \
         capabilities = [\"read\"]\n}}\n\npath \"{kv}/metadata/{listed}/*\" {{\n  capabilities = [\"list\"]\n}}\n\n\
         path \"{kv}/metadata/*\" {{\n  capabilities = [\"list\"]\n}}\n"
    )
}

impl Vault {
    fn check(&self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let path = "/v1/operator/upgrade-check/vault-workload-identity";
            let mut answer = client.get::<Value>(path, &Query::new()).await.during("Error querying Nomad")?.value;
            let lists = ["JobsWithoutVaultIdentity", "OutdatedNodes", "VaultTokens"];
            if self.form.is_set() {
                let fields = lists.map(|name| (name.to_owned(), answer[name].take()));
                self.form.print(&Value::Object(fields.into_iter().collect()))?;
                return Ok(0);
            }
            let count = |name: &str| answer[name].as_array().map_or(0, Vec::len);
            if lists.iter().all(|name| count(name) == 0) {
                output::line("Nomad cluster is ready to use workload identities with Vault.");
                return Ok(0);
            }
            for (name, what) in lists.into_iter().zip([
                "jobs without an identity for Vault",
                "nodes that are too old",
                "tokens of the old kind",
            ]) {
                output::line(&format!("{} {what}", count(name)));
            }
            Ok(1)
        })
    }
}

/// Sets a Consul up.
#[derive(clap::Args)]
#[command(next_help_heading = "Setup Consul Options")]
pub struct Consul {
    #[command(flatten)]
    common: Common,
}

impl Invoke for Consul {
    fn invoke(self, context: &Context) -> Outcome {
        let address = variable("CONSUL_HTTP_ADDR").unwrap_or_else(|| "127.0.0.1:8500".to_owned());
        let address = if address.contains("://") { address } else { format!("http://{address}") };
        let verb = if self.common.destroy { "Remove" } else { "Make" };
        let names = "nomad-workloads and nomad-tasks";
        if !self.common.confirm(&format!("{verb} the auth method and the roles {names} in the Consul at {address}?"))? {
            return Ok(0);
        }
        let consul = Other::new(address, "X-Consul-Token", variable("CONSUL_HTTP_TOKEN").unwrap_or_default())?;
        let ca = self.common.jwks_ca()?;
        context.block_on(async {
            if self.common.destroy {
                consul.send("DELETE", &format!("/v1/acl/auth-method/{ROLE}"), None, &[404]).await?;
                output::line("Consul cleanup complete.");
                return Ok(0);
            }
            let method = json!({
                "Name": ROLE,
                "Type": "jwt",
                "DisplayName": ROLE,
                "Description": "Login method for Nomad workloads using workload identities",
                "TokenLocality": "local",
                "Config": {
                    "JWKSURL": self.common.jwks_url,
                    "JWKSCACert": ca,
                    "JWTSupportedAlgs": ["RS256"],
                    "BoundAudiences": [AUDIENCE_CONSUL],
                    "ClaimMappings": {
                        "nomad_namespace": "nomad_namespace",
                        "nomad_job_id": "nomad_job_id",
                        "nomad_task": "nomad_task",
                        "nomad_service": "nomad_service",
                    },
                },
            });
            consul.send("PUT", &format!("/v1/acl/auth-method/{ROLE}"), Some(method), &[]).await?;
            output::line(&format!("[✔] Configured auth method {ROLE}."));
            let rule = |kind: &str, name: &str, selector: &str| {
                json!({ "AuthMethod": ROLE, "BindType": kind, "BindName": name, "Selector": selector })
            };
            let rules = [
                rule("service", "${value.nomad_service}", "\"nomad_service\" in value"),
                rule("role", "nomad-tasks-${value.nomad_namespace}", "\"nomad_service\" not in value"),
            ];
            for rule in rules {
                consul.send("PUT", "/v1/acl/binding-rule", Some(rule), &[]).await?;
            }
            let policy = "key_prefix \"\" { policy = \"read\" }\nservice_prefix \"\" { policy = \"read\" }\n";
            let policy = json!({ "Name": "nomad-tasks", "Rules": policy });
            // 500: there is one of that name.
            consul.send("PUT", "/v1/acl/policy", Some(policy), &[500]).await?;
            let role = json!({ "Name": "nomad-tasks-default", "Policies": [{ "Name": "nomad-tasks" }] });
            consul.send("PUT", "/v1/acl/role", Some(role), &[500]).await?;
            output::line("[✔] Created roles and binding rules.\n\nConsul is ready for the identities of tasks.");
            Ok(0)
        })
    }
}
