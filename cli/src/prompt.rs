//! Questions to the person at the terminal.

use crate::error::CliError;
use crate::output;
use drover_secrets::Secret;
use std::io::IsTerminal;

/// Whether somebody can answer.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Asks; anything but `y` is no.
///
/// # Errors
/// The answer cannot be read.
pub fn confirm(question: &str) -> Result<bool, CliError> {
    output::raw(format!("{question} [y/N] ").as_bytes());
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| CliError::new(format!("Error parsing answer: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Asks for something that is not shown while it is typed. None without a terminal to ask on, or when nothing is typed.
pub fn hidden(question: &str) -> Option<Secret<String>> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let question = question.trim_end().trim_end_matches(':');
    let answer = dialoguer::Password::new().with_prompt(question).allow_empty_password(true).interact().ok()?;
    (!answer.is_empty()).then(|| Secret::new(answer))
}
