//! Patterns of file names: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` over folders.

use regex::Regex;

/// A pattern for paths with forward slashes.
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// # Errors
    /// A bracket or brace is not closed.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut regex = String::from("^");
        let mut rest = pattern.strip_prefix("./").unwrap_or(pattern);
        let mut braces = 0;
        while let Some(c) = rest.chars().next() {
            let mut length = c.len_utf8();
            match c {
                '*' if rest.starts_with("**/") => {
                    regex.push_str("(?:[^/]+/)*");
                    length = 3;
                }
                '*' if rest.starts_with("**") => {
                    regex.push_str(".*");
                    length = 2;
                }
                '*' => regex.push_str("[^/]*"),
                '?' => regex.push_str("[^/]"),
                '[' => {
                    let end = rest.find(']').ok_or_else(|| format!("{pattern:?} has a [ without its ]"))?;
                    let class = rest[1..end].replace('\\', "\\\\").replace('[', "\\[");
                    let (not, class) =
                        class.strip_prefix(['!', '^']).map_or(("", class.as_str()), |class| ("^", class));
                    regex.push_str(&format!("[{not}{class}]"));
                    length = end + 1;
                }
                '{' => {
                    braces += 1;
                    regex.push_str("(?:");
                }
                '}' if braces > 0 => {
                    braces -= 1;
                    regex.push(')');
                }
                ',' if braces > 0 => regex.push('|'),
                c => regex.push_str(&regex::escape(&c.to_string())),
            }
            rest = &rest[length..];
        }
        regex.push('$');
        Regex::new(&regex).map(Self).map_err(|_| format!("{pattern:?} is not a pattern"))
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_name() {
        let check = |pattern: &str, path: &str| Pattern::new(pattern).unwrap().matches(path);
        assert!(check("*.txt", "a.txt"));
        assert!(!check("*.txt", "sub/a.txt"));
        assert!(check("files/sub/**/*.txt", "files/sub/a.txt"));
        assert!(check("files/sub/**/*.txt", "files/sub/x/y/a.txt"));
        assert!(check("{a,b}?.md", "b1.md"));
        assert!(!check("[!a]*", "abc"));
    }
}
