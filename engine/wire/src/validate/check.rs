//! Checks of services.

use super::service::is_on_update;
use crate::job::{CheckRestart, Service, ServiceCheck};
use crate::problems::Problems;
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
    if !matches!(check.address_mode.as_str(), "" | "auto" | "host" | "driver" | "alloc" | "alloc_ipv6") {
        return Some(format!("invalid address_mode {:?}", check.address_mode));
    }
    if !is_on_update(&check.on_update) {
        return Some(format!(
            "on_update must be \"require_healthy\", \"ignore_warnings\", or \"ignore\"; got {:?}",
            check.on_update
        ));
    }
    if check.expose && !matches!(check.kind.as_str(), "http" | "grpc") {
        return Some("expose may only be set on HTTP or gRPC checks".to_owned());
    }
    if check.success_before_passing > 0 && check.kind == "script" {
        return Some(format!("success_before_passing not supported for check of type {:?}", check.kind));
    }
    if check.failures_before_critical > 0 && check.kind == "script" {
        return Some(format!("failures_before_critical not supported for check of type {:?}", check.kind));
    }
    check.check_restart.as_ref().and_then(|restart| restarts(check, restart))
}

fn restarts(check: &ServiceCheck, restart: &CheckRestart) -> Option<String> {
    if check.on_update == "ignore" && restart.limit > 0 {
        return Some("on_update value \"ignore\" is not compatible with check_restart".to_owned());
    }
    if check.on_update == "ignore_warnings" && !restart.ignore_warnings {
        let text =
            "on_update value \"ignore_warnings\" not supported with check_restart ignore_warnings value \"false\"";
        return Some(text.to_owned());
    }
    let mut problems = Problems::default();
    if restart.limit < 0 {
        problems.add(format!("limit must be greater than or equal to 0 but found {}", restart.limit));
    }
    let grace = restart.grace.unwrap_or_default();
    if grace < 0 {
        problems.add(format!("grace period must be greater than or equal to 0 but found {grace}"));
    }
    (!problems.is_empty()).then(|| problems.into_text())
}

/// What only Consul counts.
pub(super) fn consul_only(check: &ServiceCheck) -> Option<String> {
    let counts = [
        ("success_before_passing", check.success_before_passing),
        ("failures_before_critical", check.failures_before_critical),
        ("failures_before_warning", check.failures_before_warning),
    ];
    let (name, _) = counts.iter().find(|(_, count)| *count > 0)?;
    Some(format!("{name} may only be set for Consul service checks"))
}
