//! Values without a schema: a driver's configuration, a scaling policy.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Names with values of any shape.
pub type Settings = BTreeMap<String, Json>;

/// Brings settings that came as JSON into the form that the reference stores: numbers are 64-bit floats, names sorted.
pub fn normalize_settings(settings: &mut Settings) {
    settings.values_mut().for_each(normalize);
}

fn normalize(value: &mut Json) {
    match value {
        Json::Number(number) => {
            let float = number.as_f64().unwrap_or(0.0);
            // Whole numbers are written without a fraction.
            if float.fract() == 0.0 && float.abs() < 9.2e18 {
                *value = Json::from(float as i64);
            } else if let Some(number) = serde_json::Number::from_f64(float) {
                *value = Json::Number(number);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(normalize),
        Json::Object(entries) => {
            entries.sort_keys();
            entries.values_mut().for_each(normalize);
        }
        _ => {}
    }
}
