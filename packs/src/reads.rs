//! What a Tera template reads: variables, components, other templates, files of the pack.

use std::collections::BTreeSet;

use drover_hcl::Span;

use crate::tags::{Tag, TagKind, Token, tags};

/// A variable that a template reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub name: String,
    /// The names after it: `port` of `deps.db.port` is the second.
    pub path: Vec<String>,
    pub span: Span,
}

/// Everything that a template reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Variables, but for those that the template itself sets.
    pub variables: Vec<Reading>,
    /// Components that it defines.
    pub defines: Vec<(String, Span)>,
    /// Components that it uses.
    pub uses: BTreeSet<String>,
    /// Templates that it includes or extends.
    pub includes: BTreeSet<String>,
    /// Files of the pack that it reads by a constant path.
    pub files: BTreeSet<String>,
    /// Whether it reads files by paths that are made while rendering.
    pub any_file: bool,
}

/// Words that are no variables.
const WORDS: [&str; 37] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "true",
    "false",
    "none",
    "null",
    "True",
    "False",
    "None",
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "set_global",
    "endset",
    "include",
    "ignore",
    "missing",
    "extends",
    "block",
    "endblock",
    "filter",
    "endfilter",
    "component",
    "endcomponent",
    "raw",
    "endraw",
    "break",
    "continue",
    "loop",
    "__tera_context",
];

/// Reads the tags of a template.
pub(crate) fn read(text: &str) -> Reads {
    let tags = tags(text);
    let mut reads = Reads::default();
    let mut bound: BTreeSet<String> = BTreeSet::new();
    for tag in &tags {
        bound.extend(bindings(tag));
    }
    // The parameters of the component that the tags stand in.
    let mut parameters: Option<BTreeSet<String>> = None;
    for tag in &tags {
        match tag.keyword() {
            Some("component") => {
                if let Some(name) = tag.tokens.get(1)
                    && let Some(word) = name.word()
                {
                    reads.defines.push((word.to_owned(), name.span));
                }
                let mut names: BTreeSet<String> = parameters_of(tag).collect();
                names.insert("body".to_owned());
                parameters = Some(names);
                continue;
            }
            Some("endcomponent") => {
                parameters = None;
                continue;
            }
            Some("include" | "extends") => {
                reads.includes.extend(tag.tokens.iter().filter_map(Token::text).map(str::to_owned));
            }
            _ => {}
        }
        if let [open, name, ..] = tag.tokens.as_slice()
            && open.is('<')
            && let Some(name) = name.word()
        {
            reads.uses.insert(name.to_owned());
        }
        tag_reads(tag, &mut reads, |name| {
            bound.contains(name) || parameters.as_ref().is_some_and(|p| p.contains(name))
        });
    }
    reads
}

fn tag_reads(tag: &Tag, reads: &mut Reads, is_bound: impl Fn(&str) -> bool) {
    let tokens = &tag.tokens;
    let is_component = tokens.first().is_some_and(|token| token.is('<'));
    for (at, token) in tokens.iter().enumerate() {
        let Some(name) = token.word() else { continue };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let after = tokens.get(at + 1);
        if name == "file" && after.is_some_and(|token| token.is('(')) {
            match tokens[at..].iter().take_while(|token| !token.is(')')).find_map(Token::text) {
                Some(path) => {
                    reads.files.insert(path.strip_prefix("./").unwrap_or(path).to_owned());
                }
                None => reads.any_file = true,
            }
        }
        let is_member = before.is_some_and(|token| token.is('.') || token.is('|'));
        let is_test = before.and_then(Token::word).is_some_and(|word| word == "is")
            || at >= 2 && before.and_then(Token::word) == Some("not") && tokens[at - 2].word() == Some("is");
        let is_called = after.is_some_and(|token| token.is('('));
        let is_named =
            after.is_some_and(|token| token.is('=')) && !tokens.get(at + 2).is_some_and(|token| token.is('='));
        let is_component_name = is_component && at <= 2 && before.is_some_and(|token| token.is('<') || token.is('/'));
        let is_filter = at == 1 && tag.keyword() == Some("filter");
        let is_block_name =
            before.and_then(Token::word).is_some_and(|word| matches!(word, "block" | "endblock")) && at == 1;
        if is_filter || is_member || is_test || is_called || is_named || is_component_name || is_block_name {
            continue;
        }
        if WORDS.contains(&name) || is_bound(name) {
            continue;
        }
        reads.variables.push(Reading { name: name.to_owned(), path: path_after(tokens, at), span: token.span });
    }
}

/// `.a.b` and `["a"]` after a name.
fn path_after(tokens: &[Token], at: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = tokens.get(at + 1..).unwrap_or_default();
    loop {
        match rest {
            [dot, name, more @ ..] if dot.is('.') && name.word().is_some() => {
                path.extend(name.word().map(str::to_owned));
                rest = more;
            }
            [open, name, close, more @ ..] if open.is('[') && close.is(']') && name.text().is_some() => {
                path.extend(name.text().map(str::to_owned));
                rest = more;
            }
            _ => return path,
        }
    }
}

/// The names that a tag gives values to.
fn bindings(tag: &Tag) -> Vec<String> {
    let mut names = Vec::new();
    if matches!(tag.keyword(), Some("set" | "set_global")) {
        names.extend(tag.tokens.get(1).and_then(Token::word).map(str::to_owned));
    }
    // `for x in`, also within brackets.
    for (at, token) in tag.tokens.iter().enumerate() {
        if token.word() == Some("for") && tag.kind != TagKind::Comment {
            let until_in = tag.tokens[at + 1..].iter().take_while(|token| token.word() != Some("in"));
            names.extend(until_in.filter_map(Token::word).map(str::to_owned));
        }
    }
    names
}

fn parameters_of(tag: &Tag) -> impl Iterator<Item = String> + '_ {
    let tokens = &tag.tokens;
    tokens.iter().enumerate().skip(2).filter_map(move |(at, token)| {
        let before = &tokens[at - 1];
        (before.is('(') || before.is(',') || before.is('.')).then(|| token.word().map(str::to_owned)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let reads = read(text);
        let shown = |reading: &Reading| [vec![reading.name.clone()], reading.path.clone()].concat().join(".");
        reads.variables.iter().map(shown).collect()
    }

    #[test]
    fn reads_are_told_from_filters_tests_arguments_and_bindings() {
        assert_eq!(
            names(
                "{{ a.b | default(value=c) }}{% if d is defined and e is not odd %}{% endif %}{% for x in xs %}{{ x }}{% endfor %}"
            ),
            ["a.b", "c", "d", "e", "xs"]
        );
        assert_eq!(
            names("{% set y = z %}{{ y ~ w }} {{ deps.db[\"port\"] }} {{ f(k=v) }}"),
            ["z", "w", "deps.db.port", "v"]
        );
        assert_eq!(names("{{ a == b }}{% filter to_hcl %}{% endfilter %}"), ["a", "b"]);
    }

    #[test]
    fn components_have_their_own_names() {
        let text = "{% component part(cpu: integer, rest) %}{{ cpu }}{{ outer }}{{ body }}{% endcomponent %}{{ <part cpu={cores} /> }}{% include \"x.tera\" %}";
        let reads = read(text);
        assert_eq!(names(text), ["outer", "cores"]);
        assert_eq!(reads.defines[0].0, "part");
        assert!(reads.uses.contains("part") && reads.includes.contains("x.tera"));
    }

    #[test]
    fn files_are_noted() {
        let reads = read("{{ file(path=\"files/a\") }}{{ file(path=name) }}");
        assert!(reads.files.contains("files/a") && reads.any_file);
    }
}
