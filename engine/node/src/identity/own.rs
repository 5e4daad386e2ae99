//! The node's own signed identity: asked of the servers, shown to operators, renewed in time.

use crate::context::NodeContext;
use crate::link::{ServerLink, SignedIdentity};
use drover_base::{Nanos, UnixNanos};
use std::sync::Arc;
use std::time::Duration;

/// The wait after a failure of the servers.
const RETRY: Duration = Duration::from_secs(2);

/// Keeps the node's identity fresh until the node stops.
pub(crate) async fn keep(context: Arc<NodeContext>, link: Arc<dyn ServerLink>) {
    loop {
        let node_id = context.node().id.clone();
        match link.sign_node_identity(&node_id).await {
            Ok(signed) => {
                let wait = until_renewal(&signed);
                context.set_identity(signed);
                tracing::debug!("the node has a signed identity");
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = context.renew_identity.notified() => {}
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the node has no signed identity yet, trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// The middle of its life, and a little later by chance.
fn until_renewal(signed: &SignedIdentity) -> Duration {
    let life = signed.expires.map_or(Nanos::from_hours(24), |end| end.since(UnixNanos::now()));
    life.as_duration().mul_f64(0.5 + 0.1 * rand::random::<f64>()).max(RETRY)
}
