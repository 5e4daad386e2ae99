//! The desktop's keyring, by the Secret Service.
//!
//! Each call is made on a thread of its own: the library waits in ways that must not happen on a thread that runs futures, and
//! a desktop may ask the person to unlock the keyring, for which they have limited time.

use std::sync::mpsc;
use std::time::Duration;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry as StoreEntry, Error};
use zbus_secret_service_keyring_store::Store;

use super::Entry;
use crate::{ProviderError, Secret};

/// How long the service has to say that it is there.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the person has to unlock the keyring.
const PERSON_TIMEOUT: Duration = Duration::from_secs(120);

/// Whether a Secret Service is there.
pub(super) fn answers() -> Result<(), ProviderError> {
    apart(ANSWER_TIMEOUT, || Store::new().map(|_| ()))
}

pub(super) fn get(entry: &Entry<'_>) -> Result<Option<Secret<String>>, ProviderError> {
    with(entry, |entry| match entry.get_password() {
        Ok(value) => Ok(Some(Secret::new(value))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
}

pub(super) fn set(entry: &Entry<'_>, value: &Secret<String>) -> Result<(), ProviderError> {
    let value = value.clone();
    with(entry, move |entry| entry.set_password(value.expose()))
}

pub(super) fn remove(entry: &Entry<'_>) -> Result<bool, ProviderError> {
    with(entry, |entry| match entry.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(error),
    })
}

fn with<T: Send + 'static>(
    entry: &Entry<'_>,
    work: impl FnOnce(&StoreEntry) -> Result<T, Error> + Send + 'static,
) -> Result<T, ProviderError> {
    let (service, name) = (entry.service.to_owned(), entry.name.to_owned());
    apart(PERSON_TIMEOUT, move || {
        let store = Store::new()?;
        work(&store.build(&service, &name, None)?)
    })
}

fn apart<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, ProviderError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        // Nobody waits any more when the time is over.
        let _ = sender.send(work());
    });
    match receiver.recv_timeout(limit) {
        Ok(result) => result.map_err(|error| explain(&error)),
        Err(_) => {
            let reason = format!("the desktop's keyring did not answer within {limit:?}");
            Err(ProviderError::Unavailable { reason })
        }
    }
}

/// Errors of the library may carry what was read, so only those are quoted that cannot.
fn explain(error: &Error) -> ProviderError {
    match error {
        Error::NoStorageAccess(cause) => {
            ProviderError::Denied { reason: format!("the desktop's keyring is locked or refuses: {cause}") }
        }
        Error::PlatformFailure(cause) => {
            ProviderError::Unavailable { reason: format!("the desktop's keyring does not answer: {cause}") }
        }
        Error::Ambiguous(_) => ProviderError::Malformed { reason: "several entries have that name".to_owned() },
        Error::BadEncoding(_) => ProviderError::Malformed { reason: "the entry is not UTF-8 text".to_owned() },
        _ => ProviderError::Unavailable { reason: "the desktop's keyring refuses the request".to_owned() },
    }
}
