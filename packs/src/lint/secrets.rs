//! Passwords, tokens and keys that are written in files of the pack.

use std::sync::{Arc, LazyLock};

use drover_hcl::{Source, Span};
use regex::Regex;

use super::{Declared, Findings, Rule, source};

/// Names that are those of secrets.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(^|[_.-])(password|passwd|passphrase|secret|token|api_?key|private_?key|access_?key|credentials?)($|[_.-]?(key|value|text)?$)")
        .expect("the pattern is right")
});
/// `name = "value"`, `name: value`, `name=value` where the value is written out.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)^\s*(?:export\s+)?"?([A-Za-z_][A-Za-z0-9_.-]*)"?\s*[:=]\s*"?([^"\s{}$%<>\[\]]{4,})"?\s*$"#)
        .expect("the pattern is right")
});
/// Secrets that are known by their form.
static FORMS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20}|hv[sb]\.[A-Za-z0-9_-]{20,}",
        r"|xox[abprs]-[A-Za-z0-9-]{10,}|sk_live_[A-Za-z0-9]{20,}|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|AIza[0-9A-Za-z_-]{35}",
        r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    ))
    .expect("the pattern is right")
});
/// Values that stand for a secret, and are none.
const PLACEHOLDERS: [&str; 12] = [
    "changeme",
    "change-me",
    "example",
    "placeholder",
    "required",
    "null",
    "none",
    "true",
    "false",
    "string",
    "xxxx",
    "todo",
];

/// Whether something of this name is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    NAME.is_match(name)
}

pub(super) fn check(declared: &Declared, findings: &mut Findings<'_>) {
    for variable in declared.variables.iter().filter(|variable| is_secret_name(&variable.name)) {
        let place = declared.source.as_ref().map(|source| (source, variable.span));
        let name = &variable.name;
        if let Some((default, span)) = &variable.default
            && !default.is_empty()
            && !looks_like_reference(default)
        {
            let place = declared.source.as_ref().map(|source| (source, *span));
            let message = format!("the variable `{name}` has its secret as a default");
            findings.add(
                Rule::SecretInClear,
                message,
                place,
                "leave the default out, so that everybody has to give one of their own",
            );
        }
        if findings.pack.go.is_none() && !variable.sensitive {
            let message = format!("the variable `{name}` is not marked as sensitive");
            findings.add(
                Rule::SecretNotSensitive,
                message,
                place,
                "write sensitive = true: its value is then masked everywhere",
            );
        }
    }
    let pack = findings.pack;
    for name in pack.files.keys().filter(|name| is_looked_at(name)) {
        let Some(source) = source(pack, name) else { continue };
        check_file(&source, findings);
    }
}

fn check_file(source: &Arc<Source>, findings: &mut Findings<'_>) {
    const HINT: &str = "pass it as a sensitive variable, or with secret()";
    for found in FORMS.find_iter(source.text()) {
        let place = Some((source, Span::new(found.start(), found.end())));
        findings.add(Rule::SecretInClear, "this looks like a key or token", place, HINT);
    }
    for found in ASSIGNMENT.captures_iter(source.text()) {
        let (Some(name), Some(value)) = (found.get(1), found.get(2)) else { continue };
        if !is_secret_name(name.as_str()) || is_harmless(value.as_str()) {
            continue;
        }
        let place = Some((source, Span::new(value.start(), value.end())));
        findings.add(
            Rule::SecretInClear,
            format!("the secret `{}` is written in the clear", name.as_str()),
            place,
            HINT,
        );
    }
}

fn is_harmless(value: &str) -> bool {
    let lower = value.to_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || looks_like_reference(value)
        || value.starts_with('/')
        || value.contains('(')
        || value.contains("var.")
}

/// A path, a URL or the name of something, not a secret itself.
fn looks_like_reference(value: &str) -> bool {
    value.contains("://")
        || ["vault:", "env:", "file:", "nomadvar:", "keyring:", "cmd:"].iter().any(|start| value.starts_with(start))
}

fn is_looked_at(name: &str) -> bool {
    name != "variables.hcl" && !name.ends_with(".md") && !name.starts_with("tests/")
}
