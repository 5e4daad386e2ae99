//! `acl binding-rule …`: what those who log in get.

mod show;
mod write;

pub use show::{Info, List};
pub use write::{Create, Delete, Update};

use crate::output::fields;
use serde_json::Value;

/// A rule as people read it.
fn describe(rule: &Value) -> String {
    let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
    fields(&[
        ("ID", text("ID")),
        ("Description", text("Description")),
        ("Auth Method", text("AuthMethod")),
        ("Selector", format!("{:?}", text("Selector"))),
        ("Bind Type", text("BindType")),
        ("Bind Name", text("BindName")),
        ("Create Time", time(&text("CreateTime"))),
        ("Modify Time", time(&text("ModifyTime"))),
        ("Create Index", rule["CreateIndex"].to_string()),
        ("Modify Index", rule["ModifyIndex"].to_string()),
    ])
}

/// `2026-11-22T19:38:18.478838237Z` as Go prints times.
fn time(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((day, time)) => format!("{day} {time} +0000 UTC"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_those_of_go() {
        assert_eq!(super::time("2026-11-22T19:38:18.47Z"), "2026-11-22 19:38:18.47 +0000 UTC");
    }
}
