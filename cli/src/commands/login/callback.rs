//! The place that the browser comes back to: a server for one request.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PATH: &str = "/oidc/callback";
/// How long the person may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a browser may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest head of a request.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Waits for the browser.
pub(super) struct Callback {
    listener: TcpListener,
    address: String,
}

/// What the browser brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Back {
    pub state: String,
    pub code: String,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallbackError {
    /// Nobody came.
    #[error("the browser did not come back in time")]
    Timeout,
    /// The provider refuses.
    #[error("the provider answers: {0}")]
    Refused(String),
    /// The socket.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Callback {
    /// Listens at `HOST:PORT`; port 0 is any free one.
    pub(super) async fn listen(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let address = format!("{host}:{}", listener.local_addr()?.port());
        Ok(Self { listener, address })
    }

    /// Where the provider is to send the browser.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Waits for it.
    pub(super) async fn wait(self) -> Result<Back, CallbackError> {
        tokio::time::timeout(PATIENCE, self.accept()).await.map_err(|_elapsed| CallbackError::Timeout)?
    }

    async fn accept(self) -> Result<Back, CallbackError> {
        loop {
            let (mut stream, _) = self.listener.accept().await?;
            // Browsers open connections that they never use, and ask for icons.
            let Ok(Ok(head)) = tokio::time::timeout(REQUEST_TIMEOUT, read_head(&mut stream)).await else { continue };
            let Some(back) = parse(&head) else {
                answer(&mut stream, "404 Not Found", "There is nothing here.").await;
                continue;
            };
            let text = match &back {
                Ok(_) => "Logged in: this window can be closed.",
                Err(_) => "The provider refused; the terminal says more.",
            };
            answer(&mut stream, "200 OK", text).await;
            return back.map_err(CallbackError::Refused);
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
        match stream.read(&mut part).await? {
            0 => break,
            count => head.extend_from_slice(&part[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><title>Login</title><p>{text}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        page.len()
    );
    // Whether the browser reads it makes no difference.
    let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// What the head of a request brings; `None` for requests of other things.
fn parse(head: &str) -> Option<Result<Back, String>> {
    let target = head.lines().next()?.strip_prefix("GET ")?.split(' ').next()?;
    let query = target.strip_prefix(PATH)?.strip_prefix('?')?;
    let value = |name: &str| {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.into_owned().find(|(key, _)| key == name).map(|(_, value)| value)
    };
    if let Some(error) = value("error") {
        return Some(Err(match value("error_description") {
            Some(description) => format!("{error}: {description}"),
            None => error,
        }));
    }
    Some(Ok(Back { state: value("state")?, code: value("code")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_back_is_taken() {
        let back = Back { state: "s".into(), code: "c d".into() };
        assert_eq!(parse("GET /oidc/callback?code=c+d&state=s HTTP/1.1\r\n\r\n"), Some(Ok(back)));
        assert_eq!(parse("GET /favicon.ico HTTP/1.1\r\n\r\n"), None);
        assert_eq!(parse("POST /oidc/callback?code=c&state=s HTTP/1.1\r\n\r\n"), None);
        let refused = parse("GET /oidc/callback?error=access_denied&error_description=no HTTP/1.1\r\n\r\n");
        assert_eq!(refused, Some(Err("access_denied: no".to_owned())));
    }
}
