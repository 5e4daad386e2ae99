//! Who may call what: every route with the right that it asks for, before it does anything.
//!
//! Rights that depend on what a request's body names, on the object that it is about or on a list's rows are asked for
//! by the route itself ([`Needs::Own`]): jobs that are registered or planned, allocations, deployments, variables,
//! searches, streams of events. A route that is not here is there for management tokens only.

use crate::context::Context;
use crate::error::{ApiError, Result};
use drover_acl::{Acl, NamespaceCapability as Ns, NodePoolCapability, OperatorCapability};

/// What a route asks for.
enum Needs<'a> {
    /// Nothing; it is never even looked at who calls.
    Nothing,
    /// That the caller is somebody; the rest is the route's own.
    Own,
    /// A right in the request's namespace; with all namespaces: in any.
    In(Ns),
    /// One of several rights in the request's namespace.
    AnyIn(&'static [Ns]),
    /// A right in the request's namespace; with all namespaces nothing: the list shows what the caller may see.
    Listed(Ns),
    /// A coarse right.
    Coarse(fn(&Acl) -> bool),
    /// A right on a pool of nodes.
    Pool(&'a str, NodePoolCapability),
    /// A coarse right, or one of operators.
    Operator(fn(&Acl) -> bool, OperatorCapability),
    /// A management token.
    Management,
    /// A management token; for all others there is no such route.
    Unlisted,
}

/// Lists of storage volumes.
pub(super) const CSI_LIST: &[Ns] = &[Ns::ListJobs, Ns::CsiReadVolume, Ns::CsiListVolume, Ns::CsiMountVolume];
const CSI_READ: &[Ns] = &[Ns::ReadJob, Ns::CsiReadVolume, Ns::CsiMountVolume];

/// Refuses callers that may not call a route. `head` is the first part of its path, `tail` the rest.
pub(super) fn check(context: &Context, head: &str, tail: Option<&str>) -> Result<()> {
    match needs(context, head, tail) {
        Needs::Nothing => Ok(()),
        Needs::Own => context.access().map(drop),
        Needs::In(capability) => context.allow_in(&context.namespace(), capability),
        Needs::AnyIn(capabilities) => context.allow_any_in(&context.namespace(), capabilities),
        Needs::Listed(_) if *context.namespace() == *"*" => context.access().map(drop),
        Needs::Listed(capability) => context.allow_in(&context.namespace(), capability),
        Needs::Coarse(may) => context.allow(may),
        Needs::Pool(name, capability) => context.allow(|acl| acl.allows_node_pool(name, capability)),
        Needs::Operator(may, capability) => context.allow(|acl| may(acl) || acl.allows_operator(capability)),
        Needs::Management => context.allow_management(),
        Needs::Unlisted => context.allow_management().map_err(|_| ApiError::no_route()),
    }
}

fn needs<'a>(context: &Context, head: &str, tail: Option<&'a str>) -> Needs<'a> {
    let reads = context.is_read();
    match (head, tail) {
        // Everybody's business; the routes of access control look after themselves.
        ("status" | "regions" | "metrics" | "acl" | "search" | "event", _) => Needs::Nothing,
        ("jobs", None) if reads => Needs::In(Ns::ListJobs),
        ("jobs", None) | ("validate", _) => Needs::Own,
        ("jobs", Some("parse")) => Needs::In(Ns::ParseJob),
        ("jobs", Some("statuses")) => Needs::In(Ns::ReadJob),
        ("job", Some(tail)) => job(context, tail),
        ("allocations", None) => Needs::In(Ns::ReadJob),
        ("allocation", Some(tail)) if tail.ends_with("/services") => Needs::In(Ns::ReadJob),
        ("allocation", _) => Needs::Own,
        ("evaluations", _) if context.is_delete() => Needs::Management,
        ("evaluations" | "evaluation", _) | ("deployments", None) => Needs::In(Ns::ReadJob),
        ("deployment", Some(tail)) if tail.starts_with("allocations/") => Needs::In(Ns::ReadJob),
        ("deployment", Some(tail)) if !tail.contains('/') => Needs::In(Ns::ReadJob),
        ("deployment", _) => Needs::Own,
        ("nodes", None) => Needs::Coarse(Acl::can_read_node),
        ("node", Some(tail)) => node(context, tail),
        ("namespaces", None) => Needs::Own,
        ("namespace", Some(_)) if reads => Needs::Own,
        // Tasks find each other without any policy.
        ("services" | "service", _) if reads && is_workload(context) => Needs::Own,
        ("services", None) => Needs::Listed(Ns::ReadJob),
        ("service", _) if context.is_delete() => Needs::In(Ns::DeleteServiceRegistration),
        ("service", _) => Needs::In(Ns::ReadJob),
        ("vars" | "var", _) => Needs::Own,
        ("agent", Some(tail)) => agent(context, tail),
        ("operator", Some(tail)) => operator(context, tail),
        ("client", Some(tail)) => client(context, tail),
        ("scaling", Some("policies")) => Needs::Listed(Ns::ListScalingPolicies),
        ("scaling", _) => Needs::In(Ns::ReadScalingPolicy),
        ("volumes" | "volume", tail) => volume(context, head, tail.unwrap_or_default()),
        ("plugins", None) => Needs::Coarse(Acl::can_list_plugin),
        ("plugin", _) => Needs::Coarse(Acl::can_read_plugin),
        ("namespace" | "system", _) => Needs::Management,
        // As the open reference, while there is no quota.
        ("quotas" | "quota" | "quota-usages", _) if reads && has_no_quotas(context) => Needs::Nothing,
        ("quotas" | "quota" | "quota-usages", _) if reads => Needs::Coarse(Acl::can_read_quota),
        ("quotas" | "quota" | "quota-usages", _) => Needs::Coarse(Acl::can_write_quota),
        _ => Needs::Unlisted,
    }
}

fn has_no_quotas(context: &Context) -> bool {
    context.state.store().snapshot().quotas().next().is_none()
}

fn is_workload(context: &Context) -> bool {
    context.access().is_ok_and(|access| access.workload().is_some())
}

fn job<'a>(context: &Context, tail: &str) -> Needs<'a> {
    let action = tail.rsplit_once('/').map_or("", |(_, action)| action);
    if tail.ends_with("/dispatch/payload") || action == "dispatch" {
        return Needs::In(Ns::DispatchJob);
    }
    if tail.ends_with("/periodic/force") {
        return Needs::In(Ns::ForcePeriodicJob);
    }
    match action {
        "evaluate" => Needs::In(Ns::EvaluateJob),
        "plan" => Needs::Own,
        "revert" => Needs::In(Ns::RevertJob),
        "stable" => Needs::In(Ns::StableJob),
        "tag" if !context.is_read() => Needs::In(Ns::TagJobVersion),
        "scale" if context.is_write() => Needs::In(Ns::ScaleJob),
        "scale" => Needs::AnyIn(&[Ns::ReadJob, Ns::ReadJobScaling]),
        // The action of a job runs a command in its task.
        "action" => Needs::In(Ns::AllocExec),
        _ if context.is_write() => Needs::Own,
        _ if context.is_delete() && context.flag("purge").ok().flatten() == Some(true) => Needs::In(Ns::PurgeJob),
        _ if context.is_delete() => Needs::In(Ns::DeregisterJob),
        _ => Needs::In(Ns::ReadJob),
    }
}

fn node<'a>(context: &Context, tail: &'a str) -> Needs<'a> {
    if tail == "pools" {
        return Needs::Own;
    }
    if let Some(pool) = tail.strip_prefix("pool/") {
        let inner = pool.strip_suffix("/nodes").or(pool.strip_suffix("/jobs"));
        return match inner {
            Some(pool) => Needs::Pool(pool, NodePoolCapability::Read),
            None if context.is_delete() => Needs::Pool(pool, NodePoolCapability::Delete),
            None if context.is_write() => Needs::Pool(pool, NodePoolCapability::Write),
            None => Needs::Pool(pool, NodePoolCapability::Read),
        };
    }
    if context.is_read() { Needs::Coarse(Acl::can_read_node) } else { Needs::Coarse(Acl::can_write_node) }
}

fn agent<'a>(context: &Context, tail: &str) -> Needs<'a> {
    match tail {
        "health" | "join" => Needs::Nothing,
        "members" => Needs::Coarse(Acl::can_read_node),
        "self" | "host" | "monitor" | "monitor/export" => Needs::Coarse(Acl::can_read_agent),
        "servers" | "schedulers" | "schedulers/config" if context.is_read() => Needs::Coarse(Acl::can_read_agent),
        _ => Needs::Coarse(Acl::can_write_agent),
    }
}

fn operator<'a>(context: &Context, tail: &str) -> Needs<'a> {
    let reads = context.is_read();
    match tail.split_once('/').unwrap_or((tail, "")) {
        ("license" | "utilization", _) => Needs::Nothing,
        ("autopilot" | "scheduler" | "upgrade-check", _) if reads => Needs::Coarse(Acl::can_read_operator),
        ("autopilot" | "scheduler", _) => Needs::Coarse(Acl::can_write_operator),
        ("keyring", "keys") if reads => Needs::Operator(Acl::can_read_operator, OperatorCapability::KeyringRead),
        ("keyring", "rotate") => Needs::Operator(Acl::can_write_operator, OperatorCapability::KeyringRotate),
        ("keyring", _) => Needs::Operator(Acl::can_write_operator, OperatorCapability::KeyringDelete),
        ("snapshot", _) if reads => Needs::Operator(Acl::can_write_operator, OperatorCapability::SnapshotSave),
        _ => Needs::Management,
    }
}

fn client<'a>(context: &Context, tail: &str) -> Needs<'a> {
    match tail {
        "stats" => Needs::Coarse(Acl::can_read_node),
        "metadata" | "identity" if context.is_read() => Needs::Coarse(Acl::can_read_node),
        "metadata" | "identity" | "identity/renew" | "gc" => Needs::Coarse(Acl::can_write_node),
        // Files, logs and commands: by the allocation's namespace.
        _ => Needs::Nothing,
    }
}

fn volume<'a>(context: &Context, head: &str, tail: &str) -> Needs<'a> {
    let reads = context.is_read();
    match (head, tail.split_once('/').unwrap_or((tail, ""))) {
        ("volumes", ("", _)) if reads => match context.text("type") {
            Some("csi") => Needs::AnyIn(CSI_LIST),
            Some(_) => Needs::Own,
            None => Needs::Nothing,
        },
        ("volumes", ("claims", _)) => Needs::In(Ns::HostVolumeRead),
        ("volumes", ("claim", _)) => Needs::In(Ns::HostVolumeDelete),
        ("volumes", ("external" | "snapshot", _)) if reads => Needs::AnyIn(CSI_LIST),
        ("volumes", ("snapshot", _)) => Needs::In(Ns::CsiWriteVolume),
        ("volume", ("host", "create" | "register")) => Needs::Own,
        ("volume", ("host", _)) if reads => Needs::In(Ns::HostVolumeRead),
        ("volume", ("host", _)) => Needs::In(Ns::HostVolumeDelete),
        ("volume", ("csi", _)) if reads => Needs::AnyIn(CSI_READ),
        ("volume", ("csi", rest)) if rest.ends_with("/detach") => Needs::In(Ns::CsiMountVolume),
        ("volumes" | "volume", _) if context.is_delete() => Needs::In(Ns::CsiWriteVolume),
        // What is registered names its own namespace.
        _ => Needs::Coarse(Acl::can_read_plugin),
    }
}

/// For routes that hold an object: whether the caller may do one of several things in its namespace.
pub(super) fn in_namespace(context: &Context, namespace: &str, capabilities: &[Ns]) -> Result<bool> {
    Ok(context.acl()?.allows_any_of(namespace, capabilities))
}

/// As [`in_namespace`], refusing.
pub(super) fn must_in(context: &Context, namespace: &str, capability: Ns) -> Result<()> {
    if in_namespace(context, namespace, &[capability])? { Ok(()) } else { Err(ApiError::forbidden()) }
}
