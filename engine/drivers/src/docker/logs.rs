//! Keeps a log follower running for a container.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::client::status;
use crate::supervisor::client::wait_for_end;
use crate::supervisor::spec::{DockerLogsSpec, Spec};
use crate::supervisor::{Launcher, follower_socket};

/// Pause before a follower that could not start is started again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Attempts after the container has ended.
const FINAL_ATTEMPTS: u32 = 3;

/// Says true once everything the container wrote is in the log files.
pub(super) fn keep(launcher: Arc<Launcher>, docker: bollard::Docker, spec: DockerLogsSpec) -> watch::Receiver<bool> {
    let (done, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let socket = follower_socket(&spec.container_id);
        let mut attempts_left = FINAL_ATTEMPTS;
        loop {
            // A follower of an earlier agent goes on; otherwise this starts one. Either way wait for its end.
            let followed = wait_for_end(&socket).await
                || match launcher.launch(&Spec::DockerLogs(spec.clone())).await {
                    Ok((client, _)) => {
                        client.outcome().await;
                        true
                    }
                    Err(error) => {
                        tracing::warn!(container = spec.container_id, "container log: {error}");
                        false
                    }
                };
            if !is_running(&docker, &spec.container_id).await {
                attempts_left -= 1;
                if followed || attempts_left == 0 {
                    break;
                }
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        done.send_replace(true);
    });
    receiver
}

/// A daemon that cannot be asked says nothing about the container.
async fn is_running(docker: &bollard::Docker, id: &str) -> bool {
    match docker.inspect_container(id, None).await {
        Ok(answer) => answer.state.and_then(|state| state.running).unwrap_or(false),
        Err(error) => status(&error) != Some(404),
    }
}
