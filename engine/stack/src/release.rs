//! What a release wanted, resource by resource and without secrets, kept in the engine's variables beside the stack's record:
//! what `drift` compares with and `undo` goes back to.
//!
//! A release lies at `drover/stacks/NAME/releases/NUMBER`, compressed, and goes on at `…/NUMBER/2` and so on where one variable
//! cannot hold it.

use std::collections::BTreeMap;

use drover_sdk::{Method, NO_BODY, Query};
use drover_secrets::{Masker, ProviderSettings, Resolver};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::desired::{Desired, EngineChoice, Resource, Target};
use crate::engine::{Engine, EngineError, variable_path};
use crate::graph;
use crate::packed::{MAX_VARIABLE_BYTES, pack, unpack};
use crate::plan::Wanted;
use crate::record::{self, MAX_HISTORY};
use crate::seal::{SealedSecret, Sealer, UnsealError, Unsealer};

/// Variables that one release may take; together they hold about a megabyte, compressed.
const MAX_PARTS: usize = 16;
/// The room for a part's text, in bytes: the rest is for names.
const PART_BYTES: usize = MAX_VARIABLE_BYTES - 1024;
/// The format written; a newer one is refused.
const VERSION: u32 = 1;
/// The item that holds a part's text.
const ITEM: &str = "release";
/// The item of the first part that says how many there are.
const PARTS_ITEM: &str = "parts";

/// What a release wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    /// The release's number.
    pub number: u64,
    /// The engines that its `engine "name"` blocks named, without their tokens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub engines: BTreeMap<String, EngineChoice>,
    /// Where its secrets come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<ProviderSettings>,
    /// Its resources, by address.
    pub resources: BTreeMap<String, Kept>,
}

/// A resource as a release wanted it, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The thing in the engine.
    pub target: Target,
    /// [`Wanted`] in its JSON form, with a marker in place of each secret; why it could not be kept where it is a text.
    wanted: Json,
    /// What the markers stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<SealedSecret>,
}

/// Why a release cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The engine could not be asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It is not kept.
    #[error("release {number} of stack {stack} is not kept; `drover history` lists those that are")]
    Missing {
        /// The stack.
        stack: String,
        /// Its number.
        number: u64,
    },
    /// It is something else.
    #[error("what is kept of release {number} is damaged, or was written by a newer drover")]
    Damaged {
        /// Its number.
        number: u64,
    },
    /// A resource's definition could not be kept.
    #[error("release {number} does not hold {address}: {reason}")]
    NotKept {
        /// The release.
        number: u64,
        /// The resource.
        address: String,
        /// Why.
        reason: String,
    },
    /// A secret cannot be had.
    #[error("{address}: {source}")]
    Secret {
        /// The resource.
        address: String,
        /// Why.
        #[source]
        source: Box<UnsealError>,
    },
}

impl Kept {
    /// `wanted` without its secrets, which are remembered by reference and by a hash under the stack's key.
    pub fn seal(target: Target, wanted: &Wanted, masker: &Masker, key: &str) -> Self {
        let mut plain = serde_json::to_value(wanted).expect("a resource always has a JSON form");
        let mut sealer = Sealer::new(masker, key.as_bytes());
        let sealed = sealer.seal(&plain["spec"]);
        match sealed {
            Ok(spec) => {
                plain["spec"] = spec;
                Self { target, wanted: plain, secrets: sealer.finish() }
            }
            Err(error) => Self { target, wanted: Json::String(error.to_string()), secrets: Vec::new() },
        }
    }

    /// The resource with markers in place of secrets, to be shown; why there is none otherwise.
    ///
    /// # Errors
    /// The reason for which it could not be kept.
    pub fn shown(&self) -> Result<&Json, &str> {
        self.wanted.as_str().map_or(Ok(&self.wanted), Err)
    }

    /// The references and variables that the secrets came from.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(SealedSecret::name)
    }
}

impl Snapshot {
    /// An empty one.
    pub fn new(number: u64, engines: &BTreeMap<String, EngineChoice>) -> Self {
        Self { version: VERSION, number, engines: engines.clone(), providers: Vec::new(), resources: BTreeMap::new() }
    }

    /// The release as a stack wants it, with its secrets got anew: they have the values of today.
    ///
    /// # Errors
    /// When a resource was not kept or a secret cannot be had.
    pub fn desired(
        &self,
        stack: &str,
        namespace: &str,
        resolver: &Resolver,
        key: &str,
        variable: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Desired, SnapshotError> {
        crate::seal::configure(resolver, &self.providers);
        let mut resources = BTreeMap::new();
        for (address, kept) in &self.resources {
            let wanted = self.open(address, kept, resolver, key, variable)?;
            resources.insert(address.clone(), wanted);
        }
        let dependencies =
            resources.iter().map(|(address, wanted)| (address.clone(), wanted.depends_on.clone())).collect();
        // It was written from an ordered plan; if somebody changed it, any order does, and the engine's refusal says the rest.
        let order = graph::order(&dependencies).unwrap_or_else(|_| resources.keys().cloned().collect());
        let resources = order.into_iter().filter_map(|address| {
            let Wanted { spec, depends_on, wait, timeout, engine, ignore } = resources.remove(&address)?;
            Some(Resource { depends_on, wait, timeout, engine, ignore, ..Resource::new(address, spec) })
        });
        Ok(Desired {
            stack: stack.to_owned(),
            namespace: namespace.to_owned(),
            resources: resources.collect(),
            engines: self.engines.clone(),
            providers: self.providers.clone(),
            ..Desired::default()
        })
    }

    fn open(
        &self,
        address: &str,
        kept: &Kept,
        resolver: &Resolver,
        key: &str,
        variable: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Wanted, SnapshotError> {
        let number = self.number;
        let wanted = kept.shown().map_err(|reason| SnapshotError::NotKept {
            number,
            address: address.to_owned(),
            reason: reason.to_owned(),
        })?;
        let secret = |source| SnapshotError::Secret { address: address.to_owned(), source: Box::new(source) };
        let unsealer = Unsealer::anew(&kept.secrets, key.as_bytes(), resolver, variable).map_err(secret)?;
        let mut plain = wanted.clone();
        plain["spec"] = unsealer.unseal(&plain["spec"]).map_err(secret)?;
        serde_json::from_value(plain).map_err(|_| SnapshotError::Damaged { number })
    }

    fn to_parts(&self) -> Option<Vec<String>> {
        let packed = pack(&serde_json::to_string(self).expect("a release always has a JSON form"));
        // Base64 is ASCII, so that every place is the border of a character.
        let parts: Vec<String> =
            packed.as_bytes().chunks(PART_BYTES).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        (parts.len() <= MAX_PARTS).then_some(parts)
    }
}

fn folder(stack: &str) -> String {
    format!("{}/releases/", record::path(stack))
}

fn part_path(stack: &str, number: u64, part: usize) -> String {
    let first = format!("{}{number:08}", folder(stack));
    if part == 0 { first } else { format!("{first}/{}", part + 1) }
}

impl Engine {
    /// Keeps a release, and forgets those that are too old. Answers whether it could be kept: very large ones cannot.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn keep_release(&self, stack: &str, namespace: &str, release: &Snapshot) -> Result<bool, EngineError> {
        let Some(parts) = release.to_parts() else { return Ok(false) };
        // The first part comes last: while it is missing, there is no such release.
        for (place, text) in parts.iter().enumerate().rev() {
            let mut items = json!({ITEM: text});
            if place == 0 {
                items[PARTS_ITEM] = json!(parts.len().to_string());
            }
            self.overwrite_variables(namespace, &part_path(stack, release.number, place), &items).await?;
        }
        let oldest = release.number.saturating_sub(MAX_HISTORY as u64);
        self.forget_releases(stack, namespace, &|number| number <= oldest).await?;
        Ok(true)
    }

    /// Reads a release.
    ///
    /// # Errors
    /// When it is not kept or not understood, or the engine cannot be asked.
    pub async fn release(&self, stack: &str, namespace: &str, number: u64) -> Result<Snapshot, SnapshotError> {
        let missing = || SnapshotError::Missing { stack: stack.to_owned(), number };
        let damaged = || SnapshotError::Damaged { number };
        let first = self.items(namespace, &part_path(stack, number, 0)).await?.ok_or_else(missing)?;
        let count = first.get(PARTS_ITEM).and_then(|count| count.parse::<usize>().ok()).ok_or_else(damaged)?;
        let mut packed = first.get(ITEM).cloned().ok_or_else(damaged)?;
        for part in 1..count.min(MAX_PARTS) {
            let items = self.items(namespace, &part_path(stack, number, part)).await?.ok_or_else(damaged)?;
            packed.push_str(items.get(ITEM).ok_or_else(damaged)?);
        }
        let text = unpack(&packed).ok_or_else(damaged)?;
        let release: Snapshot = serde_json::from_str(&text).map_err(|_| damaged())?;
        if release.version > VERSION { Err(damaged()) } else { Ok(release) }
    }

    /// Forgets a stack of which nothing is left: its record, and what is kept of its releases.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn forget(&self, stack: &str, namespace: &str) -> Result<(), EngineError> {
        self.forget_releases(stack, namespace, &|_| true).await?;
        let query = Query::new().namespace(namespace);
        self.client().send::<Json, _>(Method::Delete, &variable_path(&record::path(stack)), &query, NO_BODY).await?;
        Ok(())
    }

    /// Removes what is kept of the releases that `is_forgotten` names.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn forget_releases(
        &self,
        stack: &str,
        namespace: &str,
        is_forgotten: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<(), EngineError> {
        let folder = folder(stack);
        let query = Query::new().namespace(namespace).prefix(&folder);
        let list: Vec<Json> = self.client().get("/v1/vars", &query).await?.value;
        let paths = list.iter().filter_map(|stub| stub["Path"].as_str()).filter(|path| {
            let rest = path.strip_prefix(&folder).unwrap_or_default();
            let number = rest.split('/').next().and_then(|number| number.parse().ok());
            number.is_some_and(is_forgotten)
        });
        for path in paths {
            let query = Query::new().namespace(namespace);
            self.client().send::<Json, _>(Method::Delete, &variable_path(path), &query, NO_BODY).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use drover_secrets::Taint;
    use drover_secrets::providers::EnvProvider;

    use super::*;
    use crate::desired::{DEFAULT_TIMEOUT, Spec, Wait};

    fn resolver(value: &'static str) -> Resolver {
        Resolver::new(Taint::default()).with(EnvProvider::new(move |_| Some(value.to_owned())))
    }

    fn wanted(value: &str) -> Wanted {
        let job = json!({"ID": "web", "Meta": {"p": value}});
        Wanted {
            spec: Spec::Job(job),
            depends_on: BTreeSet::new(),
            wait: Wait::Running,
            timeout: DEFAULT_TIMEOUT,
            engine: None,
            ignore: vec![],
        }
    }

    fn target() -> Target {
        Target::Job { namespace: "default".into(), id: "web".into() }
    }

    #[test]
    fn a_release_holds_no_secret_and_comes_back_with_the_value_of_today() {
        let old = resolver("hunter2-secret");
        old.resolve(&"env:P".parse().unwrap()).unwrap();
        let kept = Kept::seal(target(), &wanted("hunter2-secret"), &old.taint().masker(), "key");
        let mut release = Snapshot::new(3, &BTreeMap::new());
        release.resources.insert("job.web".into(), kept);
        let text = serde_json::to_string(&release).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let read: Snapshot = serde_json::from_str(&text).unwrap();
        let desired = read.desired("s", "default", &resolver("new-value"), "key", &|_| vec![]).unwrap();
        let Spec::Job(job) = &desired.resources[0].spec else { panic!("a job") };
        assert_eq!(job["Meta"]["p"], "new-value");
        assert_eq!(desired.resources[0].wait, Wait::Running);
    }

    #[test]
    fn what_cannot_be_kept_without_its_secret_is_left_out_and_says_so() {
        let resolver = resolver("hunter2-secret");
        resolver.resolve(&"env:P".parse().unwrap()).unwrap();
        let mut wanted = wanted("x");
        wanted.spec = Spec::Job(json!({"ID": "web", "Meta": {"hunter2-secret": "x"}}));
        let kept = Kept::seal(target(), &wanted, &resolver.taint().masker(), "key");
        assert!(!serde_json::to_string(&kept).unwrap().contains("hunter2"));
        let mut release = Snapshot::new(3, &BTreeMap::new());
        release.resources.insert("job.web".into(), kept);
        let error = release.desired("s", "default", &resolver, "key", &|_| vec![]).unwrap_err();
        assert!(error.to_string().contains("job.web") && error.to_string().contains("name"), "{error}");
    }

    #[test]
    fn a_large_release_takes_several_variables() {
        let mut release = Snapshot::new(1, &BTreeMap::new());
        for n in 0..400 {
            // What compresses badly.
            let noise: String = (0..8).map(|part| crate::seal::keyed_hash(b"k", &format!("{n}/{part}"))).collect();
            let kept = Kept::seal(target(), &wanted(&noise), &Taint::default().masker(), "key");
            release.resources.insert(format!("job.web-{n}"), kept);
        }
        let parts = release.to_parts().unwrap();
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= MAX_VARIABLE_BYTES), "{}", parts.len());
        assert_eq!(serde_json::from_str::<Snapshot>(&unpack(&parts.concat()).unwrap()).unwrap(), release);
        assert_eq!(part_path("shop", 7, 0), "drover/stacks/shop/releases/00000007");
        assert_eq!(part_path("shop", 7, 1), "drover/stacks/shop/releases/00000007/2");
    }
}
