//! Whether a starting agent is ready, asked without a runtime of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// Whether the agent has a node that takes work. It is asked over its own socket where it has one: another
/// agent may have been faster to take the port.
pub fn has_ready_node(socket: Option<&Path>, port: u16) -> bool {
    let answer = match socket {
        Some(path) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(TIMEOUT))?;
            ask(stream)
        }),
        None => TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), TIMEOUT).and_then(|stream| {
            stream.set_read_timeout(Some(TIMEOUT))?;
            ask(stream)
        }),
    };
    answer.is_ok_and(|answer| answer.starts_with("HTTP/1.") && answer.contains("\"Status\":\"ready\""))
}

fn ask(mut stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(b"GET /v1/nodes HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
