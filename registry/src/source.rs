//! Where packs are: what people write as `source`, and the address of one pack in it.

use crate::name::{self, NameError};
use std::fmt;
use std::path::{Path, PathBuf};

/// A place that holds packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder.
    Folder(PathBuf),
    /// A git repository, or a folder in it.
    Git(GitSource),
    /// A registry of images.
    Oci(OciSource),
    /// Drover's registry server.
    Http(HttpSource),
}

/// `git::URL//subdir?ref=REFERENCE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// As git takes it.
    pub url: String,
    /// The folder in the repository; empty for its top.
    pub subdir: String,
    /// Branch, tag or commit; the default branch when absent.
    pub reference: Option<String>,
}

/// `oci://HOST/REPOSITORY`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciSource {
    /// With the port, if one is given.
    pub host: String,
    /// What the names of packs follow; may be empty.
    pub repository: String,
}

/// `https://HOST/PREFIX/TEAM`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSource {
    /// Address of the server, without the team and without a slash at its end.
    pub base: String,
    /// Whose packs; packs are named `TEAM/NAME` when absent.
    pub team: Option<String>,
}

/// One pack, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackAddress {
    /// The place.
    pub registry: Source,
    /// The pack's name within; empty when the place itself is the pack (git and folders).
    pub pack: String,
}

/// Why a source cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceError {
    /// It is of no known kind, or lacks a part.
    #[error("`{text}` is no source of packs: {reason}")]
    Form {
        /// What was written.
        text: String,
        /// Why.
        reason: String,
    },
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Hosts whose addresses people write without saying that it is git.
const GIT_HOSTS: [&str; 4] = ["github.com/", "gitlab.com/", "bitbucket.org/", "codeberg.org/"];

impl Source {
    /// Reads a place of packs; folders are meant from `from`.
    ///
    /// # Errors
    /// It is of no known kind, or lacks a part.
    pub fn parse(text: &str, from: &Path) -> Result<Self, SourceError> {
        let text = text.trim();
        let wrong = |reason: &str| SourceError::Form { text: text.to_owned(), reason: reason.to_owned() };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) && is_address(text) {
            return Err(wrong("it has blanks"));
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            return oci(rest).map(Self::Oci).map_err(|reason| wrong(&reason));
        }
        if let Some(git) = as_git(text) {
            return GitSource::parse(&git).map(Self::Git).map_err(|reason| wrong(&reason));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return http(text).map(Self::Http).map_err(|reason| wrong(&reason));
        }
        if let Some(path) = text.strip_prefix("file://") {
            return Ok(Self::Folder(from.join(path)));
        }
        if is_address(text) {
            return Err(wrong(
                "sources are oci://HOST/REPOSITORY, git::URL//FOLDER?ref=NAME, https://HOST/TEAM or a folder",
            ));
        }
        Ok(Self::Folder(from.join(text.strip_prefix("./").unwrap_or(text))))
    }
}

/// Whether a source says how it is fetched.
pub fn is_address(text: &str) -> bool {
    text.contains("://") || text.contains("::") || as_git(text).is_some()
}

/// What is git without saying so, with the prefix left out.
fn as_git(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix("git::") {
        return Some(rest.to_owned());
    }
    if GIT_HOSTS.iter().any(|host| text.starts_with(host)) {
        return Some(format!("https://{text}"));
    }
    let path = text.split('?').next().unwrap_or(text);
    let is_web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    let on_known_host =
        || GIT_HOSTS.iter().any(|host| text.strip_prefix("https://").is_some_and(|t| t.starts_with(host)));
    let names_repository = path.ends_with(".git") || path.contains(".git//");
    if text.starts_with("ssh://") || text.starts_with("git@") || (is_web(text) && (names_repository || on_known_host()))
    {
        return Some(text.to_owned());
    }
    None
}

impl GitSource {
    fn parse(text: &str) -> Result<Self, String> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let after_scheme = path.find("://").map_or(0, |at| at + 3);
        let (url, subdir) = match path[after_scheme..].find("//") {
            Some(at) => (&path[..after_scheme + at], path[after_scheme + at + 2..].trim_matches('/')),
            None => (path.trim_end_matches('/'), ""),
        };
        if url.is_empty() || url.starts_with('-') || url.contains("::") {
            return Err("it needs the address of a repository, as git::https://example.com/packs.git".to_owned());
        }
        if subdir.split('/').any(|part| part == "..") {
            return Err("its folder leads out of the repository".to_owned());
        }
        let mut reference = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("ref", value)) => reference = Some(check_reference(value)?.to_owned()),
                // What other tools take; fetches are shallow anyway.
                Some(("depth", _)) => {}
                _ => return Err(format!("`{pair}` is not known; ?ref=NAME chooses a branch, tag or commit")),
            }
        }
        Ok(Self { url: url.to_owned(), subdir: subdir.to_owned(), reference })
    }
}

/// A name that git cannot take for an option or an expression.
pub(crate) fn check_reference(value: &str) -> Result<&str, String> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+');
    if value.is_empty() || value.starts_with('-') || value.contains("..") || !value.chars().all(is_fine) {
        return Err(format!("`{value}` is no branch, tag or commit"));
    }
    Ok(value)
}

fn oci(rest: &str) -> Result<OciSource, String> {
    let (host, repository) = rest.split_once('/').unwrap_or((rest, ""));
    let repository = repository.trim_matches('/');
    if host.is_empty() || host.contains('@') {
        return Err("it needs a host, as oci://registry.example.com/packs".to_owned());
    }
    for part in repository.split('/').filter(|_| !repository.is_empty()) {
        name::check("repository", part).map_err(|error| error.to_string())?;
    }
    Ok(OciSource { host: host.to_owned(), repository: repository.to_owned() })
}

fn http(text: &str) -> Result<HttpSource, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() == "http" && !is_loopback(url.host_str().unwrap_or_default()) {
        return Err("packs are fetched over https; plain http is for this machine alone".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a password; `drover registry login` keeps one".to_owned());
    }
    let mut parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let team = parts.pop().map(str::to_owned);
    if let Some(team) = &team {
        name::check("team", team).map_err(|error| error.to_string())?;
    }
    let mut base = url.origin().ascii_serialization();
    parts.iter().for_each(|part| {
        base.push('/');
        base.push_str(part);
    });
    Ok(HttpSource { base, team })
}

/// Whether a host is this machine: there, plain http is spoken.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl PackAddress {
    /// The address of a pack that is named by its place alone, as `oci://HOST/packs/postgres`.
    ///
    /// # Errors
    /// It names no pack.
    pub fn direct(text: &str, from: &Path) -> Result<Self, SourceError> {
        let wrong = |reason: &str| SourceError::Form { text: text.to_owned(), reason: reason.to_owned() };
        let split = |path: &str| -> (String, String) {
            let (front, last) = path.rsplit_once('/').unwrap_or(("", path));
            (front.to_owned(), last.to_owned())
        };
        match Source::parse(text, from)? {
            Source::Oci(source) => {
                let (repository, pack) = split(&source.repository);
                if pack.is_empty() {
                    return Err(wrong("it names no pack, as oci://HOST/packs/postgres does"));
                }
                Ok(Self { registry: Source::Oci(OciSource { repository, ..source }), pack })
            }
            Source::Http(source) => {
                let (base, team) = split(&source.base);
                match source.team {
                    Some(pack) if url::Url::parse(&base).is_ok_and(|url| url.has_host()) => {
                        Ok(Self { registry: Source::Http(HttpSource { base, team: Some(team) }), pack })
                    }
                    _ => Err(wrong("it names no pack, as https://HOST/TEAM/postgres does")),
                }
            }
            Source::Git(source) => {
                let (subdir, pack) = split(&source.subdir);
                Ok(Self { registry: Source::Git(GitSource { subdir, ..source }), pack })
            }
            folder @ Source::Folder(_) => Ok(Self { registry: folder, pack: String::new() }),
        }
    }

    /// A pack of a registry by its name, `postgres` or `data/postgres`.
    ///
    /// # Errors
    /// The name is none.
    pub fn within(registry: &Source, pack: &str) -> Result<Self, SourceError> {
        for part in pack.split('/') {
            name::check("pack", part)?;
        }
        let is_nested = pack.contains('/');
        if let Source::Http(source) = registry
            && is_nested == source.team.is_some()
        {
            let reason = match &source.team {
                Some(team) => format!("packs of the team {team} have one name, as `web`"),
                None => "the registry's source names no team, so packs are TEAM/NAME".to_owned(),
            };
            return Err(SourceError::Form { text: pack.to_owned(), reason });
        }
        Ok(Self { registry: registry.clone(), pack: pack.to_owned() })
    }

    /// The pack's own name: the last part.
    pub fn name(&self) -> String {
        let last = |path: &str| path.rsplit(['/', ':']).next().unwrap_or(path).to_owned();
        if !self.pack.is_empty() {
            return last(&self.pack);
        }
        match &self.registry {
            Source::Git(source) => last(source.url.trim_end_matches(".git")),
            Source::Folder(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Source::Oci(source) => last(&source.repository),
            Source::Http(source) => last(&source.base),
        }
    }
}

fn join(front: &str, back: &str) -> String {
    [front, back].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Oci(source) => write!(f, "oci://{}", join(&source.host, &source.repository)),
            Self::Http(source) => f.write_str(&join(&source.base, source.team.as_deref().unwrap_or_default())),
            Self::Git(source) => {
                write!(f, "git::{}", source.url)?;
                if !source.subdir.is_empty() {
                    write!(f, "//{}", source.subdir)?;
                }
                source.reference.as_ref().map_or(Ok(()), |reference| write!(f, "?ref={reference}"))
            }
        }
    }
}

/// As one would write it as a `source` of its own.
impl fmt::Display for PackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.registry {
            Source::Git(source) => {
                let subdir = join(&source.subdir, &self.pack);
                Source::Git(GitSource { subdir, ..source.clone() }).fmt(f)
            }
            other => f.write_str(&join(&other.to_string(), &self.pack)),
        }
    }
}

/// `team/postgres@~> 1.2` without the range, and the range.
pub fn split_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((front, range))
            if !front.is_empty() && range.parse::<crate::VersionRange>().is_ok() && !range.contains(['/', ':']) =>
        {
            (front, Some(range))
        }
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, registry: &str, pack: &str) {
        let address = PackAddress::direct(text, Path::new("/stack")).unwrap();
        assert_eq!((address.registry.to_string().as_str(), address.pack.as_str()), (registry, pack), "{text}");
    }

    #[test]
    fn addresses_of_packs() {
        check("oci://127.0.0.1:5000/packs/postgres", "oci://127.0.0.1:5000/packs", "postgres");
        check("oci://host/postgres", "oci://host", "postgres");
        check("https://host/shop/web", "https://host/shop", "web");
        check("http://localhost:80/p/shop/web", "http://localhost/p/shop", "web");
        check("git::https://h/packs.git//packs/web?ref=v1", "git::https://h/packs.git//packs?ref=v1", "web");
        check("git::ssh://git@h/packs//web", "git::ssh://git@h/packs", "web");
        check("git::git@h:team/packs.git//web", "git::git@h:team/packs.git", "web");
        check("git@h:team/packs.git", "git::git@h:team/packs.git", "");
        check("github.com/team/packs//packs/web", "git::https://github.com/team/packs//packs", "web");
        check("git::file:///srv/packs.git", "git::file:///srv/packs.git", "");
        check("./packs/web", "/stack/packs/web", "");
    }

    #[test]
    fn wrong_sources_say_why() {
        for (text, part) in [
            ("", "empty"),
            ("http://example.com/t/web", "plain http"),
            ("https://user:pw@example.com/t/web", "password"),
            ("oci:///x", "host"),
            ("oci://host/UPPER/x", "repository"),
            ("oci://host", "names no pack"),
            ("s3::bucket", "sources are"),
            ("git::--upload-pack=x", "repository"),
            ("git::https://h/x//../y", "leads out"),
            ("git::https://h/x?ref=--all", "no branch"),
            ("git::ext::sh -c x", "blanks"),
            ("https://host/web", "names no pack"),
        ] {
            let error = PackAddress::direct(text, Path::new("/")).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {part:?} not in {error}");
        }
    }

    #[test]
    fn names_of_packs() {
        let name = |text: &str| PackAddress::direct(text, Path::new("/")).unwrap().name();
        assert_eq!(name("oci://h/packs/pg"), "pg");
        assert_eq!(name("git::https://h/pg.git?ref=main"), "pg");
        assert_eq!(name("git@h:pg.git"), "pg");
    }

    #[test]
    fn versions_follow_an_at() {
        assert_eq!(split_version("team/pg@~> 1.2"), ("team/pg", Some("~> 1.2")));
        assert_eq!(split_version("oci://h:5000/pg@1.2.3"), ("oci://h:5000/pg", Some("1.2.3")));
        assert_eq!(split_version("git@h:team/pg.git"), ("git@h:team/pg.git", None));
        assert_eq!(split_version("team/pg"), ("team/pg", None));
    }
}
