//! `secret()`, `file()`, `env()`, `uuid5()`.

use std::sync::Arc;

use tera::{Error, Kwargs, State, Tera, TeraResult};
use uuid::Uuid;

use super::{Reach, errors};
use crate::PackSecrets;

pub(super) fn register(tera: &mut Tera, reach: &Reach) {
    let secrets = reach.clone();
    tera.register_function("secret", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        secret(&secrets, kwargs.must_get::<&str>("ref")?, kwargs.get::<&str>("bind")?)
    });
    let files = reach.clone();
    tera.register_function("file", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        file(&files, kwargs.must_get::<&str>("path")?)
    });
    let env = reach.clone();
    tera.register_function("env", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        variable(&env, kwargs.must_get::<&str>("name")?, kwargs.get::<&str>("default")?)
    });
    tera.register_function("uuid5", |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        uuid5(kwargs.get::<&str>("namespace")?, kwargs.must_get::<&str>("name")?)
    });
}

/// A pack comes from somebody else: it reaches what the person opened to packs.
pub(super) fn secret(reach: &Reach, text: &str, bind: Option<&str>) -> TeraResult<String> {
    let secrets = PackSecrets { secrets: Arc::clone(&reach.secrets), env: Arc::clone(&reach.env) };
    secrets.get(text, bind).map_err(Error::message)
}

fn file(reach: &Reach, path: &str) -> TeraResult<String> {
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(Error::message(format!(
            "`{path}` is outside the pack; a template reads files of its own pack only"
        )));
    }
    let Some(content) = reach.files.get(path) else {
        let message = format!("the pack has no file `{path}`");
        return Err(errors::with_suggestion(&message, path, reach.files.keys().map(String::as_str)));
    };
    String::from_utf8(content.clone()).map_err(|_| Error::message(format!("`{path}` is not UTF-8 text")))
}

fn variable(reach: &Reach, name: &str, default: Option<&str>) -> TeraResult<String> {
    match (reach.env.get(name), default) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Error::message(format!(
            "the environment variable `{name}` may not be read here or is not set; allow it with -allow-env={name}, or give a default"
        ))),
    }
}

fn uuid5(namespace: Option<&str>, name: &str) -> TeraResult<String> {
    let namespace = match namespace {
        None | Some("url") => Uuid::NAMESPACE_URL,
        Some("dns") => Uuid::NAMESPACE_DNS,
        Some("oid") => Uuid::NAMESPACE_OID,
        Some("x500") => Uuid::NAMESPACE_X500,
        Some(other) => Uuid::parse_str(other)
            .map_err(|_| Error::message("the namespace of uuid5 is a UUID or one of url, dns, oid, x500"))?,
    };
    Ok(Uuid::new_v5(&namespace, name.as_bytes()).to_string())
}
