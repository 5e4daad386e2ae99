//! Problems with a place: what is wrong, where, and what to do.

use std::fmt;

use crate::source::{Range, Source, Span};

/// Longest source line that is shown under a diagnostic, in characters.
const MAX_SHOWN_LINE_CHARS: usize = 200;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input can be used, but probably not as meant.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A few words.
    pub summary: String,
    /// A sentence with the details.
    pub detail: String,
    /// Where it is; absent when it is about no place in a file.
    pub range: Option<Range>,
    /// The text of the first line of `range`.
    pub source_line: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    #[must_use]
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            range: None,
            source_line: None,
            hint: None,
        }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, source: &Source, span: Span) -> Self {
        let range = source.range(span);
        self.source_line = Some(source.line(range.start.line).to_owned());
        self.range = Some(range);
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with advice, if there is any.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

/// `FILE:LINE:COLUMN: summary; detail`, then the source line with carets, then the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(range) = &self.range {
            write!(f, "{range}: ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.summary)?;
        if !self.detail.is_empty() {
            write!(f, "; {}", self.detail)?;
        }
        if let (Some(range), Some(line)) = (&self.range, &self.source_line) {
            write_source_line(f, range, line)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

fn write_source_line(f: &mut fmt::Formatter<'_>, range: &Range, line: &str) -> fmt::Result {
    if line.trim().is_empty() || range.start.column > MAX_SHOWN_LINE_CHARS {
        return Ok(());
    }
    let shown: String = line.chars().take(MAX_SHOWN_LINE_CHARS).collect();
    let number = range.start.line.to_string();
    let end = if range.end.line == range.start.line { range.end.column } else { shown.chars().count() + 1 };
    let carets = end.saturating_sub(range.start.column).clamp(1, MAX_SHOWN_LINE_CHARS);
    // Tabs stay tabs so that the caret stands below its character.
    let indent: String =
        shown.chars().take(range.start.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    write!(f, "\n  {number} | {shown}\n  {:width$} | {indent}{}", "", "^".repeat(carets), width = number.len())
}

/// Several problems, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds several.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// `value` if there is no error.
    ///
    /// # Errors
    /// The diagnostics, if one of them is an error.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.has_errors() { Err(self) } else { Ok(value) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Diagnostic;
    type IntoIter = std::slice::Iter<'d, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One diagnostic after the other.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The candidate that `name` was probably meant to be.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean "x"?` for the nearest candidate.
pub fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(name, candidates).map(|found| format!("did you mean {found:?}?"))
}

/// Insertions, removals, replacements and swaps of neighbours that make `a` into `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before = vec![0; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitute = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = substitute.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_with_a_caret() {
        let source = Source::new("a.hcl", "first\n\tcoutn = 1\n");
        let shown = Diagnostic::error("Unknown attribute", "no such name").at(&source, Span::new(7, 12));
        assert_eq!(
            shown.hint("did you mean \"count\"?").to_string(),
            "a.hcl:2:2: Unknown attribute; no such name\n  2 | \tcoutn = 1\n    | \t^^^^^\n  hint: did you mean \"count\"?"
        );
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("prioritty", ["type", "priority"]), Some("priority"));
        assert_eq!(nearest("coutn", ["type", "count"]), Some("count"), "swapped letters are one mistake");
        assert_eq!(nearest("colour", ["type", "count"]), None);
    }
}
