//! Where what the agent tells goes: log files, metrics, addresses that others should use.

use super::ConfigError;
use super::file::{Addresses, FileConfig, TelemetryFile};
use drover_base::Nanos;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;

/// The name of the log file where only a folder is given.
const LOG_FILE_NAME: &str = "nomad.log";
/// How long a log file is written to unless the configuration says otherwise.
const LOG_FILE_LIFE: Nanos = Nanos::from_hours(24);
/// Between two measurements unless the configuration says otherwise.
const COLLECTION_INTERVAL: Nanos = Nanos::from_secs(1);
/// An address of documentation: asking the way there sends nothing.
const ANYWHERE: &str = "192.0.2.1:9";

/// A file that the log goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its path.
    pub path: PathBuf,
    /// A new one after so many bytes; 0: whatever its size.
    pub rotate_bytes: u64,
    /// A new one after so long.
    pub rotate_after: Nanos,
    /// Old ones that are kept; negative: none, 0: all.
    pub max_files: i64,
}

/// Which metrics are collected, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Serve the Prometheus form too.
    pub prometheus: bool,
    /// Of each allocation.
    pub of_allocations: bool,
    /// Of the node.
    pub of_node: bool,
    /// With the agent's name as a label.
    pub with_host: bool,
    /// Between two measurements.
    pub interval: Nanos,
    /// Where statsd servers listen.
    pub statsd: Vec<String>,
    /// Names to leave out (`-prefix`) or to let through (`+prefix`).
    pub prefix_filter: Vec<String>,
    /// What becomes of other names.
    pub filter_default: bool,
    /// Labels of all metrics that go to DogStatsD.
    pub tags: Vec<String>,
    /// No metrics of jobs that were dispatched.
    pub without_dispatched: bool,
}

pub(super) fn log_file(file: &FileConfig) -> Result<Option<LogFile>, ConfigError> {
    let Some(path) = file.log_file.as_deref().filter(|path| !path.is_empty()) else { return Ok(None) };
    let rotate_after = match file.log_rotate_duration.as_deref() {
        None => LOG_FILE_LIFE,
        Some(text) => duration("log_rotate_duration", text)?,
    };
    let path = if path.ends_with('/') { PathBuf::from(path).join(LOG_FILE_NAME) } else { PathBuf::from(path) };
    Ok(Some(LogFile {
        path,
        rotate_bytes: file.log_rotate_bytes.unwrap_or(0),
        rotate_after,
        max_files: file.log_rotate_max_files.unwrap_or(0),
    }))
}

pub(super) fn telemetry(file: &TelemetryFile) -> Result<Telemetry, ConfigError> {
    let interval = file.collection_interval.as_deref().map(|text| duration("telemetry.collection_interval", text));
    let on = |value: Option<bool>| value.unwrap_or(false);
    let addresses = [&file.statsd_address, &file.datadog_address, &file.statsite_address];
    Ok(Telemetry {
        prometheus: on(file.prometheus_metrics),
        of_allocations: on(file.publish_allocation_metrics),
        of_node: on(file.publish_node_metrics),
        with_host: !on(file.disable_hostname),
        interval: interval.transpose()?.unwrap_or(COLLECTION_INTERVAL),
        statsd: addresses.into_iter().flatten().filter(|address| !address.is_empty()).cloned().collect(),
        prefix_filter: prefixes(&file.prefix_filter)?,
        filter_default: file.filter_default.unwrap_or(true),
        tags: file.datadog_tags.clone(),
        without_dispatched: on(file.disable_dispatched_job_summary_metrics),
    })
}

fn prefixes(given: &[String]) -> Result<Vec<String>, ConfigError> {
    for rule in given {
        if !rule.starts_with(['+', '-']) {
            let text = format!("telemetry.prefix_filter: {rule:?} must begin with '+' or '-'");
            return Err(ConfigError::Invalid(text));
        }
    }
    Ok(given.to_vec())
}

fn duration(key: &str, text: &str) -> Result<Nanos, ConfigError> {
    Nanos::parse(text).map_err(|error| ConfigError::Invalid(format!("{key}: {error}")))
}

/// The addresses that others should use: HTTP, RPC, gossip. Those listened on, unless the configuration says otherwise.
pub(super) fn advertised(given: &Addresses, listen: [(IpAddr, u16); 3]) -> Result<[SocketAddr; 3], ConfigError> {
    let given = [("http", &given.http), ("rpc", &given.rpc), ("serf", &given.serf)];
    let mut found = listen.map(SocketAddr::from);
    for ((name, text), address) in given.into_iter().zip(&mut found) {
        match text.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => *address = parse(name, text, address.port())?,
            None if address.ip().is_unspecified() => address.set_ip(own_address()),
            None => {}
        }
    }
    Ok(found)
}

fn parse(name: &str, text: &str, port: u16) -> Result<SocketAddr, ConfigError> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    let invalid = || {
        ConfigError::Invalid(format!("advertise.{name}: {text:?} is not an address, as 192.168.1.10 or 10.0.0.1:4646"))
    };
    let with_port = if text.contains(':') { text.to_owned() } else { format!("{text}:{port}") };
    let mut found = std::net::ToSocketAddrs::to_socket_addrs(&with_port).map_err(|_| invalid())?;
    found.next().ok_or_else(invalid)
}

/// The address that others most likely reach this host at.
fn own_address() -> IpAddr {
    let found = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect(ANYWHERE)?;
        socket.local_addr()
    });
    found.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_for_others_keep_the_ports_that_are_not_said() {
        let given = Addresses { http: Some("10.1.2.3".into()), rpc: Some("10.1.2.3:9".into()), serf: None };
        let listen = |port| (IpAddr::from([127, 0, 0, 1]), port);
        let found = advertised(&given, [listen(1), listen(2), listen(3)]).unwrap();
        assert_eq!(found.map(|address| address.to_string()), ["10.1.2.3:1", "10.1.2.3:9", "127.0.0.1:3"]);
        let given = Addresses { http: Some("no such host!".into()), ..Addresses::default() };
        assert!(advertised(&given, [listen(1), listen(2), listen(3)]).is_err());
    }

    #[test]
    fn a_folder_stands_for_the_usual_file_in_it() {
        let file = |path: &str| FileConfig { log_file: Some(path.into()), ..FileConfig::default() };
        assert_eq!(log_file(&file("/var/log/x/")).unwrap().unwrap().path, PathBuf::from("/var/log/x/nomad.log"));
        assert_eq!(log_file(&file("/var/log/x")).unwrap().unwrap().path, PathBuf::from("/var/log/x"));
        assert_eq!(log_file(&file("")).unwrap(), None);
    }
}
