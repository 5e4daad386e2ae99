//! The checks of one allocation while they run.

use super::core::{CheckCore, Standing};
use super::probe::Probe;
use super::{CheckResult, CheckResults, Outcome};
use crate::services::{self, AddressSource};
use crate::task::env::{TaskEnv, host_port};
use drover_base::UnixNanos;
use drover_model::{AllocId, Check, Service};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// A check does not run more often than this.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// What a running check reports.
#[derive(Debug)]
pub struct CheckReport {
    /// The check.
    pub id: String,
    /// What its probe found.
    pub outcome: Outcome,
}

/// What must be known of a service to run its checks.
#[derive(Clone, Copy, Debug)]
pub struct CheckSource<'a> {
    /// The allocation.
    pub alloc_id: &'a AllocId,
    /// Its name.
    pub alloc_name: &'a str,
    /// The task's name, for a service of a task; otherwise empty.
    pub task: &'a str,
    /// The environment for `${…}`.
    pub env: &'a TaskEnv,
    /// Addresses.
    pub address: AddressSource<'a>,
}

#[derive(Debug)]
struct Running {
    core: CheckCore,
    task: String,
    restarts_task: String,
    is_required: bool,
    probe: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.probe.abort();
    }
}

/// The task to restart for bad health, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct RestartWanted {
    /// Empty for all tasks.
    pub task: String,
    /// For people.
    pub reason: String,
}

/// The checks of one allocation.
#[derive(Debug)]
pub struct CheckSet {
    results: Arc<Mutex<CheckResults>>,
    running: HashMap<String, Running>,
    reports: mpsc::UnboundedSender<CheckReport>,
}

impl CheckSet {
    /// An empty set, and where its checks report.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<CheckReport>) {
        let (reports, receiver) = mpsc::unbounded_channel();
        (Self { results: Arc::default(), running: HashMap::new(), reports }, receiver)
    }

    /// The newest results, shared with whoever asks.
    pub fn results(&self) -> Arc<Mutex<CheckResults>> {
        Arc::clone(&self.results)
    }

    /// Whether every check that a deployment waits for passes.
    pub fn all_pass(&self) -> bool {
        self.running.values().all(|check| !check.is_required || check.core.standing() == Standing::Success)
    }

    /// Begins the checks of a service. Those that run already begin anew.
    pub fn start(&mut self, source: &CheckSource<'_>, service: &Service, now: UnixNanos) {
        for check in &service.checks {
            let id = check_id(source, service, check);
            let core = CheckCore::new(check, now);
            let on_update = if check.on_update.is_empty() { &service.on_update } else { &check.on_update };
            let is_required = on_update.is_empty() || on_update == "require_healthy";
            let result = CheckResult {
                id: id.clone(),
                mode: if is_required { "healthiness" } else { "readiness" }.into(),
                status: core.standing().as_str().into(),
                output: "nomad: waiting to run".into(),
                timestamp: now.0 / 1_000_000_000,
                group: source.alloc_name.to_owned(),
                task: source.task.to_owned(),
                service: source.env.replace(&service.name),
                check: source.env.replace(&check.name),
                ..CheckResult::default()
            };
            self.results.lock().insert(id.clone(), result);
            let probe = self.run(id.clone(), probe(source, service, check), check);
            let task = if check.task_name.is_empty() { source.task } else { &check.task_name };
            let running =
                Running { core, task: source.task.to_owned(), restarts_task: task.to_owned(), is_required, probe };
            self.running.insert(id, running);
        }
    }

    /// Ends the checks of a task's services, or of the group's for an empty name. Their results stay.
    pub fn stop(&mut self, task: &str) {
        self.running.retain(|_, check| check.task != task);
    }

    /// Takes a report; says what is to be restarted.
    pub fn record(&mut self, report: CheckReport, now: UnixNanos) -> Option<RestartWanted> {
        let running = self.running.get_mut(&report.id)?;
        let restarts = running.core.record(report.outcome.grade, now);
        let mut results = self.results.lock();
        let result = results.get_mut(&report.id)?;
        running.core.standing().as_str().clone_into(&mut result.status);
        result.status_code = report.outcome.status_code;
        result.output = report.outcome.output;
        result.timestamp = now.0 / 1_000_000_000;
        restarts.then(|| RestartWanted {
            task: running.restarts_task.clone(),
            reason: format!("healthcheck: check {:?} unhealthy", result.check),
        })
    }

    fn run(&self, id: String, probe: Probe, check: &Check) -> AbortHandle {
        let interval = check.interval.as_duration().max(MIN_INTERVAL);
        let timeout = check.timeout.as_duration();
        let reports = self.reports.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let outcome = probe.look(timeout).await;
                if reports.send(CheckReport { id: id.clone(), outcome }).is_err() {
                    break;
                }
            }
        });
        task.abort_handle()
    }
}

fn probe(source: &CheckSource<'_>, service: &Service, check: &Check) -> Probe {
    let env = source.env;
    let label = if check.port_label.is_empty() { &service.port_label } else { &check.port_label };
    let mode = match (check.address_mode.as_str(), service.address_mode.as_str()) {
        ("", "" | "auto") => "host",
        ("", mode) | (mode, _) => mode,
    };
    let Some((ip, port)) =
        services::address(mode, &env.replace(label), &env.replace(&service.address), &source.address)
    else {
        return Probe::Impossible(format!("nomad: no port {label:?} for this check"));
    };
    let address = host_port(&ip, port);
    match check.kind.as_str() {
        "tcp" => Probe::Tcp { address },
        "http" | "https" => {
            let protocol = match (check.protocol.as_str(), check.kind.as_str()) {
                ("", kind) => kind,
                (protocol, _) => protocol,
            };
            let path = env.replace(&check.path);
            let slash = if path.starts_with('/') { "" } else { "/" };
            let header = check.header.iter().map(|(key, values)| (key.clone(), env.replace_all(values)));
            Probe::Http {
                url: format!("{protocol}://{address}{slash}{path}"),
                method: if check.method.is_empty() { "GET".into() } else { check.method.clone() },
                headers: header.collect(),
                body: env.replace(&check.body),
                skip_verify: check.tls_skip_verify,
            }
        }
        kind => {
            Probe::Impossible(format!("nomad: checks of type {kind:?} are not supported by this node: use http or tcp"))
        }
    }
}

fn check_id(source: &CheckSource<'_>, service: &Service, check: &Check) -> String {
    let mut hash = Sha256::new();
    for part in [
        source.alloc_id.as_str(),
        source.task,
        &service.name,
        &service.port_label,
        &check.name,
        &check.kind,
        &check.path,
        &check.port_label,
        &check.method,
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Grade;
    use drover_model::CheckRestart;

    fn source<'a>(id: &'a AllocId, env: &'a TaskEnv) -> CheckSource<'a> {
        let address = AddressSource { ports: &[], network: None, node_ip: "127.0.0.1" };
        CheckSource { alloc_id: id, alloc_name: "j.g[0]", task: "t", env, address }
    }

    fn service(kind: &str) -> Service {
        let check = Check {
            name: "c".into(),
            kind: kind.into(),
            check_restart: Some(CheckRestart { limit: 1, ..CheckRestart::default() }),
            ..Check::default()
        };
        Service { name: "s".into(), port_label: "1".into(), checks: vec![check], ..Service::default() }
    }

    #[tokio::test]
    async fn results_are_kept_and_restarts_wanted() {
        let (mut set, mut reports) = CheckSet::new();
        let (id, env) = (AllocId::from("a"), TaskEnv::default());
        set.start(&source(&id, &env), &service("tcp"), UnixNanos(1));
        assert!(!set.all_pass());
        let first = reports.recv().await.unwrap();
        let outcome = Outcome { grade: Grade::Good, status_code: 0, output: "ok".into() };
        assert_eq!(set.record(CheckReport { id: first.id.clone(), outcome }, UnixNanos(2)), None);
        assert!(set.all_pass());
        let outcome = Outcome { grade: Grade::Bad, status_code: 0, output: "refused".into() };
        let wanted = set.record(CheckReport { id: first.id.clone(), outcome }, UnixNanos(3)).unwrap();
        assert_eq!(wanted.task, "t");
        assert_eq!(wanted.reason, "healthcheck: check \"c\" unhealthy");
        let results = set.results().lock().clone();
        assert_eq!(results[&first.id].status, "failure");
        assert_eq!(results[&first.id].output, "refused");
        set.stop("t");
        assert!(set.all_pass());
    }

    #[tokio::test]
    async fn a_kind_that_is_not_supported_says_so() {
        let (mut set, mut reports) = CheckSet::new();
        let (id, env) = (AllocId::from("a"), TaskEnv::default());
        set.start(&source(&id, &env), &service("grpc"), UnixNanos(1));
        let report = reports.recv().await.unwrap();
        assert_eq!(report.outcome.grade, Grade::Bad);
        assert!(report.outcome.output.contains("not supported"));
    }
}
