//! Output of two engines made comparable: what differs from run to run is replaced.

/// One space between words, and `<id>`, `<time>`, `<ago>` in place of such values; without trailing blanks.
pub fn normal(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The lines of [`normal`] output that are not empty, each once, in order of the alphabet.
pub fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = text.lines().map(line).filter(|line| !line.is_empty()).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn line(line: &str) -> String {
    let words: Vec<String> = line.split_whitespace().map(word).collect();
    words.join(" ").replace("<duration> ago", "<ago>")
}

fn word(word: &str) -> String {
    let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let kind = if is_id(core) {
        "<id>"
    } else if is_time(core) {
        "<time>"
    } else if is_duration(core) {
        "<duration>"
    } else {
        return word.to_owned();
    };
    word.replacen(core, kind, 1)
}

/// A UUID, or its first eight digits.
fn is_id(word: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    word.split('-').all(is_hex) && (lengths == [8] || lengths == [8, 4, 4, 4, 12])
}

/// As `2026-01-02T03:04:05Z`.
fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.as_bytes()[10] == b'T' && word.ends_with('Z') && word.starts_with("20")
}

/// As `5s` or `1m5s`.
fn is_duration(word: &str) -> bool {
    word.ends_with('s')
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_digit() || b"hms".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        assert_eq!(normal("ID   = 3ad32630-b4ea-158d-8c1e-ad6b89da8072  "), "ID = <id>");
        assert_eq!(normal("==> 2026-11-22T16:42:16Z: Monitoring \"68308787\""), "==> <time>: Monitoring \"<id>\"");
        assert_eq!(normal("1a446e24  web  0  run  2s ago  1m1s ago"), "<id> web 0 run <ago> <ago>");
        assert_eq!(normal("CPU 20 facade tasks"), "CPU 20 facade tasks");
    }
}
