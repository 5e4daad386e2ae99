//! What a person gave for variables: environment, files, arguments; the last one wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_hcl::variables::{Declarations, Inputs, Origin};
use drover_hcl::{
    Diagnostic, Diagnostics, EvalContext, Source, Span, Value, did_you_mean, parse_body, parse_json_body,
};
use drover_secrets::Resolver;

use crate::secret_function;

use crate::value_files;

/// Prefixes of environment variables that give values; the later one wins.
const ENVIRONMENT_PREFIXES: [&str; 2] = ["NOMAD_PACK_VAR_", "DROVER_VAR_"];

/// Values for variables in order of precedence. A name with dots is for a dependency: `db.port`.
#[derive(Clone, Default)]
pub struct Supplied {
    given: Vec<Given>,
}

#[derive(Clone)]
struct Given {
    name: String,
    value: GivenValue,
    origin: Origin,
    /// Where it is written, when that is a file.
    place: Option<(Arc<Source>, Span)>,
}

#[derive(Clone)]
enum GivenValue {
    Text(String),
    Value(Value),
}

/// A value that was given.
pub(crate) struct GivenRef<'g> {
    pub name: &'g str,
    /// As a text that is still to be read.
    pub text: Option<&'g str>,
    pub value: Option<&'g Value>,
    pub origin: Origin,
    /// Where it is written, when that is a file.
    pub place: Option<&'g (Arc<Source>, Span)>,
}

impl GivenRef<'_> {
    /// Whether it may be for a variable of any other pack.
    pub(crate) fn is_for_anybody(&self) -> bool {
        self.origin == Origin::Environment
    }
}

/// Why an argument is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`-var` needs the form name=value, as in -var port=8080; there is no `=` in one of them")]
pub struct GivenError;

impl Supplied {
    /// Takes `DROVER_VAR_x` and `NOMAD_PACK_VAR_x` from an environment.
    pub fn add_environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        for prefix in ENVIRONMENT_PREFIXES {
            for (name, value) in &environment {
                if let Some(name) = name.strip_prefix(prefix) {
                    self.add(name, GivenValue::Text(value.clone()), Origin::Environment);
                }
            }
        }
    }

    /// Takes the content of a file of values: HCL, JSON, or by the end of its name YAML or TOML. `secret("…")` can be used in HCL.
    ///
    /// # Errors
    /// When the file cannot be parsed or evaluated; the message is free of secrets.
    pub fn add_file(&mut self, name: &str, content: &[u8], secrets: &Arc<Resolver>) -> Result<(), Diagnostics> {
        let source = Source::from_bytes(name, content)?;
        let context = EvalContext::new().with_functions(secret_function(secrets));
        self.add_source(&source, &context).map_err(|problems| crate::render::masked(problems, secrets))
    }

    fn add_source(&mut self, source: &Arc<Source>, context: &EvalContext<'_>) -> Result<(), Diagnostics> {
        if value_files::is_other_format(source.name()) {
            for (name, value, span) in value_files::read(source)? {
                self.place(&name, value, (Arc::clone(source), span));
            }
            return Ok(());
        }
        let is_json = source.text().trim_start().starts_with('{');
        let body = if is_json { parse_json_body(source) } else { parse_body(source) }?;
        let mut problems = Diagnostics::new();
        let body = body.just_attributes(&mut problems);
        for attribute in &body.attributes {
            match attribute.value.evaluate(context) {
                Ok(value) => self.given.push(Given {
                    name: attribute.name.to_string(),
                    value: GivenValue::Value(value),
                    origin: Origin::File,
                    place: Some((Arc::clone(source), attribute.name_span)),
                }),
                Err(found) => problems.extend(found),
            }
        }
        problems.into_result(())
    }

    /// Takes `name=value` of a `-var` argument.
    ///
    /// # Errors
    /// When there is no `=`.
    pub fn add_argument(&mut self, argument: &str) -> Result<(), GivenError> {
        let Some((name, value)) = argument.split_once('=') else {
            // What was given may be a value, so it is not repeated.
            return Err(GivenError);
        };
        self.add(name.trim(), GivenValue::Text(value.to_owned()), Origin::Argument);
        Ok(())
    }

    /// Takes a value that is already one, such as those of a stack's `vars`.
    pub fn add_value(&mut self, name: &str, value: Value) {
        self.add(name, GivenValue::Value(value), Origin::Caller);
    }

    /// Whether there is a value for a variable, or for `alias.name` within an object named `alias`.
    pub fn gives(&self, name: &str) -> bool {
        let within = |given: &Given| {
            let Some((alias, inner)) = name.split_once('.') else { return false };
            let GivenValue::Value(value) = &given.value else { return false };
            given.name == alias && value.as_entries().is_some_and(|entries| entries.contains_key(inner))
        };
        self.given.iter().any(|given| given.name == name || within(given))
    }

    /// The texts of the value that counts for `name`: one, or those within an object or list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        fn collect(value: &Value, texts: &mut Vec<String>) {
            if let Some(text) = value.as_str() {
                texts.push(text.to_owned());
            } else if let Some(items) = value.as_items() {
                items.iter().for_each(|item| collect(item, texts));
            } else if let Some(entries) = value.as_entries() {
                entries.values().for_each(|item| collect(item, texts));
            } else if let Ok(json) = value.to_json() {
                texts.push(json.to_string());
            }
        }
        let mut texts = Vec::new();
        match self.given.iter().rfind(|given| given.name == name).map(|given| &given.value) {
            Some(GivenValue::Text(text)) => texts.push(text.clone()),
            Some(GivenValue::Value(value)) => collect(value, &mut texts),
            None => {}
        }
        texts
    }

    /// What the environment gave, as texts.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.as_texts(Origin::Environment)
    }

    /// What arguments gave, as texts.
    pub(crate) fn arguments(&self) -> Vec<(String, String)> {
        self.as_texts(Origin::Argument)
    }

    fn as_texts(&self, origin: Origin) -> Vec<(String, String)> {
        let of_origin = self.given.iter().filter(|given| given.origin == origin);
        of_origin
            .filter_map(|given| match &given.value {
                GivenValue::Text(text) => Some((given.name.clone(), text.clone())),
                GivenValue::Value(_) => None,
            })
            .collect()
    }

    /// What files and callers gave, as files of values.
    pub(crate) fn values_as_file(&self) -> Vec<Arc<Source>> {
        let mut values = serde_json::Map::new();
        for given in &self.given {
            if let GivenValue::Value(value) = &given.value
                && let Ok(json) = value.to_json()
            {
                values.insert(given.name.clone(), json);
            }
        }
        if values.is_empty() {
            Vec::new()
        } else {
            vec![Source::new("vars", serde_json::Value::Object(values).to_string())]
        }
    }

    /// Everything that was given, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = GivenRef<'_>> {
        self.given.iter().map(|given| GivenRef {
            name: &given.name,
            text: match &given.value {
                GivenValue::Text(text) => Some(text),
                GivenValue::Value(_) => None,
            },
            value: match &given.value {
                GivenValue::Text(_) => None,
                GivenValue::Value(value) => Some(value),
            },
            origin: given.origin,
            place: given.place.as_ref(),
        })
    }

    /// Those whose names begin with `alias.`, without it.
    pub(crate) fn prefixed(&self, alias: &str) -> Self {
        let inner = |given: &Given| {
            let name = given.name.strip_prefix(alias)?.strip_prefix('.')?;
            Some(Given { name: name.to_owned(), ..given.clone() })
        };
        Self { given: self.given.iter().filter_map(inner).collect() }
    }

    /// The members of objects named `name` stand for themselves.
    pub(crate) fn flattened(&self, name: &str) -> Self {
        let mut result = Self::default();
        for given in &self.given {
            match &given.value {
                GivenValue::Value(value) if given.name == name && value.as_entries().is_some() => {
                    for (name, value) in value.as_entries().into_iter().flatten() {
                        let value = GivenValue::Value(value.clone());
                        result.given.push(Given { name: name.to_string(), value, ..given.clone() });
                    }
                }
                _ => result.given.push(given.clone()),
            }
        }
        result
    }

    /// Takes values from outside, such as keys of a store: those for no variable are passed over.
    pub fn add_items(&mut self, items: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in items {
            self.add(&name, GivenValue::Text(value), Origin::Environment);
        }
    }

    /// Takes a file of values as packs in nomad-pack's format have them: `name = value` and `dependency.name = value`.
    ///
    /// # Errors
    /// Its syntax is wrong, or a value is no constant.
    pub fn add_pack_file(&mut self, name: &str, content: &[u8]) -> Result<(), Diagnostics> {
        self.read_pack_file(name, content).map_err(crate::nomad_pack::reword)
    }

    fn read_pack_file(&mut self, name: &str, content: &[u8]) -> Result<(), Diagnostics> {
        let text = Source::from_bytes(name, content)?;
        if value_files::is_other_format(name) {
            for (name, value, span) in value_files::read(&text)? {
                self.place(&name, value, (Arc::clone(&text), span));
            }
            return Ok(());
        }
        if drover_hcl::variables::is_json(text.text()) {
            let body = parse_json_body(&text)?;
            let mut problems = Diagnostics::new();
            let body = body.just_attributes(&mut problems);
            for attribute in &body.attributes {
                match attribute.value.evaluate(&EvalContext::new()) {
                    Ok(value) => self.place(&attribute.name, value, (Arc::clone(&text), attribute.name_span)),
                    Err(found) => problems.extend(found),
                }
            }
            return problems.into_result(());
        }
        // The file is the inside of an object.
        let source = Source::new(name, format!("{{{}\n}}", text.text()));
        let expression = drover_hcl::parse_expression(&source)?;
        let drover_hcl::syntax::ExprKind::Object(items) = &expression.expr.kind else { return Ok(()) };
        let mut problems = Diagnostics::new();
        for item in items {
            let value = drover_hcl::Expression { expr: Arc::new(item.value.clone()), source: Arc::clone(&source) };
            let name = source.slice(item.key.span).trim_matches('"').to_owned();
            match crate::nomad_pack::constant(&value) {
                Ok(value) => self.place(&name, value, (Arc::clone(&source), item.key.span)),
                Err(found) => problems.extend(found),
            }
        }
        problems.into_result(())
    }

    fn place(&mut self, name: &str, value: Value, place: (Arc<Source>, Span)) {
        let value = GivenValue::Value(value);
        self.given.push(Given { name: name.to_owned(), value, origin: Origin::File, place: Some(place) });
    }

    /// These without those whose names `is_left_out` says.
    #[must_use]
    pub fn without(mut self, is_left_out: &dyn Fn(&str) -> bool) -> Self {
        self.given.retain(|given| !is_left_out(&given.name));
        self
    }

    /// Puts `later` after these, so that it wins.
    pub fn extend(&mut self, later: Self) {
        self.given.extend(later.given);
    }

    fn add(&mut self, name: &str, value: GivenValue, origin: Origin) {
        self.given.push(Given { name: name.to_owned(), value, origin, place: None });
    }

    /// The values for `declared` variables, as inputs; `dependencies` names where else a value may go. `owner` is what has the
    /// variables, for messages.
    ///
    /// # Errors
    /// Values, other than the environment's, for variables that nobody declares.
    pub fn inputs(&self, declared: &Declarations, dependencies: &[&str], owner: &str) -> Result<Inputs, Diagnostics> {
        let mut inputs = Inputs::default();
        let mut problems = Diagnostics::new();
        for given in &self.given {
            let is_declared = declared.get(&given.name).is_some();
            let (head, rest) = given.name.split_once('.').unwrap_or((&given.name, ""));
            let goes_elsewhere = dependencies.contains(&head) && (!rest.is_empty() || !is_declared);
            if !is_declared && (goes_elsewhere || given.origin == Origin::Environment) {
                continue;
            }
            if !is_declared {
                let known: Vec<&str> = declared.iter().map(|variable| &*variable.name).collect();
                let hint = did_you_mean(&given.name, known.iter().copied()).unwrap_or_else(|| {
                    format!(
                        "its variables are: {}",
                        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                    )
                });
                let message = format!("{owner} has no variable `{}`, which {} gives a value", given.name, given.origin);
                let problem = Diagnostic::error(message, "").hint(hint);
                problems.push(match &given.place {
                    Some((source, span)) => problem.at(source, *span),
                    None => problem,
                });
                continue;
            }
            match (&given.value, &given.place) {
                (GivenValue::Text(text), _) => inputs.add_text(&given.name, text, given.origin),
                (GivenValue::Value(value), None) => inputs.add_value(&given.name, value.clone(), given.origin),
                (GivenValue::Value(value), Some(place)) => {
                    inputs.add_value_at(&given.name, value.clone(), given.origin, place.clone());
                }
            }
        }
        problems.into_result(inputs)
    }

    /// The values for the dependency `alias`: `alias.x`, or the members of an object named `alias`.
    #[must_use]
    pub fn for_dependency(&self, alias: &str) -> Self {
        let mut result = Self::default();
        for given in &self.given {
            if let Some(name) = given.name.strip_prefix(alias).and_then(|rest| rest.strip_prefix('.')) {
                result.given.push(Given { name: name.to_owned(), ..given.clone() });
            } else if given.name == alias
                && let GivenValue::Value(value) = &given.value
            {
                for (name, value) in value.as_entries().into_iter().flatten() {
                    let value = GivenValue::Value(value.clone());
                    result.given.push(Given { name: name.to_string(), value, ..given.clone() });
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_for_dependencies_are_told_by_their_prefix() {
        let mut supplied = Supplied::default();
        supplied.add_argument("db.port=5433").unwrap();
        supplied.add_argument("port=80").unwrap();
        supplied.add_value("db", Value::object([("name", Value::from("shop"))]));
        let names = |supplied: &Supplied| supplied.given.iter().map(|given| given.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&supplied.for_dependency("db")), ["port", "name"]);
        assert_eq!(names(&supplied.for_dependency("cache")), Vec::<String>::new());
    }

    #[test]
    fn drovers_prefix_wins_over_the_older_one() {
        let mut supplied = Supplied::default();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        supplied.add_environment([pair("DROVER_VAR_port", "1"), pair("NOMAD_PACK_VAR_port", "2"), pair("HOME", "/")]);
        let texts: Vec<_> = supplied
            .given
            .iter()
            .map(|given| match &given.value {
                GivenValue::Text(text) => text.as_str(),
                GivenValue::Value(_) => "",
            })
            .collect();
        assert_eq!(texts, ["2", "1"]);
    }
}
