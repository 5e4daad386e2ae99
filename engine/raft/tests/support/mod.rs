//! A state machine for tests: the list of all commands.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use drover_raft::{BoxError, Config, Consensus, SnapshotFn, StateMachine};
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct Words(pub Mutex<Vec<String>>);

impl StateMachine for Words {
    type Command = String;
    /// Index and number of words.
    type Outcome = (u64, usize);

    fn encode(&self, command: &String) -> Result<Vec<u8>, BoxError> {
        Ok(command.clone().into_bytes())
    }
    fn decode(&self, bytes: &[u8]) -> Result<String, BoxError> {
        Ok(String::from_utf8(bytes.to_vec())?)
    }
    fn apply(&self, index: u64, command: &String) -> (u64, usize) {
        let mut words = self.0.lock().unwrap();
        words.push(command.clone());
        assert_eq!(words.len() as u64, index, "indexes count commands without gaps");
        (index, words.len())
    }
    fn snapshot(&self) -> SnapshotFn {
        let words = self.0.lock().unwrap().clone();
        Box::new(move || Ok(words.join("\n").into_bytes()))
    }
    fn restore(&self, bytes: &[u8]) -> Result<(), BoxError> {
        let text = std::str::from_utf8(bytes)?;
        *self.0.lock().unwrap() = text.split('\n').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Ok(())
    }
}

pub fn config(dir: &Path) -> Config {
    Config { data_dir: Some(dir.to_owned()), ..Config::default() }
}

pub async fn open(config: Config) -> (Consensus<Words>, Arc<Words>) {
    let machine = Arc::new(Words::default());
    (Consensus::open(config, machine.clone()).await.unwrap(), machine)
}
