//! Heredocs: their first line, their end, and the indentation that `<<-` removes.

use super::scan::{Parsed, Scanner};
use super::template::Token;

impl Scanner<'_> {
    /// `<<MARKER` or `<<-MARKER` with the rest of its line: the marker, and whether indentation is removed.
    pub(super) fn heredoc_introduction(&mut self) -> Parsed<(String, bool)> {
        self.at += 2;
        let flush = self.take("-");
        let Some((marker, _)) = self.take_name() else {
            return Err(self.error_here("Invalid heredoc", "a name has to follow <<, such as <<EOT"));
        };
        self.take("\r");
        if !self.take("\n") {
            return Err(self.error_here("Invalid heredoc", "the text starts on the line after its marker"));
        }
        Ok((marker.to_owned(), flush))
    }

    /// Takes the line's text if it is only the marker; the line's end stays.
    pub(super) fn take_marker(&mut self, marker: &str) -> bool {
        let rest = &self.text[self.at..self.end];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let found = line.trim() == marker;
        if found {
            self.at += line.trim_end().len();
        }
        found
    }
}

/// Removes what all lines have in common at their start. Blank lines do not count; a line that follows a trimmed end
/// of line is not a line's start any more and keeps its indentation.
pub(super) fn remove_indent(tokens: &mut [Token]) {
    let mut least = usize::MAX;
    let mut at_line_start = true;
    let mut indented = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let text = match token {
            Token::Literal(text) => Some(text),
            _ => None,
        };
        if std::mem::take(&mut at_line_start) {
            let spaces = text.map_or(0, |text| text.chars().take_while(|c| c.is_whitespace()).count());
            let blank = text.is_some_and(|text| text.ends_with('\n') && text.trim_start().is_empty());
            if !blank {
                least = least.min(spaces);
                indented.push(at);
            }
        }
        at_line_start = text.is_some_and(|text| text.ends_with('\n'));
    }
    for at in indented {
        if let Token::Literal(text) = &mut tokens[at] {
            let cut = text.char_indices().nth(least).map_or(text.len(), |(at, _)| at);
            text.drain(..cut);
        }
    }
}
