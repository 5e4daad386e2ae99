//! Stands between a command and an engine, and cuts the connection at one of the writes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// When the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The engine never sees the request.
    Before,
    /// The engine does what was asked, and its answer is lost.
    After,
}

/// A proxy; it ends with the test's process.
pub struct Proxy {
    pub address: String,
    writes: Arc<AtomicUsize>,
}

impl Proxy {
    /// Cuts the `at`th write, counted from one; none when 0.
    pub fn start(upstream: &str, at: usize, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let writes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&writes);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, counter) = (upstream.clone(), Arc::clone(&counter));
                // A connection that breaks is what this is for.
                std::thread::spawn(move || drop(serve(&client, &upstream, at, cut, &counter)));
            }
        });
        Self { address, writes }
    }

    /// How many writes came so far.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }
}

/// Passes one request on; the connection ends after it.
fn serve(client: &TcpStream, upstream: &str, at: usize, cut: Cut, writes: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut head = first.clone();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    head.push_str("Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // A dry run writes nothing.
    let is_write = (first.starts_with("PUT") || first.starts_with("DELETE")) && !first.contains("/plan");
    let is_cut = is_write && writes.fetch_add(1, Ordering::SeqCst) + 1 == at;
    if is_cut && cut == Cut::Before {
        return Ok(());
    }
    let mut engine = TcpStream::connect(upstream)?;
    engine.write_all(head.as_bytes())?;
    engine.write_all(&body)?;
    let mut answer = Vec::new();
    engine.read_to_end(&mut answer)?;
    let mut client = client;
    if is_cut { Ok(()) } else { client.write_all(&answer) }
}
