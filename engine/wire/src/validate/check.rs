//! Checks of services.

use super::service::is_on_update;
use crate::job::{Service, ServiceCheck};
use drover_base::Nanos;

/// The kinds that a Consul service may have.
pub(super) const CONSUL_KINDS: &[&str] = &["grpc", "tcp", "http", "script"];
/// The kinds that a service of the engine's own catalog may have.
pub(super) const NATIVE_KINDS: &[&str] = &["tcp", "http"];

const MIN_INTERVAL: Nanos = Nanos::from_secs(1);
const MIN_TIMEOUT: Nanos = Nanos::from_secs(1);

/// Checks over the network need a port from somewhere.
pub(super) fn port(service: &Service, check: &ServiceCheck) -> Option<String> {
    let by_network = matches!(check.kind.as_str(), "tcp" | "http" | "grpc");
    if !by_network || !check.port_label.is_empty() || !service.port_label.is_empty() {
        return None;
    }
    Some(format!("check requires a port but neither check nor service {:?} have a port", service.name))
}

/// The first thing that is wrong with a check.
pub(super) fn check(check: &ServiceCheck, kinds: &[&str]) -> Option<String> {
    if !kinds.contains(&check.kind.as_str()) {
        return Some(format!("invalid check type ({:?}), must be one of {}", check.kind, kinds.join(", ")));
    }
    let fault = match check.kind.as_str() {
        "http" if check.path.is_empty() => Some("http type must have http path"),
        "http" if check.path.contains("://") => Some("http type must have relative http path"),
        "script" if check.command.is_empty() => Some("script type must have a valid script path"),
        _ => None,
    };
    if let Some(fault) = fault {
        return Some(fault.to_owned());
    }
    times(check).or_else(|| states(check))
}

fn times(check: &ServiceCheck) -> Option<String> {
    let (interval, timeout) = (Nanos(check.interval), Nanos(check.timeout));
    if interval.is_zero() {
        return Some(format!("missing required value interval. Interval cannot be less than {MIN_INTERVAL}"));
    }
    if interval < MIN_INTERVAL {
        return Some(format!("interval ({interval}) cannot be lower than {MIN_INTERVAL}"));
    }
    if timeout.is_zero() {
        return Some(format!("missing required value timeout. Timeout cannot be less than {MIN_TIMEOUT}"));
    }
    (timeout < MIN_TIMEOUT).then(|| format!("timeout ({timeout}) is lower than required minimum timeout {MIN_TIMEOUT}"))
}

fn states(check: &ServiceCheck) -> Option<String> {
    if !matches!(check.initial_status.as_str(), "" | "passing" | "warning" | "critical") {
        return Some(format!(
            "invalid initial check state ({}), must be one of \"passing\", \"warning\", \"critical\" or empty",
            check.initial_status
        ));
    }
    if !is_on_update(&check.on_update) {
        return Some(format!(
            "on_update must be \"require_healthy\", \"ignore_warnings\", or \"ignore\"; got {:?}",
            check.on_update
        ));
    }
    let restart = check.check_restart.as_ref()?;
    if restart.limit < 0 {
        return Some(format!("check_restart block invalid: limit must be positive but found {}", restart.limit));
    }
    if restart.grace.unwrap_or_default() < 0 {
        return Some("check_restart block invalid: grace period cannot be negative".to_owned());
    }
    if check.on_update == "ignore" && restart.limit > 0 {
        return Some("on_update value \"ignore\" is not compatible with check_restart".to_owned());
    }
    None
}
