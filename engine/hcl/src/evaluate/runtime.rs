//! References that only the node can resolve, such as `attr.kernel.name`, kept as text.

use crate::source::{Source, Span};

/// The text that stands for a reference: `${…}` around its source text.
///
/// Inside of an interpolation the spaces around it are kept. Where closing braces or spaces follow the character after
/// the reference, they are repeated: that is what the reference implementation makes of `"${meta.a}}"`, recorded in
/// the conformance corpus, and jobs may rely on it since the node's interpolation drops the surplus.
pub(super) fn text(source: &Source, span: Span) -> String {
    let bytes = source.text().as_bytes();
    let (start, end) = (span.start as usize, span.end as usize);
    let spaces = bytes[..start].iter().rev().take_while(|b| **b == b' ').count();
    let name = &source.text()[start..end];
    if !bytes[..start - spaces].ends_with(b"${") {
        return format!("${{{name}}}");
    }
    let mut text = format!("${{{}{name}", " ".repeat(spaces));
    // From the second character on: the first one is not looked at. Repetition grows with the square of the braces.
    let first = source.text()[end..].chars().next().map_or(1, char::len_utf8);
    for (at, byte) in bytes.iter().enumerate().skip(end + first).take(MAX_BRACES) {
        match byte {
            b'}' => text.push_str(&source.text()[end..at]),
            b' ' => {}
            _ => break,
        }
    }
    text.push('}');
    text
}

/// Most characters after a reference that are looked at.
const MAX_BRACES: usize = 256;
