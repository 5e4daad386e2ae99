//! The actions of a Go template as Tera's tags.

use std::sync::Arc;

use drover_hcl::{Diagnostic, Diagnostics, Source, Span};

use super::expression::{self, Scope};

/// A translated template.
#[derive(Default)]
pub(super) struct Translated {
    pub text: String,
    /// What `define` named.
    pub definitions: Vec<(String, String)>,
}

/// What an `end` ends.
enum Open {
    If,
    /// A loop; whether the dot means the item within it.
    Loop,
    With,
    Define(String),
}

struct Translator<'s> {
    source: &'s Arc<Source>,
    problems: &'s mut Diagnostics,
    open: Vec<Open>,
    scope: Scope,
    /// The text of the template, and of the definition that is open.
    out: Vec<String>,
    done: Vec<(String, String)>,
    loops: usize,
}

/// The file that a definition becomes.
pub(super) fn part_name(definition: &str) -> String {
    definition.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}

/// Translates a template; faults are added to `problems`.
pub(super) fn translate(source: &Arc<Source>, problems: &mut Diagnostics) -> Translated {
    let mut translator = Translator {
        source,
        problems,
        open: Vec::new(),
        scope: Scope::default(),
        out: vec![String::new()],
        done: Vec::new(),
        loops: 0,
    };
    let text = source.text();
    let mut at = 0;
    while let Some(found) = text[at..].find("[[") {
        let start = at + found;
        translator.plain(&text[at..start]);
        let Some(length) = text[start..].find("]]") else { break };
        at = start + length + 2;
        translator.action(start, at);
    }
    translator.plain(&text[at..]);
    Translated { text: translator.out.into_iter().next().unwrap_or_default(), definitions: translator.done }
}

impl Translator<'_> {
    fn write(&mut self, text: &str) {
        if let Some(out) = self.out.last_mut() {
            out.push_str(text);
        }
    }

    /// Text between actions, which may hold what Tera takes for tags.
    fn plain(&mut self, text: &str) {
        let marks = ["{{", "{%", "{#"];
        if marks.iter().any(|mark| text.contains(mark)) {
            self.write(&format!("{{% raw %}}{text}{{% endraw %}}"));
        } else {
            self.write(text);
        }
    }

    fn action(&mut self, start: usize, end: usize) {
        let whole = &self.source.text()[start + 2..end - 2];
        let left = whole.starts_with("- ") || whole.starts_with("-\n");
        let right = whole.ends_with(" -") || whole.ends_with("\n-");
        let inner = whole[usize::from(left)..whole.len() - usize::from(right)].trim();
        let trims = (if left { "-" } else { "" }, if right { "-" } else { "" });
        if inner.starts_with("/*") {
            let text = inner.trim_start_matches("/*").trim_end_matches("*/");
            self.write(&format!("{{#{}{text}{}#}}", trims.0, trims.1));
            return;
        }
        let result = self.statement(inner);
        match result {
            Ok(Tag::Nothing) => {}
            Ok(Tag::Value(text)) => self.write(&format!("{{{{{} {text} {}}}}}", trims.0, trims.1)),
            Ok(Tag::Statement(text)) => self.write(&format!("{{%{} {text} {}%}}", trims.0, trims.1)),
            Ok(Tag::Several(tags)) => {
                let last = tags.len().saturating_sub(1);
                for (at, text) in tags.iter().enumerate() {
                    let left = if at == 0 { trims.0 } else { "" };
                    let right = if at == last { trims.1 } else { "" };
                    self.write(&format!("{{%{left} {text} {right}%}}"));
                }
            }
            Err(reason) => {
                let problem = Diagnostic::error(format!("this cannot be converted: {reason}"), "");
                self.problems.push(
                    problem
                        .at(self.source, Span::new(start, end))
                        .hint("write it in Tera by hand, or leave the template as .tpl: one pack may hold both"),
                );
            }
        }
    }

    fn value(&self, text: &str) -> Result<String, String> {
        expression::translate(text, &self.scope)
    }

    fn statement(&mut self, inner: &str) -> Result<Tag, String> {
        let (word, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let rest = rest.trim();
        match word {
            "if" => {
                self.open.push(Open::If);
                Ok(Tag::Statement(format!("if {}", self.value(rest)?)))
            }
            "else" if rest.is_empty() => Ok(Tag::Statement("else".to_owned())),
            "else" => match rest.strip_prefix("if ") {
                Some(condition) => Ok(Tag::Statement(format!("elif {}", self.value(condition)?))),
                None => Err(format!("`else {rest}`")),
            },
            "range" => self.range(rest),
            "with" => {
                self.loops += 1;
                let name = format!("with_{}", self.loops);
                let value = self.value(rest)?;
                self.open.push(Open::With);
                self.scope.enter(Some(name.clone()), &[]);
                Ok(Tag::Several(vec![format!("set {name} = {value}"), format!("if {name}")]))
            }
            "end" => self.end(),
            "define" => {
                self.open.push(Open::Define(rest.trim_matches('"').to_owned()));
                self.out.push(String::new());
                Ok(Tag::Nothing)
            }
            "template" => {
                let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, "."));
                if !matches!(argument.trim(), "." | "$") || self.scope.has_item() && argument.trim() == "." {
                    return Err("a part sees the pack's context only".to_owned());
                }
                Ok(Tag::Statement(format!("include \"_{}.tera\"", part_name(name.trim_matches('"')))))
            }
            "break" | "continue" => Ok(Tag::Statement(word.to_owned())),
            "block" => Err("`block`".to_owned()),
            _ => self.assignment(inner),
        }
    }

    fn assignment(&mut self, inner: &str) -> Result<Tag, String> {
        let Some((name, value)) = inner.split_once(":=") else {
            if inner.starts_with('$') && inner.contains(" = ") {
                return Err("a variable of an outer scope is set".to_owned());
            }
            return Ok(Tag::Value(self.value(inner)?));
        };
        let name = name.trim().trim_start_matches('$').to_owned();
        let value = self.value(value)?;
        self.scope.set(&name);
        Ok(Tag::Statement(format!("set {} = {value}", expression::local(&name))))
    }

    fn range(&mut self, rest: &str) -> Result<Tag, String> {
        self.loops += 1;
        let (names, collection) = match rest.split_once(":=") {
            Some((names, collection)) => {
                (names.split(',').map(|name| name.trim().trim_start_matches('$').to_owned()).collect(), collection)
            }
            None => (Vec::new(), rest),
        };
        let collection = self.value(collection)?;
        self.open.push(Open::Loop);
        let names: Vec<String> = names;
        match names.as_slice() {
            [] => {
                let item = format!("item_{}", self.loops);
                self.scope.enter(Some(item.clone()), &[]);
                Ok(Tag::Statement(format!("for {item} in {collection}")))
            }
            [item] => {
                self.scope.enter(Some(expression::local(item)), std::slice::from_ref(item));
                Ok(Tag::Statement(format!("for {} in {collection}", expression::local(item))))
            }
            [key, item] => {
                self.scope.enter(Some(expression::local(item)), &[key.clone(), item.clone()]);
                let (key, item) = (expression::local(key), expression::local(item));
                // Lists have numbers, maps have names.
                if self.scope.is_list(&collection) {
                    let set = format!("set {key} = loop.index0");
                    return Ok(Tag::Several(vec![format!("for {item} in {collection}"), set]));
                }
                Ok(Tag::Statement(format!("for {key}, {item} in {collection}")))
            }
            _ => Err("too many variables of a range".to_owned()),
        }
    }

    fn end(&mut self) -> Result<Tag, String> {
        match self.open.pop() {
            Some(Open::If) => Ok(Tag::Statement("endif".to_owned())),
            Some(Open::Loop) => {
                self.scope.leave();
                Ok(Tag::Statement("endfor".to_owned()))
            }
            Some(Open::With) => {
                self.scope.leave();
                Ok(Tag::Statement("endif".to_owned()))
            }
            Some(Open::Define(name)) => {
                let text = self.out.pop().unwrap_or_default();
                self.done.push((name, text));
                Ok(Tag::Nothing)
            }
            None => Err("an `end` that ends nothing".to_owned()),
        }
    }
}

/// What an action becomes.
enum Tag {
    Nothing,
    Value(String),
    Statement(String),
    Several(Vec<String>),
}
