//! Just enough HTTP to read from the Docker daemon's socket without a runtime.
//!
//! Requests are HTTP/1.0: the daemon then answers without chunks and closes the connection at the end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Longest answer that is read into memory as a whole.
const MAX_BODY_BYTES: u64 = 4 * 1024 * 1024;
/// Most header lines that are read.
const MAX_HEADERS: usize = 100;

/// An answer whose body is still to be read.
pub struct Answer {
    pub status: u16,
    pub body: BufReader<UnixStream>,
}

pub fn get(socket: &Path, path: &str) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut body = BufReader::new(stream);
    let mut line = String::new();
    body.read_line(&mut line)?;
    let status = parse_status(&line).ok_or_else(|| io::Error::other("not an HTTP answer"))?;
    for _ in 0..MAX_HEADERS {
        line.clear();
        body.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
    }
    Ok(Answer { status, body })
}

fn parse_status(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
}

/// Whether a container runs; none when it does not exist.
pub fn is_running(socket: &Path, container_id: &str) -> io::Result<Option<bool>> {
    let answer = get(socket, &format!("/containers/{container_id}/json"))?;
    if answer.status == 404 {
        return Ok(None);
    }
    let value: serde_json::Value = serde_json::from_reader(answer.body.take(MAX_BODY_BYTES))?;
    Ok(value.pointer("/State/Running").and_then(serde_json::Value::as_bool))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_read() {
        assert_eq!(parse_status("HTTP/1.0 200 OK\r\n"), Some(200));
        assert_eq!(parse_status("HTTP/1.1 404 Not Found\r\n"), Some(404));
        assert_eq!(parse_status("garbage"), None);
    }
}
