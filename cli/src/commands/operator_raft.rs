//! `operator raft …`: the servers that agree on the state.

use crate::context::Context;
use crate::engine::ServerArgs;
use crate::error::{CliError, During};
use crate::output::{self, Table};
use crate::registry::{Invoke, Outcome};

/// Lists the servers.
#[derive(clap::Args)]
pub struct ListPeers {
    #[command(flatten)]
    engine: ServerArgs,
}

impl Invoke for ListPeers {
    fn invoke(self, context: &Context) -> Outcome {
        let client = self.engine.connect(context)?;
        context.block_on(async {
            let answer = client.raft_configuration().await.during("Failed to retrieve raft configuration")?;
            let mut table = Table::new(&["Node", "ID", "Address", "State", "Voter", "RaftProtocol"]);
            for server in answer["Servers"].as_array().into_iter().flatten() {
                let text = |name: &str| server[name].as_str().unwrap_or_default().to_owned();
                let flag = |name: &str| server[name].as_bool().unwrap_or(false);
                let state = if flag("Leader") { "leader" } else { "follower" };
                let (voter, protocol) = (flag("Voter").to_string(), text("RaftProtocol"));
                table.row([text("Node"), text("ID"), text("Address"), state.to_owned(), voter, protocol]);
            }
            output::line(&table.render());
            Ok(0)
        })
    }
}

/// Flags that name a server.
#[derive(clap::Args)]
struct Peer {
    /// Address of the server, as `IP:port`.
    #[arg(long = "peer-address", value_name = "address")]
    peer_address: Option<String>,
    /// Id of the server.
    #[arg(long = "peer-id", value_name = "id")]
    peer_id: Option<String>,
}

impl Peer {
    fn query(&self) -> Result<(&'static str, &str), CliError> {
        match (&self.peer_id, &self.peer_address) {
            (Some(id), None) => Ok(("id", id)),
            (None, Some(address)) => Ok(("address", address)),
            (None, None) => Err(CliError::new("Missing peer id required")),
            (Some(_), Some(_)) => Err(CliError::new("-peer-id and -peer-address cannot be given together")),
        }
    }
}

/// Removes a server that will not come back.
#[derive(clap::Args)]
#[command(next_help_heading = "Remove Peer Options")]
pub struct RemovePeer {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    peer: Peer,
}

impl Invoke for RemovePeer {
    fn invoke(self, context: &Context) -> Outcome {
        let (by, value) = self.peer.query()?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.remove_raft_peer(by, value).await.during("Error removing peer")?;
            output::line(&format!("Removed peer with {by} \"{value}\""));
            Ok(0)
        })
    }
}

/// Makes another server the leader.
#[derive(clap::Args)]
#[command(next_help_heading = "Transfer Leadership Options")]
pub struct TransferLeadership {
    #[command(flatten)]
    engine: ServerArgs,
    #[command(flatten)]
    peer: Peer,
}

impl Invoke for TransferLeadership {
    fn invoke(self, context: &Context) -> Outcome {
        let (by, value) = self.peer.query()?;
        let client = self.engine.connect(context)?;
        context.block_on(async {
            client.transfer_leadership(by, value).await.during("Error transferring leadership to peer")?;
            output::line(&format!("Transferred leadership to peer with {by} \"{value}\""));
            Ok(0)
        })
    }
}
