//! What the scheduler is handed from outside.

use drover_base::{AllocId, DeploymentId, EvalId, UnixNanos, uuid};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Time and randomness for one call.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Ids, the order of nodes and dynamic ports come from it. Ids of two calls with the same seed are
    /// the same: use a new one for every call, also for another attempt.
    pub seed: u64,
    /// The current time.
    pub now: UnixNanos,
}

/// Ids from a seed.
pub(crate) struct Ids(SmallRng);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }
    pub(crate) fn alloc(&mut self) -> AllocId {
        AllocId::from(uuid::from_rng(&mut self.0))
    }
    pub(crate) fn eval(&mut self) -> EvalId {
        EvalId::from(uuid::from_rng(&mut self.0))
    }
    pub(crate) fn deployment(&mut self) -> DeploymentId {
        DeploymentId::from(uuid::from_rng(&mut self.0))
    }
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}
