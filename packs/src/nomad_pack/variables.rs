//! `variables.hcl` by nomad-pack's rules.

use drover_hcl::schema::Schema;
use drover_hcl::syntax::ExprKind;
use drover_hcl::{
    Block, Body, Diagnostic, Diagnostics, EvalContext, Expression, FunctionTable, Type, TypeRules, Value, convert,
};
use std::sync::Arc;

/// The variables of a pack, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables {
    pub all: Vec<Variable>,
    /// What is stored in the engine with the pack.
    pub stored: Vec<Stored>,
}

/// A variable.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub name: String,
    pub kind: Option<Type>,
    pub default: Option<Value>,
    pub description: String,
    pub rules: Vec<Rule>,
}

/// A rule that a value has to meet.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub condition: Expression,
    pub message: String,
}

/// A `nomad_variable` block.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub path: Expression,
    pub items: Expression,
    pub namespace: Option<Expression>,
}

const TOP: Schema = Schema::attributes(&[]).with_blocks(&[("variable", &["name"]), ("nomad_variable", &["name"])]);
const VARIABLE: Schema = Schema::attributes(&["type", "default", "description"]).with_blocks(&[("validation", &[])]);
const RULE: Schema = Schema::attributes(&[]).with_required(&["condition", "error_message"]);
const STORED: Schema = Schema::attributes(&["path", "items", "namespace"]);

impl Variables {
    pub(super) fn read(body: &Body) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::new();
        let body = body.content(&TOP, &mut problems);
        let mut variables = Self::default();
        for block in body.blocks_of("variable") {
            let Some(variable) = variable(block, &mut problems) else { continue };
            // Of two with one name the last counts.
            variables.all.retain(|known| known.name != variable.name);
            variables.all.push(variable);
        }
        for block in body.blocks_of("nomad_variable") {
            variables.stored.extend(stored(block, &mut problems));
        }
        problems.into_result(variables)
    }
    pub(super) fn get(&self, name: &str) -> Option<&Variable> {
        self.all.iter().find(|variable| variable.name == name)
    }
}

fn variable(block: &Block, problems: &mut Diagnostics) -> Option<Variable> {
    let source = &block.body.source;
    let Some(label) = block.labels.first() else {
        let error = Diagnostic::error("Missing name for variable", "All variable blocks must have 1 labels (name).");
        problems.push(error.at(source, block.header_span()));
        return None;
    };
    let mut chars = label.text.chars();
    let valid = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c == '-' || c.is_alphanumeric());
    if !valid {
        let detail = "Name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.";
        problems.push(Diagnostic::error("Invalid variable name", detail).at(source, label.span));
    }
    let body = block.body.content(&VARIABLE, problems);
    let kind = body.attribute("type").and_then(|attribute| keep(kind(&attribute.value), problems));
    let default = body.attribute("default").and_then(|attribute| {
        let value = keep(constant(&attribute.value), problems)?;
        match &kind {
            None => Some(value),
            Some(kind) => keep(fit(&value, kind, &attribute.value), problems),
        }
    });
    let description = match body.attribute("description") {
        None => String::new(),
        Some(attribute) => match keep(constant(&attribute.value), problems) {
            Some(Value::String(text)) => text.to_string(),
            Some(other) => {
                let detail =
                    format!("The description attribute is expected to be of type string, got {}", other.kind());
                problems.push(attribute.value.error("Invalid type for description", detail));
                String::new()
            }
            None => String::new(),
        },
    };
    let rules = body.blocks_of("validation").filter_map(|block| rule(block, problems)).collect();
    Some(Variable { name: label.text.to_string(), kind, default, description, rules })
}

fn rule(block: &Block, problems: &mut Diagnostics) -> Option<Rule> {
    let body = block.body.content(&RULE, problems);
    let condition = body.attribute("condition")?.value.clone();
    let message = keep(constant(&body.attribute("error_message")?.value), problems)?;
    Some(Rule { condition, message: message.as_str().unwrap_or_default().to_owned() })
}

fn stored(block: &Block, problems: &mut Diagnostics) -> Option<Stored> {
    let body = block.body.content(&STORED, problems);
    for name in ["path", "items"] {
        if body.attribute(name).is_none() {
            let detail = format!("The '{name}' attribute is required for nomad_variable blocks");
            problems.push(Diagnostic::error("Missing attribute", detail).at(&body.source, block.header_span()));
        }
    }
    let expression = |name: &str| body.attribute(name).map(|attribute| attribute.value.clone());
    Some(Stored { path: expression("path")?, items: expression("items")?, namespace: expression("namespace") })
}

fn keep<T>(result: Result<T, Diagnostics>, problems: &mut Diagnostics) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

/// A type constraint.
fn kind(expression: &Expression) -> Result<Type, Diagnostics> {
    const NO_TYPE: &str = "A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).";
    let say = |detail: String| Diagnostics::from(expression.error("Invalid type specification", detail));
    match &expression.expr.kind {
        ExprKind::Traversal(name, steps) if steps.is_empty() => match &**name {
            "list" | "set" | "map" => {
                return Err(say(format!(
                    "The {name} type constructor requires one argument specifying the element type."
                )));
            }
            "bool" | "number" | "string" | "any" | "object" | "tuple" => {}
            name => return Err(say(format!("The keyword \"{name}\" is not a valid type specification."))),
        },
        ExprKind::Call(_) => {}
        _ => return Err(say(NO_TYPE.to_owned())),
    }
    Type::parse(expression, TypeRules::Constraint)
}

/// The value of an expression that uses neither variables nor functions.
pub(crate) fn constant(expression: &Expression) -> Result<Value, Diagnostics> {
    let mut problems = Diagnostics::new();
    expression.expr.visit_traversals(&mut |_, _, span| {
        let error = Diagnostic::error("Variables not allowed", "Variables may not be used here.");
        problems.push(error.at(&expression.source, span).hint("a text needs double quotes"));
    });
    problems.into_result(())?;
    let context = EvalContext::new().with_functions(Arc::new(FunctionTable::default()));
    expression.evaluate(&context).map_err(|errors| {
        let no_functions = |error: Diagnostic| match error.summary.as_str() {
            "Call to unknown function" => Diagnostic {
                summary: "Function calls not allowed".to_owned(),
                detail: "Functions may not be called here.".to_owned(),
                hint: None,
                ..error
            },
            _ => error,
        };
        errors.into_iter().map(no_functions).collect()
    })
}

/// A value in a variable's type.
pub(super) fn fit(value: &Value, kind: &Type, at: &Expression) -> Result<Value, Diagnostics> {
    convert(value, kind)
        .map_err(|error| at.error("Invalid value for variable", misfit(value, kind, &error.to_string())).into())
}

/// What is said of a value that does not have a variable's type.
pub(super) fn misfit(value: &Value, kind: &Type, reason: &str) -> String {
    let reason = match (value, kind) {
        (Value::Number(_), Type::Bool) => "bool required, but have number".to_owned(),
        _ => reason.to_owned(),
    };
    format!("This variable value is not compatible with the variable's type constraint: {reason}.")
}
