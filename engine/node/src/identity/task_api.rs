//! The API inside of tasks: a Unix socket in each task's directory for secrets.

use crate::alloc::dir::{AllocDir, SECRETS_DIR};
use crate::context::NodeContext;
use futures::future::BoxFuture;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::task::AbortHandle;

/// The socket's name.
pub const SOCKET: &str = "api.sock";
/// Any user of the task may connect; what they may do is up to the token that they show.
const MODE: u32 = 0o666;

/// Serves the API on a listener, until dropped. Every request must carry a token.
pub trait TaskApi: Send + Sync + std::fmt::Debug + 'static {
    /// Answers what comes in.
    fn serve(&self, listener: UnixListener) -> BoxFuture<'static, ()>;
}

/// Opens the socket of a task and serves it in the background, once the agent offers the API.
pub(crate) fn open(context: &Arc<NodeContext>, dir: &AllocDir, task: &str) -> io::Result<AbortHandle> {
    let listener = bind(&dir.task(task).join(SECRETS_DIR))?;
    let mut offered = context.task_api();
    let work = context.spawn(async move {
        // Fails only when the node is gone.
        let Ok(api) = offered.wait_for(Option::is_some).await.map(|api| api.clone()) else { return };
        if let Some(api) = api {
            api.serve(listener).await;
        }
    });
    Ok(work.abort_handle())
}

fn bind(dir: &Path) -> io::Result<UnixListener> {
    // Through the open directory, as names of sockets must be short.
    let open = File::open(dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(MODE))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_can_lie_deep_and_is_replaced() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("x".repeat(120));
        fs::create_dir(&dir).unwrap();
        drop(bind(&dir).unwrap());
        let _listener = bind(&dir).unwrap();
        let mode = fs::metadata(dir.join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }
}
