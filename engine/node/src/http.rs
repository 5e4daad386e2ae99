//! The HTTP client of downloads and checks.

use std::sync::Once;

static CRYPTOGRAPHY: Once = Once::new();

/// A client builder; makes sure that https works.
pub fn client_builder() -> reqwest::ClientBuilder {
    CRYPTOGRAPHY.call_once(|| {
        // Someone else may have chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
}
