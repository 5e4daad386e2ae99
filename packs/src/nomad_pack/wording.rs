//! Faults in the words that users of nomad-pack know and search for.

use drover_hcl::{Diagnostic, Diagnostics};

/// Gives every problem a whole sentence.
pub(crate) fn reword(problems: Diagnostics) -> Diagnostics {
    problems.into_iter().map(one).collect()
}

fn one(mut problem: Diagnostic) -> Diagnostic {
    problem.detail = match (problem.summary.as_str(), problem.detail.as_str()) {
        ("Invalid expression", detail) => {
            format!("Expected the start of an expression, but found an invalid expression token. ({detail})")
        }
        ("Call to unknown function", detail) => match detail.split('"').nth(1) {
            Some(name) => format!("There is no function named \"{name}\"."),
            None => sentence(detail),
        },
        ("Unsupported attribute", detail) => match detail.split('"').nth(1) {
            Some(name) => format!("This object does not have an attribute named \"{name}\"."),
            None => sentence(detail),
        },
        ("Missing required argument", detail) => match detail.split('"').nth(1) {
            Some(name) => format!("The argument \"{name}\" is required, but no definition was found."),
            None => sentence(detail),
        },
        ("Unsupported block type", detail) => match detail.split('"').nth(1) {
            Some(name) => format!("Blocks of type \"{name}\" are not expected here."),
            None => sentence(detail),
        },
        (_, detail) => sentence(detail),
    };
    problem
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    first.to_uppercase().chain(chars).collect::<String>() + end
}
