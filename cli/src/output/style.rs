//! Colours, only where a person watches.

use std::io::IsTerminal;
use std::sync::OnceLock;

/// The colours in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Added.
    Green,
    /// Removed, failed.
    Red,
    /// Changed, warned.
    Yellow,
    /// Named.
    Cyan,
}

static ENABLED: OnceLock<bool> = OnceLock::new();

/// Decides once for the process: flags, then `NO_COLOR` and friends, then whether there is a terminal.
pub fn choose_colour(never: bool, always: bool) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let enabled = if never || set("NO_COLOR") || set("NOMAD_CLI_NO_COLOR") {
        false
    } else {
        always || set("NOMAD_CLI_FORCE_COLOR") || std::io::stdout().is_terminal()
    };
    let _ = ENABLED.set(enabled);
}

/// Whether colours are on.
pub fn colour() -> bool {
    *ENABLED.get().unwrap_or(&false)
}

/// `text` in bold.
pub fn bold(text: &str) -> String {
    if colour() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// `text` in a colour.
pub fn paint(colour_of: Colour, text: &str) -> String {
    if !colour() {
        return text.to_owned();
    }
    let code = match colour_of {
        Colour::Green => 32,
        Colour::Red => 31,
        Colour::Yellow => 33,
        Colour::Cyan => 36,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
