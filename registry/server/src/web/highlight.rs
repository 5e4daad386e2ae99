//! Colours for HCL, so that examples read well: comments, texts, numbers, words before `=` and `{`. What is not HCL loses nothing.

use maud::{Markup, PreEscaped, html};

/// Texts longer than this are shown plain, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Commands of a shell are shown plain but for their first words.
pub(super) fn hcl_or_shell(text: &str) -> Markup {
    if text.starts_with("drover ") { shell(text) } else { hcl(text) }
}

fn shell(text: &str) -> Markup {
    html! {
        @for (number, line) in text.lines().enumerate() {
            @if number > 0 { "\n" }
            @let (program, rest) = line.split_once(' ').unwrap_or((line, ""));
            span.hl-k { (program) } " " (rest)
        }
    }
}

/// HCL with colours.
pub(super) fn hcl(text: &str) -> Markup {
    if text.len() > MAX_BYTES {
        return html! { (text) };
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while !rest.is_empty() {
        let (kind, length) = token(rest);
        let (this, after) = rest.split_at(length);
        let kind = if kind == "word" { word(this, after) } else { kind };
        let shown = html! { @if kind.is_empty() { (this) } @else { span class={ "hl-" (kind) } { (this) } } };
        out.push_str(&shown.into_string());
        rest = after;
    }
    PreEscaped(out)
}

/// The class of the first token, and its length in bytes.
fn token(text: &str) -> (&'static str, usize) {
    let first = text.chars().next().unwrap_or(' ');
    let line = text.find('\n').unwrap_or(text.len());
    match first {
        '#' => ("c", line),
        '/' if text.starts_with("//") => ("c", line),
        '/' if text.starts_with("/*") => ("c", text.find("*/").map_or(text.len(), |end| end + 2)),
        '"' => ("s", quoted(text)),
        '<' if text.starts_with("<<") => ("s", heredoc(text)),
        c if c.is_ascii_digit() => ("n", span(text, |c| c.is_ascii_alphanumeric() || c == '.')),
        c if c.is_alphabetic() || c == '_' => ("word", span(text, |c| c.is_alphanumeric() || c == '_' || c == '-')),
        _ => ("", span(text, |c| !(c.is_alphanumeric() || "#/\"<_".contains(c))).max(first.len_utf8())),
    }
}

fn span(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn quoted(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            '"' if !is_escaped => return at + 1,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    text.len()
}

fn heredoc(text: &str) -> usize {
    let line = text.find('\n').unwrap_or(text.len());
    let marker = text[2..line].trim_start_matches('-').trim();
    if marker.is_empty() || !marker.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return 2;
    }
    let mut at = line;
    for line in text[line..].split_inclusive('\n').skip(1) {
        at += line.len();
        if line.trim() == marker {
            return at + 1 - usize::from(line.ends_with('\n'));
        }
    }
    text.len()
}

fn word(word: &str, after: &str) -> &'static str {
    let next = after.trim_start_matches([' ', '\t']);
    match word {
        "true" | "false" | "null" => "n",
        _ if next.starts_with('=') && !next.starts_with("==") => "a",
        _ if next.starts_with('{') || next.starts_with('"') => "k",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_tags(html: &str) -> String {
        let mut text = String::new();
        let mut is_tag = false;
        for c in html.chars() {
            match c {
                '<' => is_tag = true,
                '>' => is_tag = false,
                _ if !is_tag => text.push(c),
                _ => {}
            }
        }
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    #[test]
    fn no_character_is_lost_and_none_is_taken_for_a_tag() {
        for text in [
            "job \"web\" {\n  count = 3 # three\n  x = <<-EOF\n  <b>&\n  EOF\n}\n",
            "\"open",
            "<<",
            "<<EOF\nnever ends",
            "a < b << c /* d",
            "ü\u{202e}\"\\\"<script>\"",
            "/",
            "\"\\\\\" x",
        ] {
            let html = hcl(text).into_string();
            assert_eq!(without_tags(&html), text);
            assert!(!html.contains("<script"), "{html}");
        }
    }

    #[test]
    fn words_have_their_colours() {
        let html = hcl("job \"web\" {\n count = 3\n}").into_string();
        for part in ["hl-k\">job<", "hl-s\">&quot;web&quot;<", "hl-a\">count<", "hl-n\">3<"] {
            assert!(html.contains(part), "{part} not in {html}");
        }
    }
}
