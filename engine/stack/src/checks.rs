//! What is looked at after an apply: pages and ports, with retries. No command is run.

use std::time::Duration;

use drover_base::Nanos;
use futures::{StreamExt, stream};
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::desired::{Check, Probe};

/// Checks at a time.
const PARALLELISM: usize = 8;
/// As much of a page is read, in bytes.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// The check.
    pub name: String,
    /// What was looked at.
    pub target: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is not well, the last time; none when it is.
    pub problem: Option<String>,
}

impl CheckResult {
    /// Whether all is well.
    pub const fn is_well(&self) -> bool {
        self.problem.is_none()
    }
}

impl Probe {
    /// What is looked at, for people.
    pub fn target(&self) -> &str {
        match self {
            Self::Http { url, .. } => url,
            Self::Tcp { address } => address,
        }
    }
}

/// Runs the checks, several at a time, and tells of each when it is over. They are answered in their own order.
pub async fn run(checks: &[Check], report: &(dyn Fn(&CheckResult) + Send + Sync)) -> Vec<CheckResult> {
    let client = client();
    let runs = checks.iter().map(|check| {
        let client = &client;
        async move {
            let result = one(check, client.as_ref()).await;
            report(&result);
            result
        }
    });
    stream::iter(runs).buffered(PARALLELISM).collect().await
}

/// None when the platform gives no certificates; then only pages without encryption can be read.
fn client() -> Result<reqwest::Client, String> {
    // Installing twice fails and changes nothing: the provider is the same either way.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Redirections are the answer, not somewhere else to go: a check says what it expects. No proxy stands between.
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.build().map_err(|error| error.to_string())
}

async fn one(check: &Check, client: Result<&reqwest::Client, &String>) -> CheckResult {
    let mut attempts = 0;
    let problem = loop {
        attempts += 1;
        let tried = match timeout(duration(check.timeout), look(&check.probe, client)).await {
            Ok(tried) => tried,
            Err(_) => Err(format!("no answer within {}", check.timeout)),
        };
        match tried {
            Ok(()) => break None,
            Err(problem) if attempts > check.retries => break Some(problem),
            Err(_) => sleep(duration(check.interval)).await,
        }
    };
    CheckResult { name: check.name.clone(), target: check.probe.target().to_owned(), attempts, problem }
}

fn duration(time: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(time.0).unwrap_or(0))
}

async fn look(probe: &Probe, client: Result<&reqwest::Client, &String>) -> Result<(), String> {
    match probe {
        Probe::Tcp { address } => {
            TcpStream::connect(address.as_str()).await.map(drop).map_err(|error| error.to_string())
        }
        Probe::Http { url, method, status, contains, headers } => {
            let client = client.map_err(Clone::clone)?;
            let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
            let mut request = client.request(method, url);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let mut answer = request.send().await.map_err(|error| reason(&error))?;
            let found = answer.status().as_u16();
            let is_well = if status.is_empty() { (200..300).contains(&found) } else { status.contains(&found) };
            if !is_well {
                return Err(format!("status {found}"));
            }
            let Some(wanted) = contains else { return Ok(()) };
            let mut page = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
                page.extend_from_slice(&chunk);
                if page.len() > MAX_PAGE_BYTES {
                    break;
                }
            }
            let holds = String::from_utf8_lossy(&page).contains(wanted.as_str());
            if holds { Ok(()) } else { Err(format!("status {found}, but the page does not hold {wanted:?}")) }
        }
    }
}

/// The innermost cause says what happened.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn check(probe: Probe, retries: u32) -> Check {
        let times = (Nanos(5_000_000), Nanos(2_000_000_000));
        Check {
            name: "c".into(),
            probe,
            retries,
            interval: times.0,
            timeout: times.1,
            depends_on: std::collections::BTreeSet::new(),
        }
    }

    fn http(url: String, contains: Option<&str>) -> Probe {
        Probe::Http {
            url,
            method: "GET".into(),
            status: vec![],
            contains: contains.map(str::to_owned),
            headers: std::collections::BTreeMap::new(),
        }
    }

    /// Answers 503 at first, then a page.
    async fn serve(listener: TcpListener) {
        for answer in ["503 Service Unavailable", "200 OK", "200 OK", "200 OK"] {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let text = format!("HTTP/1.1 {answer}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }

    #[tokio::test]
    async fn a_page_is_looked_at_until_it_is_well() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(serve(listener));
        let page = http(format!("http://{address}/health"), Some("hello"));
        let results = run(&[check(page, 3)], &|_| {}).await;
        assert_eq!((results[0].is_well(), results[0].attempts), (true, 2));
        let wrong = run(&[check(http(format!("http://{address}/"), Some("goodbye")), 0)], &|_| {}).await;
        assert!(wrong[0].problem.as_ref().unwrap().contains("does not hold"), "{wrong:?}");
        let port = run(&[check(Probe::Tcp { address: address.clone() }, 0)], &|_| {}).await;
        assert!(port[0].is_well());
        server.abort();
        let _ = server.await;
        let gone = run(&[check(Probe::Tcp { address }, 1)], &|_| {}).await;
        assert_eq!((gone[0].is_well(), gone[0].attempts), (false, 2));
    }
}
