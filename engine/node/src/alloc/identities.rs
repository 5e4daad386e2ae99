//! What a runner does for the identities of its tasks while they run: the API at their sockets, and renewal.

use super::runner::AllocRunner;
use super::shell::{abort, send};
use super::view::Message;
use crate::identity::task_api;
use crate::identity::workload::{Bearer, given};
use crate::task::core::TaskInput;
use crate::task::events;
use drover_base::UnixNanos;
use drover_drivers::{Driver, TaskHandle};
use drover_model::WorkloadIdentity;
use std::sync::Arc;
use tokio::sync::mpsc;

impl AllocRunner {
    /// Opens the task's socket, unless it is open.
    pub(super) fn offer_api(&mut self, number: usize) {
        if self.shells[number].api.is_some() {
            return;
        }
        let name = self.core.slots()[number].name.clone();
        match task_api::open(&self.context, &self.dir, &name) {
            Ok(api) => self.shells[number].api = Some(api),
            Err(error) => tracing::warn!(alloc = %self.alloc.id, task = name, %error, "the task has no API socket"),
        }
    }

    /// Renews what ends, and tells the task as its job wants it.
    pub(super) fn renew_identities(&mut self, number: usize) {
        abort(&mut self.shells[number].renewal);
        let Some(task) = self.task(number).cloned() else { return };
        if given(&task).all(|(_, identity)| identity.ttl.0 <= 0) {
            return;
        }
        let shell = &self.shells[number];
        let running = shell.driver.clone().zip(shell.handle.clone());
        let (context, alloc, dir) = (Arc::clone(&self.context), Arc::clone(&self.alloc), self.dir.clone());
        let sender = self.sender.clone();
        let work = self.context.spawn(async move {
            let bearer = Bearer { context: &context, alloc: &alloc, task: &task, dir: &dir };
            let mut tokens = match bearer.prepare().await {
                Ok(tokens) => tokens,
                Err(error) => {
                    tracing::warn!(alloc = %alloc.id, task = task.name, %error, "identities are not renewed");
                    return;
                }
            };
            while let Some(renewed) = bearer.renew_next(&mut tokens).await {
                for (name, identity) in given(&task).filter(|(name, _)| renewed.iter().any(|new| new == name)) {
                    tell_renewed(name, identity, running.as_ref(), &sender, number).await;
                }
            }
        });
        self.shells[number].renewal = Some(work.abort_handle());
    }
}

/// A task has a new identity, which it may want to know.
async fn tell_renewed(
    name: &str,
    identity: &WorkloadIdentity,
    running: Option<&(Arc<dyn Driver>, TaskHandle)>,
    sender: &mpsc::UnboundedSender<Message>,
    number: usize,
) {
    match identity.change_mode.as_str() {
        "restart" => {
            let reason = format!("identity {name:?} was renewed");
            send(sender, number, TaskInput::Restart { reason, is_failure: false });
        }
        "signal" => {
            let Some((driver, handle)) = running else { return };
            let signal = identity.change_signal.as_str();
            send(sender, number, TaskInput::Note(events::signaling(UnixNanos::now(), signal)));
            if let Err(error) = driver.signal(handle, signal).await {
                tracing::warn!(task = handle.task_id, signal, %error, "the task could not be told of its new identity");
            }
        }
        _ => {}
    }
}
