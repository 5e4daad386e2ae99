//! One look at a service: connect, or ask over HTTP.

use super::{Grade, Outcome};
use drover_base::error;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::TcpStream;

/// Used when a check names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The start of a failed answer that is shown.
const MAX_OUTPUT_BYTES: usize = 3 * 1024;

/// What to look at.
#[derive(Clone, Debug)]
pub enum Probe {
    /// A connection.
    Tcp {
        /// `HOST:PORT`.
        address: String,
    },
    /// An HTTP request.
    Http {
        /// The address.
        url: String,
        /// The method.
        method: String,
        /// Header fields.
        headers: BTreeMap<String, Vec<String>>,
        /// The body.
        body: String,
        /// Accept any certificate.
        skip_verify: bool,
    },
    /// Cannot be looked at.
    Impossible(String),
}

impl Probe {
    /// Looks once, for at most `timeout`.
    pub async fn look(&self, timeout: Duration) -> Outcome {
        let timeout = if timeout.is_zero() { DEFAULT_TIMEOUT } else { timeout };
        match self {
            Self::Impossible(why) => bad(why.clone()),
            Self::Tcp { address } => match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
                Ok(Ok(_)) => Outcome { grade: Grade::Good, status_code: 0, output: "nomad: tcp ok".into() },
                Ok(Err(error)) => bad(format!("nomad: dial tcp {address}: {error}")),
                Err(_) => bad(format!("nomad: dial tcp {address}: i/o timeout")),
            },
            Self::Http { .. } => match tokio::time::timeout(timeout, self.ask()).await {
                Ok(outcome) => outcome,
                Err(_) => bad("nomad: timeout while waiting for the answer".into()),
            },
        }
    }

    async fn ask(&self) -> Outcome {
        let Self::Http { url, method, headers, body, skip_verify } = self else {
            return bad("not an HTTP check".into());
        };
        let client = match crate::http::probe_client(*skip_verify) {
            Ok(client) => client,
            Err(fault) => return bad(format!("nomad: {}", error::chain(fault))),
        };
        let Ok(method) = method.to_ascii_uppercase().parse::<reqwest::Method>() else {
            return bad(format!("nomad: {method:?} is not an HTTP method"));
        };
        let mut request = client.request(method, url.as_str()).body(body.clone());
        for (key, values) in headers {
            for value in values {
                request = request.header(key, value);
            }
        }
        match request.send().await {
            Ok(response) => graded(response).await,
            Err(fault) => bad(format!("nomad: {}", error::chain(&fault))),
        }
    }
}

async fn graded(mut response: reqwest::Response) -> Outcome {
    let status_code = response.status().as_u16();
    if response.status().is_success() {
        return Outcome { grade: Grade::Good, status_code, output: "nomad: http ok".into() };
    }
    let grade = if status_code == 429 { Grade::Warning } else { Grade::Bad };
    let mut text = Vec::new();
    while text.len() < MAX_OUTPUT_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        text.extend_from_slice(&chunk);
    }
    text.truncate(MAX_OUTPUT_BYTES);
    Outcome { grade, status_code, output: String::from_utf8_lossy(&text).into_owned() }
}

fn bad(output: String) -> Outcome {
    Outcome { grade: Grade::Bad, status_code: 0, output }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn serve(answer: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        address
    }

    async fn http(answer: &'static str) -> Outcome {
        let probe = Probe::Http {
            url: format!("http://{}/", serve(answer).await),
            method: "GET".into(),
            headers: BTreeMap::new(),
            body: String::new(),
            skip_verify: false,
        };
        probe.look(Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn status_codes_are_graded() {
        let good = http("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!((good.grade, good.status_code, good.output.as_str()), (Grade::Good, 204, "nomad: http ok"));
        let bad = http("HTTP/1.1 500 Oh\r\nContent-Length: 4\r\nConnection: close\r\n\r\nboom").await;
        assert_eq!((bad.grade, bad.status_code, bad.output.as_str()), (Grade::Bad, 500, "boom"));
        let warning = http("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        assert_eq!(warning.grade, Grade::Warning);
    }

    #[tokio::test]
    async fn connections_are_tried() {
        let address = serve("").await;
        let probe = Probe::Tcp { address };
        assert_eq!(probe.look(Duration::from_secs(5)).await.output, "nomad: tcp ok");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let outcome = Probe::Tcp { address }.look(Duration::from_secs(5)).await;
        assert_eq!(outcome.grade, Grade::Bad);
        assert!(outcome.output.contains("refused"), "{}", outcome.output);
    }
}
