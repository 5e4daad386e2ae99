//! Settings that have no place of their own here, as clients of `/v1/agent/self` expect to find them: with the values
//! that they have where nobody sets them.

use serde_json::Value;

/// The settings by group: `agent`, `client`, `server`, `telemetry`, `ui`.
const DEFAULTS: &str = include_str!("defaults.json");

/// The settings of a group.
pub(super) fn of(group: &str) -> Value {
    let mut all: Value = serde_json::from_str(DEFAULTS).expect("the file beside this one is JSON");
    all[group].take()
}
