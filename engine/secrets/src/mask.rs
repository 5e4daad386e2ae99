//! Finding sensitive values in text.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::forms::{self, Form};
use crate::taint::Entry;
use crate::{Origin, Secret};

/// What stands in place of a sensitive value.
pub const MASK: &str = "(sensitive)";

/// A plain value shorter than this many characters is masked only where it stands alone, so that the secret `1` does not
/// swallow every digit of the output.
const MIN_SUBSTRING_CHARS: usize = 4;

/// Finds every recorded value, in every form, in any text.
pub struct Masker {
    search: Option<AhoCorasick>,
    needles: Vec<Needle>,
    entries: Vec<Entry>,
}

struct Needle {
    entry: usize,
    form: Form,
    /// Only where the neighbours are not letters or digits.
    alone: bool,
}

/// One place where a sensitive value stands in a text.
#[derive(Clone, Debug)]
pub struct Occurrence<'m> {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Where the value came from.
    pub origin: &'m Origin,
    /// How it is written here.
    pub form: Form,
    /// The value itself.
    pub value: &'m Secret<String>,
}

impl Masker {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let mut needles = Vec::new();
        let mut patterns: Vec<String> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            for (form, text) in forms::all(entry.value.expose()) {
                let alone = form == Form::Plain && text.chars().count() < MIN_SUBSTRING_CHARS;
                needles.push(Needle { entry: index, form, alone });
                patterns.push(text);
            }
        }
        // Leftmost-longest, so that a value that contains another one is masked as a whole. Building fails only beyond
        // billions of states, which the size limits of providers rule out.
        let search = (!patterns.is_empty())
            .then(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns))
            .map(|built| built.expect("secret values are bounded"));
        Self { search, needles, entries }
    }

    /// All places where a sensitive value stands in `text`, in order, without overlap.
    pub fn find(&self, text: &str) -> Vec<Occurrence<'_>> {
        let Some(search) = &self.search else { return Vec::new() };
        search
            .find_iter(text)
            .filter_map(|found| {
                let needle = &self.needles[found.pattern().as_usize()];
                if needle.alone && !stands_alone(text, &found.range()) {
                    return None;
                }
                let entry = &self.entries[needle.entry];
                Some(Occurrence { range: found.range(), origin: &entry.origin, form: needle.form, value: &entry.value })
            })
            .collect()
    }

    /// Whether `text` holds a sensitive value.
    pub fn contains(&self, text: &str) -> bool {
        !self.find(text).is_empty()
    }

    /// `text` with `(sensitive)` in place of each sensitive value.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let occurrences = self.find(text);
        if occurrences.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut result = String::with_capacity(text.len());
        let mut end = 0;
        for occurrence in occurrences {
            result.push_str(&text[end..occurrence.range.start]);
            result.push_str(MASK);
            end = occurrence.range.end;
        }
        result.push_str(&text[end..]);
        Cow::Owned(result)
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masker({} values)", self.entries.len())
    }
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    !text[..range.start].chars().next_back().is_some_and(word) && !text[range.end..].chars().next().is_some_and(word)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::Taint;

    fn masker(values: &[&str]) -> Masker {
        let taint = Taint::default();
        for (index, value) in values.iter().enumerate() {
            taint.add(Origin::Variable(format!("v{index}")), value);
        }
        taint.masker()
    }

    fn check(secret: &str, text: &str, wanted: &str) {
        assert_eq!(masker(&[secret]).mask(text), wanted, "secret {secret:?} in {text:?}");
    }

    #[test]
    fn every_form_is_masked() {
        let secret = "p@ss w/rd\"1";
        check(secret, "a p@ss w/rd\"1 b", "a (sensitive) b");
        check(secret, &format!("x={}", STANDARD.encode(secret)), "x=(sensitive)");
        check(secret, "u?p=p%40ss%20w%2Frd%221&q", "u?p=(sensitive)&q");
        check(secret, "u?p=p%40ss%20w%2frd%221&q", "u?p=(sensitive)&q");
        check(secret, "p=p%40ss+w%2Frd%221;", "p=(sensitive);");
        check(secret, r#"{"p":"p@ss w/rd\"1"}"#, r#"{"p":"(sensitive)"}"#);
        check(secret, "70407373207 7040737320772f72642231", "70407373207 (sensitive)");
    }

    #[test]
    fn lines_of_a_key_are_masked_one_by_one() {
        check("-----BEGIN-----\nMIIEabcdefgh\n-----END-----", "+ MIIEabcdefgh", "+ (sensitive)");
    }

    #[test]
    fn a_short_secret_is_masked_only_where_it_stands_alone() {
        check("7", "port = 7 and 5437", "port = (sensitive) and 5437");
    }

    #[test]
    fn the_longer_of_two_secrets_wins() {
        assert_eq!(masker(&["hunter", "hunter2"]).mask("hunter2!"), "(sensitive)!");
    }

    #[test]
    fn nothing_recorded_leaves_the_text_alone() {
        assert_eq!(masker(&[]).mask("text"), "text");
    }
}
