//! Services of groups and tasks.

use super::{check, items, text};
use crate::job::{Service, Task, TaskGroup};
use crate::problems::Problems;
use std::collections::BTreeSet;

const MAX_NAME_LEN: usize = 63;

/// The services of a group, and what all services of the group must have in common.
pub(super) fn of_group(group: &TaskGroup) -> Problems {
    let mut problems = Problems::default();
    for (index, one) in items(&group.services).iter().enumerate() {
        let mut faults = service(one);
        faults.extend(labels(group, one));
        problems.nest(&format!("Service[{index}] {} validation failed", one.name), faults);
    }
    for one in items(&group.services).iter().filter(|service| service.address_mode == "driver") {
        problems.add(format!(
            "service {:?} cannot use address_mode=\"driver\", only services defined in a \"task\" block can use this mode",
            one.name
        ));
    }
    tasks_exist(group, &mut problems);
    let duplicates = duplicates(group);
    if !duplicates.is_empty() {
        problems.add(format!("Services are not unique: [{}]", duplicates.join(" ")));
    }
    let providers: BTreeSet<&str> = all(group).map(|(_, service)| service.provider.as_str()).collect();
    problems
        .add_if(providers.len() > 1, "Multiple service providers used: task group services must use the same provider");
    problems
}

/// The services of a task.
pub(super) fn of_task(group: &TaskGroup, task: &Task) -> Problems {
    let mut problems = Problems::default();
    let mut names = BTreeSet::new();
    for (index, one) in items(&task.services).iter().enumerate() {
        problems.nest(&format!("service[{index}] {:?} validation failed", one.name), service(one));
        if !names.insert(format!("{}{}", one.name, one.port_label)) {
            problems.add(format!("service {:?} is duplicate", one.name));
        }
        if one.connect.is_some() {
            problems.add(format!(
                "service {:?} cannot have \"connect\" block, only services defined in a \"group\" block can",
                one.name
            ));
        }
        if one.address_mode == "alloc" || one.address_mode == "alloc_ipv6" {
            problems.add(format!(
                "service {:?} cannot use address_mode={:?}, only services defined in a \"group\" block can use this mode",
                one.name, one.address_mode
            ));
        }
        foreign_tasks(task, one, &mut problems);
        // The address of a driver may have any port.
        let is_number = one.address_mode == "driver" && one.port_label.parse::<u16>().is_ok();
        if !one.port_label.is_empty() && !is_number && !has_label(group, Some(task), &one.port_label) {
            problems.add(format!("port label {:?} referenced by services {} does not exist", one.port_label, one.name));
        }
    }
    problems
}

/// What stands in a task is about that task.
fn foreign_tasks(task: &Task, service: &Service, problems: &mut Problems) {
    let is_foreign = |name: &str| !name.is_empty() && name != task.name;
    if is_foreign(&service.task_name) {
        problems.add(format!(
            "Service {} is invalid: may only specify task the service belongs to, got {:?}",
            service.name, service.task_name
        ));
    }
    for check in items(&service.checks).iter().filter(|check| is_foreign(&check.task_name)) {
        problems.add(format!(
            "Check {} is invalid: may only specify task the check belongs to, got {:?}",
            check.name, check.task_name
        ));
    }
}

/// Script checks of a group's services run in a task, which they must name.
pub(super) fn script_checks(group: &TaskGroup) -> Problems {
    let mut problems = Problems::default();
    for service in items(&group.services) {
        for check in items(&service.checks).iter().filter(|check| check.kind == "script") {
            if check.task_name.is_empty() && service.task_name.is_empty() {
                problems.add(format!(
                    "Service [{}]->{} or Check {} must specify task parameter",
                    text(&group.name),
                    service.name,
                    check.name
                ));
            }
        }
    }
    problems
}

fn tasks_exist(group: &TaskGroup, problems: &mut Problems) {
    let exists = |name: &str| items(&group.tasks).iter().any(|task| task.name == name);
    for service in items(&group.services) {
        for check in items(&service.checks) {
            let name = if check.task_name.is_empty() { &service.task_name } else { &check.task_name };
            if !name.is_empty() && !exists(name) {
                problems.add(format!("Check {} invalid: refers to non-existent task {name}", check.name));
            }
        }
    }
}

/// Every service of a group with the name of its owner in messages.
fn all(group: &TaskGroup) -> impl Iterator<Item = (&str, &Service)> {
    let of_tasks = items(&group.tasks)
        .iter()
        .flat_map(|task| items(&task.services).iter().map(|service| (task.name.as_str(), service)));
    items(&group.services).iter().map(|service| ("group", service)).chain(of_tasks)
}

fn duplicates(group: &TaskGroup) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut duplicates = BTreeSet::new();
    for (owner, service) in all(group) {
        if !seen.insert((owner, &service.name, &service.port_label)) {
            let port = Some(service.port_label.as_str()).filter(|label| !label.is_empty());
            let port = port.map(|label| format!(":{label}")).unwrap_or_default();
            duplicates.insert(format!("{owner}->{}{port}", service.name));
        }
    }
    duplicates.into_iter().collect()
}

fn service(service: &Service) -> Problems {
    let mut problems = Problems::default();
    if !is_service_name(&service.name) {
        problems.add(format!(
            "Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must \
             be no longer than {MAX_NAME_LEN} characters: {:?}",
            service.name
        ));
    }
    if !matches!(service.address_mode.as_str(), "" | "auto" | "host" | "driver" | "alloc" | "alloc_ipv6") {
        problems.add(format!(
            "Service address_mode must be \"auto\", \"host\", or \"driver\"; not {:?}",
            service.address_mode
        ));
    }
    problems.add_if(
        !service.address.is_empty() && !matches!(service.address_mode.as_str(), "" | "auto"),
        "Service address_mode must be \"auto\" if address is set",
    );
    if !is_on_update(&service.on_update) {
        problems.add(format!(
            "Service on_update must be \"require_healthy\", \"ignore_warnings\", or \"ignore\"; not {:?}",
            service.on_update
        ));
    }
    if !matches!(
        service.kind.as_str(),
        "" | "api-gateway" | "connect-proxy" | "ingress-gateway" | "mesh-gateway" | "terminating-gateway"
    ) {
        problems.add(format!("Service {} kind must be one of consul service kind or empty", service.name));
    }
    match service.provider.as_str() {
        "consul" => consul(service, &mut problems),
        "nomad" => native(service, &mut problems),
        other => problems.add(format!("Service provider must be \"consul\", or \"nomad\"; not {other:?}")),
    }
    problems
}

fn consul(service: &Service, problems: &mut Problems) {
    for one in items(&service.checks) {
        if let Some(fault) = check::port(service, one).or_else(|| check::check(one, check::CONSUL_KINDS)) {
            problems.add(format!("Check {} invalid: {fault}", one.name));
        }
    }
    if let Some(connect) = &service.connect {
        let ways = usize::from(connect.native)
            + usize::from(connect.sidecar_service.is_some())
            + usize::from(connect.gateway.is_some());
        problems.add_if(
            ways != 1,
            "Consul Connect must be exclusively native, make use of a sidecar, or represent a Gateway",
        );
        if connect.native {
            for (wrong, what) in [(service.task_name.is_empty(), "task"), (service.port_label.is_empty(), "port")] {
                if wrong {
                    problems.add(format!("Service {} is Connect Native and requires setting the {what}", service.name));
                }
            }
        }
    }
    if let Some(identity) = &service.identity {
        problems.add_if(
            items(&identity.audience).is_empty(),
            "Service identity must provide at least one target aud value",
        );
    }
}

fn native(service: &Service, problems: &mut Problems) {
    problems.add_if(service.enable_tag_override, "Service with provider nomad cannot include enable_tag_override");
    problems.add_if(service.connect.is_some(), "Service with provider nomad cannot include Connect blocks");
    for one in items(&service.checks) {
        if let Some(fault) = check::port(service, one) {
            problems.add(format!("Check {} invalid: {fault}", one.name));
        } else if let Some(fault) = check::check(one, check::NATIVE_KINDS).or_else(|| check::consul_only(one)) {
            problems.add(fault);
        }
    }
}

/// Labels of a group's service must exist, unless it is a number or interpolated.
fn labels(group: &TaskGroup, service: &Service) -> Problems {
    let mut problems = Problems::default();
    let connects = service.connect.as_ref().is_some_and(|connect| connect.sidecar_service.is_some());
    let by_task = !service.task_name.is_empty();
    if service.address_mode == "host"
        && needs_label(service)
        && !connects
        && !by_task
        && !has_label(group, None, &service.port_label)
    {
        problems
            .add(format!("port label {:?} referenced by service {} does not exist", service.port_label, service.name));
    }
    problems
}

fn needs_label(service: &Service) -> bool {
    let label = service.port_label.as_str();
    !label.is_empty() && label.parse::<u16>().is_err() && !label.contains("${")
}

fn has_label(group: &TaskGroup, task: Option<&Task>, label: &str) -> bool {
    let of_task = task.and_then(|task| task.resources.as_ref()).map_or(&[][..], |resources| items(&resources.networks));
    let networks = items(&group.networks).iter().chain(of_task);
    networks
        .flat_map(|network| items(&network.reserved_ports).iter().chain(items(&network.dynamic_ports)))
        .any(|port| port.label == label)
}

pub(super) fn is_on_update(value: &str) -> bool {
    matches!(value, "" | "require_healthy" | "ignore_warnings" | "ignore")
}

/// Interpolations count as letters.
fn is_service_name(name: &str) -> bool {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((_, after)) = after.split_once('}') else { return false };
        plain.push_str(before);
        plain.push('x');
        rest = after;
    }
    plain.push_str(rest);
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    plain.len() <= MAX_NAME_LEN
        && ends_well(plain.chars().next())
        && ends_well(plain.chars().next_back())
        && plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
