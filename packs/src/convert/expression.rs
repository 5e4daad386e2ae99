//! Pipelines of Go templates as Tera's expressions.

/// What names mean at a place.
#[derive(Default)]
pub(super) struct Scope {
    /// What the dot is, where it is not the pack; innermost last. With the names that are set there.
    levels: Vec<(Option<String>, Vec<String>)>,
    names: Vec<String>,
}

impl Scope {
    pub(super) fn enter(&mut self, item: Option<String>, names: &[String]) {
        self.levels.push((item, names.to_vec()));
    }
    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }
    pub(super) fn set(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }
    pub(super) fn has_item(&self) -> bool {
        self.item().is_some()
    }
    /// Whether a translated collection is surely a list: written as one.
    pub(super) fn is_list(&self, collection: &str) -> bool {
        collection.starts_with('[') || collection.starts_with("range(") || collection.contains("split(")
    }
    fn item(&self) -> Option<&str> {
        self.levels.iter().rev().find_map(|(item, _)| item.as_deref())
    }
    fn knows(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
            || self.levels.iter().any(|(_, names)| names.iter().any(|known| known == name))
    }
}

/// Stands before a context that is no value of its own.
const CONTEXT: char = '\u{1}';

/// The name of a `$x`; `_` is none that Tera has.
pub(super) fn local(name: &str) -> String {
    if name == "_" { "unused".to_owned() } else { format!("v_{name}") }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Number(String),
    Name(String),
    /// `.a.b`, empty for the dot.
    Field(String),
    /// `$x.a`, empty for `$`.
    Variable(String),
    Open,
    Close,
    Pipe,
}

/// Translates a pipeline.
pub(super) fn translate(text: &str, scope: &Scope) -> Result<String, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, scope };
    let value = reader.pipeline()?;
    if reader.at < tokens.len() {
        return Err("something is left after the expression".to_owned());
    }
    match value.split_once(CONTEXT) {
        None => Ok(value),
        Some((_, context)) => {
            let context = context.split([' ', ')', ',', ']']).next().unwrap_or_default();
            Err(format!("the pack's context `{context}` as a value"))
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len());
        let (token, length) = match c {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '|' => (Token::Pipe, 1),
            '"' => {
                let mut escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                });
                let end = end.ok_or("a text that does not end")?.0;
                let inner = &rest[1..end];
                let plain = inner.replace("\\\"", "\"").replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\");
                (Token::Text(plain), end + 1)
            }
            '`' => {
                let end = rest[1..].find('`').ok_or("a text that does not end")? + 1;
                (Token::Text(rest[1..end].to_owned()), end + 1)
            }
            '.' => {
                let length = word(rest);
                (Token::Field(rest[1..length].to_owned()), length)
            }
            '$' => {
                let length = 1 + word(&rest[1..]);
                (Token::Variable(rest[1..length].to_owned()), length)
            }
            c if c.is_ascii_digit() || c == '-' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let length = 1 + word(&rest[1..]);
                (Token::Number(rest[..length].to_owned()), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = word(rest);
                (Token::Name(rest[..length].to_owned()), length)
            }
            c => return Err(format!("`{c}`")),
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    scope: &'t Scope,
}

impl Reader<'_> {
    fn pipeline(&mut self) -> Result<String, String> {
        let mut value = self.command(None)?;
        while self.tokens.get(self.at) == Some(&Token::Pipe) {
            self.at += 1;
            value = self.command(Some(value))?;
        }
        Ok(value)
    }

    /// An operand, or a function with its arguments; `piped` is the last of them.
    fn command(&mut self, piped: Option<String>) -> Result<String, String> {
        let Some(Token::Name(name)) = self.tokens.get(self.at) else {
            let value = self.operand()?;
            return if piped.is_some() { Err("a value that is called".to_owned()) } else { Ok(value) };
        };
        if matches!(name.as_str(), "true" | "false" | "nil") && piped.is_none() {
            return self.operand();
        }
        self.at += 1;
        let begin = self.at;
        let mut arguments = Vec::new();
        while !matches!(self.tokens.get(self.at), None | Some(Token::Pipe | Token::Close)) {
            arguments.push(self.operand()?);
        }
        let raw = &self.tokens[begin..self.at];
        arguments.extend(piped);
        self.call(name, raw, &arguments)
    }

    fn operand(&mut self) -> Result<String, String> {
        let token = self.tokens.get(self.at).ok_or("an expression that ends early")?;
        self.at += 1;
        match token {
            Token::Text(text) => literal(text),
            Token::Number(number) => Ok(number.clone()),
            Token::Name(name) => match name.as_str() {
                "true" | "false" => Ok(name.clone()),
                "nil" => Ok("none".to_owned()),
                name => self.call(name, &[], &[]),
            },
            Token::Field(path) => match (self.scope.item(), path.as_str()) {
                (Some(item), "") => Ok(item.to_owned()),
                (Some(item), path) => Ok(format!("{item}.{path}")),
                (None, path) => match path.strip_prefix("my.") {
                    Some(path) => Ok(path.to_owned()),
                    // A pack's context: right as the owner of a name, and nowhere else.
                    None => Ok(format!("{CONTEXT}.{path}")),
                },
            },
            Token::Variable(path) => {
                let (name, rest) = path.split_once('.').unwrap_or((path.as_str(), ""));
                if name.is_empty() {
                    return Ok(format!("{CONTEXT}${path}"));
                }
                if !self.scope.knows(name) {
                    return Err(format!("`${path}`"));
                }
                Ok(if rest.is_empty() { local(name) } else { format!("{}.{rest}", local(name)) })
            }
            Token::Open => {
                let value = self.pipeline()?;
                if self.tokens.get(self.at) != Some(&Token::Close) {
                    return Err("a parenthesis that does not close".to_owned());
                }
                self.at += 1;
                Ok(format!("({value})"))
            }
            Token::Close | Token::Pipe => Err("an expression that ends early".to_owned()),
        }
    }

    fn call(&self, name: &str, raw: &[Token], given: &[String]) -> Result<String, String> {
        if let Some(value) = pack_value(name, raw)? {
            return Ok(value);
        }
        let infix = |operator: &str| Ok(format!("({})", given.join(&format!(" {operator} "))));
        let filter = |filter: &str| match given {
            [value] => Ok(format!("{value} | {filter}")),
            _ => Err(format!("`{name}` with {} arguments", given.len())),
        };
        match (name, given) {
            ("eq", [a, b]) => Ok(format!("({a} == {b})")),
            ("ne", [a, b]) => Ok(format!("({a} != {b})")),
            ("lt", [a, b]) => Ok(format!("({a} < {b})")),
            ("le", [a, b]) => Ok(format!("({a} <= {b})")),
            ("gt", [a, b]) => Ok(format!("({a} > {b})")),
            ("ge", [a, b]) => Ok(format!("({a} >= {b})")),
            ("and", [_, _, ..]) => infix("and"),
            ("or", [_, _, ..]) => infix("or"),
            ("add", [_, _, ..]) => infix("+"),
            ("sub", [_, _]) => infix("-"),
            ("mul", [_, _, ..]) => infix("*"),
            ("mod", [_, _]) => infix("%"),
            ("add1", [a]) => Ok(format!("({a} + 1)")),
            ("not", [a]) => Ok(format!("(not {a})")),
            ("empty", [a]) => Ok(format!("(not {a})")),
            ("default" | "coalesce", [other, value]) if name == "default" => {
                Ok(format!("({value} if {value} else {other})"))
            }
            ("coalesce", [a, b]) => Ok(format!("({a} if {a} else {b})")),
            ("ternary", [yes, no, condition]) => Ok(format!("({yes} if {condition} else {no})")),
            ("index", [collection, key]) => Ok(format!("{collection}[{key}]")),
            ("len", _) => filter("length"),
            ("quote", _) => filter("quote"),
            ("toStringList", _) => filter("to_hcl"),
            ("toJson", _) => filter("to_json"),
            ("toString" | "print", [_]) => filter("str"),
            ("upper" | "lower" | "title" | "trim" | "first" | "last" | "reverse", _) => filter(name),
            ("b64enc", _) => filter("b64encode"),
            ("b64dec", _) => filter("b64decode"),
            ("int", _) => filter("int"),
            ("uniq", _) => filter("unique"),
            ("join", [separator, list]) => Ok(format!("{list} | join(sep={separator})")),
            ("replace", [from, to, text]) => Ok(format!("{text} | replace(from={from}, to={to})")),
            ("splitList", [separator, text]) => Ok(format!("{text} | split(pat={separator})")),
            ("trimPrefix", [part, text]) => Ok(format!("{text} | trim_prefix(pat={part})")),
            ("trimSuffix", [part, text]) => Ok(format!("{text} | trim_suffix(pat={part})")),
            ("contains", [part, text]) => Ok(format!("({part} in {text})")),
            ("hasPrefix", [part, text]) => Ok(format!("({text} is starting_with(pat={part}))")),
            ("hasSuffix", [part, text]) => Ok(format!("({text} is ending_with(pat={part}))")),
            ("indent", [width, text]) => Ok(format!("{text} | indent(width={width}, first=true, blank=true)")),
            ("list" | "tuple", items) => Ok(format!("[{}]", items.join(", "))),
            ("until", [end]) => Ok(format!("range(end={end})")),
            ("fail", [message]) => Ok(format!("throw(message={message})")),
            ("env", [name]) => Ok(format!("env(name={name}, default=\"\")")),
            _ => Err(format!("the function `{name}`")),
        }
    }
}

/// `var "x" .`, `meta "pack.name" .`, `fileRelative "a" .`: a name, and whose it is.
fn pack_value(name: &str, raw: &[Token]) -> Result<Option<String>, String> {
    let (path, owner) = match raw {
        [Token::Text(path), Token::Field(owner) | Token::Variable(owner)] => (path, owner),
        _ if matches!(name, "var" | "must_var" | "meta" | "must_meta" | "fileRelative") => {
            return Err(format!("`{name}` with a name that is made while rendering"));
        }
        _ => return Ok(None),
    };
    let prefix: String =
        owner.split('.').filter(|part| !part.is_empty()).map(|alias| format!("deps.{alias}.")).collect();
    match name {
        "var" | "must_var" => Ok(Some(format!("{prefix}{path}"))),
        "meta" | "must_meta" if prefix.is_empty() => match path.as_str() {
            "pack.name" | "pack.version" | "pack.description" => Ok(Some(path.clone())),
            "app.url" => Ok(Some("meta.app.url".to_owned())),
            path => Err(format!("the metadata {path:?}")),
        },
        "fileRelative" if prefix.is_empty() => Ok(Some(format!("file(path={})", literal(path)?))),
        _ => Ok(None),
    }
}

/// A text as Tera writes it.
fn literal(text: &str) -> Result<String, String> {
    if !text.contains('\\') && !text.contains('\n') {
        for quote in ['"', '\'', '`'] {
            if !text.contains(quote) {
                return Ok(format!("{quote}{text}{quote}"));
            }
        }
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    Ok(format!("\"{escaped}\""))
}
