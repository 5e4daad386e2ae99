//! Asking for variables that nobody gave, when there is somebody to ask.

use super::explained;
use crate::error::CliError;
use crate::{output, prompt};
use drover_packs::{Missing, Pack, Supplied, Type};

/// How often a wrong answer is asked for again.
const MAX_TRIES: usize = 3;

/// Asks for the values that the pack needs and nothing gives. Without a terminal nothing is asked, and rendering says what is
/// missing.
///
/// # Errors
/// The person ends the questions, or the answers cannot be used.
pub fn ask_for_missing(pack: &Pack, supplied: &mut Supplied) -> Result<(), CliError> {
    if !prompt::can_ask() {
        return Ok(());
    }
    let missing = pack.missing(supplied);
    if !missing.is_empty() {
        output::error_line(&format!("The pack {} needs values for variables:", pack.metadata.name));
    }
    for variable in missing {
        let answer = ask(&variable)?;
        supplied.add_argument(&format!("{}={answer}", variable.name)).map_err(|error| explained(&error))?;
    }
    Ok(())
}

fn ask(variable: &Missing) -> Result<String, CliError> {
    let kind = variable.kind.as_ref().map_or_else(|| "any".to_owned(), Type::friendly);
    if !variable.description.is_empty() {
        output::error_line(&format!("  {}", variable.description));
    }
    let question = format!("  {} ({kind})", variable.name);
    for _ in 0..MAX_TRIES {
        let answer = if variable.sensitive {
            dialoguer::Password::new().with_prompt(&question).allow_empty_password(true).interact()
        } else {
            dialoguer::Input::<String>::new().with_prompt(&question).allow_empty(true).interact_text()
        };
        let answer = answer.map_err(|error| CliError::new(format!("no value for {}: {error}", variable.name)))?;
        match fault(&answer, variable.kind.as_ref()) {
            None => return Ok(answer),
            Some(fault) => output::error_line(&format!("  {fault}")),
        }
    }
    Err(CliError::new(format!("no usable value for {}", variable.name)))
}

/// Why an answer cannot be of this type, as far as that is quickly told.
fn fault(answer: &str, kind: Option<&Type>) -> Option<String> {
    let answer = answer.trim();
    match kind {
        Some(Type::Number) if answer.parse::<f64>().is_err() => Some("a number is needed, as 8080".to_owned()),
        Some(Type::Bool) if !matches!(answer, "true" | "false") => Some("true or false is needed".to_owned()),
        None | Some(Type::String | Type::Number | Type::Bool | Type::Any) => None,
        Some(_) if answer.is_empty() => Some("a value in HCL is needed, as [\"a\", \"b\"] or { a = 1 }".to_owned()),
        Some(_) => None,
    }
}
