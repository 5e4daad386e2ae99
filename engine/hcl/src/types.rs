//! Type constraints: `string`, `list(number)`, `object({ port = optional(number, 80) })`, …

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::source::Source;
use crate::syntax::{Expr, ExprKind, Expression, ObjectItem};
use crate::value::Value;

/// A type constraint.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Any type.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// `list(…)`.
    List(Box<Type>),
    /// `set(…)`.
    Set(Box<Type>),
    /// `map(…)`.
    Map(Box<Type>),
    /// `tuple([…])`.
    Tuple(Vec<Type>),
    /// `object({…})`.
    Object(BTreeMap<Arc<str>, ObjectField>),
}

/// An attribute of an object type.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectField {
    /// Its type.
    pub kind: Type,
    /// `None` where it has to be given, else what stands for it when it is absent.
    pub optional: Option<Value>,
}

/// Which type constraints are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeRules {
    /// As in job files: no `any`, no `optional(…)`.
    Exact,
    /// As in packs and stacks: both are allowed.
    Constraint,
}

impl Type {
    /// An object type whose attributes all have to be given.
    pub fn object(fields: impl IntoIterator<Item = (Arc<str>, Self)>) -> Self {
        Self::Object(fields.into_iter().map(|(name, kind)| (name, ObjectField { kind, optional: None })).collect())
    }

    /// Whether it is `bool`, `number` or `string`.
    #[must_use]
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Reads a type constraint.
    ///
    /// # Errors
    /// The expression is no type, or one that `rules` do not allow.
    pub fn parse(expression: &Expression, rules: TypeRules) -> Result<Self, Diagnostics> {
        Self::parse_at(&expression.expr, &expression.source, rules)
    }

    /// Reads a type constraint that is a part of an expression.
    pub(crate) fn parse_at(expr: &Expr, source: &Source, rules: TypeRules) -> Result<Self, Diagnostics> {
        parse(expr, rules).map_err(|(at, detail, hint)| {
            Diagnostic::error("Invalid type specification", detail).at(source, at).maybe_hint(hint).into()
        })
    }

    /// A few words for messages.
    #[must_use]
    pub fn friendly(&self) -> String {
        match self {
            Self::Any => "dynamic".to_owned(),
            Self::List(item) => format!("list of {}", item.friendly()),
            Self::Set(item) => format!("set of {}", item.friendly()),
            Self::Map(item) => format!("map of {}", item.friendly()),
            Self::Tuple(_) => "tuple".to_owned(),
            Self::Object(_) => "object".to_owned(),
            primitive => primitive.to_string(),
        }
    }
}

/// As it is written in a `type` argument.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Set(item) => write!(f, "set({item})"),
            Self::Map(item) => write!(f, "map({item})"),
            Self::Tuple(items) => {
                let items: Vec<String> = items.iter().map(Self::to_string).collect();
                write!(f, "tuple([{}])", items.join(", "))
            }
            Self::Object(fields) => {
                let shown = |(name, field): (&Arc<str>, &ObjectField)| match &field.optional {
                    None => format!("{name} = {}", field.kind),
                    Some(_) => format!("{name} = optional({})", field.kind),
                };
                let fields: Vec<String> = fields.iter().map(shown).collect();
                write!(f, "object({{ {} }})", fields.join(", "))
            }
        }
    }
}

type Refusal = (crate::source::Span, String, Option<String>);

const NOT_A_TYPE: &str =
    "a type is bool, number or string, or a call such as list(string) or object({ name = string })";
const NAMES: [&str; 8] = ["bool", "number", "string", "list", "set", "map", "object", "tuple"];

fn parse(expr: &Expr, rules: TypeRules) -> Result<Type, Refusal> {
    match &expr.kind {
        ExprKind::Traversal(name, steps) if steps.is_empty() => keyword(expr, name, rules),
        ExprKind::Call(call) => constructor(expr, &call.name, &call.arguments, rules),
        ExprKind::Parens(inner) => parse(inner, rules),
        _ => Err((expr.span, NOT_A_TYPE.to_owned(), None)),
    }
}

fn keyword(expr: &Expr, name: &str, rules: TypeRules) -> Result<Type, Refusal> {
    match name {
        "bool" => Ok(Type::Bool),
        "number" => Ok(Type::Number),
        "string" => Ok(Type::String),
        "any" if rules == TypeRules::Constraint => Ok(Type::Any),
        "any" => Err((expr.span, "\"any\" cannot be used here: an exact type is required".to_owned(), None)),
        "list" | "set" | "map" => {
            Err((expr.span, format!("{name} needs its element type, such as {name}(string)"), None))
        }
        "object" | "tuple" => Err((expr.span, format!("{name} needs its types as an argument"), None)),
        _ => Err((expr.span, format!("{name:?} is not a type"), did_you_mean(name, NAMES))),
    }
}

fn constructor(expr: &Expr, name: &str, arguments: &[Expr], rules: TypeRules) -> Result<Type, Refusal> {
    let one = || match arguments {
        [one] => Ok(one),
        _ => Err((expr.span, format!("{name} takes one argument"), None)),
    };
    match name {
        "list" => Ok(Type::List(Box::new(parse(one()?, rules)?))),
        "set" => Ok(Type::Set(Box::new(parse(one()?, rules)?))),
        "map" => Ok(Type::Map(Box::new(parse(one()?, rules)?))),
        "tuple" => match &one()?.kind {
            ExprKind::Tuple(items) => {
                Ok(Type::Tuple(items.iter().map(|item| parse(item, rules)).collect::<Result<_, _>>()?))
            }
            _ => Err((expr.span, "tuple takes a list of types, such as tuple([string, number])".to_owned(), None)),
        },
        "object" => match &one()?.kind {
            ExprKind::Object(items) => {
                items.iter().map(|item| field(item, rules)).collect::<Result<_, _>>().map(Type::Object)
            }
            _ => Err((expr.span, "object takes its attributes, such as object({ name = string })".to_owned(), None)),
        },
        "optional" => {
            let detail = match rules {
                TypeRules::Exact => "optional attributes are not allowed here: an exact type is required",
                TypeRules::Constraint => "optional(…) is for the attributes of an object type",
            };
            Err((expr.span, detail.to_owned(), None))
        }
        _ => Err((expr.span, format!("{name:?} is not a type"), did_you_mean(name, NAMES))),
    }
}

fn field(item: &ObjectItem, rules: TypeRules) -> Result<(Arc<str>, ObjectField), Refusal> {
    let Some(name) = item.key_name() else {
        return Err((item.key.span, "an attribute's name has to be written out".to_owned(), None));
    };
    let kind = match &item.value.kind {
        ExprKind::Call(call) if &*call.name == "optional" && rules == TypeRules::Constraint => {
            return optional_field(item, &call.arguments, rules).map(|field| (name.into(), field));
        }
        _ => parse(&item.value, rules)?,
    };
    Ok((name.into(), ObjectField { kind, optional: None }))
}

fn optional_field(item: &ObjectItem, arguments: &[Expr], rules: TypeRules) -> Result<ObjectField, Refusal> {
    let (kind, default) = match arguments {
        [kind] => (parse(kind, rules)?, Value::Null),
        [kind, default] => {
            let Some(value) = default.constant() else {
                return Err((default.span, "a default has to be a constant".to_owned(), None));
            };
            (parse(kind, rules)?, value)
        }
        _ => return Err((item.value.span, "optional takes a type and perhaps a default".to_owned(), None)),
    };
    let default = crate::convert::convert(&default, &kind)
        .map_err(|error| (item.value.span, format!("the default does not fit the type: {error}"), None))?;
    Ok(ObjectField { kind, optional: Some(default) })
}
