//! Values from outside and how they become the variables' values.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::context::EvalContext;
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Source, Span};
use crate::syntax::{Body, Expression, parse_body, parse_expression, parse_json_body};
use crate::types::Type;
use crate::value::{Entries, Value};

use super::declare::constant;
use super::{Declaration, Declarations};

/// The name of a declaration's default as an origin.
const DEFAULT: &str = "the default";

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable. Names that are not declared are ignored: others may mean them.
    Environment,
    /// A file of values.
    File,
    /// A flag.
    Argument,
    /// A program, such as a stack that uses a pack.
    Caller,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "the environment",
            Self::File => "a variable file",
            Self::Argument => "arguments",
            Self::Caller => "the caller",
        })
    }
}

/// Whether values for variables that are not declared are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// They are, except from the environment.
    Strict,
    /// They are ignored.
    Lenient,
}

#[derive(Clone, Debug)]
enum Given {
    Text(String),
    Value(Value),
    Expression(Expression),
}

#[derive(Clone, Debug)]
struct Input {
    name: Arc<str>,
    origin: Origin,
    given: Given,
    place: Option<(Arc<Source>, Span)>,
}

/// Values from outside, in the order of precedence: the last one of a name counts.
#[derive(Clone, Debug, Default)]
pub struct Inputs(Vec<Input>);

impl Inputs {
    /// Adds a value as text. Variables that hold text or numbers take it verbatim, others read it as an expression.
    pub fn add_text(&mut self, name: &str, text: &str, origin: Origin) {
        self.0.push(Input { name: name.into(), origin, given: Given::Text(text.to_owned()), place: None });
    }

    /// Adds a value.
    pub fn add_value(&mut self, name: &str, value: Value, origin: Origin) {
        self.0.push(Input { name: name.into(), origin, given: Given::Value(value), place: None });
    }

    /// Adds a value that is written at a place, which messages about it name.
    pub fn add_value_at(&mut self, name: &str, value: Value, origin: Origin, place: (Arc<Source>, Span)) {
        self.0.push(Input { name: name.into(), origin, given: Given::Value(value), place: Some(place) });
    }

    /// Adds the values of a file, which is JSON if its first character is a brace and else HCL.
    ///
    /// # Errors
    /// The file's syntax is wrong, or it declares variables instead of giving values.
    pub fn add_file(&mut self, source: &Arc<Source>) -> Result<(), Diagnostics> {
        let mut problems = Diagnostics::new();
        let body = if is_json(source.text()) { parse_json_body(source)? } else { parse_body(source)? };
        refuse_declarations(&body, &mut problems);
        if problems.has_errors() {
            return Err(problems);
        }
        for attribute in &body.just_attributes(&mut problems).attributes {
            self.0.push(Input {
                name: Arc::clone(&attribute.name),
                origin: Origin::File,
                given: Given::Expression(attribute.value.clone()),
                place: Some((Arc::clone(source), attribute.name_span)),
            });
        }
        problems.into_result(())
    }
}

/// Whether a text is JSON rather than HCL: its first character after spaces is a brace.
#[must_use]
pub fn is_json(text: &str) -> bool {
    text.trim_start_matches([' ', '\u{feff}']).starts_with('{')
}

fn refuse_declarations(body: &Body, problems: &mut Diagnostics) {
    for block in body.blocks_of("variable") {
        let name = block.label(0).unwrap_or("x");
        let detail = format!(
            "a variable file gives values to variables; declare {name:?} in the job file and write {name} = VALUE here"
        );
        let error = Diagnostic::error("Variable declaration in a variable file", detail);
        problems.push(error.at(&body.source, block.header_span()));
    }
}

impl Declarations {
    /// The values of all declared variables as one object: the last input of each name or its default, in the
    /// variable's type, with its rules applied.
    ///
    /// # Errors
    /// Values that do not fit, variables without a value, and with [`Strictness::Strict`] values without a variable.
    pub fn resolve(
        &self,
        inputs: Inputs,
        strictness: Strictness,
        context: &EvalContext<'_>,
    ) -> Result<Value, Diagnostics> {
        let mut problems = Diagnostics::new();
        let mut last: BTreeMap<Arc<str>, Input> = BTreeMap::new();
        for input in inputs.0 {
            if self.0.contains_key(&input.name) {
                last.insert(Arc::clone(&input.name), input);
            } else if strictness == Strictness::Strict && input.origin != Origin::Environment {
                problems.push(self.undeclared(&input));
            }
        }
        let mut values = Entries::new();
        for (name, declaration) in &self.0 {
            let (value, origin, place) = match last.remove(name) {
                Some(input) => (declaration.read(&input, &mut problems), input.origin.to_string(), input.place),
                None => (declaration.default.clone(), DEFAULT.to_owned(), declaration.default_place()),
            };
            let missing = value.is_none() && origin == DEFAULT;
            match value {
                Some(value) => {
                    super::validate::apply(declaration, &value, &origin, place.as_ref(), context, &mut problems);
                    values.insert(Arc::clone(name), value);
                }
                None if missing => problems.push(declaration.unset()),
                None => {}
            }
        }
        problems.into_result(Value::Object(Arc::new(values)))
    }

    fn undeclared(&self, input: &Input) -> Diagnostic {
        let name = &input.name;
        let (summary, detail) = match input.origin {
            Origin::Argument => (
                "Undefined -var variable",
                format!("A {name:?} variable was passed by arguments, but no variable of that name is declared"),
            ),
            origin => (
                "Undefined variable",
                format!("A {name:?} variable was set by {origin}, but no variable of that name is declared"),
            ),
        };
        let hint = did_you_mean(name, self.0.keys().map(|name| &**name))
            .unwrap_or_else(|| format!("declare it in the job file: variable {name:?} {{ }}"));
        let error = Diagnostic::error(summary, detail).hint(hint);
        match &input.place {
            Some((source, span)) => error.at(source, *span),
            None => error,
        }
    }
}

impl Declaration {
    fn default_place(&self) -> Option<(Arc<Source>, Span)> {
        Some((Arc::clone(&self.source), self.default_span?))
    }

    fn unset(&self) -> Diagnostic {
        let name = &self.name;
        let detail = format!("the variable {name:?} has neither a value nor a default");
        Diagnostic::error(format!("Unset variable {name:?}"), detail)
            .at(&self.source, self.span)
            .hint(format!("give one with -var '{name}=…', in a file with -var-file, or as an environment variable"))
    }

    /// The type that values are brought to: the given one, or that of the default.
    fn effective_type(&self) -> Option<Type> {
        self.kind.clone().or_else(|| self.default.as_ref().map(Value::type_of))
    }

    fn read(&self, input: &Input, problems: &mut Diagnostics) -> Option<Value> {
        let kind = self.effective_type();
        let value = match &input.given {
            Given::Value(value) => value.clone(),
            Given::Expression(expression) => constant(expression, problems)?,
            Given::Text(text) => match kind {
                None | Some(Type::String | Type::Number) => Value::from(text.as_str()),
                _ => self.read_expression(text, input.origin, problems)?,
            },
        };
        let problem = match (&value, kind) {
            (Value::Null, _) if !self.nullable => "null is not accepted".to_owned(),
            (_, None) => return Some(value),
            (_, Some(kind)) => match convert(&value, &kind) {
                Ok(value) => return Some(value),
                Err(error) => format!("it does not fit the type {kind}: {error}"),
            },
        };
        let detail = format!("the value of {:?} from {} cannot be used: {problem}", self.name, input.origin);
        let error = Diagnostic::error("Invalid value for variable", detail);
        problems.push(match (&input.given, &input.place) {
            (Given::Expression(expression), _) => error.at(&expression.source, expression.span()),
            (_, Some((source, span))) => error.at(source, *span),
            _ => error,
        });
        None
    }

    fn read_expression(&self, text: &str, origin: Origin, problems: &mut Diagnostics) -> Option<Value> {
        let source = Source::new(format!("<value of var.{} from {origin}>", self.name), text);
        match parse_expression(&source) {
            Ok(expression) => constant(&expression, problems),
            Err(errors) => {
                problems.extend(errors);
                None
            }
        }
    }
}
