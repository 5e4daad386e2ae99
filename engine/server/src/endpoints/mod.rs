//! What callers may ask of a server, one file per family.

mod allocs;
mod deployments;
mod evals;
mod jobs;
mod namespaces;
mod node_agent;
mod node_pools;
mod nodes;
mod operator;
mod services;
mod variables;
