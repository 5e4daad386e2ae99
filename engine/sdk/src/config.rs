//! Where the engine is and how to talk to it.

use std::path::PathBuf;

/// Address, identity and defaults of a client.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `http://host:port`, `https://host:port` or `unix:///path`.
    pub address: String,
    /// Region that requests are forwarded to; none: the engine's own.
    pub region: Option<String>,
    /// Namespace of requests that name none; none: `default`.
    pub namespace: Option<String>,
    /// Secret id of an ACL token.
    pub token: Option<String>,
    /// Certificates, for `https`.
    pub tls: TlsFiles,
}

/// Certificates for `https`, as files in PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Authority that signed the engine's certificate; none: those of the system.
    pub ca_cert: Option<PathBuf>,
    /// A folder of authorities, read when `ca_cert` is not set.
    pub ca_path: Option<PathBuf>,
    /// The client's certificate.
    pub client_cert: Option<PathBuf>,
    /// Its key.
    pub client_key: Option<PathBuf>,
    /// Name that the engine's certificate must carry instead of the address's host; `https` only.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub skip_verify: bool,
}

/// Why no client can be made of a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not an address.
    #[error("invalid address {address:?}: {reason}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The host of the address cannot be found.
    #[error("cannot find {host}")]
    Resolve {
        /// The host and port.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key is none.
    #[error("TLS setup failed: {0}")]
    Tls(String),
}

impl Config {
    /// A client's configuration with nothing but an address.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: address.into(), ..Self::default() }
    }
}
