//! Making one change, also where the connection breaks in the middle: then it is read again what became of it, so that nothing
//! is written twice and nothing that was written is taken for somebody else's.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::{Instant, sleep};

use super::walk::Walk;
use super::{Event, Interruption};
use crate::desired::Target;
use crate::engine::{Engine, EngineError, Written, is_uncertain, refused, segment, variable_path};
use crate::plan::{Change, Write};
use crate::preview::Node;

/// How long an engine that does not answer is asked again.
pub const RECONNECT_LIMIT: Duration = Duration::from_secs(60);
/// Between two tries.
const RETRY: Duration = Duration::from_millis(500);

/// What became of a write whose answer was lost.
enum Landed {
    /// The thing is as it was written; its index.
    Yes(u64),
    /// The thing is as it was before.
    No,
    /// The thing is something else.
    Otherwise,
}

impl Walk<'_> {
    /// Makes a change; where the answer is lost, finds out whether it was made and makes it if not.
    pub(super) async fn write_surely(&self, change: &Change) -> Result<Written, EngineError> {
        let begin = Instant::now();
        let mut was_lost = false;
        loop {
            let error = match self.write(change).await {
                // What was refused as stale may have been changed by our own write, whose answer was lost.
                Ok(Written::Stale) if was_lost => {
                    return Ok(match self.landed(change).await? {
                        Landed::Yes(index) => Written::Done { evaluation: String::new(), index },
                        Landed::No | Landed::Otherwise => Written::Stale,
                    });
                }
                Err(EngineError::Engine(error)) if is_uncertain(&error) => error,
                Err(EngineError::Engine(error)) if matches!(change.write, Write::Job(_)) => {
                    return Err(refused(error, &change.address, self.options.masker));
                }
                other => return other,
            };
            was_lost = true;
            let reason = self.options.masker.mask(&error.to_string()).into_owned();
            (self.options.report)(&Event::Unreachable { address: change.address.clone(), reason });
            loop {
                if begin.elapsed() >= RECONNECT_LIMIT || *self.options.interruption.borrow() == Interruption::Report {
                    return Err(error.into());
                }
                sleep(RETRY).await;
                match self.landed(change).await {
                    Ok(Landed::Yes(index)) => return Ok(Written::Done { evaluation: String::new(), index }),
                    Ok(Landed::No) => break,
                    Ok(Landed::Otherwise) => return Ok(Written::Stale),
                    Err(EngineError::Engine(error)) if is_uncertain(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn write(&self, change: &Change) -> Result<Written, EngineError> {
        let (target, base) = (&change.target, change.base_index);
        let there = self.engine.of(target)?;
        match (&change.write, target.inner()) {
            (Write::Keep, _) => Ok(Written::Done { evaluation: String::new(), index: base }),
            (Write::Job(job), Target::Job { namespace, .. }) => Ok(there.register(namespace, job, base).await?),
            (Write::Namespace(namespace), _) => there.put_namespace(namespace, base).await,
            (Write::Variables(items), Target::Variables { namespace, path }) => {
                there.put_variables(namespace, path, items, base).await
            }
            (Write::Object(body), _) => self.engine.write_object(target, body, base).await,
            (Write::Recreate(body), _) => self.engine.recreate_object(target, body, base).await,
            _ => self.engine.remove(target, base, self.options.purge).await,
        }
    }

    async fn landed(&self, change: &Change) -> Result<Landed, EngineError> {
        let found = self.engine.raw(&change.target).await?;
        let Some((index, found)) = found else {
            let is_gone = matches!(change.write, Write::Delete);
            return Ok(match (is_gone, change.base_index) {
                (true, _) => Landed::Yes(0),
                (false, 0) => Landed::No,
                (false, _) => Landed::Otherwise,
            });
        };
        if index == change.base_index {
            return Ok(Landed::No);
        }
        let is_ours = match &change.write {
            Write::Delete => matches!(change.target.inner(), Target::Job { .. }) && found["Stop"] == true,
            Write::Job(job) => self.engine.of(&change.target)?.is_same_job(&change.target, job, &found).await?,
            Write::Variables(items) => found["Items"] == *items,
            Write::Keep => true,
            Write::Namespace(written) | Write::Object(written) | Write::Recreate(written) => is_within(written, &found),
        };
        Ok(if is_ours { Landed::Yes(index) } else { Landed::Otherwise })
    }
}

/// Whether everything that `written` says is so in `found`.
fn is_within(written: &Json, found: &Json) -> bool {
    match written {
        Json::Object(members) => members.iter().all(|(name, value)| is_within(value, &found[name])),
        Json::String(text) if text.is_empty() => found.is_null() || found == written,
        other => found == other,
    }
}

impl Engine {
    /// Whether the engine holds exactly this job, its owner included.
    async fn is_same_job(&self, target: &Target, job: &Json, found: &Json) -> Result<bool, EngineError> {
        let Target::Job { namespace, id } = target.inner() else { return Ok(false) };
        let owner = |job: &Json| crate::owner::Owner::read(&job["Meta"]);
        if found["Stop"] == true || owner(job) != owner(found) {
            return Ok(false);
        }
        let answer = self.dry_run(namespace, id, job).await?;
        Ok(Node::from_job_diff(&answer["Diff"]).is_unchanged())
    }

    /// Removes a thing if its index is still `base`.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn remove(&self, target: &Target, base: u64, purge: crate::Purge) -> Result<Written, EngineError> {
        let there = self.of(target)?;
        match target.inner() {
            Target::Job { namespace, id } => there.stop(namespace, id, base, purge).await,
            Target::Namespace { name } => there.delete_namespace(name, base).await,
            Target::Variables { namespace, path } => there.delete_variables(namespace, path, base).await,
            Target::Object { .. } | Target::At { .. } => self.delete_object(target, base).await,
        }
    }

    /// A thing as the engine shows it, with its index; none when it is not there.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub(crate) async fn raw(&self, target: &Target) -> Result<Option<(u64, Json)>, EngineError> {
        let there = self.of(target)?;
        let (found, index) = match target.inner() {
            Target::Job { namespace, id } => (there.job_json(namespace, id).await?, "JobModifyIndex"),
            Target::Namespace { name } => {
                (there.found(&format!("/v1/namespace/{}", segment(name)), "default").await?, "ModifyIndex")
            }
            Target::Variables { namespace, path } => {
                (there.found(&variable_path(path), namespace).await?, "ModifyIndex")
            }
            Target::Object { .. } | Target::At { .. } => {
                return Ok(there.object(target).await?.map(|found| (found.index, found.body)));
            }
        };
        Ok(found.map(|json| (json[index].as_u64().unwrap_or(0), json)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_found_in_what_the_engine_shows() {
        let written = json!({"Name": "shop", "Description": "", "Meta": {"drover.stack": "s"}});
        let shown = json!({"Name": "shop", "Meta": {"drover.stack": "s"}, "Quota": "", "ModifyIndex": 5});
        assert!(is_within(&written, &shown));
        assert!(!is_within(&written, &json!({"Name": "shop", "Meta": {"drover.stack": "t"}})));
    }
}
