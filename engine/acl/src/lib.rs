//! Access control: the rule language, and what a set of policies allows.
//!
//! - [`Policy::parse`] reads rules (HCL or JSON) and says what is wrong with them; its serde form is what the API shows.
//! - [`Acl`] is what several policies allow together: deny wins, then everything that any of them grants. Namespaces,
//!   pools, volumes and variables are looked up by their exact name first, then by the closest pattern.
//! - [`NamespaceCapability`], [`VariableCapability`] and the like name what may be allowed; [`Level`] are the coarse
//!   permissions of nodes, agents, operators, quotas and plugins.
//!
//! It knows nothing of tokens, roles, workloads, requests or state: callers hand it policies and ask.

mod acl;
mod capability;
mod pattern;
mod policy;
mod syntax;

pub use acl::{Acl, Level};
pub use capability::{
    Capability, HostVolumeCapability, NamespaceCapability, NodePoolCapability, OperatorCapability, VariableCapability,
};
pub use pattern::glob_matches;
pub use policy::{
    CapabilityRule, CoarseRule, NamespaceRule, OperatorRule, PathRule, Policy, PolicyError, VariablesRule,
};
pub use syntax::SyntaxError;
