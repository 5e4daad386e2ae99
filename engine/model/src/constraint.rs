//! What a placement must or should satisfy.

use drover_base::serde_null;
use serde::{Deserialize, Serialize};

/// A hard rule: nodes that break it are not considered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Constraint {
    /// Left side, usually `${attr.…}`; empty for `distinct_hosts`.
    #[serde(rename = "LTarget")]
    pub left: String,
    /// Right side, text or an interpolation.
    #[serde(rename = "RTarget")]
    pub right: String,
    /// One of the operand constants of this module.
    pub operand: String,
}

/// Every operand of a constraint that the reference knows.
pub mod operand {
    /// Allocations of the job (or group) on different nodes.
    pub const DISTINCT_HOSTS: &str = "distinct_hosts";
    /// A property may be shared by at most `RTarget` allocations.
    pub const DISTINCT_PROPERTY: &str = "distinct_property";
    /// Regular expression (RE2 syntax).
    pub const REGEXP: &str = "regexp";
    /// Lenient version comparison.
    pub const VERSION: &str = "version";
    /// Strict semantic version comparison.
    pub const SEMVER: &str = "semver";
    /// Comma-separated list contains all of the right side.
    pub const SET_CONTAINS: &str = "set_contains";
    /// The same under its longer name.
    pub const SET_CONTAINS_ALL: &str = "set_contains_all";
    /// Comma-separated list contains any of the right side.
    pub const SET_CONTAINS_ANY: &str = "set_contains_any";
    /// The attribute exists.
    pub const IS_SET: &str = "is_set";
    /// The attribute does not exist.
    pub const IS_NOT_SET: &str = "is_not_set";
}

/// A preference: nodes that match score higher (or lower, for negative weights).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Affinity {
    /// Left side.
    #[serde(rename = "LTarget")]
    pub left: String,
    /// Right side.
    #[serde(rename = "RTarget")]
    pub right: String,
    /// As a constraint's.
    pub operand: String,
    /// -100 to 100, not 0.
    pub weight: i8,
}

/// Spreads allocations over the values of an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Spread {
    /// The attribute, e.g. `${node.datacenter}`.
    pub attribute: String,
    /// 0 to 100, relative to other spreads.
    pub weight: i8,
    /// Wanted shares; without any, values are used evenly.
    #[serde(rename = "SpreadTarget", with = "serde_null")]
    pub targets: Vec<SpreadTarget>,
}

/// The share that one value should get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SpreadTarget {
    /// The attribute's value.
    pub value: String,
    /// Percent of all allocations.
    pub percent: u8,
}
