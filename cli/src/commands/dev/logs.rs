//! What all tasks of some jobs say, line by line, each with the task's name before it.

use super::watch::Watch;
use crate::output::{self, Colour, paint};
use drover_sdk::{Client, LogOptions, Origin, Query};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Between two looks for new tasks.
const LOOK: Duration = Duration::from_secs(1);
/// The longest line, in bytes; a longer one is shown in parts.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// One stream of one task of one allocation.
type Stream = (String, String, &'static str);

/// How far each stream was read, so that nothing is shown twice.
#[derive(Clone, Default)]
pub struct Logs {
    read: Arc<Mutex<BTreeMap<Stream, u64>>>,
}

impl Logs {
    /// Shows logs until something is saved (true) or the person ends it (false).
    pub async fn follow_until(&mut self, client: &Client, jobs: &[(String, String)], watch: &mut Watch) -> bool {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return false;
        };
        tokio::select! {
            () = watch.saved() => true,
            _ = interrupt.recv() => false,
            _ = terminate.recv() => false,
            () = self.follow(client, jobs) => true,
        }
    }

    /// Looks for tasks again and again, and shows what each of them says.
    async fn follow(&self, client: &Client, jobs: &[(String, String)]) {
        let mut known: BTreeSet<Stream> = BTreeSet::new();
        let mut streams = JoinSet::new();
        loop {
            for (namespace, id) in jobs {
                for (stream, name) in tasks(client, namespace, id).await {
                    if known.insert(stream.clone()) {
                        let (client, logs) = (client.in_namespace(namespace), self.clone());
                        streams.spawn(async move { logs.show(&client, stream, &name).await });
                    }
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Shows one stream to its end.
    async fn show(&self, client: &Client, stream: Stream, name: &str) {
        let offset = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).copied().unwrap_or(0);
        let options = LogOptions { follow: true, origin: Origin::Start, offset };
        // A task that is just starting has no log yet, and one that is gone has none any more.
        let Ok(mut frames) = client.logs(&stream.0, &stream.1, stream.2, &options).await else { return };
        let mut line = Vec::new();
        while let Ok(Some(frame)) = frames.next().await {
            for byte in &frame.data {
                if *byte != b'\n' && line.len() < MAX_LINE_BYTES {
                    line.push(*byte);
                    continue;
                }
                print(name, stream.2, &line);
                line.clear();
                if *byte != b'\n' {
                    line.push(*byte);
                }
            }
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            *read.entry(stream.clone()).or_default() += frame.data.len() as u64;
        }
        if !line.is_empty() {
            print(name, stream.2, &line);
        }
    }
}

/// The streams of a job's tasks that have begun, with the name to show.
async fn tasks(client: &Client, namespace: &str, id: &str) -> Vec<(Stream, String)> {
    let query = Query::new().namespace(namespace).filter(&format!("JobID == {id:?}")).param("task_states", "true");
    // An engine that does not answer for a moment is asked again.
    let Ok(answer) = client.get::<Vec<Value>>("/v1/allocations", &query).await else { return Vec::new() };
    let mut found = Vec::new();
    for alloc in answer.value.iter().filter(|alloc| alloc["DesiredStatus"] == "run") {
        let alloc_id = alloc["ID"].as_str().unwrap_or_default();
        for (task, state) in alloc["TaskStates"].as_object().into_iter().flatten() {
            let has_begun = state["StartedAt"].as_str().is_some_and(|at| !at.starts_with("0001-"));
            if !has_begun {
                continue;
            }
            let name = format!("{id}/{task} {}", drover_base::short_id(alloc_id));
            for kind in ["stdout", "stderr"] {
                found.push(((alloc_id.to_owned(), task.clone(), kind), name.clone()));
            }
        }
    }
    found
}

fn print(name: &str, kind: &str, line: &[u8]) {
    let colour = if kind == "stderr" { Colour::Red } else { Colour::Green };
    output::line(&format!("{} {}", paint(colour, &format!("{name} |")), String::from_utf8_lossy(line).trim_end()));
}
