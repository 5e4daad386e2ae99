//! Rules in CEL, the Common Expression Language: compiled and applied to facts. They see nothing else, and always end.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Env, Program, Value};
use serde_json::Value as Json;

/// The longest rule, in bytes.
pub const MAX_RULE_BYTES: usize = 16 * 1024;

/// What is wrong with a rule, if anything.
///
/// # Errors
/// What is wrong, in one line.
pub fn check(rule: &str) -> Result<(), String> {
    compile(rule).map(drop)
}

/// Whether a rule is kept by facts, whose members it sees by name.
///
/// # Errors
/// The rule cannot be evaluated, or does not say true or false.
pub fn holds(rule: &str, facts: &Json) -> Result<bool, String> {
    let (environment, program) = compile(rule)?;
    let mut context = Context::with_env(environment);
    for (name, value) in facts.as_object().into_iter().flatten() {
        context.add_variable_from_value(name.as_str(), convert(value));
    }
    match program.execute(&context) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(_) => Err("the rule says neither true nor false".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn compile(rule: &str) -> Result<(Arc<Env>, Program), String> {
    if rule.len() > MAX_RULE_BYTES {
        return Err(format!("a rule has {MAX_RULE_BYTES} bytes at most"));
    }
    let environment = Arc::new(Env::stdlib());
    let program = environment.compile(rule).map_err(|errors| {
        // The first says what is wrong; others follow from it. Its drawing of the place is left to those who know the file.
        let text = errors.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("ERROR: <input>:").to_owned()
    })?;
    Ok((environment, program))
}

/// Whole numbers are signed, so that they compare with those in rules.
fn convert(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int)
        }
        Json::Array(items) => Value::from(items.iter().map(convert).collect::<Vec<Value>>()),
        Json::Object(members) => {
            let members: HashMap<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), convert(value))).collect();
            Value::from(members)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_about_facts() {
        let facts = json!({"job": {"Priority": 50, "TaskGroups": [{"Name": "g", "Count": 2,
            "Tasks": [{"Name": "t", "Config": {"image": "redis:7"}}]}]}});
        let pinned =
            "job.TaskGroups.all(g, g.Tasks.all(t, !has(t.Config.image) || !t.Config.image.endsWith(':latest')))";
        assert_eq!(holds(pinned, &facts), Ok(true));
        assert_eq!(holds("job.Priority > 60", &facts), Ok(false));
        assert_eq!(holds("job.TaskGroups[0].Count == 2", &facts), Ok(true));
        assert!(holds("job.Nope > 1", &facts).is_err());
        assert!(holds("job.Priority", &facts).unwrap_err().contains("neither true nor false"));
    }

    #[test]
    fn a_rule_that_is_none_is_refused() {
        assert!(check("job.").is_err());
        assert!(check(&"x".repeat(MAX_RULE_BYTES + 1)).is_err());
        assert!(check("true").is_ok());
    }
}
