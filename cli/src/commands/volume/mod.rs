//! `volume …`: dynamic host volumes and volumes of storage providers.

pub mod claim;
pub mod init;
pub mod remove;
pub mod snapshot;
mod spec;
pub mod status;
pub mod write;

use crate::error::{CliError, During};
use drover_sdk::{Client, Query};
use serde_json::Value;

/// A text of a document of the wire.
fn text(document: &Value, name: &str) -> String {
    match &document[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a part of an id or a name can mean.
enum Found {
    One(Value),
    Several(Vec<Value>),
}

/// The volume of a type whose id begins with `wanted`, or whose name it is.
async fn find(client: &Client, kind: &str, wanted: &str, failed: &str) -> Result<Found, CliError> {
    let mut found = client.volumes(kind, Query::new().prefix(wanted)).await.during(failed)?.value;
    if found.is_empty() {
        let all = client.volumes(kind, Query::new()).await.during(failed)?.value;
        found = all.into_iter().filter(|volume| volume["Name"] == wanted).collect();
    }
    if let Some(exact) = found.iter().position(|volume| volume["ID"] == wanted) {
        return Ok(Found::One(found.swap_remove(exact)));
    }
    match found.len() {
        0 => Err(CliError::new(format!("{failed}: no volumes with prefix or ID \"{wanted}\" found"))),
        1 => Ok(Found::One(found.remove(0))),
        _ => Ok(Found::Several(found)),
    }
}

/// As [`find`], but several are an error.
async fn find_one(client: &Client, kind: &str, wanted: &str, failed: &str) -> Result<Value, CliError> {
    match find(client, kind, wanted, failed).await? {
        Found::One(volume) => Ok(volume),
        Found::Several(list) => {
            let table = status::table(kind, &list, false);
            Err(CliError::new(format!("{failed}: \"{wanted}\" matched several volumes:\n\n{table}")))
        }
    }
}
