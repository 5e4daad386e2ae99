//! Writing to a repository: a commit on the branch and a tag, pushed together or not at all.

use super::super::{ClientError, PublishOutcome, Published, RegistryClient as _, Release};
use super::command::{Ended, Git};
use super::{GitClient, join};
use crate::Digest;
use crate::archive::{Limits, Scratch, unpack};
use std::fs;
use std::path::{Path, PathBuf};

/// How often a push is tried again when the branch has moved.
const MAX_TRIES: usize = 6;

/// A checkout of the branch.
struct Checkout {
    scratch: Scratch,
    /// Name of the branch at the other side.
    branch: String,
}

impl Checkout {
    fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

impl GitClient {
    pub(super) async fn publish_release(&self, pack: &str, release: &Release) -> Result<PublishOutcome, ClientError> {
        let tag = self.tag(pack, &release.version);
        let digest = release.archive.digest;
        for _ in 0..MAX_TRIES {
            if let Some(there) = self.published_digest(pack, release).await? {
                return self.is_there(pack, release, digest, there).await;
            }
            let checkout = self.checkout().await?;
            let folder = checkout.folder().join(self.target(&checkout, pack));
            replace(&folder, release, pack.is_empty())?;
            for signature in &release.signatures {
                let notes = checkout.folder().join(self.notes(pack, &release.version));
                let path = notes.join(format!("{}.json", signature.key_id));
                let document = serde_json::to_vec_pretty(signature).unwrap_or_default();
                crate::write_atomically(&path, &document, 0o644).map_err(ClientError::io("write", &path))?;
            }
            let message = format!("Publish {} {}", release.name, release.version);
            if self.push(&checkout, &message, Some(&tag)).await? {
                return Ok(PublishOutcome::Created { digest });
            }
        }
        Err(self.git().wrong("its branch moves all the time; try again".to_owned()))
    }

    /// The digest of the version that is there already.
    async fn published_digest(&self, pack: &str, release: &Release) -> Result<Option<Digest>, ClientError> {
        let known = {
            let _open = self.open().await?;
            self.references().await?.into_iter().any(|reference| {
                let tag = reference.strip_prefix("refs/tags/");
                tag.and_then(|tag| self.tagged(pack, tag)).is_some_and(|version| version == release.version)
            })
        };
        if !known {
            return Ok(None);
        }
        let handle = self.tag(pack, &release.version);
        let there = Published { handle, ..Published::of(release.version.clone()) };
        Ok(Some(Digest::of(&self.fetch(pack, &there).await?)))
    }

    async fn is_there(
        &self,
        pack: &str,
        release: &Release,
        digest: Digest,
        there: Digest,
    ) -> Result<PublishOutcome, ClientError> {
        if there != digest {
            let what = format!("{} {}", release.name, release.version);
            return Err(ClientError::Exists { what, registry: self.registry.clone(), digest: Some(there) });
        }
        let published = Published::of(release.version.clone());
        for signature in &release.signatures {
            self.add_signature(pack, &published, signature).await?;
        }
        Ok(PublishOutcome::Same { digest })
    }

    /// Writes one note on the branch, or takes it away.
    pub(super) async fn note(&self, path: &str, content: Option<&[u8]>, message: &str) -> Result<(), ClientError> {
        for _ in 0..MAX_TRIES {
            let checkout = self.checkout().await?;
            let target = checkout.folder().join(path);
            match content {
                Some(content) => {
                    crate::write_atomically(&target, content, 0o644).map_err(ClientError::io("write", &target))?;
                }
                None if target.exists() => fs::remove_file(&target).map_err(ClientError::io("remove", &target))?,
                None => return Ok(()),
            }
            if self.push(&checkout, message, None).await? {
                return Ok(());
            }
        }
        Err(self.git().wrong("its branch moves all the time; try again".to_owned()))
    }

    async fn checkout(&self) -> Result<Checkout, ClientError> {
        let _open = self.open().await?;
        let listed = self.git().run(&["ls-remote", "--symref", "--", &self.source.url, "HEAD"]).await?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let head = listed.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next());
        let branch = self.source.reference.as_deref().or(head).unwrap_or("main").to_owned();
        let scratch = Scratch::beside(&self.mirror)?;
        let git = Git { registry: &self.registry, folder: scratch.path() };
        git.run(&["init", "-q", "."]).await?;
        let reference = format!("refs/heads/{branch}");
        let fetch = ["fetch", "-q", "--depth", "1", "--no-tags", "--", self.source.url.as_str(), &reference];
        match git.try_run(&fetch, None).await? {
            Ended::Well(_) => git.run(&["checkout", "-q", "--detach", "FETCH_HEAD"]).await.map(drop)?,
            // The first pack of an empty repository.
            Ended::Badly(complaint) if complaint.contains("couldn't find remote ref") => {}
            Ended::Badly(complaint) => return Err(git.explain(&fetch, &complaint)),
        }
        Ok(Checkout { scratch, branch })
    }

    /// Where a pack goes: where it is, or beside the others.
    fn target(&self, checkout: &Checkout, pack: &str) -> PathBuf {
        let is_plain = self.source.subdir.is_empty() && !pack.is_empty();
        let is_at_top = checkout.folder().join(pack).is_dir();
        match is_plain && !is_at_top {
            true => PathBuf::from(join(&["packs", pack])),
            false => PathBuf::from(join(&[&self.source.subdir, pack])),
        }
    }

    /// Commits and pushes; false when the branch or the tag has moved meanwhile.
    async fn push(&self, checkout: &Checkout, message: &str, tag: Option<&str>) -> Result<bool, ClientError> {
        let git = Git { registry: &self.registry, folder: checkout.folder() };
        git.run(&["add", "--all", "--force", "."]).await?;
        let known = matches!(git.try_run(&["config", "user.email"], None).await?, Ended::Well(_));
        let mut commit =
            if known { Vec::new() } else { vec!["-c", "user.name=drover", "-c", "user.email=drover@localhost"] };
        let identity = commit.clone();
        commit.extend(["commit", "-q", "--allow-empty", "--no-verify", "-m", message]);
        git.run(&commit).await?;
        let branch = format!("HEAD:refs/heads/{}", checkout.branch);
        let mut push = vec!["push", "-q", "--atomic", "--", self.source.url.as_str(), &branch];
        let tag_reference = tag.map(|tag| format!("refs/tags/{tag}"));
        if let (Some(tag), Some(reference)) = (tag, &tag_reference) {
            let mut make = identity;
            make.extend(["tag", "-a", "-m", message, tag]);
            git.run(&make).await?;
            push.push(reference);
        }
        match git.try_run(&push, None).await? {
            Ended::Well(_) => Ok(true),
            Ended::Badly(complaint) => {
                let moved = ["rejected", "fetch first", "already exists", "cannot lock ref", "failed to update ref"];
                if moved.iter().any(|part| complaint.contains(part)) && !complaint.contains("hook declined") {
                    return Ok(false);
                }
                Err(git.explain(&["push"], &complaint))
            }
        }
    }
}

/// Puts the pack's files in place of those that were there.
fn replace(folder: &Path, release: &Release, is_whole_repository: bool) -> Result<(), ClientError> {
    if is_whole_repository {
        for entry in fs::read_dir(folder).map_err(ClientError::io("read", folder))?.filter_map(Result::ok) {
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                let path = entry.path();
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(ClientError::io("remove", &path))?;
            }
        }
    } else if folder.exists() {
        fs::remove_dir_all(folder).map_err(ClientError::io("remove", folder))?;
    }
    let limits = Limits::default();
    let archive = release.archive.bytes.as_slice();
    if !is_whole_repository {
        unpack(archive, Some(&release.archive.digest), folder, &limits)?;
        return Ok(());
    }
    let beside = folder.join(".new");
    unpack(archive, Some(&release.archive.digest), &beside, &limits)?;
    for entry in fs::read_dir(&beside).map_err(ClientError::io("read", &beside))?.filter_map(Result::ok) {
        let target = folder.join(entry.file_name());
        fs::rename(entry.path(), &target).map_err(ClientError::io("make", &target))?;
    }
    fs::remove_dir(&beside).map_err(ClientError::io("remove", &beside))
}
