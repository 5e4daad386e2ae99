//! What happens before a task starts: its directories, a dispatched payload, artifacts, templates.
//!
//! One file per hook. They run in this order, once per allocation; a failure goes to the restart policy.

pub mod artifacts;
pub mod dispatch;
pub mod templates;

use crate::alloc::dir::AllocDir;
use crate::task::core::{Failure, Retry};
use crate::task::env::TaskEnv;
use crate::task::events;
use drover_base::UnixNanos;
use drover_model::{Job, Task, TaskEvent};
use std::path::{Component, Path, PathBuf};
use tokio::sync::mpsc;

/// What hooks work with.
#[derive(Debug)]
pub struct HookContext<'a> {
    /// The job.
    pub job: &'a Job,
    /// The task.
    pub task: &'a Task,
    /// The allocation's directories.
    pub dir: &'a AllocDir,
    /// The task's environment so far.
    pub env: &'a TaskEnv,
    /// Where events go while hooks run.
    pub notes: &'a mpsc::UnboundedSender<TaskEvent>,
    /// Whether artifacts may come from the host's own files.
    pub allows_file_artifacts: bool,
}

/// Runs all of them.
pub async fn run(context: &HookContext<'_>) -> Result<(), Failure> {
    let now = UnixNanos::now;
    context.dir.build_task(&context.task.name).map_err(|error| Failure {
        event: events::setup_failure(now(), &format!("failed to build task directory: {error}")),
        retry: Retry::ByPolicy,
    })?;
    dispatch::run(context)
        .map_err(|error| Failure { event: events::setup_failure(now(), &error), retry: Retry::AlreadySaid })?;
    if !context.task.artifacts.is_empty() {
        // A closed channel means that nobody waits for the task any more.
        let _ = context.notes.send(events::downloading_artifacts(now()));
        artifacts::run(context).await.map_err(|error| Failure {
            retry: if error.may_pass() { Retry::ByPolicy } else { Retry::Never },
            event: events::artifact_download_failed(now(), &error.to_string()),
        })?;
    }
    templates::run(context)
        .map_err(|error| Failure { event: events::setup_failure(now(), &error.to_string()), retry: Retry::AlreadySaid })
}

/// Why a path of a job cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// It leads out of the task's and the shared directory.
    #[error("path {0:?} escapes the allocation's directory")]
    Escapes(String),
    /// The file system's answer.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
}

impl HookContext<'_> {
    /// The place that a job's path means: relative to the task's directory, and inside of it or of the shared one.
    /// Makes the directories above it.
    pub fn destination(&self, path: &str) -> Result<PathBuf, PathError> {
        let root = self.dir.task(&self.task.name);
        let escapes = || PathError::Escapes(path.to_owned());
        let place = self.visible(Path::new(path)).ok_or_else(escapes)?;
        let parent = place.parent().unwrap_or(&root);
        let io = |error| PathError::Io(path.to_owned(), error);
        std::fs::create_dir_all(parent).map_err(io)?;
        // A link that an earlier artifact brought must not lead out either.
        let real = parent.canonicalize().map_err(io)?;
        let allowed = [&root, &self.dir.shared()];
        let inside = allowed.iter().any(|dir| dir.canonicalize().is_ok_and(|dir| real.starts_with(dir)));
        if inside { Ok(place) } else { Err(escapes()) }
    }

    fn visible(&self, path: &Path) -> Option<PathBuf> {
        let root = self.dir.task(&self.task.name);
        let shared = self.dir.shared();
        if path.starts_with(&root) || path.starts_with(&shared) {
            return normal(path);
        }
        // Inside of a task without host paths, `/alloc` is the shared directory and `/local` the task's.
        let path = path.strip_prefix("/").unwrap_or(path);
        let place = match path.strip_prefix("alloc") {
            Ok(rest) if self.env.get("NOMAD_ALLOC_DIR").as_deref() == Some("/alloc") => normal(&shared.join(rest))?,
            _ => normal(&root.join(path))?,
        };
        (place.starts_with(&root) || place.starts_with(&shared)).then_some(place)
    }
}

/// A path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::task::env::{EnvSource, VisiblePaths};
    use drover_model::{Allocation, Node, TextMap};

    /// Calls `test` with a context for `task` in a directory of its own.
    pub async fn with_context<T>(job: Job, task: Task, test: impl AsyncFnOnce(&HookContext<'_>) -> T) -> T {
        let base = tempfile::tempdir().unwrap();
        let dir = AllocDir::new(base.path(), "a");
        dir.build().unwrap();
        let (notes, _events) = mpsc::unbounded_channel();
        let env = TaskEnv::build(&EnvSource {
            alloc: &Allocation::default(),
            task: &task,
            node: &Node::default(),
            region: "global",
            paths: &VisiblePaths::default(),
            host: None,
            templates: &TextMap::new(),
        });
        dir.build_task(&task.name).unwrap();
        let context =
            HookContext { job: &job, task: &task, dir: &dir, env: &env, notes: &notes, allows_file_artifacts: true };
        let result = test(&context).await;
        dir.destroy().unwrap();
        result
    }

    #[tokio::test]
    async fn destinations_stay_inside() {
        let task = Task { name: "t".into(), ..Task::default() };
        with_context(Job::default(), task, async |context| {
            assert!(context.destination("local/a/b").unwrap().ends_with("t/local/a/b"));
            assert!(context.destination("../alloc/data/x").unwrap().ends_with("alloc/data/x"));
            assert!(matches!(context.destination("../../x"), Err(PathError::Escapes(_))));
            assert!(matches!(context.destination("../other/x"), Err(PathError::Escapes(_))));
            std::os::unix::fs::symlink("/tmp", context.dir.task("t").join("local/out")).unwrap();
            assert!(matches!(context.destination("local/out/x"), Err(PathError::Escapes(_))));
        })
        .await;
    }
}
