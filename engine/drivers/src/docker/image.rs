//! Images: present in the daemon, or pulled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt;

use super::client::message;
use super::config::{Auth, DockerConfig};
use crate::driver::{DriverError, EventSink};

/// A pull that takes longer is given up, unless the job says otherwise.
const PULL_TIMEOUT: Duration = Duration::from_secs(300);

/// Pulls each image once, however many tasks want it at the same time.
#[derive(Debug, Default)]
pub(super) struct Images {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Images {
    /// Makes sure that the daemon has the image.
    pub(super) async fn ensure(
        &self,
        docker: &bollard::Docker,
        config: &DockerConfig,
        events: &EventSink,
    ) -> Result<(), DriverError> {
        let image = &config.image;
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(image.clone()).or_default())
        };
        let _guard = lock.lock().await;
        let present = docker.inspect_image(image).await.is_ok();
        let (repository, tag) = split_tag(image);
        if present && !config.force_pull && tag != "latest" {
            return Ok(());
        }
        events.emit("Downloading image", &[("image", image)]);
        let limit = pull_timeout(config)?;
        let pulled = match tokio::time::timeout(limit, pull(docker, repository, tag, config.auth.as_ref())).await {
            Ok(result) => result,
            Err(_) => Err(format!("not done after {} s", limit.as_secs())),
        };
        match pulled {
            Ok(()) => Ok(()),
            // "latest" only asks for what is newest; what is there will do.
            Err(cause) if present && !config.force_pull => {
                events.emit(
                    "Using the image that is present; it could not be refreshed",
                    &[("image", image), ("error", &cause)],
                );
                Ok(())
            }
            Err(cause) => Err(DriverError::recoverable(format!("Failed to pull `{image}`: {cause}"))),
        }
    }
}

async fn pull(docker: &bollard::Docker, repository: &str, tag: &str, auth: Option<&Auth>) -> Result<(), String> {
    let options = CreateImageOptionsBuilder::default().from_image(repository).tag(tag).build();
    let credentials = auth.map(|auth| DockerCredentials {
        username: auth.username.clone(),
        password: auth.password.clone(),
        serveraddress: auth.server_address.clone(),
        ..DockerCredentials::default()
    });
    let mut progress = docker.create_image(Some(options), None, credentials);
    while let Some(step) = progress.next().await {
        let step = step.map_err(|error| message(&error))?;
        if let Some(detail) = step.error_detail {
            return Err(detail.message.unwrap_or_else(|| "unknown error".into()));
        }
    }
    Ok(())
}

fn pull_timeout(config: &DockerConfig) -> Result<Duration, DriverError> {
    let Some(text) = &config.image_pull_timeout else {
        return Ok(PULL_TIMEOUT);
    };
    crate::schema::parse_duration(text)
        .ok_or_else(|| DriverError::fatal(format!("image_pull_timeout {text:?} is not a duration; write it like 5m")))
}

/// Repository and tag; a digest counts as a tag, and `latest` where neither is given.
fn split_tag(image: &str) -> (&str, &str) {
    if let Some((repository, digest)) = image.split_once('@') {
        return (repository, digest);
    }
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name..].find(':') {
        Some(colon) => (&image[..name + colon], &image[name + colon + 1..]),
        None if image.starts_with("sha256:") => (image, ""),
        None => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_registries_with_ports_are_told_apart() {
        for (image, repository, tag) in [
            ("postgres", "postgres", "latest"),
            ("postgres:16", "postgres", "16"),
            ("localhost:5000/a/b", "localhost:5000/a/b", "latest"),
            ("localhost:5000/a/b:1", "localhost:5000/a/b", "1"),
            ("a/b@sha256:00ff", "a/b", "sha256:00ff"),
        ] {
            assert_eq!(split_tag(image), (repository, tag));
        }
    }
}
