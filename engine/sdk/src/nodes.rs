//! Nodes: read, drain, eligibility, statistics.

use crate::types::{AllocStub, HostStats, NodeStub, NodeUpdated};
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use drover_model::{Allocation, DrainSpec, Node};
use serde_json::{Map, Value, json};

impl Client {
    /// Nodes, as the list shows them.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn nodes(&self, query: &Query) -> Result<Answer<Vec<NodeStub>>> {
        self.get("/v1/nodes", query).await
    }
    /// One node; `id` in full.
    pub async fn node(&self, id: &str, query: &Query) -> Result<Answer<Node>> {
        self.get(&format!("/v1/node/{id}"), query).await
    }
    /// Its allocations in full.
    pub async fn node_allocations(&self, id: &str, query: &Query) -> Result<Answer<Vec<Allocation>>> {
        self.get(&format!("/v1/node/{id}/allocations"), query).await
    }
    /// Its allocations as stubs.
    pub async fn node_allocation_stubs(&self, id: &str, query: &Query) -> Result<Answer<Vec<AllocStub>>> {
        self.get(&format!("/v1/node/{id}/allocations"), query).await
    }
    /// What the machine does right now, asked of the node.
    pub async fn node_stats(&self, id: &str) -> Result<HostStats> {
        Ok(self.get("/v1/client/stats", &Query::new().param("node_id", id)).await?.value)
    }
    /// Begins (`Some`) or ends a drain.
    pub async fn drain_node(
        &self,
        id: &str,
        spec: Option<&DrainSpec>,
        mark_eligible: bool,
        meta: &Map<String, Value>,
    ) -> Result<NodeUpdated> {
        let body = json!({"NodeID": id, "DrainSpec": spec, "MarkEligible": mark_eligible, "Meta": meta});
        self.send(Method::Put, &format!("/v1/node/{id}/drain"), &Query::new(), Some(&body)).await
    }
    /// Lets the scheduler use a node, or not.
    pub async fn set_node_eligibility(&self, id: &str, eligible: bool) -> Result<NodeUpdated> {
        let eligibility = if eligible { "eligible" } else { "ineligible" };
        let body = json!({"NodeID": id, "Eligibility": eligibility});
        self.send(Method::Put, &format!("/v1/node/{id}/eligibility"), &Query::new(), Some(&body)).await
    }
    /// Forgets a node that is down.
    pub async fn purge_node(&self, id: &str) -> Result<NodeUpdated> {
        self.send(Method::Put, &format!("/v1/node/{id}/purge"), &Query::new(), NO_BODY).await
    }
}
