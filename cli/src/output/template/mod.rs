//! The part of Go's templates that answers are picked apart with: fields, `range`, `if`, `with`, variables of
//! `range`, pipes, and the functions of comparison, `len`, `index`, `print`, `printf`, `println` and `json`.

mod functions;
mod parse;

use parse::{Command, Node, Operand, Pipe};
use serde_json::Value;

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("template: {0}")]
    Syntax(String),
    /// It asks for something that the value has not.
    #[error("template: {0}")]
    Value(String),
}

type Result<T> = std::result::Result<T, TemplateError>;

/// The text that a template makes of a value.
///
/// # Errors
/// The template is none, or does not fit the value.
pub fn render(text: &str, value: &Value) -> Result<String> {
    let nodes = parse::parse(text)?;
    let mut scope = Scope { variables: vec![("$".to_owned(), value.clone())] };
    let mut out = String::new();
    scope.nodes(&nodes, value, &mut out)?;
    Ok(out)
}

struct Scope {
    variables: Vec<(String, Value)>,
}

impl Scope {
    fn nodes(&mut self, nodes: &[Node], dot: &Value, out: &mut String) -> Result<()> {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Print(pipe) => out.push_str(&functions::text_of(&self.pipe(pipe, dot)?)),
                Node::If(pipe, then, otherwise) => {
                    let chosen = if is_true(&self.pipe(pipe, dot)?) { then } else { otherwise };
                    self.nodes(chosen, dot, out)?;
                }
                Node::With(pipe, then, otherwise) => {
                    let value = self.pipe(pipe, dot)?;
                    if is_true(&value) {
                        self.nodes(then, &value, out)?;
                    } else {
                        self.nodes(otherwise, dot, out)?;
                    }
                }
                Node::Range(names, pipe, each, otherwise) => {
                    let items = entries(self.pipe(pipe, dot)?)?;
                    if items.is_empty() {
                        self.nodes(otherwise, dot, out)?;
                    }
                    for (key, item) in items {
                        let outer = self.variables.len();
                        match names.as_slice() {
                            [name] => self.variables.push((name.clone(), item.clone())),
                            [first, second] => {
                                self.variables.push((first.clone(), key));
                                self.variables.push((second.clone(), item.clone()));
                            }
                            _ => {}
                        }
                        self.nodes(each, &item, out)?;
                        self.variables.truncate(outer);
                    }
                }
            }
        }
        Ok(())
    }

    fn pipe(&self, pipe: &Pipe, dot: &Value) -> Result<Value> {
        let mut last = None;
        for command in &pipe.0 {
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or_default())
    }

    fn command(&self, command: &Command, dot: &Value, piped: Option<Value>) -> Result<Value> {
        let mut arguments =
            command.operands.iter().map(|operand| self.operand(operand, dot)).collect::<Result<Vec<_>>>()?;
        arguments.extend(piped);
        match (&command.function, arguments.as_mut_slice()) {
            (Some(function), arguments) => functions::call(function, arguments),
            (None, [only]) => Ok(only.take()),
            (None, _) => Err(TemplateError::Value("only functions take arguments".to_owned())),
        }
    }

    fn operand(&self, operand: &Operand, dot: &Value) -> Result<Value> {
        match operand {
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Field(path) => field(dot, path),
            Operand::Variable(name, path) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let (_, value) = known.ok_or_else(|| TemplateError::Syntax(format!("undefined variable {name:?}")))?;
                field(value, path)
            }
            Operand::Pipe(pipe, path) => field(&self.pipe(pipe, dot)?, path),
        }
    }
}

fn field(value: &Value, path: &[String]) -> Result<Value> {
    let mut current = value;
    for name in path {
        current = match current {
            Value::Object(fields) => match fields.get(name) {
                Some(found) => found,
                None => {
                    let known: Vec<&str> = fields.keys().map(String::as_str).collect();
                    let text = format!("there is no field {name}; there are: {}", known.join(", "));
                    return Err(TemplateError::Value(text));
                }
            },
            Value::Null => return Err(TemplateError::Value(format!("nil has no field {name}"))),
            _ => return Err(TemplateError::Value(format!("a value that has no fields is asked for .{name}"))),
        };
    }
    Ok(current.clone())
}

fn entries(value: Value) -> Result<Vec<(Value, Value)>> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.into_iter().enumerate().map(|(at, item)| (at.into(), item)).collect()),
        Value::Object(fields) => Ok(fields.into_iter().map(|(key, item)| (key.into(), item)).collect()),
        other => Err(TemplateError::Value(format!("range can't iterate over {other}"))),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(template: &str, expected: &str) {
        let value = json!({
            "ID": "a1", "Count": 2, "Up": true, "None": null,
            "Tags": ["x", "y"], "Meta": {"k": "v"}, "Nodes": [{"Name": "n1"}, {"Name": "n2"}],
        });
        assert_eq!(render(template, &value).unwrap(), expected, "{template}");
    }

    #[test]
    fn fields_loops_and_conditions() {
        check("{{.ID}} is {{.Meta.k}}", "a1 is v");
        check("{{range .Nodes}}{{.Name}} {{end}}", "n1 n2 ");
        check("{{range $i, $t := .Tags}}{{$i}}={{$t}};{{end}}", "0=x;1=y;");
        check("{{range .None}}x{{else}}none{{end}}", "none");
        check("{{if .Up}}up{{else}}down{{end}} {{if eq .ID \"b\"}}b{{else if gt .Count 1}}many{{end}}", "up many");
        check("{{with .Meta}}{{.k}}{{$.ID}}{{end}}", "va1");
        check("a {{- /* gone */ -}} b", "ab");
    }

    #[test]
    fn functions_and_pipes() {
        check("{{len .Tags}} {{.ID | printf \"<%s>\" | len}}", "2 4");
        check("{{printf \"%s:%v\" .ID .Count}}", "a1:2");
        check("{{index .Tags 1}} {{(index .Nodes 0).Name}} {{index .Meta \"k\"}}", "y n1 v");
        check("{{.Tags}} {{.Meta}} {{.None}}", "[x y] map[k:v] <nil>");
        check("{{json .Tags}}", "[\"x\",\"y\"]");
        check("{{and .Up (not .None)}} {{or .None .ID}}", "true a1");
    }

    #[test]
    fn faults_are_named() {
        let fault = |template: &str| render(template, &json!({"ID": "a"})).unwrap_err().to_string();
        assert_eq!(fault("{{.ID"), "template: unclosed action");
        assert_eq!(fault("{{range .}}"), "template: unexpected end: {{end}} is missing");
        assert_eq!(fault("{{dance .}}"), "template: function \"dance\" not defined");
        assert_eq!(fault("{{.Id}}"), "template: there is no field Id; there are: ID");
    }
}
