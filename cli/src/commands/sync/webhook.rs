//! `-listen`: a POST wakes the next round at once, a GET tells how far it is.

use crate::error::CliError;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// The largest body that is read, in bytes.
const MAX_BODY_BYTES: u64 = 5 * 1024 * 1024;
/// The longest line of a request's head, in bytes, and how many there may be.
const MAX_LINE_BYTES: u64 = 8 * 1024;
const MAX_LINES: usize = 100;
/// How long one side may say nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a GET answers; JSON.
pub type Shown = Arc<RwLock<String>>;

/// Listens in a thread of its own. Where there is a secret, only requests that are signed with it wake a round.
///
/// # Errors
/// Nothing can listen there.
pub fn listen(
    address: &str,
    secret: Option<String>,
    wake: mpsc::Sender<()>,
    shown: Shown,
) -> Result<std::net::SocketAddr, CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    std::thread::spawn(move || {
        // One at a time: a round takes longer than any request.
        for stream in listener.incoming().flatten() {
            // Whoever breaks off gets no answer.
            let _ = serve(&stream, secret.as_deref(), &wake, &shown);
        }
    });
    Ok(local)
}

fn serve(stream: &TcpStream, secret: Option<&str>, wake: &mpsc::Sender<()>, shown: &Shown) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while head.len() < MAX_LINES {
        let mut line = String::new();
        reader.by_ref().take(MAX_LINE_BYTES).read_line(&mut line)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let header = |wanted: &str| {
        let lines = head.iter().skip(1).filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.trim().to_owned())
    };
    let is_post = head.first().is_some_and(|first| first.starts_with("POST "));
    let is_get = head.first().is_some_and(|first| first.starts_with("GET "));
    let (status, body) = if is_post {
        let length = header("content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
        let mut body = Vec::new();
        reader.take(length.min(MAX_BODY_BYTES)).read_to_end(&mut body)?;
        let signature = header("x-hub-signature-256").unwrap_or_default();
        let token = header("x-gitlab-token").unwrap_or_default();
        if secret.is_none_or(|secret| is_signed(secret, &body, &signature) || is_same(secret, &token)) {
            // A round that is to come already is enough.
            let _ = wake.try_send(());
            ("202 Accepted", "{\"accepted\":true}".to_owned())
        } else {
            ("401 Unauthorized", "{\"error\":\"the signature is missing or wrong\"}".to_owned())
        }
    } else if is_get {
        ("200 OK", shown.read().unwrap_or_else(PoisonError::into_inner).clone())
    } else {
        ("405 Method Not Allowed", "{\"error\":\"POST wakes a round, GET tells how far it is\"}".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())
}

/// GitHub's and Gitea's signature: the HMAC of the body.
fn is_signed(secret: &str, body: &[u8], signature: &str) -> bool {
    let Some(given) = signature.strip_prefix("sha256=").and_then(decode) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

/// GitLab's token, compared in a time that tells nothing of it.
fn is_same(secret: &str, token: &str) -> bool {
    let (Ok(mut mac), Ok(mut other)) =
        (Hmac::<Sha256>::new_from_slice(b"compare"), Hmac::<Sha256>::new_from_slice(b"compare"))
    else {
        return false;
    };
    mac.update(secret.as_bytes());
    other.update(token.as_bytes());
    mac.verify_slice(&other.finalize().into_bytes()).is_ok()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signed_requests_are_taken_where_there_is_a_secret() {
        assert!(
            !is_signed("key", b"body", "sha256=00")
                && !is_signed("key", b"body", "")
                && !is_signed("key", b"body", "sha256=zz")
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        mac.update(b"body");
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(is_signed("key", b"body", &format!("sha256={hex}")));
        assert!(!is_signed("key", b"other", &format!("sha256={hex}")));
        assert!(is_same("token", "token") && !is_same("token", "tokem") && !is_same("token", ""));
    }
}
