//! Answers that come in pieces: bytes, and the JSON frames of logs and files.

use crate::{Error, Result};
use base64::Engine as _;
use serde::Deserialize;

/// The most bytes that one frame may take before the stream counts as broken.
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// A body as it comes.
#[derive(Debug)]
pub struct ByteStream {
    response: reqwest::Response,
    url: String,
}

impl ByteStream {
    pub(crate) const fn new(response: reqwest::Response, url: String) -> Self {
        Self { response, url }
    }
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        self.response.chunk().await.map_err(|error| Error::Unreachable {
            method: "Get",
            url: self.url.clone(),
            reason: error.to_string(),
        })
    }
}

/// A piece of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Where in the file the piece ends.
    pub offset: u64,
    /// The bytes.
    pub data: Vec<u8>,
    /// The file.
    pub file: String,
    /// `file deleted`, `file truncated`, or empty.
    pub event: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct WireFrame {
    offset: u64,
    data: Option<String>,
    file: String,
    file_event: String,
}

/// Frames of a log or a file; heartbeats are left out.
#[derive(Debug)]
pub struct FrameStream {
    bytes: ByteStream,
    buffer: Vec<u8>,
}

impl FrameStream {
    pub(crate) const fn new(bytes: ByteStream) -> Self {
        Self { bytes, buffer: Vec::new() }
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or what came is no frame.
    pub async fn next(&mut self) -> Result<Option<Frame>> {
        loop {
            match take_frame(&mut self.buffer) {
                Ok(Some(frame)) if frame == Frame::default() => {}
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => match self.bytes.next().await? {
                    Some(piece) => self.buffer.extend_from_slice(&piece),
                    None => return Ok(None),
                },
                Err(reason) => return Err(Error::Decode { url: self.bytes.url.clone(), reason }),
            }
        }
    }
}

/// Takes the first whole JSON object off the buffer.
fn take_frame(buffer: &mut Vec<u8>) -> Result<Option<Frame>, String> {
    let mut values = serde_json::Deserializer::from_slice(buffer).into_iter::<WireFrame>();
    let wire = match values.next() {
        None => return Ok(None),
        Some(Ok(wire)) => wire,
        Some(Err(error)) if error.is_eof() && buffer.len() < MAX_FRAME_BYTES => return Ok(None),
        Some(Err(_)) => return Err(String::from_utf8_lossy(&buffer[..buffer.len().min(200)]).into_owned()),
    };
    let taken = values.byte_offset();
    buffer.drain(..taken);
    let data = match wire.data {
        None => Vec::new(),
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| error.to_string())?,
    };
    Ok(Some(Frame { offset: wire.offset, data, file: wire.file, event: wire.file_event }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_wherever_pieces_end() {
        let mut buffer = br#"{}{"Offset":3,"Data":"aGk=","File":"a"}{"Off"#.to_vec();
        assert_eq!(take_frame(&mut buffer).unwrap(), Some(Frame::default()));
        let frame = take_frame(&mut buffer).unwrap().unwrap();
        assert_eq!((frame.offset, frame.data.as_slice(), frame.file.as_str()), (3, b"hi".as_slice(), "a"));
        assert_eq!(take_frame(&mut buffer).unwrap(), None);
        buffer.extend_from_slice(br#"set":9}"#);
        assert_eq!(take_frame(&mut buffer).unwrap().unwrap().offset, 9);
    }
}
