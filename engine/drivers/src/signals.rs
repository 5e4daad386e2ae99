//! Signals by name, as jobs write them.

use nix::sys::signal::Signal;

/// Number of `SIGHUP`, `HUP`, `sighup` or `1`.
pub(crate) fn signal_number(name: &str) -> Result<i32, String> {
    let upper = name.trim().to_ascii_uppercase();
    if let Ok(number) = upper.parse::<i32>()
        && let Ok(signal) = Signal::try_from(number)
    {
        return Ok(signal as i32);
    }
    let full = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    full.parse::<Signal>()
        .map(|signal| signal as i32)
        .map_err(|_| format!("unknown signal {name:?}; write it like SIGHUP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_every_spelling() {
        for name in ["SIGHUP", "hup", "sighup", "1"] {
            assert_eq!(signal_number(name), Ok(1), "{name}");
        }
        assert!(signal_number("SIGNOTHING").is_err());
    }
}
