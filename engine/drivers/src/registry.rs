//! The drivers of one node.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::docker::{Docker, DockerOptions};
use crate::driver::Driver;
use crate::exec::{Exec, ExecOptions};
use crate::mock::Mock;
use crate::raw_exec::RawExec;
use crate::supervisor::Launcher;

/// The operator's settings for all drivers.
#[derive(Debug, Clone)]
pub struct DriverOptions {
    /// Executable whose `supervise` command is [`crate::supervisor::main`]; the agent's own.
    pub supervisor_executable: PathBuf,
    /// Allow commands without isolation.
    pub raw_exec_enabled: bool,
    /// Control group above all tasks.
    pub cgroup_parent: String,
    /// Of the exec driver.
    pub exec: ExecOptions,
    /// Of the docker driver.
    pub docker: DockerOptions,
    /// Offer the driver that only pretends, for tests.
    pub mock_enabled: bool,
}

impl DriverOptions {
    /// Defaults of a production agent: no raw_exec, no mock.
    pub fn new(supervisor_executable: impl Into<PathBuf>) -> Self {
        Self {
            supervisor_executable: supervisor_executable.into(),
            raw_exec_enabled: false,
            cgroup_parent: crate::DEFAULT_CGROUP_PARENT.into(),
            exec: ExecOptions::default(),
            docker: DockerOptions::default(),
            mock_enabled: false,
        }
    }
}

/// Drivers by name.
#[derive(Debug, Clone)]
pub struct Drivers(BTreeMap<&'static str, Arc<dyn Driver>>);

impl Drivers {
    /// All built-in drivers, sharing one launcher.
    pub fn new(options: &DriverOptions) -> Self {
        let launcher = Arc::new(Launcher::new(&options.supervisor_executable));
        let exec = ExecOptions { cgroup_parent: options.cgroup_parent.clone(), ..options.exec.clone() };
        let mut drivers: Vec<Arc<dyn Driver>> = vec![
            Arc::new(RawExec::new(options.raw_exec_enabled, &options.cgroup_parent, Arc::clone(&launcher))),
            Arc::new(Exec::new(exec, Arc::clone(&launcher))),
            Arc::new(Docker::new(options.docker.clone(), launcher)),
        ];
        if options.mock_enabled {
            drivers.push(Arc::new(Mock::new()));
        }
        Self(drivers.into_iter().map(|driver| (driver.name(), driver)).collect())
    }

    /// The driver that a job names.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Driver>> {
        self.0.get(name).cloned()
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        self.0.values()
    }
}
