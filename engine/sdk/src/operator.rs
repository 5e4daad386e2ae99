//! For those who operate a cluster: raft, autopilot, snapshots, the agents' logs.

use crate::{ByteStream, Client, Error, FrameStream, Method, NO_BODY, Query, Result};
use serde_json::Value;

impl Client {
    /// The servers that agree on the state, as the wire has them.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn raft_configuration(&self) -> Result<Value> {
        Ok(self.get("/v1/operator/raft/configuration", &Query::new()).await?.value)
    }
    /// Removes a server that will not come back; by its `id` or its `address`.
    pub async fn remove_raft_peer(&self, by: &str, value: &str) -> Result<()> {
        let query = Query::new().param(by, value);
        self.send::<Value, _>(Method::Delete, "/v1/operator/raft/peer", &query, NO_BODY).await?;
        Ok(())
    }
    /// Makes another server the leader; by its `id` or its `address`.
    pub async fn transfer_leadership(&self, by: &str, value: &str) -> Result<()> {
        let query = Query::new().param(by, value);
        self.send::<Value, _>(Method::Put, "/v1/operator/raft/transfer-leadership", &query, NO_BODY).await?;
        Ok(())
    }
    /// The state of the cluster as one archive, as it comes.
    pub async fn save_snapshot(&self, query: &Query) -> Result<ByteStream> {
        self.stream("/v1/operator/snapshot", query).await
    }
    /// Replaces the state of the cluster by an archive's.
    pub async fn restore_snapshot(&self, archive: Vec<u8>) -> Result<()> {
        let path = "/v1/operator/snapshot";
        let url = self.url(path, &Query::new());
        let (status, _, body) = self.raw("PUT", path, &[], Some(archive)).await?;
        if (200..300).contains(&status) {
            return Ok(());
        }
        Err(Error::Status { status, body: String::from_utf8_lossy(&body).trim().to_owned(), url })
    }
    /// The log of an agent as it is written.
    pub async fn monitor(&self, query: &Query) -> Result<FrameStream> {
        Ok(FrameStream::new(self.stream("/v1/agent/monitor", query).await?))
    }
}
