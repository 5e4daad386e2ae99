//! Pools of nodes.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::JobStatus;
use drover_model::registry::{ALL_NODE_POOL, DEFAULT_NODE_POOL, NodePool};
use drover_state::Command;
use drover_wire::problems::Problems;

/// The longest description in bytes.
const MAX_DESCRIPTION_BYTES: usize = 256;

impl Server {
    /// Adds or changes a pool of nodes.
    ///
    /// # Errors
    /// Its name is not allowed, or it is a built-in one.
    pub async fn upsert_node_pool(&self, pool: NodePool) -> Result<Written> {
        let name = pool.name.as_str();
        let mut problems = Problems::default();
        if !is_name(name) {
            problems.add(format!("invalid name {name:?}, must match regex ^[a-zA-Z0-9-_]{{1,128}}$"));
        }
        if pool.description.len() > MAX_DESCRIPTION_BYTES {
            problems.add(format!("description longer than {MAX_DESCRIPTION_BYTES}"));
        }
        if !problems.is_empty() {
            return Err(ServerError::invalid(format!("invalid node pool {name:?}: {}", problems.to_text())));
        }
        if name == ALL_NODE_POOL || name == DEFAULT_NODE_POOL {
            return Err(ServerError::invalid(format!("modifying node pool {name:?} is not allowed")));
        }
        if let Some(scheduler) = &pool.scheduler_configuration {
            if !self.inner.config.governance {
                return Err(ServerError::refused("Feature \"Node Pools Governance\" is unlicensed"));
            }
            if !matches!(scheduler.scheduler_algorithm.as_str(), "" | "binpack" | "spread") {
                let text = format!("invalid scheduler algorithm {:?}", scheduler.scheduler_algorithm);
                return Err(ServerError::invalid(format!("invalid node pool {name:?}: {text}")));
            }
        }
        Ok(Written { index: self.inner.propose(Command::UpsertNodePools(vec![pool])).await?.index })
    }

    /// Removes a pool of nodes.
    ///
    /// # Errors
    /// It is unknown, or has nodes or jobs.
    pub async fn delete_node_pool(&self, name: &str) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        if snapshot.node_pool(name).is_none() {
            return Err(ServerError::refused(format!("node pool {name} not found")));
        }
        let region = &self.inner.config.region;
        let mut problems = Problems::default();
        if snapshot.nodes().any(|node| node.node_pool == name) || name == ALL_NODE_POOL {
            problems.add(format!("node pool {name:?} has nodes in regions: [{region}]"));
        } else if snapshot.jobs().any(|job| job.node_pool == name && job.status != JobStatus::Dead) {
            problems.add(format!("node pool {name:?} has non-terminal jobs in regions: [{region}]"));
        } else if name == DEFAULT_NODE_POOL {
            problems.add(format!("deleting node pool {name:?} is not allowed"));
        }
        problems.into_result().map_err(|problems| ServerError::refused(problems.to_text()))?;
        Ok(Written { index: self.inner.propose(Command::DeleteNodePools(vec![name.to_owned()])).await?.index })
    }
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
