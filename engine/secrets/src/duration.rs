//! Times in settings, as `30s`.

use std::time::Duration;

use crate::SettingsError;

/// `250ms`, `30s`, `5m`, `1h`.
pub(crate) fn parse(text: &str) -> Result<Duration, SettingsError> {
    let bad = || SettingsError::Bad { reason: "a timeout is a duration such as \"30s\" or \"2m\"".to_owned() };
    let nanos = drover_base::Nanos::parse(text).map_err(|_| bad())?;
    let nanos = u64::try_from(nanos.0).ok().filter(|nanos| *nanos > 0).ok_or_else(bad)?;
    Ok(Duration::from_nanos(nanos))
}

/// The same in the other direction.
pub(crate) fn shown(duration: Duration) -> String {
    format!("{duration:?}")
}
