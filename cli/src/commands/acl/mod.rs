//! The family `acl`: who may do what.

pub mod bootstrap;
pub mod policy;
pub mod role;
pub mod token;

/// What stands for nothing in tables.
const NONE: &str = "<none>";

fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}
