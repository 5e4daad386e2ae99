//! What `sync` knows of a stack that follows a repository, kept in the engine's variables at `drover/stacks/NAME/sync`: so it
//! survives restarts, and whoever may read it sees how far it is.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{Engine, EngineError, Written};
use crate::record;

/// Rounds that are kept.
const MAX_ROUNDS: usize = 20;
/// As much of a message is kept, in characters.
const MAX_MESSAGE: usize = 1000;
/// The item that holds it.
const ITEM: &str = "state";

/// How far a stack follows its repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncState {
    /// Whether somebody paused it: nothing is applied until it is resumed.
    pub paused: bool,
    /// Who paused it, and when.
    pub paused_by: String,
    /// The repository.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The folder in it.
    pub path: String,
    /// The last rounds in which something happened, newest first.
    pub rounds: Vec<Round>,
}

/// A round in which something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Round {
    /// When, RFC 3339.
    pub at: String,
    /// The commit.
    pub commit: String,
    /// How it ended.
    pub result: RoundResult,
    /// In a sentence.
    pub message: String,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoundResult {
    /// The engine holds what the commit wants.
    #[default]
    Synced,
    /// It was planned only, and there are changes.
    Planned,
    /// The engine drifted, and healing is not wanted.
    Drifted,
    /// The commit was refused: its signature, a policy, too many deletions.
    Refused,
    /// The commit is wrong, or applying it failed.
    Failed,
}

impl RoundResult {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Planned => "planned",
            Self::Drifted => "drifted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl SyncState {
    /// Notes a round, unless it says the same as the one before.
    pub fn note(&mut self, round: Round) -> bool {
        let is_same =
            |last: &Round| (&last.commit, last.result, &last.message) == (&round.commit, round.result, &round.message);
        if self.rounds.first().is_some_and(is_same) {
            return false;
        }
        let message = round.message.chars().take(MAX_MESSAGE).collect();
        self.rounds.insert(0, Round { message, ..round });
        self.rounds.truncate(MAX_ROUNDS);
        true
    }

    /// The last round of a commit.
    pub fn last_of(&self, commit: &str) -> Option<&Round> {
        self.rounds.iter().find(|round| round.commit == commit)
    }
}

fn path(stack: &str) -> String {
    format!("{}/sync", record::path(stack))
}

impl Engine {
    /// How far the stack follows its repository, and the index of that; an empty one with index 0 when it never did.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn sync_state(&self, stack: &str, namespace: &str) -> Result<(SyncState, u64), EngineError> {
        let Some(found) = self.variables(namespace, &path(stack)).await? else { return Ok((SyncState::default(), 0)) };
        // What is not understood is written anew: it is only what was seen.
        let state = found.items.get(ITEM).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Ok((state, found.index))
    }

    /// Changes that, also when somebody else does at the same time.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn change_sync_state(
        &self,
        stack: &str,
        namespace: &str,
        change: &(dyn Fn(&mut SyncState) + Send + Sync),
    ) -> Result<SyncState, EngineError> {
        loop {
            let (before, index) = self.sync_state(stack, namespace).await?;
            let mut state = before.clone();
            change(&mut state);
            if state == before {
                return Ok(state);
            }
            let text = serde_json::to_string(&state).expect("a state always has a JSON form");
            let written = self.put_variables(namespace, &path(stack), &json!({ITEM: text}), index).await?;
            if written != Written::Stale {
                return Ok(state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(commit: &str, result: RoundResult) -> Round {
        Round { at: "now".into(), commit: commit.into(), result, message: "x".repeat(5000) }
    }

    #[test]
    fn rounds_are_noted_when_something_is_new_and_the_oldest_go() {
        let mut state = SyncState::default();
        for n in 0..30 {
            state.note(round(&n.to_string(), RoundResult::Synced));
        }
        assert_eq!((state.rounds.len(), state.rounds[0].commit.as_str()), (MAX_ROUNDS, "29"));
        let short = Round { message: String::new(), ..round("29", RoundResult::Failed) };
        assert!(state.note(short.clone()) && !state.note(short), "the same is not noted twice");
        assert_eq!(state.last_of("29").unwrap().result, RoundResult::Failed);
        assert!(serde_json::to_string(&state).unwrap().len() < 32_000, "it fits into a variable");
    }
}
