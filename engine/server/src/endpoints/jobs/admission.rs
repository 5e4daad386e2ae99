//! From a submitted job to one that may be stored: defaults, validation, and what only the cluster knows.

use crate::config::ServerConfig;
use crate::error::{Result, ServerError};
use drover_base::uuid;
use drover_model::registry::NamespaceSpec;
use drover_model::{Job, Namespace};
use drover_state::Snapshot;
use drover_wire::admission::{Admitted, Problems, Warnings, admit};
use drover_wire::job;

/// A job that may be stored.
pub(crate) struct Accepted {
    /// In canonical form.
    pub job: Job,
    /// For people.
    pub warnings: Warnings,
}

/// Checks a submitted job against its own rules and the cluster.
///
/// # Errors
/// All problems at once.
pub(crate) fn accept(mut submitted: job::Job, config: &ServerConfig, snapshot: &Snapshot) -> Result<Accepted> {
    check_region(&submitted, &config.region)?;
    settle_pool(&mut submitted, snapshot);
    let Admitted { mut job, warnings } = admit(submitted).map_err(refused)?;
    check_cluster(&job, config.jobs.max_count, snapshot).map_err(refused)?;
    if let Some(current) = snapshot.job(&job.key()) {
        check_update(current, &job)?;
    } else if job.dispatched {
        return Err(ServerError::refused("job can't be submitted with 'Dispatched' set"));
    }
    for policy in job.task_groups.iter_mut().filter_map(|group| group.scaling.as_mut()) {
        if policy.id.is_empty() {
            policy.id = uuid::random();
        }
    }
    Ok(Accepted { job, warnings })
}

fn refused(problems: Problems) -> ServerError {
    ServerError::refused(problems.into_text())
}

/// A job of another region cannot be taken here.
pub(crate) fn check_region(submitted: &job::Job, region: &str) -> Result<()> {
    match submitted.region.as_deref() {
        None | Some("" | "global") => Ok(()),
        Some(wanted) if wanted == region => Ok(()),
        Some(_) => Err(ServerError::refused("No path to region")),
    }
}

/// What only the cluster knows: its namespaces and pools, and what is allowed in them.
fn check_cluster(job: &Job, max_count: u64, snapshot: &Snapshot) -> std::result::Result<(), Problems> {
    let mut problems = Problems::default();
    let count: u64 = job.task_groups.iter().map(|group| u64::from(group.count)).sum();
    if max_count > 0 && count > max_count {
        problems.add(format!("total count was greater than configured job_max_count: {count} > {max_count}"));
    }
    match snapshot.namespace(&job.namespace) {
        None => {
            problems.add(format!("job {:?} is in nonexistent namespace {:?}", &*job.id, &*job.namespace));
        }
        Some(namespace) => {
            if let Some(capabilities) = &namespace.capabilities {
                check_capabilities(job, capabilities, &mut problems);
            }
            check_rules(job, namespace, &mut problems);
        }
    }
    if snapshot.node_pool(&job.node_pool).is_none() {
        problems.add(format!("job {:?} is in nonexistent node pool {:?}", &*job.id, job.node_pool));
    }
    problems.into_result()
}

/// Which pools and clusters the namespace's jobs may use.
fn check_rules(job: &Job, namespace: &NamespaceSpec, problems: &mut Problems) {
    let mut check = |rule: &Option<serde_json::Value>, what: &str, used: &str| {
        if rule.as_ref().is_some_and(|rule| is_refused(rule, used)) {
            let text = format!(
                "job {:?} uses {what} {used:?}, which is not allowed in namespace {:?}",
                &*job.id, &*namespace.name
            );
            problems.add(text);
        }
    };
    check(&namespace.node_pool_configuration, "node pool", &job.node_pool);
    for group in &job.task_groups {
        let consul = group.consul.iter().chain(group.tasks.iter().filter_map(|task| task.consul.as_ref()));
        consul.for_each(|consul| check(&namespace.consul_configuration, "Consul cluster", &consul.cluster));
        let vault = group.tasks.iter().filter_map(|task| task.vault.as_ref());
        vault.for_each(|vault| check(&namespace.vault_configuration, "Vault cluster", &vault.cluster));
    }
}

/// `Allowed` and `Denied` may have stars; the default is always allowed.
fn is_refused(rule: &serde_json::Value, used: &str) -> bool {
    let names = |list: &str| {
        let patterns = rule[list].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
        patterns.map(|pattern| matches_stars(pattern, used)).collect::<Vec<_>>()
    };
    if rule["Default"] == used {
        return false;
    }
    let (allowed, denied) = (names("Allowed"), names("Denied"));
    denied.contains(&true) || (!allowed.is_empty() && !allowed.contains(&true))
}

fn matches_stars(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches_stars(rest, &text[at..]))
        }),
    }
}

/// A job without a pool gets that of its namespace.
fn settle_pool(submitted: &mut job::Job, snapshot: &Snapshot) {
    if submitted.node_pool.as_deref().is_some_and(|pool| !pool.is_empty()) {
        return;
    }
    let namespace = submitted.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(Namespace::DEFAULT);
    let rule = snapshot.namespace(namespace).and_then(|namespace| namespace.node_pool_configuration.as_ref());
    if let Some(default) = rule.and_then(|rule| rule["Default"].as_str()).filter(|pool| !pool.is_empty()) {
        submitted.node_pool = Some(default.to_owned());
    }
}

fn check_capabilities(
    job: &Job,
    capabilities: &drover_model::registry::NamespaceCapabilities,
    problems: &mut Problems,
) {
    let refused = |used: &str, enabled: &[String], disabled: &[String]| {
        (!enabled.is_empty() && !enabled.iter().any(|name| name == used)) || disabled.iter().any(|name| name == used)
    };
    let mut drivers: Vec<&str> =
        job.task_groups.iter().flat_map(|group| &group.tasks).map(|task| task.driver.as_str()).collect();
    drivers.sort_unstable();
    drivers.dedup();
    for driver in drivers {
        if refused(driver, &capabilities.enabled_task_drivers, &capabilities.disabled_task_drivers) {
            problems.add(format!("used task driver {driver:?} is not allowed in namespace {:?}", &*job.namespace));
        }
    }
    let mut modes: Vec<&str> =
        job.task_groups.iter().flat_map(|group| &group.networks).map(|network| network.mode.as_str()).collect();
    modes.sort_unstable();
    modes.dedup();
    for mode in modes {
        let mode = if mode.is_empty() { "host" } else { mode };
        if refused(mode, &capabilities.enabled_network_modes, &capabilities.disabled_network_modes) {
            problems.add(format!("used group network mode {mode:?} is not allowed in namespace {:?}", &*job.namespace));
        }
    }
}

/// Some properties of a job never change.
fn check_update(current: &Job, new: &Job) -> Result<()> {
    let refuse = |text: String| Err(ServerError::refused(text));
    if current.kind != new.kind {
        return refuse(format!("cannot update job from type {:?} to {:?}", current.kind.as_str(), new.kind.as_str()));
    }
    let pairs = [
        ("periodic", current.periodic.is_some(), new.periodic.is_some()),
        ("parameterized", current.parameterized_job.is_some(), new.parameterized_job.is_some()),
    ];
    for (name, was, is) in pairs {
        if was && !is {
            return refuse(format!("cannot update {name} job to being non-{name}"));
        }
        if is && !was {
            return refuse(format!("cannot update non-{name} job to being {name}"));
        }
    }
    if current.dispatched != new.dispatched {
        return refuse("field 'Dispatched' is read-only".to_owned());
    }
    Ok(())
}

/// Whether registering the job makes an evaluation: jobs that only make others are not placed.
pub(crate) fn is_placed(job: &Job) -> bool {
    job.periodic.is_none() && (job.parameterized_job.is_none() || job.dispatched)
}
