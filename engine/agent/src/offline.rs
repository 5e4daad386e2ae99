//! What an agent left on disk, for people who look at it while no agent runs there.

pub use drover_server::{archive, archive_view};

use serde_json::Value;
use std::io;
use std::path::Path;

/// What the node of a data directory keeps of its allocations, as one document.
///
/// # Errors
/// The directory cannot be read.
pub fn client_state(data_dir: &Path) -> io::Result<Value> {
    drover_node::describe_kept_state(&data_dir.join("client"))
}
