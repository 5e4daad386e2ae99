//! The walk over an archive of a stranger: one pass, nothing kept, every length bounded before memory is taken for it.

use super::{ArchiveError, Limits, MediaType, RATIO_GRACE_BYTES, check_path};
use crate::{Digest, DigestReader};
use flate2::bufread::GzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

const BLOCK_BYTES: usize = 512;
/// Most bytes of a record about the entry that follows it (long names, extended headers).
const MAX_RECORD_BYTES: u64 = 64 * 1024;
/// Most memory of a zstd stream: what `zstd -19` uses.
const MAX_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// What a walk has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Of the archive.
    pub digest: Digest,
    /// Of the archive.
    pub archive_bytes: u64,
    /// Of all files.
    pub unpacked_bytes: u64,
    /// Without folders.
    pub files: u64,
}

/// A file in an archive.
pub(super) struct Entry<'a> {
    /// Checked: relative, plain.
    pub path: String,
    pub is_executable: bool,
    pub content: &'a mut dyn Read,
}

/// Calls `visit` with every file.
pub(super) fn walk(
    reader: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(Entry<'_>) -> Result<(), ArchiveError>,
) -> Result<Contents, ArchiveError> {
    let consumed = Cell::new(0);
    let exceeded = Cell::new(None);
    let source = Counted { inner: DigestReader::new(reader), consumed: &consumed, exceeded: &exceeded, limits };
    let explain = |error: io::Error| match exceeded.take() {
        Some(what) => ArchiveError::Limit { what },
        None => ArchiveError::Broken { reason: reason(&error) },
    };
    let mut source = BufReader::with_capacity(64 * 1024, source);
    let start = source.fill_buf().map_err(explain)?;
    let kind = MediaType::sniff(start)
        .ok_or_else(|| ArchiveError::Broken { reason: "it is neither gzip nor zstd".to_owned() })?;
    let decoder = Decoder::new(kind, source)?;
    let mut tar = Bounded { inner: decoder, consumed: &consumed, produced: 0, exceeded: &exceeded, limits };
    let walked = Tar { reader: &mut tar, limits, entries: 0, files: 0, unpacked_bytes: 0 }.run(visit);
    let (files, unpacked_bytes) = walked.map_err(|stop| match stop {
        Stop::Io(error) => explain(error),
        Stop::Refused(error) => error,
    })?;
    let mut rest = tar.inner.into_source();
    if !rest.fill_buf().map_err(explain)?.is_empty() {
        return Err(ArchiveError::Broken { reason: "something follows its end".to_owned() });
    }
    let inner = rest.into_inner().inner;
    Ok(Contents { archive_bytes: inner.passed_bytes(), digest: inner.finish(), unpacked_bytes, files })
}

/// As [`walk`], for a tar that is not compressed; answers nothing, as such a one has no digest that counts.
pub(super) fn walk_tar(
    reader: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(Entry<'_>) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut reader = BufReader::new(reader);
    let walked = Tar { reader: &mut reader, limits, entries: 0, files: 0, unpacked_bytes: 0 }.run(visit);
    walked.map(drop).map_err(|stop| match stop {
        Stop::Io(error) => ArchiveError::Broken { reason: reason(&error) },
        Stop::Refused(error) => error,
    })
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}

/// Counts what goes in.
struct Counted<'a, R> {
    inner: DigestReader<R>,
    consumed: &'a Cell<u64>,
    exceeded: &'a Cell<Option<String>>,
    limits: &'a Limits,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.consumed.set(self.inner.passed_bytes());
        if self.inner.passed_bytes() > self.limits.archive_bytes {
            self.exceeded.set(Some(format!("it has more than {} bytes", self.limits.archive_bytes)));
            return Err(io::Error::other("limit"));
        }
        Ok(count)
    }
}

enum Decoder<R: BufRead> {
    Gzip(GzDecoder<R>),
    Zstd(Box<StreamingDecoder<R, FrameDecoder>>),
}

impl<R: BufRead> Decoder<R> {
    fn new(kind: MediaType, source: R) -> Result<Self, ArchiveError> {
        Ok(match kind {
            MediaType::TarGzip => Self::Gzip(GzDecoder::new(source)),
            MediaType::TarZstd => {
                let decoder = StreamingDecoder::new_with_max_window_size(source, MAX_WINDOW_BYTES);
                Self::Zstd(Box::new(decoder.map_err(|error| ArchiveError::Broken { reason: error.to_string() })?))
            }
        })
    }

    fn into_source(self) -> R {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.into_inner(),
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// Counts what comes out.
struct Bounded<'a, R> {
    inner: R,
    consumed: &'a Cell<u64>,
    produced: u64,
    exceeded: &'a Cell<Option<String>>,
    limits: &'a Limits,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.produced += count as u64;
        let what = if self.produced > self.limits.unpacked_bytes {
            format!("it unpacks to more than {} bytes", self.limits.unpacked_bytes)
        } else if self.produced > RATIO_GRACE_BYTES && self.produced / self.consumed.get().max(1) > self.limits.ratio {
            format!("more than {} bytes come out for each that goes in", self.limits.ratio)
        } else {
            return Ok(count);
        };
        self.exceeded.set(Some(what));
        Err(io::Error::other("limit"))
    }
}

enum Stop {
    Io(io::Error),
    Refused(ArchiveError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ArchiveError> for Stop {
    fn from(error: ArchiveError) -> Self {
        Self::Refused(error)
    }
}

fn broken(reason: &str) -> Stop {
    Stop::Refused(ArchiveError::Broken { reason: reason.to_owned() })
}

struct Tar<'a, R> {
    reader: &'a mut R,
    limits: &'a Limits,
    entries: u64,
    files: u64,
    unpacked_bytes: u64,
}

impl<R: Read> Tar<'_, R> {
    fn run(mut self, visit: &mut dyn FnMut(Entry<'_>) -> Result<(), ArchiveError>) -> Result<(u64, u64), Stop> {
        let mut long_name: Option<Vec<u8>> = None;
        while let Some(header) = self.header()? {
            self.entries += 1;
            if self.entries > self.limits.entries {
                let what = format!("it has more than {} entries", self.limits.entries);
                return Err(ArchiveError::Limit { what }.into());
            }
            let size = header.entry_size()?;
            let kind = header.entry_type();
            if kind.is_gnu_longname() {
                let mut name = self.record(size)?;
                while name.last() == Some(&0) {
                    name.pop();
                }
                long_name = Some(name);
                continue;
            }
            if kind.is_pax_local_extensions() {
                let record = self.record(size)?;
                long_name = extended_path(&record)?.or(long_name);
                continue;
            }
            if kind.is_pax_global_extensions() {
                // `git archive` notes the commit there.
                self.record(size)?;
                continue;
            }
            let raw = long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
            let path = check_path(&raw, self.limits)?;
            if kind.is_dir() {
                self.skip(size)?;
            } else if kind.is_file() {
                let is_executable = header.mode().unwrap_or(0) & 0o111 != 0;
                self.file(path, is_executable, size, visit)?;
            } else {
                return Err(ArchiveError::entry(&path, refused(kind)).into());
            }
        }
        self.end()?;
        Ok((self.files, self.unpacked_bytes))
    }

    /// The next header; none where two empty blocks, or one at the very end, say that nothing follows.
    fn header(&mut self) -> Result<Option<tar::Header>, Stop> {
        let mut block = [0; BLOCK_BYTES];
        self.reader.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = tar::Header::from_byte_slice(&block).clone();
        let fields = block[..148].iter().chain(&[b' '; 8]).chain(&block[156..]);
        let sum: u32 = fields.map(|byte| u32::from(*byte)).sum();
        if header.cksum().is_ok_and(|expected| expected == sum) {
            Ok(Some(header))
        } else {
            Err(broken("a header in it is damaged"))
        }
    }

    fn record(&mut self, size: u64) -> Result<Vec<u8>, Stop> {
        if size > MAX_RECORD_BYTES {
            let what = format!("a name or extended header in it has {size} bytes, and {MAX_RECORD_BYTES} are allowed");
            return Err(ArchiveError::Limit { what }.into());
        }
        let mut record = vec![0; usize::try_from(size).unwrap_or_default()];
        self.reader.read_exact(&mut record)?;
        self.padding(size)?;
        Ok(record)
    }

    fn file(
        &mut self,
        path: String,
        is_executable: bool,
        size: u64,
        visit: &mut dyn FnMut(Entry<'_>) -> Result<(), ArchiveError>,
    ) -> Result<(), Stop> {
        self.files += 1;
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(size);
        if self.unpacked_bytes > self.limits.unpacked_bytes {
            let what = format!("its files have more than {} bytes", self.limits.unpacked_bytes);
            return Err(ArchiveError::Limit { what }.into());
        }
        let mut content = Whole { inner: &mut *self.reader, left: size, failed: None };
        let visited = visit(Entry { path, is_executable, content: &mut content });
        // A visitor sees a failed read as its own; the walk knows better.
        if let Some(error) = content.failed {
            return Err(error.into());
        }
        let left = content.left;
        visited?;
        self.skip_bytes(left)?;
        self.padding(size)
    }

    fn skip(&mut self, size: u64) -> Result<(), Stop> {
        self.skip_bytes(size)?;
        self.padding(size)
    }

    fn skip_bytes(&mut self, size: u64) -> Result<(), Stop> {
        let skipped = io::copy(&mut self.reader.by_ref().take(size), &mut io::sink())?;
        if skipped == size { Ok(()) } else { Err(broken("it ends too early")) }
    }

    fn padding(&mut self, size: u64) -> Result<(), Stop> {
        let over = size % BLOCK_BYTES as u64;
        if over == 0 { Ok(()) } else { self.skip_bytes(BLOCK_BYTES as u64 - over) }
    }

    /// Reads to the end, so that the checksum of the compression is checked.
    fn end(&mut self) -> Result<(), Stop> {
        let mut buffer = [0; 8 * 1024];
        loop {
            match self.reader.read(&mut buffer)? {
                0 => return Ok(()),
                count if buffer[..count].iter().all(|byte| *byte == 0) => {}
                _ => return Err(broken("something follows its end")),
            }
        }
    }
}

/// Reads just the bytes of one file, and remembers when there were fewer.
struct Whole<'a, R> {
    inner: &'a mut R,
    left: u64,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let failed = match self.inner.read(&mut buffer[..most]) {
            Ok(0) => io::Error::from(io::ErrorKind::UnexpectedEof),
            Ok(count) => {
                self.left -= count as u64;
                return Ok(count);
            }
            Err(error) => error,
        };
        self.failed = Some(failed);
        Err(io::Error::other("the archive cannot be read on"))
    }
}

/// The path in an extended header: lines of `LENGTH KEY=VALUE`.
fn extended_path(record: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let mut rest = record;
    let mut path = None;
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ');
        let length = space.and_then(|end| std::str::from_utf8(&rest[..end]).ok()?.parse::<usize>().ok());
        let (Some(space), Some(length)) = (space, length) else { return Err(broken("an extended header is damaged")) };
        let Some(line) = rest.get(space + 1..length).and_then(|line| line.strip_suffix(b"\n")) else {
            return Err(broken("an extended header is damaged"));
        };
        if let Some(value) = line.strip_prefix(b"path=") {
            path = Some(value.to_vec());
        } else if line.starts_with(b"size=") || line.starts_with(b"GNU.sparse") {
            return Err(broken("it has sparse files, or sizes beyond 8 GiB"));
        }
        rest = &rest[length..];
    }
    Ok(path)
}

fn refused(kind: tar::EntryType) -> &'static str {
    if kind.is_symlink() || kind.is_hard_link() {
        "which is a link; packs hold files alone"
    } else if kind.is_block_special() || kind.is_character_special() {
        "which is a device; packs hold files alone"
    } else if kind.is_fifo() {
        "which is a pipe; packs hold files alone"
    } else {
        "which is no regular file; packs hold files alone"
    }
}
