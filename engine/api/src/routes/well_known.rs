//! `/.well-known/…`: what others need to check the identities that this cluster signs.

use crate::blocking::read;
use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drover_base::UnixNanos;
use drover_model::registry::{RootKey, RootKeyState};
use drover_state::{Snapshot, Table, WatchKey};
use http::header::CACHE_CONTROL;
use rand::RngExt;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

/// The shortest time that others are told to keep the keys.
const MIN_AGE: Duration = Duration::from_secs(60);

/// Paths outside of `/v1/`.
pub(super) async fn route(context: &Context, path: &str) -> Result<Reply> {
    match path {
        "/.well-known/jwks.json" => jwks(context).await,
        "/.well-known/openid-configuration" => discovery(context),
        _ => Err(ApiError::no_route()),
    }
}

/// A public key as JSON Web Key Sets have it.
#[derive(Serialize)]
struct Jwk<'a> {
    #[serde(rename = "use")]
    usage: &'static str,
    kty: &'static str,
    kid: &'a str,
    alg: &'static str,
    n: String,
    e: String,
}

async fn jwks(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let options = context.read_options()?;
    let threshold = context.state.server.config().keyring.rotation_threshold.as_duration();
    read(
        context,
        &options,
        || vec![WatchKey::Table(Table::RootKeys)],
        |state| state.table_index(Table::RootKeys),
        |state| {
            let keys: Vec<_> = state.root_keys().map(|key| jwk(key)).collect();
            let reply = context.json(&json!({ "keys": keys }))?;
            Ok(match time_to_rotation(state, threshold) {
                Some(left) => reply.with_header(CACHE_CONTROL, &format!("max-age={}", max_age(left).as_secs())),
                None => reply,
            })
        },
    )
    .await
}

fn jwk(key: &RootKey) -> Jwk<'_> {
    Jwk {
        usage: "sig",
        kty: "RSA",
        kid: &key.key_id,
        alg: "RS256",
        n: URL_SAFE_NO_PAD.encode(&key.public_modulus),
        e: URL_SAFE_NO_PAD.encode(&key.public_exponent),
    }
}

fn time_to_rotation(state: &Snapshot, threshold: Duration) -> Option<Duration> {
    let active = state.root_keys().find(|key| key.state == RootKeyState::Active)?;
    let age = UnixNanos::now().since(active.create_time).as_duration();
    Some(threshold.saturating_sub(age))
}

/// Half of what is left, and a little more by chance, so that not everybody asks at the same time.
fn max_age(left: Duration) -> Duration {
    let jitter = rand::rng().random_range(0.0..0.1);
    left.mul_f64(0.5 + jitter / 2.0).max(MIN_AGE)
}

fn discovery(context: &Context) -> Result<Reply> {
    context.must_read()?;
    let Some(issuer) = context.state.server.config().oidc_issuer.as_deref() else {
        return Err(ApiError::not_found("OIDC Discovery endpoint disabled"));
    };
    context.json(&json!({
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
        "issuer": issuer,
        "jwks_uri": format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    }))
}
