//! `variable` and `variables` blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::context::EvalContext;
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::functions::FunctionTable;
use crate::schema::Schema;
use crate::syntax::{Block, Body, ExprKind, Expression, parse_expression};
use crate::types::{Type, TypeRules};
use crate::value::Value;

use super::{Declaration, Validation};

const EXACT: Schema = Schema::attributes(&["type", "default", "description"]).with_blocks(&[("validation", &[])]);
const FULL: Schema = Schema::attributes(&["type", "default", "description", "sensitive", "nullable"])
    .with_blocks(&[("validation", &[])]);
const VALIDATION: Schema = Schema::attributes(&[]).with_required(&["condition", "error_message"]);

/// The declared variables by name.
#[derive(Clone, Debug, Default)]
pub struct Declarations(pub(super) BTreeMap<Arc<str>, Declaration>);

impl Declarations {
    /// Reads the `variable` and `variables` blocks of a body; other blocks are left to the caller.
    ///
    /// With [`TypeRules::Exact`] the declarations of job files are read, with [`TypeRules::Constraint`] those of packs
    /// and stacks, which know `sensitive`, `nullable`, `any` and `optional()` as well.
    ///
    /// # Errors
    /// Everything that is wrong with the declarations.
    pub fn parse(body: &Body, rules: TypeRules) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::new();
        let mut declared = Self::default();
        for block in &body.blocks {
            match &*block.kind {
                "variable" => {
                    let variable = declaration(block, rules, &mut problems);
                    declared.insert(variable, &mut problems);
                }
                "variables" => {
                    for attribute in &block.body.just_attributes(&mut problems).attributes {
                        let variable = shorthand(attribute, &mut problems);
                        declared.insert(variable, &mut problems);
                    }
                }
                _ => {}
            }
        }
        problems.into_result(declared)
    }

    /// All declarations, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Declaration> {
        self.0.values()
    }

    /// The declaration of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Declaration> {
        self.0.get(name)
    }

    /// Adds those of another file; names must differ.
    ///
    /// # Errors
    /// A name is declared twice.
    pub fn merge(&mut self, other: Self) -> Result<(), Diagnostics> {
        let mut problems = Diagnostics::new();
        for declaration in other.0.into_values() {
            self.insert(Some(declaration), &mut problems);
        }
        problems.into_result(())
    }

    fn insert(&mut self, declaration: Option<Declaration>, problems: &mut Diagnostics) {
        let Some(declaration) = declaration else { return };
        if let Some(first) = self.0.get(&declaration.name) {
            let place = first.source.range(first.span);
            let detail = format!("the variable {:?} is already declared at {place}", declaration.name);
            problems.push(Diagnostic::error("Duplicate variable", detail).at(&declaration.source, declaration.span));
            return;
        }
        self.0.insert(Arc::clone(&declaration.name), declaration);
    }
}

fn shorthand(attribute: &crate::syntax::Attribute, problems: &mut Diagnostics) -> Option<Declaration> {
    let default = constant(&attribute.value, problems)?;
    Some(Declaration {
        name: Arc::clone(&attribute.name),
        kind: None,
        default: Some(default),
        default_span: Some(attribute.value.span()),
        description: None,
        sensitive: false,
        nullable: true,
        validations: Vec::new(),
        span: attribute.name_span,
        source: Arc::clone(&attribute.value.source),
    })
}

fn declaration(block: &Block, rules: TypeRules, problems: &mut Diagnostics) -> Option<Declaration> {
    let source = &block.body.source;
    let Some(label) = block.labels.first() else {
        let error = Diagnostic::error("Missing name for variable", "a variable block must have one label, its name");
        problems.push(error.at(source, block.body.opening()));
        return None;
    };
    if let Some(extra) = block.labels.get(1) {
        let error = Diagnostic::error("Extraneous label for variable", "a variable block has one label, its name");
        problems.push(error.at(source, extra.span));
    }
    if !valid_name(&label.text) {
        let detail = "a name starts with a letter or underscore and holds only letters, digits, underscores and dashes";
        problems.push(Diagnostic::error("Invalid variable name", detail).at(source, label.span));
    }
    let schema = if rules == TypeRules::Exact { &EXACT } else { &FULL };
    let body = block.body.content(schema, problems);
    let kind = body.attribute("type").and_then(|attribute| match parse_type(&attribute.value, &block.body, rules) {
        Ok(kind) => Some(kind),
        Err(errors) => {
            problems.extend(errors);
            None
        }
    });
    let default = body.attribute("default").map(|attribute| &attribute.value);
    let value = default.and_then(|default| typed_default(default, kind.as_ref(), problems));
    let mut flag = |name: &str, otherwise: bool| {
        let Some(attribute) = body.attribute(name) else { return otherwise };
        match constant(&attribute.value, problems) {
            Some(Value::Bool(value)) => value,
            Some(_) => {
                problems.push(attribute.value.error("Unsuitable value type", format!("{name} must be true or false")));
                otherwise
            }
            None => otherwise,
        }
    };
    let (sensitive, nullable) = (flag("sensitive", false), flag("nullable", true));
    let description = body.attribute("description").and_then(|attribute| constant(&attribute.value, problems));
    let validations = body.blocks_of("validation").filter_map(|rule| validation(rule, &label.text, problems)).collect();
    Some(Declaration {
        name: Arc::clone(&label.text),
        kind,
        default: value,
        default_span: default.map(Expression::span),
        description: description.and_then(|text| text.as_str().map(str::to_owned)),
        sensitive,
        nullable,
        validations,
        span: label.span,
        source: Arc::clone(source),
    })
}

/// In JSON syntax a type is written as a text.
fn parse_type(expression: &Expression, body: &Body, rules: TypeRules) -> Result<Type, Diagnostics> {
    match &expression.expr.kind {
        ExprKind::Literal(Value::String(text)) if body.is_json() => {
            let source = expression.source.embedded(text, expression.span());
            Type::parse(&parse_expression(&source)?, rules)
        }
        _ => Type::parse(expression, rules),
    }
}

fn valid_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c == '_' || unicode_ident::is_xid_start(c))
        && characters.all(|c| c == '-' || unicode_ident::is_xid_continue(c))
}

fn typed_default(default: &Expression, kind: Option<&Type>, problems: &mut Diagnostics) -> Option<Value> {
    let value = constant(default, problems)?;
    let Some(kind) = kind else { return Some(value) };
    match convert(&value, kind) {
        Ok(value) => Some(value),
        Err(error) => {
            let detail = format!("the default does not fit the type {kind}: {error}");
            problems.push(default.error("Invalid default value for variable", detail));
            None
        }
    }
}

/// The value of an expression that may use neither variables nor functions.
pub(super) fn constant(expression: &Expression, problems: &mut Diagnostics) -> Option<Value> {
    // Texts in JSON syntax are no templates where nothing can be referred to.
    let literal =
        expression.expr.without_embedded().map(|expr| Expression { expr: Arc::new(expr), ..expression.clone() });
    let expression = literal.as_ref().unwrap_or(expression);
    let before = problems.len();
    expression.expr.visit_traversals(&mut |_, _, span| {
        let error = Diagnostic::error("Variables not allowed", "variables may not be used here");
        problems.push(error.at(&expression.source, span).hint("a text needs double quotes"));
    });
    if problems.len() > before {
        return None;
    }
    let context = EvalContext::new().with_functions(Arc::new(FunctionTable::default()));
    match expression.evaluate(&context) {
        Ok(value) => Some(value),
        Err(errors) => {
            problems.extend(errors.into_iter().map(no_functions).collect());
            None
        }
    }
}

fn no_functions(error: Diagnostic) -> Diagnostic {
    if error.summary != "Call to unknown function" {
        return error;
    }
    Diagnostic {
        summary: "Function calls not allowed".to_owned(),
        detail: "functions may not be called here".to_owned(),
        hint: None,
        ..error
    }
}

fn validation(block: &Block, name: &str, problems: &mut Diagnostics) -> Option<Validation> {
    let body = block.body.content(&VALIDATION, problems);
    let condition = body.attribute("condition")?;
    let message = body.attribute("error_message")?;
    let text = match constant(&message.value, problems)? {
        Value::String(text) if !text.trim().is_empty() => text,
        Value::String(_) => {
            let detail = "an empty or blank text says nothing to whoever gives a wrong value";
            problems.push(message.value.error("Invalid validation error message", detail));
            return None;
        }
        other => {
            let detail = format!("the message must be a text, but is a {}", other.kind());
            problems.push(message.value.error("Invalid validation error message", detail));
            return None;
        }
    };
    let condition = condition.value.clone();
    super::validate::check_condition(&condition, name, problems)?;
    Some(Validation { condition, message: text, span: block.header_span() })
}
