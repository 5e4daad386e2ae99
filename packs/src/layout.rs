//! The canonical layout of a pack's files: HCL as everywhere, and HCL between the tags of templates.

use std::sync::Arc;

use drover_hcl::{Diagnostics, Source, Span};

use crate::tags::{TagKind, tags};

/// What a tag is called while the text around it is laid out. No file holds this by chance.
const MARK: &str = "zqdrover";

/// The file in the canonical layout; none for files that have none.
///
/// # Errors
/// A file that has to be HCL has a syntax error.
pub fn lay_out(source: &Arc<Source>) -> Option<Result<String, Diagnostics>> {
    let name = source.name();
    // Golden files are what templates give, whatever that is.
    if format!("/{name}").contains("/tests/") && !name.ends_with(crate::testing::FILE_END) {
        return None;
    }
    if name.ends_with(".hcl") {
        return Some(drover_hcl::format(source));
    }
    let is = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if is(&[".hcl.tera", ".nomad.tera"]) {
        let tags = tags(source.text());
        let spans: Vec<(Span, bool)> = tags.iter().map(|tag| (tag.span, tag.kind != TagKind::Expression)).collect();
        return Some(Ok(around(source.text(), &joined(source.text(), &spans))));
    }
    if is(&[".nomad.tpl", ".hcl.tpl"]) {
        return Some(Ok(around(source.text(), &actions(source.text()))));
    }
    None
}

/// What is between `raw` and `endraw` has another language's marks; it is one with its tags.
fn joined(text: &str, spans: &[(Span, bool)]) -> Vec<(Span, bool)> {
    let mut result: Vec<(Span, bool)> = Vec::new();
    let mut raw: Option<Span> = None;
    for (span, is_statement) in spans {
        let inner = text[span.start as usize..span.end as usize].trim_matches(|c: char| "{}%- \n".contains(c));
        match (inner, raw) {
            ("raw", _) => raw = Some(*span),
            ("endraw", Some(begin)) => {
                result.push((begin.to(*span), false));
                raw = None;
            }
            _ => result.push((*span, *is_statement)),
        }
    }
    result.extend(raw.map(|span| (span, true)));
    result
}

/// The `[[ … ]]` of a Go template.
fn actions(text: &str) -> Vec<(Span, bool)> {
    const STATEMENTS: [&str; 10] = ["if", "else", "end", "range", "with", "define", "template", "block", "/*", "$"];
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("[[") {
        let start = at + start;
        let Some(length) = text[start..].find("]]") else { break };
        let end = start + length + 2;
        let inner = text[start + 2..end].trim_start_matches('-').trim_start();
        let is_statement = STATEMENTS.iter().any(|word| inner.starts_with(word));
        found.push((Span::new(start, end), is_statement));
        at = end;
    }
    found
}

/// Lays out what is around the spans; a text that would lose something is left as it is.
fn around(text: &str, spans: &[(Span, bool)]) -> String {
    if text.contains(MARK) {
        return text.to_owned();
    }
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    let mut names: Vec<(String, &str)> = Vec::new();
    for (number, (span, is_statement)) in spans.iter().enumerate() {
        let (start, end) = (span.start as usize, span.end as usize);
        masked.push_str(&text[at..start]);
        let original = &text[start..end];
        let line_before = text[..start].rsplit('\n').next().unwrap_or_default();
        let line_after = text[end..].split('\n').next().unwrap_or_default();
        let is_alone = line_before.trim().is_empty() && line_after.trim().is_empty();
        // As wide as the tag, so that columns are those of the template.
        let mut name = format!("{MARK}{number}_");
        let missing = original.chars().count().saturating_sub(name.len());
        name.push_str(&"z".repeat(missing));
        if *is_statement && is_alone {
            name.insert(0, '#');
        }
        masked.push_str(&name);
        names.push((name, original));
        at = end;
    }
    masked.push_str(&text[at..]);
    let laid_out = drover_hcl::format_lexically(&masked);
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    if dense(&laid_out) != dense(&masked) {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = laid_out.as_str();
    for (name, original) in &names {
        let Some((before, after)) = rest.split_once(name.as_str()) else { return text.to_owned() };
        result.push_str(before);
        // Within `${…}` the braces of the two languages must not run together.
        if result.ends_with('{') && original.starts_with('{') {
            result.push(' ');
        }
        result.push_str(original);
        if after.starts_with('}') && original.ends_with('}') {
            result.push(' ');
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, wanted: &str) {
        let laid_out = |text: &str| lay_out(&Source::new(name, text)).unwrap().unwrap();
        assert_eq!(laid_out(text), wanted);
        assert_eq!(laid_out(wanted), wanted, "twice");
    }

    #[test]
    fn hcl_between_tags_is_laid_out_and_tags_are_kept() {
        check(
            "a.nomad.hcl.tera",
            "job {{ name | to_hcl }} {\n{% if a %}\n  type   = \"x\"\n  count={{ n }}\n{% endif %}\n group \"g\" {\n{{ <size cpu={1} /> }}\n}\n}\n",
            "job {{ name | to_hcl }} {\n  {% if a %}\n  type  = \"x\"\n  count = {{ n }}\n  {% endif %}\n  group \"g\" {\n    {{ <size cpu={1} /> }}\n  }\n}\n",
        );
        check(
            "a.nomad.tpl",
            "job [[ var \"x\" . | quote ]] {\n[[ if .a ]]\na=[[ .b ]]\n[[ end ]]\n}\n",
            "job [[ var \"x\" . | quote ]] {\n  [[ if .a ]]\n  a = [[ .b ]]\n  [[ end ]]\n}\n",
        );
        check("a.hcl.tera", "a = \"${ {{ x | to_hcl }} }-b\"\n", "a = \"${ {{ x | to_hcl }} }-b\"\n");
        assert!(lay_out(&Source::new("x.sh", "a  =  b")).is_none());
        assert!(lay_out(&Source::new("web/tests/golden/a.hcl", "a  =  b")).is_none());
    }

    #[test]
    fn raw_parts_stay() {
        let text = "a = <<EOT\n{% raw %}{{ with   x }}{{   end }}{% endraw %}\nEOT\n";
        check("a.hcl.tera", text, text);
    }
}
