//! Streams of a file that may still grow.

use super::{FsError, MAX_CHUNK_BYTES, MAX_WAITING_CHUNKS, Place};
use crate::handle::NodeHandle;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use drover_base::AllocId;
use serde::{Serialize, Serializer};
use std::io::SeekFrom;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

/// How often a file that is followed is looked at.
pub(crate) const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);
/// Said when a followed file is gone.
const FILE_DELETED: &str = "file deleted";
/// Said when a followed file became shorter.
const FILE_TRUNCATED: &str = "file truncated";

/// A piece of a file, or something that happened to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Frame {
    /// The place in the file after this piece.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// The piece; base64 on the wire.
    #[serde(skip_serializing_if = "Bytes::is_empty", serialize_with = "base64")]
    pub data: Bytes,
    /// The file, relative to the allocation's directory.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// What happened to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file_event: String,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn base64<S: Serializer>(data: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(data))
}

/// Pieces as they come; ends when there is nothing more to come.
pub type FrameStream = mpsc::Receiver<Frame>;

/// What an offset counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The beginning.
    #[default]
    Start,
    /// The end, backwards.
    End,
}

impl std::str::FromStr for Origin {
    type Err = FsError;
    fn from_str(text: &str) -> Result<Self, FsError> {
        match text {
            "" | "start" => Ok(Self::Start),
            "end" => Ok(Self::End),
            _ => Err(FsError::BadRequest("origin must be start or end".into())),
        }
    }
}

impl Origin {
    /// The place that `offset` means in a file of `len` bytes.
    pub(crate) fn place(self, offset: u64, len: u64) -> u64 {
        match self {
            Self::Start => offset,
            Self::End => len.saturating_sub(offset),
        }
    }
}

impl NodeHandle {
    /// Streams a file from a place on; with `follow` also what is appended later, until the reader goes away.
    pub async fn fs_stream(
        &self,
        alloc: &AllocId,
        path: &str,
        origin: Origin,
        offset: u64,
        follow: bool,
    ) -> Result<FrameStream, FsError> {
        if path.is_empty() {
            return Err(FsError::BadRequest("must provide a file name".into()));
        }
        let place = Place::find(&self.dir_of(alloc)?, path, "stat")?;
        let mut file = place.open().await?;
        let io = |error: std::io::Error| FsError::io("read", &place.shown, &error);
        let len = file.metadata().await.map_err(io)?.len();
        let mut at = origin.place(offset, len);
        file.seek(SeekFrom::Start(at)).await.map_err(io)?;
        let (sender, receiver) = mpsc::channel(MAX_WAITING_CHUNKS);
        let name = path.trim_start_matches('/').to_owned();
        self.context.spawn(async move {
            loop {
                if !copy(&mut file, &mut at, &name, &sender).await || !follow {
                    return;
                }
                let event = match (file.metadata().await, place.real.exists()) {
                    (Ok(metadata), true) if metadata.len() < at => FILE_TRUNCATED,
                    (Ok(_), true) => "",
                    _ => FILE_DELETED,
                };
                if !event.is_empty() {
                    let frame = Frame { file: name.clone(), file_event: event.into(), ..Frame::default() };
                    if sender.send(frame).await.is_err() || event == FILE_DELETED {
                        return;
                    }
                    at = 0;
                    if file.seek(SeekFrom::Start(0)).await.is_err() {
                        return;
                    }
                    continue;
                }
                tokio::select! {
                    () = tokio::time::sleep(FOLLOW_INTERVAL) => {}
                    () = sender.closed() => return,
                }
            }
        });
        Ok(receiver)
    }
}

/// Sends everything up to the end of the file. Says whether the reader is still there.
pub(crate) async fn copy(file: &mut File, at: &mut u64, name: &str, sender: &mpsc::Sender<Frame>) -> bool {
    loop {
        let mut chunk = vec![0; MAX_CHUNK_BYTES];
        match file.read(&mut chunk).await {
            Ok(0) => return true,
            Ok(read) => {
                chunk.truncate(read);
                *at += read as u64;
                let frame = Frame { offset: *at, data: chunk.into(), file: name.to_owned(), file_event: String::new() };
                if sender.send(frame).await.is_err() {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_the_wire() {
        let frame = Frame { offset: 11, data: "hi\n".into(), file: "t/x".into(), ..Frame::default() };
        let text = serde_json::to_string(&frame).unwrap();
        assert_eq!(text, r#"{"Offset":11,"Data":"aGkK","File":"t/x"}"#);
        assert_eq!(serde_json::to_string(&Frame::default()).unwrap(), "{}");
    }

    #[test]
    fn offsets_count_from_either_end() {
        assert_eq!("end".parse::<Origin>().unwrap().place(4, 11), 7);
        assert_eq!("".parse::<Origin>().unwrap().place(4, 11), 4);
        assert_eq!(Origin::End.place(40, 11), 0);
        assert_eq!("middle".parse::<Origin>().unwrap_err().to_string(), "origin must be start or end");
    }
}
