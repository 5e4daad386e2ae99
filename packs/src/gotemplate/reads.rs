//! Functions that read the engine.

use super::World;
use super::values::from_json;
use drover_gotemplate::{Function, Functions, Type, Value};
use serde_json::Value as Json;

/// Reads of an engine, for the functions that ask it.
pub trait EngineReads: Send + Sync {
    /// The answer to a GET of a path with its query; none when there is nothing at the path.
    ///
    /// # Errors
    /// Why there is no answer, with the status and the body where there is one.
    fn get(&self, path: &str) -> Result<Json, ReadFault>;
}

/// Why a read gives nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadFault {
    /// The engine refused.
    #[error("unexpected response code: {status} ({body})")]
    Refused {
        /// The status code.
        status: u16,
        /// What it said.
        body: String,
    },
    /// There was no answer.
    #[error("{0}")]
    Unreachable(String),
}

pub(super) fn add(functions: &mut Functions, world: &World) {
    use Type::Text;
    let ask = {
        let engine = world.engine.clone();
        move |path: String| -> Result<Json, String> {
            let engine = engine.as_ref().ok_or("no engine is at hand for functions that read it")?;
            engine.get(&path).map_err(|error| error.to_string())
        }
    };
    let get = ask.clone();
    functions.add(
        "nomadNamespaces",
        Function::new(&[], None, move |_, _| {
            let Json::Array(mut all) = get("/v1/namespaces".to_owned())? else { return Err(unknown()) };
            // The newest first, as the reference has them.
            all.sort_by_key(|namespace| std::cmp::Reverse(namespace["CreateIndex"].as_u64()));
            Ok(from_json(&Json::Array(all)))
        }),
    );
    let get = ask.clone();
    functions.add(
        "nomadNamespace",
        Function::new(&[Text], None, move |_, v| Ok(from_json(&get(format!("/v1/namespace/{}", escaped(&v[0])))?))),
    );
    let get = ask.clone();
    functions.add(
        "nomadRegions",
        Function::new(&[], None, move |_, _| {
            let Json::Array(all) = get("/v1/regions".to_owned())? else { return Err(unknown()) };
            Ok(Value::texts(all.iter().filter_map(Json::as_str)))
        }),
    );
    let get = ask.clone();
    functions.add(
        "nomadVariables",
        Function::new(&[Text], Some(Text), move |_, v| {
            if v.len() > 2 {
                return Err(format!("nomadVariables accepts at most one prefix argument, got {}", v.len() - 1));
            }
            let prefix = v.get(1).map_or_else(String::new, |prefix| format!("&prefix={}", escaped(prefix)));
            Ok(from_json(&get(format!("/v1/vars?namespace={}{prefix}", escaped(&v[0])))?))
        }),
    );
    let engine = world.engine.clone();
    functions.add(
        "nomadVariable",
        Function::new(&[Text, Text], None, move |_, v| {
            let engine = engine.as_ref().ok_or("no engine is at hand for functions that read it")?;
            match engine.get(&format!("/v1/var/{}?namespace={}", escaped(&v[0]), escaped(&v[1]))) {
                Ok(variable) => Ok(from_json(&variable)),
                Err(ReadFault::Refused { status: 404, .. }) => Err("variable not found".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }),
    );
}

fn unknown() -> String {
    "the engine's answer is not understood".to_owned()
}

/// A text as a part of a path or query; slashes stay.
fn escaped(value: &Value) -> String {
    let bytes = match value {
        Value::Text(text) => text.bytes().to_vec(),
        _ => Vec::new(),
    };
    let mut out = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
