//! Fetches a task's artifacts: files over http(s), or of the host where that is allowed.

use super::{HookContext, PathError};
use drover_model::Artifact;
use futures::StreamExt;
use sha2::{Digest, Sha256, Sha512};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// An artifact that does not arrive within this time is given up.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Larger artifacts are refused.
const MAX_ARTIFACT_BYTES: u64 = 100 * 1024 * 1024 * 1024;

/// Why an artifact could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("failed to download artifact {url:?}: {fault}")]
pub struct ArtifactError {
    url: String,
    fault: Fault,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0} sources are not supported: use http or https")]
    Scheme(String),
    #[error("files of the host are not allowed as artifacts on this node")]
    HostFile,
    #[error("checksum {0:?} is not sha256:HEX or sha512:HEX")]
    ChecksumForm(String),
    #[error("checksum is {found}, not {expected}")]
    Checksum { found: String, expected: String },
    #[error("{0}")]
    Archive(String),
    #[error("larger than {MAX_ARTIFACT_BYTES} bytes")]
    TooLarge,
    #[error("{0}")]
    Http(String),
    #[error("bad response code: {0}")]
    Status(u16),
    #[error("{0}")]
    Path(PathError),
    #[error("{0}")]
    Io(std::io::Error),
}

impl ArtifactError {
    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        !matches!(self.fault, Fault::Scheme(_) | Fault::HostFile | Fault::ChecksumForm(_) | Fault::Path(_))
    }
}

/// Fetches all artifacts, one after the other.
pub async fn run(context: &HookContext<'_>) -> Result<(), ArtifactError> {
    for artifact in &context.task.artifacts {
        let source = context.env.replace(&artifact.getter_source);
        fetch(context, artifact, &source).await.map_err(|fault| ArtifactError { url: source.clone(), fault })?;
    }
    Ok(())
}

async fn fetch(context: &HookContext<'_>, artifact: &Artifact, source: &str) -> Result<(), Fault> {
    let option = |key: &str| artifact.getter_options.get(key).map(|value| context.env.replace(value));
    let checksum = option("checksum").map(|text| Checksum::parse(&text)).transpose()?;
    let name = source.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or("artifact");
    let name = option("filename").unwrap_or_else(|| name.to_owned());
    let relative = context.env.replace(&artifact.relative_dest);
    let is_file = artifact.getter_mode == "file";
    let unpacks = !is_file && option("archive").as_deref() != Some("false");
    let archive = if unpacks { Archive::of(&name)? } else { None };
    let target = if is_file { relative.clone() } else { format!("{relative}/{name}") };
    let place = context.destination(&target).map_err(Fault::Path)?;
    let aside = aside(&place);

    let result = async {
        download(context, artifact, source, &aside).await?;
        if let Some(checksum) = &checksum {
            checksum.verify(&aside)?;
        }
        match archive {
            Some(Archive::Tar) => unpack(&aside, &place, false),
            Some(Archive::TarGz) => unpack(&aside, &place, true),
            None => std::fs::rename(&aside, &place).map_err(Fault::Io),
        }
    }
    .await;
    // Gone already where it was renamed.
    let _ = std::fs::remove_file(&aside);
    result
}

fn aside(place: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".drover-");
    name.push(place.file_name().unwrap_or_default());
    place.with_file_name(name)
}

async fn download(context: &HookContext<'_>, artifact: &Artifact, source: &str, place: &Path) -> Result<(), Fault> {
    let host_file = source.strip_prefix("file://").or_else(|| source.starts_with('/').then_some(source));
    if let Some(path) = host_file {
        if !context.allows_file_artifacts {
            return Err(Fault::HostFile);
        }
        return tokio::fs::copy(path, place).await.map(|_| ()).map_err(Fault::Io);
    }
    if !source.starts_with("http://") && !source.starts_with("https://") {
        let scheme = source.split(':').next().unwrap_or(source);
        return Err(Fault::Scheme(scheme.to_owned()));
    }
    let client = crate::http::client_builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(DOWNLOAD_TIMEOUT)
        .danger_accept_invalid_certs(artifact.getter_insecure)
        .build()
        .map_err(|error| Fault::Http(http_text(&error)))?;
    let mut request = client.get(source);
    for (key, value) in &artifact.getter_headers {
        request = request.header(key, context.env.replace(value));
    }
    let response = request.send().await.map_err(|error| Fault::Http(http_text(&error)))?;
    if !response.status().is_success() {
        return Err(Fault::Status(response.status().as_u16()));
    }
    let mut file = tokio::fs::File::create(place).await.map_err(Fault::Io)?;
    let mut body = response.bytes_stream();
    let mut total = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Fault::Http(http_text(&error)))?;
        total += chunk.len() as u64;
        if total > MAX_ARTIFACT_BYTES {
            return Err(Fault::TooLarge);
        }
        file.write_all(&chunk).await.map_err(Fault::Io)?;
    }
    file.flush().await.map_err(Fault::Io)
}

fn http_text(error: &reqwest::Error) -> String {
    drover_base::error::chain(error)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Archive {
    Tar,
    TarGz,
}

impl Archive {
    /// The archives that are unpacked; others that people would expect to be are refused rather than kept packed.
    fn of(name: &str) -> Result<Option<Self>, Fault> {
        if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
            return Ok(Some(Self::TarGz));
        }
        if name.ends_with(".tar") {
            return Ok(Some(Self::Tar));
        }
        let unsupported = [".zip", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".gz", ".bz2", ".xz"];
        match unsupported.iter().find(|ending| name.ends_with(**ending)) {
            Some(ending) => Err(Fault::Archive(format!(
                "{ending} cannot be unpacked by this node: use .tar.gz, or option archive=false to keep it packed"
            ))),
            None => Ok(None),
        }
    }
}

/// Unpacks next to where the archive itself would lie.
fn unpack(archive: &Path, place: &Path, is_compressed: bool) -> Result<(), Fault> {
    let file = std::io::BufReader::new(std::fs::File::open(archive).map_err(Fault::Io)?);
    let dir = place.parent().ok_or_else(|| Fault::Archive("no directory to unpack into".into()))?;
    let reader: Box<dyn std::io::Read> =
        if is_compressed { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_ownerships(false);
    archive.unpack(dir).map_err(Fault::Io)
}

#[derive(Debug)]
enum Checksum {
    Sha256(String),
    Sha512(String),
}

impl Checksum {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_hex = |hex: &str, len: usize| hex.len() == len && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.split_once(':') {
            Some(("sha256", hex)) if is_hex(hex, 64) => Ok(Self::Sha256(hex.to_ascii_lowercase())),
            Some(("sha512", hex)) if is_hex(hex, 128) => Ok(Self::Sha512(hex.to_ascii_lowercase())),
            _ => Err(Fault::ChecksumForm(text.to_owned())),
        }
    }

    fn verify(&self, path: &Path) -> Result<(), Fault> {
        let (found, expected) = match self {
            Self::Sha256(expected) => (digest::<Sha256>(path)?, expected),
            Self::Sha512(expected) => (digest::<Sha512>(path)?, expected),
        };
        if found == *expected { Ok(()) } else { Err(Fault::Checksum { found, expected: expected.clone() }) }
    }
}

fn digest<D: Digest>(path: &Path) -> Result<String, Fault> {
    use std::io::Read;
    let mut file = std::fs::File::open(path).map_err(Fault::Io)?;
    let mut hash = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(Fault::Io)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::testing::with_context;
    use drover_model::{Job, Task};
    use tokio::io::AsyncReadExt;

    /// Answers one request with `body`; returns the address.
    async fn serve(body: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body).await.unwrap();
        });
        format!("http://{address}")
    }

    async fn check(artifact: Artifact, path: &str) -> Result<String, String> {
        let task = Task { name: "t".into(), artifacts: vec![artifact], ..Task::default() };
        with_context(Job::default(), task, async |context| {
            run(context).await.map_err(|error| error.to_string())?;
            Ok(std::fs::read_to_string(context.dir.task("t").join(path)).unwrap())
        })
        .await
    }

    fn artifact(source: String) -> Artifact {
        Artifact { getter_source: source, relative_dest: "local/".into(), ..Artifact::default() }
    }

    #[tokio::test]
    async fn a_file_is_fetched_and_verified() {
        let mut wanted = artifact(serve(b"hello").await + "/dir/file.txt?x=1");
        let sum = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        wanted.getter_options.insert("checksum".into(), sum.into());
        assert_eq!(check(wanted, "local/file.txt").await.unwrap(), "hello");
    }

    #[tokio::test]
    async fn a_wrong_checksum_is_refused() {
        let mut wanted = artifact(serve(b"other").await + "/file.txt");
        let sum = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        wanted.getter_options.insert("checksum".into(), sum.into());
        assert!(check(wanted, "local/file.txt").await.unwrap_err().contains("checksum is"));
    }

    #[tokio::test]
    async fn a_file_of_the_host_can_be_renamed() {
        let host = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(host.path(), "text").unwrap();
        let wanted = Artifact {
            getter_mode: "file".into(),
            relative_dest: "local/renamed".into(),
            ..artifact(host.path().display().to_string())
        };
        assert_eq!(check(wanted, "local/renamed").await.unwrap(), "text");
    }

    #[tokio::test]
    async fn an_archive_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        let gz = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_mode(0o644);
        builder.append_data(&mut header, "in/x", &b"hi"[..]).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        assert_eq!(check(artifact(path.display().to_string()), "local/in/x").await.unwrap(), "hi");
    }

    #[tokio::test]
    async fn what_cannot_be_done_is_said() {
        let error = check(artifact("git::https://x/y".into()), "").await.unwrap_err();
        assert!(error.contains("git sources are not supported"), "{error}");
        let error = check(artifact("http://127.0.0.1:1/x.zip".into()), "").await.unwrap_err();
        assert!(error.contains("archive=false"), "{error}");
    }
}
