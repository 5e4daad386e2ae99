//! Files and logs of allocations.

use crate::{ByteStream, Client, FrameStream, Query, Result};
use drover_model::WireTime;
use serde::Deserialize;

/// A file or folder of an allocation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FileInfo {
    /// Name within its folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Bytes.
    pub size: i64,
    /// As `-rw-r--r--`.
    pub file_mode: String,
    /// When it last changed.
    pub mod_time: WireTime,
    /// MIME type, of `stat` only.
    pub content_type: String,
}

/// From which end an offset counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// From the beginning.
    #[default]
    Start,
    /// Back from the end.
    End,
}

/// What of a log to read.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Go on as more comes.
    pub follow: bool,
    /// Where `offset` counts from.
    pub origin: Origin,
    /// Bytes.
    pub offset: u64,
}

impl Origin {
    const fn text(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

impl Client {
    /// A task's `stdout` or `stderr` (`kind`), in frames.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn logs(&self, alloc: &str, task: &str, kind: &str, options: &LogOptions) -> Result<FrameStream> {
        let query = Query::new()
            .param("task", task)
            .param("type", kind)
            .param("follow", options.follow.to_string())
            .param("origin", options.origin.text())
            .param("offset", options.offset.to_string());
        Ok(FrameStream::new(self.stream(&format!("/v1/client/fs/logs/{alloc}"), &query).await?))
    }
    /// Entries of a folder.
    pub async fn list_files(&self, alloc: &str, path: &str) -> Result<Vec<FileInfo>> {
        Ok(self.get(&format!("/v1/client/fs/ls/{alloc}"), &Query::new().param("path", path)).await?.value)
    }
    /// One entry.
    pub async fn stat_file(&self, alloc: &str, path: &str) -> Result<FileInfo> {
        Ok(self.get(&format!("/v1/client/fs/stat/{alloc}"), &Query::new().param("path", path)).await?.value)
    }
    /// A file's bytes.
    pub async fn cat_file(&self, alloc: &str, path: &str) -> Result<ByteStream> {
        self.stream(&format!("/v1/client/fs/cat/{alloc}"), &Query::new().param("path", path)).await
    }
    /// A file's bytes in frames, going on as more comes.
    pub async fn follow_file(&self, alloc: &str, path: &str, origin: Origin, offset: u64) -> Result<FrameStream> {
        let query = Query::new().param("path", path).param("origin", origin.text()).param("offset", offset.to_string());
        Ok(FrameStream::new(self.stream(&format!("/v1/client/fs/stream/{alloc}"), &query).await?))
    }
}
