//! Answers.

use crate::answers::Answer;
use crate::connections::Peer;
use crate::error::{ApiError, Result};
use axum::body::Body;
use bytes::Bytes;
use flate2::{Compression, Crc, write::GzEncoder};
use futures::stream::BoxStream;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const INDEX: HeaderName = HeaderName::from_static("x-nomad-index");
const KNOWN_LEADER: HeaderName = HeaderName::from_static("x-nomad-knownleader");
const LAST_CONTACT: HeaderName = HeaderName::from_static("x-nomad-lastcontact");
const NEXT_TOKEN: HeaderName = HeaderName::from_static("x-nomad-nexttoken");

/// Chunks of an answer without an end known beforehand.
pub(crate) type Chunks = BoxStream<'static, std::io::Result<Bytes>>;

enum Content {
    Whole(Vec<u8>),
    Shared(Arc<Answer>),
    Stream(Chunks),
}

/// An answer.
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content: Content,
}

impl Reply {
    /// 200 without a body.
    pub(crate) const fn empty() -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), content: Content::Whole(Vec::new()) }
    }

    /// A JSON document that is already there as bytes.
    pub(crate) fn json_bytes(bytes: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, headers: vec![(CONTENT_TYPE, JSON)], content: Content::Whole(bytes) }
    }

    /// A JSON document that others get, too.
    pub(crate) fn shared(answer: Arc<Answer>) -> Self {
        let next = answer.next_page.clone();
        let content = Content::Shared(answer);
        Self { status: StatusCode::OK, headers: vec![(CONTENT_TYPE, JSON)], content }.with_next_token(next.as_deref())
    }

    /// Text of a given type.
    pub(crate) fn text(content_type: &'static str, text: impl Into<Vec<u8>>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status: StatusCode::OK, headers, content: Content::Whole(text.into()) }
    }

    /// A stream of a given type.
    pub(crate) fn stream(content_type: &'static str, chunks: Chunks) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status: StatusCode::OK, headers, content: Content::Stream(chunks) }
    }

    /// 307 to another path.
    pub(crate) fn redirect(to: &str) -> Self {
        let page = format!("<a href=\"{to}\">Temporary Redirect</a>.\n\n");
        let mut reply = Self::text("text/html; charset=utf-8", page);
        reply.status = StatusCode::TEMPORARY_REDIRECT;
        if let Ok(location) = HeaderValue::from_str(to) {
            reply.headers.push((LOCATION, location));
        }
        reply
    }

    /// The same for who has not asked to see a page: only where to go.
    #[must_use]
    pub(crate) fn without_page(mut self) -> Self {
        if self.status == StatusCode::TEMPORARY_REDIRECT {
            self.headers.retain(|(name, _)| *name != CONTENT_TYPE);
            self.content = Content::Whole(Vec::new());
        }
        self
    }

    /// With another status.
    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// With the index of a write.
    #[must_use]
    pub(crate) fn written_at(mut self, index: u64) -> Self {
        self.headers.push((INDEX, HeaderValue::from(index)));
        self
    }

    /// With the headers of a read.
    #[must_use]
    pub(crate) fn read_at(self, index: u64) -> Self {
        let mut reply = self.written_at(index);
        reply.headers.push((KNOWN_LEADER, HeaderValue::from_static("true")));
        reply.headers.push((LAST_CONTACT, HeaderValue::from_static("0")));
        reply
    }

    /// With the headers of a read that nobody led.
    #[must_use]
    pub(crate) fn read_without_leader(self) -> Self {
        let mut reply = self.written_at(0);
        reply.headers.push((KNOWN_LEADER, HeaderValue::from_static("false")));
        reply.headers.push((LAST_CONTACT, HeaderValue::from_static("0")));
        reply
    }

    /// With where the next page begins.
    #[must_use]
    pub(crate) fn with_next_token(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.with_header(NEXT_TOKEN, token),
            None => self,
        }
    }

    /// Not to be kept by anybody.
    #[must_use]
    pub(crate) fn uncached(self) -> Self {
        self.with_header(CACHE_CONTROL, "no-cache")
    }

    /// The answer for the connection.
    pub(crate) fn into_response(self, gzip: Gzip) -> Response<Body> {
        let Self { status, headers, content } = self;
        let is_compressed = match &content {
            Content::Stream(_) => false,
            Content::Whole(bytes) => gzip.is_worth_it(bytes.len()),
            Content::Shared(answer) => gzip.is_worth_it(answer.plain.len()),
        };
        let body = match content {
            Content::Stream(chunks) => Body::from_stream(chunks),
            Content::Whole(bytes) if is_compressed => Body::from(compress(&bytes, Compression::fast())),
            Content::Whole(bytes) => Body::from(bytes),
            Content::Shared(answer) if is_compressed => Body::from(answer.gzipped()),
            Content::Shared(answer) => Body::from(answer.plain.clone()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let to = response.headers_mut();
        to.extend(headers);
        if is_compressed {
            to.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether the caller takes compressed answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gzip {
    Yes,
    /// It does, but is on this host: to pass a long answer on costs less than to compress and expand it.
    IfShort,
    No,
}

/// Answers up to this size are compressed for callers on this host too, if they ask for it.
const SHORT_BYTES: usize = 8 * 1024;

impl Gzip {
    /// How answers go to a caller that takes compressed ones.
    pub(crate) fn to(peer: Peer) -> Self {
        if peer.is_local() { Self::IfShort } else { Self::Yes }
    }

    fn is_worth_it(self, bytes: usize) -> bool {
        match self {
            Self::Yes => bytes > 0,
            Self::IfShort => bytes > 0 && bytes <= SHORT_BYTES,
            Self::No => false,
        }
    }
}

/// Compresses what many callers get.
pub(crate) fn compress_well(bytes: &[u8]) -> Vec<u8> {
    compress(bytes, Compression::default())
}

fn compress(bytes: &[u8], level: Compression) -> Vec<u8> {
    if bytes.len() <= ONE_PACKET_BYTES {
        return stored(bytes);
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8 + 64), level);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}

/// What fits in a packet as it is gains nothing from being made shorter, and a compressor's tables, a third of a
/// megabyte, cost more than everything else of a request.
const ONE_PACKET_BYTES: usize = 1300;

/// The gzip format with nothing compressed (RFC 1952, and one stored block of RFC 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(bytes);
    let length = u16::try_from(bytes.len()).expect("only short answers are stored");
    let mut out = Vec::with_capacity(bytes.len() + 23);
    out.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    out.push(1);
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend_from_slice(bytes);
    out.extend(crc.sum().to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let mut headers = Vec::new();
        let bytes = error.json.unwrap_or_else(|| error.message.into_bytes());
        if !bytes.is_empty() {
            headers.push((CONTENT_TYPE, TEXT));
        }
        let is_conflict = error.status == StatusCode::CONFLICT;
        let reply = Self { status: error.status, headers, content: Content::Whole(bytes) };
        match error.index {
            Some(index) if is_conflict => reply.written_at(index),
            Some(index) => reply.read_at(index),
            None => reply,
        }
    }
}

/// How documents are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// On one line.
    Compact,
    /// Indented by four spaces.
    Pretty,
}

/// Serialises straight to bytes.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T, layout: Layout) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    let written = match layout {
        Layout::Compact => serde_json::to_writer(&mut bytes, value),
        Layout::Pretty => {
            let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
            let written = value.serialize(&mut serializer);
            bytes.push(b'\n');
            written
        }
    };
    written.map_err(|error| ApiError::refused(format!("cannot write the answer: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn compressed_answers_read_back() {
        for length in [1, 2, ONE_PACKET_BYTES, ONE_PACKET_BYTES + 1, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&compress(&bytes, Compression::fast())[..]).read_to_end(&mut back).unwrap();
            assert_eq!(back, bytes);
        }
    }

    #[test]
    fn callers_on_this_host_get_long_answers_as_they_are() {
        let (near, far) = (Gzip::to(Peer::Socket), Gzip::to(Peer::Address([10, 0, 0, 1].into())));
        assert!(near.is_worth_it(SHORT_BYTES) && !near.is_worth_it(SHORT_BYTES + 1));
        assert!(far.is_worth_it(SHORT_BYTES + 1) && !far.is_worth_it(0) && !Gzip::No.is_worth_it(1));
    }
}
