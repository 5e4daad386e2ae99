//! `/v1/agent/keyring/…`: the keys of gossip. With one server there is no gossip, and so no key for it.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct KeyBody {
    key: String,
}

pub(super) fn route(context: &Context, tail: &str) -> Result<Reply> {
    match tail {
        "list" => {}
        "install" | "use" | "remove" => check(context)?,
        _ => return Err(ApiError::no_resource()),
    }
    // What the reference says of a server without a keyring.
    Err(ApiError::refused("1/1 nodes reported failure"))
}

/// A key is 16, 24 or 32 bytes in base64.
fn check(context: &Context) -> Result<()> {
    let KeyBody { key } = context.body()?;
    if key.is_empty() {
        return Ok(());
    }
    match STANDARD.decode(&key) {
        Ok(bytes) if matches!(bytes.len(), 16 | 24 | 32) => Ok(()),
        Ok(_) => Err(ApiError::refused("key size must be 16, 24 or 32 bytes")),
        Err(error) => {
            let place = match error {
                base64::DecodeError::InvalidByte(place, _) | base64::DecodeError::InvalidLastSymbol(place, _) => place,
                base64::DecodeError::InvalidLength(length) => length - length % 4,
                base64::DecodeError::InvalidPadding => 0,
            };
            Err(ApiError::refused(format!("illegal base64 data at input byte {place}")))
        }
    }
}
