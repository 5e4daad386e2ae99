//! Saved plans: a change plan without secrets, versioned, protected against damage and tampering, applied once.
//!
//! The first line is `drover-plan VERSION`, the second the HMAC-SHA256 of the rest under the stack's key, which is kept in the
//! engine beside the stack's record. Whoever may apply can read that key; whoever only sees the file can neither forge a plan
//! nor guess at a secret from its keyed hash.

use drover_secrets::{Masker, Resolver};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::plan::ChangePlan;
use crate::seal::{SealError, SealedSecret, Sealer, UnsealError, Unsealer, keyed_hash};

const MAGIC: &str = "drover-plan";
const VERSION: u32 = 2;

/// The largest plan file that is read, in bytes.
pub const MAX_PLAN_BYTES: u64 = 64 * 1024 * 1024;

/// A plan file whose authenticity is not yet known.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    mac: String,
    body: String,
    content: Content,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Content {
    /// Of the engine that it was made against, for the person.
    engine: String,
    /// Tells that engine from others: only one of them has the stack's key.
    #[serde(default)]
    engine_id: String,
    plan: Json,
    secrets: Vec<SealedSecret>,
}

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFileError {
    /// It is something else.
    #[error("this is not a plan file; `drover plan -out=FILE` writes one")]
    NotAPlan,
    /// Another version wrote it.
    #[error("the plan file has format {found}, and this drover reads format {VERSION}; plan again")]
    Version {
        /// Its format.
        found: String,
    },
    /// It is cut short or was changed.
    #[error("the plan file is damaged or was changed after it was written; plan again")]
    Damaged,
    /// It was made against another engine.
    #[error(
        "the plan was made against another engine ({made_against}): this one does not have the stack, or has another one of that name"
    )]
    OtherEngine {
        /// The address of that engine then.
        made_against: String,
    },
    /// Its secrets cannot be put back.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
}

/// The text of a plan file.
///
/// # Errors
/// When a secret is used in a way that cannot be undone.
pub fn write(plan: &ChangePlan, engine: &str, masker: &Masker, key: &str) -> Result<String, SealError> {
    let mut sealer = Sealer::new(masker, key.as_bytes());
    let mut plain = serde_json::to_value(plan).expect("a plan always has a JSON form");
    // Only what is written can hold secrets; sealing the rest would mistake a short secret for a part of it.
    for change in plain["changes"].as_array_mut().into_iter().flatten() {
        let sealed = sealer.seal(&change["write"])?;
        change["write"] = sealed;
    }
    for (_, wanted) in plain["wanted"].as_object_mut().into_iter().flatten() {
        let sealed = sealer.seal(&wanted["spec"])?;
        wanted["spec"] = sealed;
    }
    let content =
        Content { engine: engine.to_owned(), engine_id: engine_id(key), plan: plain, secrets: sealer.finish() };
    let body = serde_json::to_string_pretty(&content).expect("a plan always has a JSON form");
    Ok(format!("{MAGIC} {VERSION}\n{}\n{body}\n", keyed_hash(key.as_bytes(), &body)))
}

/// What tells the engine with that key from others, and tells nothing of the key.
fn engine_id(key: &str) -> String {
    keyed_hash(key.as_bytes(), "the engine of a plan").chars().take(16).collect()
}

impl SavedPlan {
    /// Reads a plan file. What it says can be shown; before it is applied it has to be [opened](Self::open).
    ///
    /// # Errors
    /// When it is no plan file or has another format.
    pub fn parse(text: &str) -> Result<Self, PlanFileError> {
        let mut lines = text.splitn(3, '\n');
        let head = lines.next().unwrap_or_default();
        let Some(found) = head.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' ')) else {
            return Err(PlanFileError::NotAPlan);
        };
        if found.trim() != VERSION.to_string() {
            return Err(PlanFileError::Version { found: found.trim().to_owned() });
        }
        let (Some(mac), Some(body)) = (lines.next(), lines.next()) else { return Err(PlanFileError::Damaged) };
        let body = body.strip_suffix('\n').unwrap_or(body).to_owned();
        let content = serde_json::from_str(&body).map_err(|_| PlanFileError::Damaged)?;
        Ok(Self { mac: mac.to_owned(), body, content })
    }

    /// The plan with markers in place of secrets, to be shown.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn preview(&self) -> Result<ChangePlan, PlanFileError> {
        serde_json::from_value(self.content.plan.clone()).map_err(|_| PlanFileError::Damaged)
    }

    /// The engine that it was made against.
    pub fn engine(&self) -> &str {
        &self.content.engine
    }

    /// Checks that the file is what was written under `key`.
    ///
    /// # Errors
    /// When it is not.
    pub fn verify(&self, key: &str) -> Result<(), PlanFileError> {
        // Both sides are hashes under the same key, so comparing them needs no constant time: nothing can be tried quickly here.
        if key.is_empty() || engine_id(key) != self.content.engine_id {
            return Err(PlanFileError::OtherEngine { made_against: self.content.engine.clone() });
        }
        if keyed_hash(key.as_bytes(), &self.body) != self.mac {
            return Err(PlanFileError::Damaged);
        }
        Ok(())
    }

    /// The plan with its secrets, ready to be applied.
    ///
    /// # Errors
    /// When the file is not what was written, or a secret is missing or has changed.
    pub fn open(
        &self,
        key: &str,
        resolver: &Resolver,
        variable: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<ChangePlan, PlanFileError> {
        self.verify(key)?;
        crate::seal::configure(resolver, &self.preview()?.providers);
        let unsealer = Unsealer::new(&self.content.secrets, key.as_bytes(), resolver, variable)?;
        let mut plan = self.content.plan.clone();
        for change in plan["changes"].as_array_mut().into_iter().flatten() {
            let write = unsealer.unseal(&change["write"])?;
            change["write"] = write;
        }
        for (_, wanted) in plan["wanted"].as_object_mut().into_iter().flatten() {
            let spec = unsealer.unseal(&wanted["spec"])?;
            wanted["spec"] = spec;
        }
        serde_json::from_value(plan).map_err(|_| PlanFileError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use drover_secrets::Taint;
    use drover_secrets::providers::EnvProvider;
    use serde_json::json;

    use super::*;
    use crate::desired::{Desired, Resource, Spec};
    use crate::live::Live;
    use crate::plan::{Options, Write, compute};

    fn resolver() -> Resolver {
        let resolver = Resolver::new(Taint::default()).with(EnvProvider::new(|_| Some("hunter2-secret".to_owned())));
        resolver.resolve(&"env:P".parse().unwrap()).unwrap();
        resolver
    }

    fn plan(masker: &Masker) -> ChangePlan {
        let job = json!({"ID": "web", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Env": {"P": "hunter2-secret"}}]}]});
        let resource = Resource::new("job.web", Spec::Job(job));
        let desired =
            Desired { stack: "s".into(), namespace: "default".into(), resources: vec![resource], ..Desired::default() };
        let live = Live { stack: "s".into(), ..Live::default() };
        let options = Options { id: "p1".into(), now: "2026-01-01T00:00:00Z".into(), ..Options::default() };
        compute(&desired, &live, &options, masker).unwrap()
    }

    #[test]
    fn a_saved_plan_holds_no_secret_and_opens_to_the_same_plan() {
        let resolver = resolver();
        let masker = resolver.taint().masker();
        let plan = plan(&masker);
        let text = write(&plan, "http://e", &masker, "key").unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let saved = SavedPlan::parse(&text).unwrap();
        assert_eq!(saved.open("key", &resolver, &|_| vec![]).unwrap(), plan);
        let Write::Job(job) = &saved.preview().unwrap().changes[0].write else { panic!("a job") };
        assert!(!job.to_string().contains("hunter2"));
    }

    #[test]
    fn changed_foreign_and_newer_files_are_refused() {
        let resolver = resolver();
        let masker = resolver.taint().masker();
        let text = write(&plan(&masker), "http://e", &masker, "key").unwrap();
        let tampered = SavedPlan::parse(&text.replace("\"web\"", "\"wab\"")).unwrap();
        assert!(matches!(tampered.open("key", &resolver, &|_| vec![]), Err(PlanFileError::Damaged)));
        let other_key = SavedPlan::parse(&text).unwrap();
        assert!(matches!(other_key.verify("other"), Err(PlanFileError::OtherEngine { .. })));
        assert!(matches!(other_key.verify(""), Err(PlanFileError::OtherEngine { .. })));
        assert!(matches!(SavedPlan::parse("job \"x\" {}"), Err(PlanFileError::NotAPlan)));
        assert!(matches!(SavedPlan::parse("drover-plan 3\nx\n{}"), Err(PlanFileError::Version { .. })));
        assert!(matches!(SavedPlan::parse(&text[..text.len() / 2]), Err(PlanFileError::Damaged)));
    }
}
