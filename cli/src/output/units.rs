//! Sizes and counts.

/// `1.7 MiB`, `24 GiB`, `0 B`: one decimal below ten.
pub fn bytes(size: u64) -> String {
    const NAMES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if size < 10 {
        return format!("{size} B");
    }
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit < NAMES.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    let value = (value * 10.0 + 0.5).floor() / 10.0;
    if value < 10.0 { format!("{value:.1} {}", NAMES[unit]) } else { format!("{value:.0} {}", NAMES[unit]) }
}

/// Mebibytes as a size.
pub fn mib(size: i64) -> String {
    bytes(u64::try_from(size).unwrap_or(0) * 1024 * 1024)
}

/// `1 allocation`, `2 allocations`.
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_decimal_only_below_ten() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(51), "51 B");
        assert_eq!(bytes(4096), "4.0 KiB");
        assert_eq!(bytes(1_782_579), "1.7 MiB");
        assert_eq!(mib(24_105), "24 GiB");
    }
}
