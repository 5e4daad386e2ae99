//! `-var-source`: values of variables that are kept elsewhere.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::CliError;
use drover_sdk::{Client, Config};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a source may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The values at a source: `nomad://[host]/PATH`, `consul://[host]/PATH` or `vault://[host]/MOUNT/PATH`. A path where
/// there is nothing gives none.
///
/// # Errors
/// No such kind of source, one that does not answer, or one that refuses.
pub fn read(source: &str, context: &Context) -> Result<BTreeMap<String, String>, CliError> {
    let wrong = |why: String| CliError::new(format!("var-source {source:?}: {why}"));
    let (scheme, rest) = source.split_once("://").ok_or_else(|| wrong("it has to begin with a scheme".to_owned()))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_matches('/');
    let host = (!host.is_empty()).then(|| format!("http://{host}"));
    let items = match scheme {
        "nomad" => {
            if path.is_empty() {
                return Err(wrong("nomad URL must include a path (e.g., nomad:///nomad-pack)".to_owned()));
            }
            let client = match host {
                Some(address) => client(address)?,
                None => ServerArgs::default().connect(context)?,
            };
            fetch(context, &client, &format!("/v1/var/{path}"), &[])
                .map(|body| body.map(|body| strings(&body["Items"])))
        }
        "consul" => {
            if path.is_empty() {
                return Err(wrong("consul URL must include a path (e.g., consul:///nomad-pack)".to_owned()));
            }
            let address = host.unwrap_or_else(|| address("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500"));
            let token = header("X-Consul-Token", "CONSUL_HTTP_TOKEN");
            let answer = fetch(context, &client(address)?, &format!("/v1/kv/{path}/?recurse="), &token);
            answer.map(|body| body.map(|body| keys(&body, &format!("{path}/"))))
        }
        "vault" => {
            let Some((mount, path)) = path.split_once('/') else {
                let why = "vault URL must include a mount and path (e.g., vault:///secret/nomad-pack)";
                return Err(wrong(why.to_owned()));
            };
            let address = host.unwrap_or_else(|| address("VAULT_ADDR", "http://127.0.0.1:8200"));
            let mut headers = header("X-Vault-Token", "VAULT_TOKEN");
            headers.extend(header("X-Vault-Namespace", "VAULT_NAMESPACE"));
            let answer = fetch(context, &client(address)?, &format!("/v1/{mount}/data/{path}"), &headers);
            answer.map(|body| body.map(|body| strings(&body["data"]["data"])))
        }
        scheme => return Err(wrong(format!("unsupported scheme {scheme:?} (supported: consul, vault, nomad)"))),
    };
    Ok(items.map_err(|error| wrong(error.message))?.unwrap_or_default())
}

fn address(variable: &str, otherwise: &str) -> String {
    let address = std::env::var(variable).ok().filter(|address| !address.is_empty());
    let address = address.unwrap_or_else(|| otherwise.to_owned());
    if address.contains("://") { address } else { format!("http://{address}") }
}

fn header(name: &str, variable: &str) -> Vec<(String, String)> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    value.map(|value| (name.to_owned(), value)).into_iter().collect()
}

fn client(address: String) -> Result<Client, CliError> {
    Client::new(Config { address, ..Config::default() }).map_err(|error| CliError::new(error.to_string()))
}

/// The answer; none when there is nothing at the path.
fn fetch(
    context: &Context,
    client: &Client,
    path: &str,
    headers: &[(String, String)],
) -> Result<Option<Json>, CliError> {
    context.block_on(async {
        let answer = tokio::time::timeout(TIME_LIMIT, client.raw("GET", path, headers, None)).await;
        let answer = answer.map_err(|_| CliError::new(format!("no answer within {} s", TIME_LIMIT.as_secs())))?;
        let (status, _, body) = answer.map_err(|error| CliError::new(error.to_string()))?;
        match status {
            404 => Ok(None),
            200..=299 => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|error| CliError::new(format!("the answer is no JSON: {error}"))),
            status => Err(CliError::new(format!("it answers with status {status}"))),
        }
    })
}

/// The members of an object as texts.
fn strings(object: &Json) -> BTreeMap<String, String> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The keys below a prefix, with their decoded values.
fn keys(list: &Json, prefix: &str) -> BTreeMap<String, String> {
    use base64::Engine;
    let entry = |item: &Json| {
        let name = item["Key"].as_str()?.strip_prefix(prefix)?;
        let value = base64::engine::general_purpose::STANDARD.decode(item["Value"].as_str()?).ok()?;
        (!name.is_empty()).then(|| (name.to_owned(), String::from_utf8_lossy(&value).into_owned()))
    };
    list.as_array().into_iter().flatten().filter_map(entry).collect()
}
