//! The node's link to a server in the same process.

use async_trait::async_trait;
use drover_model::node_call::{NodeCall, NodeReply};
use drover_model::{Allocation, Namespace, Node, NodeId, ServiceRegistration};
use drover_node::{AllocsReply, Heartbeat, IdentityWish, LinkError, ServerLink, SignedIdentity};
use drover_server::identity::Workload;
use drover_server::{ErrorKind, Server, ServerError};
use std::sync::Arc;
use std::time::Duration;

/// Calls the server directly.
#[derive(Debug)]
pub(crate) struct LocalLink(pub Server);

#[async_trait]
impl ServerLink for LocalLink {
    async fn register(&self, node: Node) -> Result<Heartbeat, LinkError> {
        let registered = self.0.register_node(node).await.map_err(failed)?;
        Ok(Heartbeat { ttl: registered.ttl })
    }
    async fn heartbeat(&self, node: &NodeId) -> Result<Heartbeat, LinkError> {
        let ttl = self.0.heartbeat(node).await.map_err(failed)?;
        Ok(Heartbeat { ttl })
    }
    async fn allocs(&self, node: &NodeId, min_index: u64, wait: Duration) -> Result<AllocsReply, LinkError> {
        let reply = self.0.node_allocs(node, min_index, wait).await.map_err(failed)?;
        Ok(AllocsReply { index: reply.index, allocs: reply.allocs })
    }
    async fn update_allocs(&self, updates: Vec<Allocation>) -> Result<(), LinkError> {
        self.0.update_allocs(updates).await.map(drop).map_err(failed)
    }
    async fn upsert_services(&self, services: Vec<ServiceRegistration>) -> Result<(), LinkError> {
        self.0.upsert_services(services).await.map(drop).map_err(failed)
    }
    async fn delete_services(&self, services: Vec<(Namespace, String)>) -> Result<(), LinkError> {
        self.0.delete_services(services).await.map(drop).map_err(failed)
    }
    async fn sign_identities(&self, node: &NodeId, wishes: &[IdentityWish]) -> Result<Vec<SignedIdentity>, LinkError> {
        let wishes: Vec<_> = wishes
            .iter()
            .map(|wish| drover_server::identity::IdentityWish {
                alloc_id: wish.alloc_id.clone(),
                workload: Workload::Task(wish.task.clone()),
                identity: wish.identity.clone(),
            })
            .collect();
        let all = self.0.sign_identities(node, &wishes).await.map_err(failed)?;
        Ok(all.into_iter().map(signed).collect())
    }
    async fn sign_node_identity(&self, node: &NodeId) -> Result<SignedIdentity, LinkError> {
        self.0.sign_node_identity(node).await.map(signed).map_err(failed)
    }
}

fn signed(identity: drover_server::identity::SignedIdentity) -> SignedIdentity {
    SignedIdentity { jwt: identity.jwt, expires: identity.expires }
}

fn failed(error: ServerError) -> LinkError {
    match error.kind {
        ErrorKind::NotFound => LinkError::UnknownNode,
        _ => LinkError::Failed(error.message),
    }
}

/// Kept beside the impl so that the trait object is made in one place.
pub(crate) fn local(server: Server) -> Arc<dyn ServerLink> {
    Arc::new(LocalLink(server))
}

/// The node of this agent, as a server calls it.
pub(crate) struct LocalNodes(pub drover_node::NodeHandle);

#[async_trait]
impl drover_server::storage::NodeCalls for LocalNodes {
    async fn call(&self, node: &NodeId, call: NodeCall) -> Result<NodeReply, String> {
        if self.0.node_id() != *node {
            return Err(format!("No path to node {node}"));
        }
        self.0.storage_call(call).await
    }
}
