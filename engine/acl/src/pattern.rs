//! Names with `*`, and which of them is closest to a name.

use std::collections::HashMap;
use std::hash::Hash;

/// Stands for any number of characters.
pub(crate) const STAR: char = '*';

/// Whether `pattern` stands for `name`; each `*` stands for any text, also none.
pub fn glob_matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split(STAR);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// How many characters of a pattern must be there literally.
fn literal_len(pattern: &str) -> usize {
    pattern.len() - pattern.matches(STAR).count()
}

/// Values by the names of what they are for, exact or patterns.
#[derive(Clone, Debug)]
pub(crate) struct Scope<K: Eq + Hash, V> {
    exact: HashMap<K, V>,
    /// Closest first: the more literal characters, the closer; of equals the last in alphabetical order.
    patterns: Vec<(K, V)>,
}

/// What things are looked up by: a name, or a namespace and a path.
pub(crate) trait ScopeKey: Eq + Hash + Clone + Ord {
    fn is_pattern(&self) -> bool;
    fn closeness(&self) -> usize;
}

impl ScopeKey for String {
    fn is_pattern(&self) -> bool {
        self.contains(STAR)
    }
    fn closeness(&self) -> usize {
        literal_len(self)
    }
}

impl ScopeKey for (String, String) {
    fn is_pattern(&self) -> bool {
        self.0.contains(STAR) || self.1.contains(STAR)
    }
    fn closeness(&self) -> usize {
        literal_len(&self.0) + literal_len(&self.1)
    }
}

impl<K: ScopeKey, V> Default for Scope<K, V> {
    fn default() -> Self {
        Self { exact: HashMap::new(), patterns: Vec::new() }
    }
}

impl<K: ScopeKey, V: Default> Scope<K, V> {
    /// The value of a name, made when it is not there. Call [`Self::seal`] when all are there.
    pub(crate) fn entry(&mut self, key: K) -> &mut V {
        if !key.is_pattern() {
            return self.exact.entry(key).or_default();
        }
        let at = self.patterns.iter().position(|(found, _)| *found == key).unwrap_or_else(|| {
            self.patterns.push((key, V::default()));
            self.patterns.len() - 1
        });
        &mut self.patterns[at].1
    }

    /// Sorts the patterns by how close they are.
    pub(crate) fn seal(&mut self) {
        self.patterns.sort_by(|(a, _), (b, _)| b.closeness().cmp(&a.closeness()).then_with(|| b.cmp(a)));
    }

    /// Every value.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.exact.values().chain(self.patterns.iter().map(|(_, value)| value))
    }

    /// Every name and its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.exact.iter().chain(self.patterns.iter().map(|(key, value)| (key, value)))
    }
}

impl<V> Scope<String, V> {
    /// The value that is for `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        let exact = self.exact.get(name);
        exact.or_else(|| self.patterns.iter().find(|(key, _)| glob_matches(key, name)).map(|(_, value)| value))
    }
}

impl<V> Scope<(String, String), V> {
    /// The value that is for `path` in `namespace`.
    pub(crate) fn get_path(&self, namespace: &str, path: &str) -> Option<&V> {
        if !self.exact.is_empty()
            && let Some(found) = self.exact.get(&(namespace.to_owned(), path.to_owned()))
        {
            return Some(found);
        }
        self.patterns
            .iter()
            .find(|((of, pattern), _)| glob_matches(of, namespace) && glob_matches(pattern, path))
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("*", "", true),
            ("*", "x", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a*b", "xaxb", true),
            ("*a*b", "xbxa", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a**b", "ab", true),
            ("team-*-prod", "team-x-prod", true),
        ] {
            assert_eq!(glob_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_exact_name_wins_then_the_most_literal_pattern() {
        let mut scope: Scope<String, &str> = Scope::default();
        for key in ["*", "prod-*", "prod-api-*", "*-1", "prod-api-1"] {
            *scope.entry(key.to_owned()) = key;
        }
        scope.seal();
        assert_eq!(scope.get("prod-api-1"), Some(&"prod-api-1"));
        assert_eq!(scope.get("prod-api-2"), Some(&"prod-api-*"));
        assert_eq!(scope.get("prod-1"), Some(&"prod-*"));
        assert_eq!(scope.get("x-1"), Some(&"*-1"));
        assert_eq!(scope.get("y"), Some(&"*"));
    }
}
