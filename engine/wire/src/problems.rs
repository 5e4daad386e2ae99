//! Several problems at once, in the layout of the reference.

use std::fmt::Write;

/// Everything that is wrong with something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds one problem.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Adds one problem if `wrong`.
    pub fn add_if(&mut self, wrong: bool, problem: &str) {
        if wrong {
            self.add(problem);
        }
    }

    /// Adds all problems of a part of the same thing.
    pub fn extend(&mut self, part: Self) {
        self.0.extend(part.0);
    }

    /// Adds the problems of a part as one problem: `PREFIX: …`.
    pub fn nest(&mut self, prefix: &str, part: Self) {
        if !part.is_empty() {
            self.add(format!("{prefix}: {}", part.into_text()));
        }
    }

    /// Adds the problems of a part as one problem without a prefix.
    pub fn group(&mut self, part: Self) {
        if !part.is_empty() {
            self.add(part.into_text());
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each problem.
    pub fn into_list(self) -> Vec<String> {
        self.0
    }

    /// As [`Problems::to_text`], when they are needed no more.
    pub fn into_text(self) -> String {
        self.to_text()
    }

    /// An error if anything is wrong.
    ///
    /// # Errors
    /// The problems themselves.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// `2 errors occurred:` and a list.
    pub fn to_text(&self) -> String {
        let mut text = match self.0.len() {
            1 => "1 error occurred:".to_owned(),
            n => format!("{n} errors occurred:"),
        };
        for problem in &self.0 {
            let _infallible = write!(text, "\n\t* {problem}");
        }
        text.push_str("\n\n");
        text
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl std::error::Error for Problems {}

/// What is odd about something that is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings(Vec<String>);

impl Warnings {
    /// Adds one warning.
    pub fn add(&mut self, warning: impl Into<String>) {
        self.0.push(warning.into());
    }

    /// Adds the warnings of a part as one: `PREFIX: …`.
    pub fn nest(&mut self, prefix: &str, part: Problems) {
        if !part.is_empty() {
            self.add(format!("{prefix}: {}", part.into_text()));
        }
    }

    /// Each warning.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// `2 warnings:` and a list, or nothing.
    pub fn to_text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let plural = if self.0.len() == 1 { "" } else { "s" };
        let list: Vec<String> = self.0.iter().map(|warning| format!("* {}", warning.trim_end())).collect();
        format!("{} warning{plural}:\n\n{}", self.0.len(), list.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_problems_keep_all_their_newlines() {
        let mut inner = Problems::default();
        inner.add("a");
        let mut outer = Problems::default();
        outer.nest("Task group main validation failed", inner);
        assert_eq!(
            outer.to_text(),
            "1 error occurred:\n\t* Task group main validation failed: 1 error occurred:\n\t* a\n\n\n\n"
        );
    }

    #[test]
    fn warnings_are_a_plain_list() {
        let mut warnings = Warnings::default();
        assert_eq!(warnings.to_text(), "");
        warnings.add("one");
        assert_eq!(warnings.to_text(), "1 warning:\n\n* one");
        warnings.add("two\n\n");
        assert_eq!(warnings.to_text(), "2 warnings:\n\n* one\n* two");
    }
}
