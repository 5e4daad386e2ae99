//! Tera's errors as diagnostics: place, source line, "did you mean".

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_hcl::diagnostic::nearest;
use drover_hcl::{Diagnostic, Diagnostics, Source, Span, did_you_mean};
use tera::{Error, ErrorKind, ReportError, Tera};

use super::reference::{self, Kind};

/// The error of a template that does not parse by itself. References to others are not looked at.
pub(super) fn syntax_error(name: &str, text: &str) -> Option<Error> {
    let error = Tera::new().add_raw_template(name, text).err()?;
    matches!(error.kind(), ErrorKind::SyntaxError(_)).then_some(error)
}

/// Turns errors into diagnostics; knows the sources by their path in the pack.
pub(super) struct Reporter<'a> {
    pub(super) sources: &'a BTreeMap<String, Arc<Source>>,
}

impl Reporter<'_> {
    pub(super) fn explain(&self, error: &Error) -> Diagnostics {
        match error.kind() {
            ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => self.report(report).into(),
            ErrorKind::Msg(text) => self.reference_errors(text),
            other => Diagnostic::error(lower_first(&other.to_string()), "").into(),
        }
    }

    fn report(&self, report: &ReportError) -> Diagnostic {
        let span = report.span();
        self.locate(report.filename(), Span::new(span.range.start, span.range.end), report.message())
    }

    /// Unknown functions, filters and includes arrive as finished reports in one text: `error: …\n --> file:line:column…`.
    fn reference_errors(&self, text: &str) -> Diagnostics {
        let located: Diagnostics = text.split("error: ").filter_map(|part| self.reference_error(part)).collect();
        if located.is_empty() { Diagnostic::error(lower_first(text), "").into() } else { located }
    }

    fn reference_error(&self, report: &str) -> Option<Diagnostic> {
        let mut lines = report.lines();
        let message = lines.next()?;
        let place = lines.find_map(|line| line.trim_start().strip_prefix("--> "))?;
        let mut parts = place.rsplitn(3, ':');
        let column: usize = parts.next()?.parse().ok()?;
        let line: usize = parts.next()?.parse().ok()?;
        let name = parts.next()?;
        let width = report.lines().rev().find_map(|line| {
            let marks = line.trim_end().chars().rev().take_while(|c| *c == '^').count();
            (marks > 0).then_some(marks)
        });
        let text = self.sources.get(name)?.text();
        let line_start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let bytes = |characters: usize| text[line_start..].chars().take(characters).map(char::len_utf8).sum::<usize>();
        let start = line_start + bytes(column.checked_sub(1)?);
        let end = line_start + bytes(column - 1 + width.unwrap_or(1));
        Some(self.locate(name, Span::new(start, end), message))
    }

    fn locate(&self, name: &str, span: Span, message: &str) -> Diagnostic {
        let (message, hint) = self.rephrase(message);
        let diagnostic = Diagnostic::error(message, "").maybe_hint(hint);
        match self.sources.get(name) {
            Some(source) => diagnostic.at(source, span),
            None => diagnostic,
        }
    }

    /// Lists of everything there is become a suggestion of what was meant.
    fn rephrase(&self, message: &str) -> (String, Option<String>) {
        let quoted = || message.split('`').nth(1).unwrap_or_default();
        for (list, plural) in [("Available variables: ", "variables"), ("Available fields: ", "fields")] {
            if let Some((head, known)) = message.split_once(list) {
                let known: Vec<&str> = known.split(", ").collect();
                let hint = did_you_mean(quoted(), known.iter().copied());
                let hint = hint.unwrap_or_else(|| format!("there are the {plural} {}", known.join(", ")));
                return (lower_first(head.trim_end().trim_end_matches('.')), Some(hint));
            }
        }
        let hint = if message.starts_with("Unknown function") {
            did_you_mean(quoted(), reference::names(Kind::Function))
        } else if message.starts_with("Unknown filter") {
            did_you_mean(quoted(), reference::names(Kind::Filter))
        } else if message.starts_with("Unknown test") {
            did_you_mean(quoted(), reference::names(Kind::Test))
        } else if message.starts_with("Unknown template") {
            let known = self.sources.keys().map(|name| name.strip_prefix("templates/").unwrap_or(name));
            did_you_mean(quoted(), known)
        } else if message.starts_with("Unknown tag") {
            Some("a component of any template of the pack can be used without an import".to_owned())
        } else {
            None
        };
        (lower_first(message.trim_end_matches('.')), hint)
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        // An abbreviation stays as it is.
        Some(first) if characters.clone().next().is_none_or(|second| !second.is_uppercase()) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

/// An error of a function that looked for a name.
pub(super) fn with_suggestion<'a>(message: &str, wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    match nearest(wanted, known) {
        Some(meant) => Error::message(format!("{message}; did you mean `{meant}`?")),
        None => Error::message(message),
    }
}
