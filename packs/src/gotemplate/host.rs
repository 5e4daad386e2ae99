//! What templates may see of the machine.

use drover_gotemplate::Host;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Looks an environment variable up.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What templates may see of the machine.
#[derive(Clone)]
pub struct HostRules {
    /// The environment; none of it when absent.
    pub environment: Option<Lookup>,
    /// Whether host names are looked up and files outside of the pack are read.
    pub unbounded: bool,
    /// Folders that files may be read from, absolute.
    pub folders: Vec<PathBuf>,
    /// Where relative paths begin.
    pub current: PathBuf,
}

pub(super) struct PackHost(HostRules);

impl PackHost {
    pub(super) fn new(rules: HostRules) -> Self {
        Self(rules)
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.0.environment.as_ref().and_then(|lookup| lookup(name))
    }
}

impl Host for PackHost {
    fn environment(&self, name: &str) -> Result<String, String> {
        if self.0.environment.is_none() {
            return Err(format!(
                "a pack of others may not read the environment ({name}); -allow-host-functions allows it"
            ));
        }
        Ok(self.variable(name).unwrap_or_default())
    }
    fn address(&self, name: &str) -> Result<String, String> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(address.to_string());
        }
        if !self.0.unbounded {
            return Err(format!("templates may not look up host names ({name}); -allow-host-functions allows it"));
        }
        let found = (name, 0).to_socket_addrs().map_err(|error| format!("lookup {name}: {error}"))?;
        found.map(|address| address.ip().to_string()).next().ok_or_else(|| format!("lookup {name}: no such host"))
    }
    fn now(&self) -> (i64, i32) {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX), i32::try_from(elapsed.subsec_nanos()).unwrap_or(0))
    }
    fn random(&self, buffer: &mut [u8]) -> Result<(), String> {
        use ring::rand::SecureRandom;
        ring::rand::SystemRandom::new().fill(buffer).map_err(|_| "the system has no random numbers".to_owned())
    }
    fn time_zone(&self) -> String {
        self.variable("TZ").unwrap_or_default()
    }
}
