//! What the files of a pack with Go templates read.

use std::sync::{Arc, LazyLock};

use drover_hcl::{Source, Span};
use regex::Regex;

use super::{Used, source};
use crate::Pack;

/// `var "x" .`, its siblings, and `.my.x`; the dot says whose variable it is.
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\b(?:must_)?var\s+(?:"([^"]+)"|`([^`]+)`)\s+([.$][\w.$]*)"#).expect("the pattern is right")
});
static LEGACY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\.my\.(\w+)").expect("the pattern is right"));
/// Reads whose name is made while rendering, and walks over all variables.
static ANY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:vars\s+[.$]|(?:must_)?var\s+[^\x22`\s])").expect("the pattern is right"));
static DEFINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\[\[-?\s*define\s+"([^"]+)""#).expect("the pattern is right"));
static CALL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\b(?:template|include|block)\s+"([^"]+)""#).expect("the pattern is right"));
static ACTION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)\[\[.*?\]\]").expect("the pattern is right"));

pub(super) fn used(pack: &Pack) -> Used {
    let mut used = Used::default();
    for name in pack.files.keys().filter(|name| is_template(name)) {
        let Some(source) = source(pack, name) else { continue };
        for action in ACTION.find_iter(source.text()) {
            if action.as_str().trim_start_matches("[[").trim_start_matches('-').trim_start().starts_with("/*") {
                continue;
            }
            read(action.as_str(), action.start(), &source, pack, &mut used);
        }
        for found in DEFINE.captures_iter(source.text()) {
            if let Some(name) = found.get(1) {
                used.helpers.push((
                    "definition",
                    name.as_str().to_owned(),
                    Arc::clone(&source),
                    Span::new(name.start(), name.end()),
                ));
            }
        }
    }
    used
}

fn read(action: &str, start: usize, source: &Arc<Source>, pack: &Pack, used: &mut Used) {
    used.all_variables |= ANY.is_match(action);
    for found in VARIABLE.captures_iter(action) {
        let Some(path) = found.get(1).or_else(|| found.get(2)) else { continue };
        // `.db` is a dependency's context; `.` and `$` are the pack's own.
        if !matches!(&found[3], "." | "$" | "$.") {
            continue;
        }
        note(path.as_str(), start + path.start(), source, used);
    }
    for found in LEGACY.captures_iter(action) {
        if let Some(name) = found.get(1) {
            note(name.as_str(), start + name.start(), source, used);
        }
    }
    // The first version of the dialect: `.PACK.x`.
    let own = format!(".{}.", pack.metadata.name);
    for (at, _) in action.match_indices(&own) {
        let rest = &action[at + own.len()..];
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        used.variables.insert(rest[..length].to_owned());
    }
    used.used_helpers.extend(CALL.captures_iter(action).map(|found| found[1].to_owned()));
}

fn note(path: &str, at: usize, source: &Arc<Source>, used: &mut Used) {
    let name = path.split('.').next().unwrap_or(path);
    used.variables.insert(name.to_owned());
    used.readings.push((name.to_owned(), Arc::clone(source), Span::new(at, at + name.len())));
}

fn is_template(name: &str) -> bool {
    name == "outputs.tpl"
        || name.starts_with("templates/")
            && (name.ends_with(".tpl") || name.rsplit('/').next().is_some_and(|file| file.starts_with('_')))
}
