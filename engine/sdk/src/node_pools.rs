//! Pools of nodes, and what nodes say about themselves.

use crate::client::segment;
use crate::types::{JobStub, NodeStub};
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use serde_json::{Value, json};

fn path(name: &str) -> String {
    format!("/v1/node/pool/{}", segment(name))
}

impl Client {
    /// Pools, as the wire has them.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn node_pools(&self, query: &Query) -> Result<Answer<Vec<Value>>> {
        self.get("/v1/node/pools", query).await
    }
    /// One pool.
    pub async fn node_pool(&self, name: &str) -> Result<Value> {
        Ok(self.get(&path(name), &Query::new()).await?.value)
    }
    /// Makes or changes a pool.
    pub async fn apply_node_pool(&self, pool: &Value) -> Result<()> {
        self.send::<Value, _>(Method::Put, "/v1/node/pools", &Query::new(), Some(pool)).await?;
        Ok(())
    }
    /// Removes a pool without nodes and jobs.
    pub async fn delete_node_pool(&self, name: &str) -> Result<()> {
        self.send::<Value, _>(Method::Delete, &path(name), &Query::new(), NO_BODY).await?;
        Ok(())
    }
    /// The nodes of a pool.
    pub async fn node_pool_nodes(&self, name: &str, query: &Query) -> Result<Answer<Vec<NodeStub>>> {
        self.get(&format!("{}/nodes", path(name)), query).await
    }
    /// The jobs of a pool.
    pub async fn node_pool_jobs(&self, name: &str, query: &Query) -> Result<Answer<Vec<JobStub>>> {
        self.get(&format!("{}/jobs", path(name)), query).await
    }
    /// A node's meta: `Meta` as it is, `Dynamic` as it was set at run time, `Static` as it was configured.
    pub async fn node_metadata(&self, node: Option<&str>) -> Result<Value> {
        Ok(self.get("/v1/client/metadata", &of_node(node)).await?.value)
    }
    /// Sets keys of a node's meta; null removes one.
    pub async fn set_node_metadata(&self, node: Option<&str>, meta: &Value) -> Result<Value> {
        let body = json!({"NodeID": node.unwrap_or_default(), "Meta": meta});
        self.send(Method::Post, "/v1/client/metadata", &of_node(node), Some(&body)).await
    }
}

fn of_node(node: Option<&str>) -> Query {
    node.map_or_else(Query::new, |node| Query::new().param("node_id", node))
}
