//! Compiled policies, kept for as long as nothing of them changes.

use drover_acl::{Acl, Policy};
use drover_model::acl::AclPolicy;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Sets of policies that are kept compiled; when there are more, all are forgotten.
const MAX_COMPILED_SETS: usize = 1024;

/// A policy as it was at one index.
type Version = (String, u64);

/// What sets of policies allow. A change of a policy has another index, so that nothing old is ever used.
pub(crate) struct AclCache {
    management: Arc<Acl>,
    compiled: Mutex<HashMap<Vec<Version>, Arc<Acl>>>,
}

impl Default for AclCache {
    fn default() -> Self {
        Self { management: Arc::new(Acl::management()), compiled: Mutex::default() }
    }
}

impl AclCache {
    pub(crate) fn management(&self) -> Arc<Acl> {
        self.management.clone()
    }

    pub(crate) fn compile(&self, policies: impl IntoIterator<Item = Arc<AclPolicy>>) -> Arc<Acl> {
        let policies: Vec<Arc<AclPolicy>> = policies.into_iter().collect();
        let key: Vec<Version> = policies.iter().map(|policy| (policy.name.clone(), policy.modify_index)).collect();
        if let Some(found) = self.compiled.lock().get(&key) {
            return found.clone();
        }
        // Rules were checked when they were written; what cannot be read any more allows nothing.
        let parsed: Vec<Policy> = policies
            .iter()
            .filter_map(|policy| match Policy::parse(&policy.rules) {
                Ok(parsed) => Some(parsed),
                Err(error) => {
                    tracing::warn!(policy = policy.name, %error, "the rules of a stored policy cannot be read");
                    None
                }
            })
            .collect();
        let acl = Arc::new(Acl::new(&parsed));
        let mut compiled = self.compiled.lock();
        if compiled.len() >= MAX_COMPILED_SETS {
            compiled.clear();
        }
        compiled.insert(key, acl.clone());
        acl
    }
}
