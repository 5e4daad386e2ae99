//! The node: where allocations run.
//!
//! It finds out what its host offers, takes its allocations from the servers, drives hooks and drivers to run their
//! tasks, watches their health, and tells the servers what became of them. After a restart of the agent it takes
//! over the tasks that went on meanwhile.
//!
//! It knows nothing of raft, the HTTP layer or the scheduler: the servers are a [`ServerLink`], tasks are run by
//! `drover-drivers`. Lives of allocations and tasks are synchronous state machines ([`alloc::core`], [`task::core`])
//! without clock, files or randomness; [`alloc::runner`] performs what they ask for.
//!
//! Main types: [`Node`], [`NodeHandle`], [`NodeConfig`], [`ServerLink`].

pub mod alloc;
pub mod checks;
mod config;
mod context;
mod error;
mod fingerprint;
pub mod fs;
mod handle;
pub mod hooks;
pub mod host_volumes;
mod http;
pub mod identity;
mod link;
mod local_state;
pub mod logs;
mod meta;
mod node;
mod services;
pub mod stats;
mod sync;
pub mod task;

pub use config::{NodeConfig, SECRET_VARIABLES};
pub use error::NodeError;
pub use handle::NodeHandle;
pub use identity::task_api::TaskApi;
pub use link::{AllocsReply, Heartbeat, IdentityWish, LinkError, ServerLink, SignedIdentity};
pub use local_state::describe as describe_kept_state;
pub use meta::NodeMetadata;
pub use node::Node;
