//! Pages of the engine's web interface, in the person's browser.

use crate::error::CliError;
use crate::output;
use drover_sdk::Client;
use std::process::{Command, Stdio};

/// Programs that open a URL in the browser of the desktop.
const OPENERS: &[&str] = &["xdg-open", "open", "wslview"];

/// The web interface of an engine that has one.
pub struct Pages {
    base: String,
}

impl Pages {
    /// Asks the engine whether there is one.
    ///
    /// # Errors
    /// There is none, or the engine does not answer.
    pub async fn of(client: &Client) -> Result<Self, CliError> {
        let base = client.config().address.trim_end_matches('/').to_owned();
        let answer = client.raw("GET", "/ui/", &[], None).await;
        let (status, ..) =
            answer.map_err(|error| CliError::new(format!("Error looking for the web interface: {error}")))?;
        if status >= 400 || !base.starts_with("http") {
            return Err(CliError::new(format!("-ui: the engine at {base} has no web interface")));
        }
        Ok(Self { base })
    }

    /// Opens a page; without a browser its address is printed.
    pub fn open(&self, path: &str) {
        let url = format!("{}/ui/{path}", self.base);
        let opened = open(&url);
        output::error_line(&if opened {
            format!("Opening {url}")
        } else {
            format!("No browser was found; the page is {url}")
        });
    }
}

/// Opens a URL with whatever this desktop opens URLs with; whether there is such a thing.
pub fn open(url: &str) -> bool {
    OPENERS.iter().any(|opener| {
        let quiet =
            Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    })
}
