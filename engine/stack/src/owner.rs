//! Ownership: who a job belongs to is written on the job.

use serde_json::{Map, Value as Json};

/// Job meta: the stack that owns the job.
pub const META_STACK: &str = "drover.stack";
/// Job meta: the job's address in the stack.
pub const META_RESOURCE: &str = "drover.resource";
/// Job meta: the release that last replaced all of the job's allocations.
pub const META_RELEASE: &str = "drover.release";

/// Who owns a live thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The stack's name.
    pub stack: String,
    /// The address in it.
    pub resource: String,
    /// The release that is written on it.
    pub release: String,
}

impl Owner {
    /// The owner written in the meta of a job or namespace.
    pub fn read(meta: &Json) -> Option<Self> {
        let text = |key: &str| meta[key].as_str().unwrap_or_default().to_owned();
        let owner = Self { stack: text(META_STACK), resource: text(META_RESOURCE), release: text(META_RELEASE) };
        (!owner.stack.is_empty()).then_some(owner)
    }

    /// Writes the owner into a job's meta.
    ///
    /// The engine restarts a task whose meta changes, so a release is only written when the job is new or replaced as a whole
    /// (see [`crate::plan`]); a mere change of count keeps the release that is there.
    pub fn write(&self, job: &mut Json) {
        let Some(job) = job.as_object_mut() else { return };
        let meta = job.entry("Meta").or_insert(Json::Null);
        if !meta.is_object() {
            *meta = Json::Object(Map::new());
        }
        for (key, value) in [(META_STACK, &self.stack), (META_RESOURCE, &self.resource), (META_RELEASE, &self.release)]
        {
            meta[key] = Json::String(value.clone());
        }
    }
}

/// Whether a diff's field is ours rather than the person's.
pub fn is_own_field(name: &str) -> bool {
    name == "Meta[drover.release]"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_owner_survives_a_round_through_a_job() {
        let owner = Owner { stack: "shop".into(), resource: "job.web".into(), release: "3".into() };
        let mut job = json!({"ID": "web", "Meta": null});
        owner.write(&mut job);
        assert_eq!(Owner::read(&job["Meta"]), Some(owner));
        assert_eq!(Owner::read(&json!({"team": "x"})), None);
    }
}
