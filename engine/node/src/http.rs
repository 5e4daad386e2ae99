//! The HTTP client of downloads and checks.

use std::sync::{LazyLock, Once};

static CRYPTOGRAPHY: Once = Once::new();

/// Clients of checks, with and without a look at certificates. No connection is kept: a check is to find out whether a
/// new one can be made. Made once, as reading the host's certificates takes a while.
static PROBE_CLIENTS: LazyLock<[Result<reqwest::Client, reqwest::Error>; 2]> = LazyLock::new(|| {
    [false, true]
        .map(|skip_verify| client_builder().pool_max_idle_per_host(0).danger_accept_invalid_certs(skip_verify).build())
});

/// The client of checks.
pub fn probe_client(skip_verify: bool) -> Result<&'static reqwest::Client, &'static reqwest::Error> {
    PROBE_CLIENTS[usize::from(skip_verify)].as_ref()
}

/// A client builder; makes sure that https works.
pub fn client_builder() -> reqwest::ClientBuilder {
    CRYPTOGRAPHY.call_once(|| {
        // Someone else may have chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
}
