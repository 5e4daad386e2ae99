//! Task drivers, and the supervisor process that runs tasks.
//!
//! A [`Driver`] starts, watches, signals and removes tasks of one kind for the node: [`raw_exec`], [`exec`],
//! [`docker`] and [`mock`]. Commands run under a [`supervisor`] process of their own, so that tasks and their output
//! survive the agent; a stored [`TaskHandle`] finds them again.
//!
//! This crate knows nothing of jobs, allocations' life cycles, restarts, the API or the server: the node turns a
//! job's task into a [`TaskConfig`], already interpolated, and decides what an [`ExitResult`] means.

mod config_check;
pub mod docker;
pub mod driver;
pub mod exec;
mod executor;
pub mod mock;
pub mod raw_exec;
mod registry;
pub mod schema;
mod signals;
pub mod supervisor;
pub mod task_config;

pub use config_check::{ConfigFault, check_config};
pub use driver::{
    Driver, DriverCapabilities, DriverError, DriverEvent, DriverFingerprint, DriverNetwork, EventSink, ExecRequest,
    ExecSession, ExitResult, FsIsolation, ResourceUsage, StartedTask, TaskHandle, TaskStats, TerminalSize,
};
pub use registry::{DriverOptions, Drivers};
pub use supervisor::Launcher;
pub use task_config::{DnsConfig, LogConfig, PortMapping, TaskConfig, TaskDevice, TaskDirs, TaskMount, TaskResources};

/// Control group above all tasks, unless the operator names another.
pub const DEFAULT_CGROUP_PARENT: &str = "drover";
