//! Expressions that select objects: `Status == "running" and not (Type == batch or "x" in ID)`. Filters of lists and
//! selectors of binding rules are written in them.
//!
//! They see any object by its serde form and know nothing of what it is. Pure. Main type: [`Filter`].

mod parse;

use parse::{Expression, Match, Operator, Selector};
use serde::Serialize;
use serde_json::Value;

/// A parsed expression.
pub struct Filter {
    expression: Expression,
    /// Fields that a document may lack without it being a fault.
    optional: &'static [&'static str],
}

impl Filter {
    /// Parses an expression; `optional` names the fields that a document may lack.
    ///
    /// # Errors
    /// What is wrong, and where in the text.
    pub fn parse(text: &str, optional: &'static [&'static str]) -> Result<Self, String> {
        Ok(Self { expression: parse::parse(text)?, optional })
    }

    /// Whether an object fits.
    ///
    /// # Errors
    /// The expression names a field that is not there, or compares what cannot be compared.
    pub fn matches<T: Serialize>(&self, object: &T) -> Result<bool, String> {
        let document = serde_json::to_value(object).map_err(|error| error.to_string())?;
        self.evaluate(&self.expression, &document)
    }

    fn evaluate(&self, expression: &Expression, document: &Value) -> Result<bool, String> {
        Ok(match expression {
            Expression::Not(inner) => !self.evaluate(inner, document)?,
            Expression::And(left, right) => self.evaluate(left, document)? && self.evaluate(right, document)?,
            Expression::Or(left, right) => self.evaluate(left, document)? || self.evaluate(right, document)?,
            Expression::Match(found) => self.match_one(found, document)?,
        })
    }

    fn match_one(&self, found: &Match, document: &Value) -> Result<bool, String> {
        let value = self.find(&found.selector, document)?;
        let is = match found.operator {
            Operator::Equal => equals(value, &found.value)?,
            Operator::In => contains(value, &found.value)?,
            Operator::Empty => is_empty(value),
            Operator::Matches => {
                let pattern = found.pattern.as_ref().expect("the parser compiles patterns");
                value.as_str().is_some_and(|text| pattern.is_match(text))
            }
        };
        Ok(is != found.negated)
    }

    /// Missing keys of maps are null; a missing field of the object itself is a fault.
    fn find<'a>(&self, selector: &Selector, document: &'a Value) -> Result<&'a Value, String> {
        let mut value = document;
        for (depth, part) in selector.0.iter().enumerate() {
            let next = match value {
                Value::Object(map) => map.get(part),
                Value::Array(list) => part.parse::<usize>().ok().and_then(|at| list.get(at)),
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None if depth == 0 && !self.optional.contains(&part.as_str()) => {
                    let path = selector.0.join("/");
                    return Err(format!(
                        "error finding value in datum: /{path} at part {depth}: couldn't find key: struct field with name {part:?}"
                    ));
                }
                None => return Ok(&Value::Null),
            }
        }
        Ok(value)
    }
}

/// Go's spellings of truth.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn equals(value: &Value, wanted: &str) -> Result<bool, String> {
    Ok(match value {
        Value::String(text) => text == wanted,
        Value::Null => wanted.is_empty(),
        Value::Bool(found) => {
            let wanted = truth(wanted);
            *found == wanted.ok_or_else(|| "error getting match value in expression: not a bool".to_owned())?
        }
        Value::Number(found) => {
            let wanted: f64 = wanted
                .parse()
                .map_err(|_| format!("error getting match value in expression: parsing {wanted:?}: invalid syntax"))?;
            found.as_f64() == Some(wanted)
        }
        Value::Array(_) | Value::Object(_) => {
            return Err("Cannot perform equality operations on collections".to_owned());
        }
    })
}

fn contains(value: &Value, wanted: &str) -> Result<bool, String> {
    match value {
        Value::String(text) => Ok(text.contains(wanted)),
        Value::Object(map) => Ok(map.contains_key(wanted)),
        Value::Array(list) => list.iter().try_fold(false, |found, item| Ok(found || equals(item, wanted)?)),
        Value::Null => Ok(false),
        _ => Err("Cannot perform in/contains operations on this type".to_owned()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use serde_json::json;

    fn check(text: &str, wanted: Result<bool, &str>) {
        let job = json!({
            "ID": "report-a", "Priority": 70, "Stop": false, "Meta": {"owner": "b"}, "Type": "service",
            "Datacenters": ["dc1", "dc2"], "Status": "running",
        });
        let found = Filter::parse(text, &["ParentID"]).and_then(|filter| filter.matches(&job));
        match wanted {
            Ok(wanted) => assert_eq!(found, Ok(wanted), "{text}"),
            Err(part) => assert!(found.as_ref().is_err_and(|fault| fault.contains(part)), "{text}: {found:?}"),
        }
    }

    #[test]
    fn expressions_of_the_recorded_cases() {
        check("Type == \"service\"", Ok(true));
        check("Type == service and not \"report\" in ID", Ok(false));
        check("Priority == 70", Ok(true));
        check("Meta.owner == b", Ok(true));
        check("Meta.other == b", Ok(false));
        check("ID matches \"^r.*a$\"", Ok(true));
        check("dc1 in Datacenters", Ok(true));
        check("Datacenters contains dc3 or Stop != true", Ok(true));
        check("Meta is not empty and (Status == dead or Status == running)", Ok(true));
        check("ParentID is empty", Ok(true));
        check("Colour == \"blue\"", Err("Colour"));
        check("Priority >= 70", Err("1:"));
        check("nonsense", Err("1:"));
        check("ID matches \"(\"", Err("regex"));
    }
}
