//! Telling the servers what changed here, in batches, until they have taken it.

use crate::link::ServerLink;
use drover_model::{AllocId, Allocation, Namespace, ServiceRegistration};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Changes that are not urgent wait this long for others.
const BATCH_WINDOW: Duration = Duration::from_millis(40);
/// Messages follow one another no faster than this, so that what happens at once travels together. The first after a
/// quiet time goes at once.
const MIN_GAP: Duration = Duration::from_millis(5);
/// The first wait after a failure; it doubles up to [`MAX_RETRY`].
const FIRST_RETRY: Duration = Duration::from_millis(100);
const MAX_RETRY: Duration = Duration::from_secs(5);
/// The most allocations in one message.
const MAX_BATCH_ALLOCS: usize = 500;

#[derive(Debug, Default)]
struct Pending {
    allocs: BTreeMap<AllocId, Allocation>,
    /// By namespace and id; `None` takes it out of the catalog.
    services: BTreeMap<(Namespace, String), Option<ServiceRegistration>>,
    is_urgent: bool,
    in_flight: bool,
}

/// What is to be told to the servers. Newer news replaces older news of the same thing.
#[derive(Debug, Default)]
pub struct Outbox {
    pending: Mutex<Pending>,
    changed: Notify,
    sent: Notify,
}

impl Outbox {
    /// What became of an allocation.
    pub fn alloc(&self, update: Allocation, is_urgent: bool) {
        let mut pending = self.pending.lock();
        pending.is_urgent |= is_urgent;
        pending.allocs.insert(update.id.clone(), update);
        drop(pending);
        self.changed.notify_one();
    }

    /// Services that appeared.
    pub fn register(&self, services: Vec<ServiceRegistration>) {
        let mut pending = self.pending.lock();
        for service in services {
            pending.services.insert((service.namespace.clone(), service.id.clone()), Some(service));
        }
        pending.is_urgent = true;
        drop(pending);
        self.changed.notify_one();
    }

    /// Services that are gone.
    pub fn deregister(&self, services: Vec<(Namespace, String)>) {
        let mut pending = self.pending.lock();
        pending.services.extend(services.into_iter().map(|key| (key, None)));
        pending.is_urgent = true;
        drop(pending);
        self.changed.notify_one();
    }

    /// Waits until everything so far has been taken by the servers.
    pub async fn flushed(&self) {
        loop {
            let sent = self.sent.notified();
            {
                let pending = self.pending.lock();
                if !pending.in_flight && pending.allocs.is_empty() && pending.services.is_empty() {
                    return;
                }
            }
            sent.await;
        }
    }

    /// Tells the servers, for ever.
    pub async fn run(self: Arc<Self>, link: Arc<dyn ServerLink>) {
        let mut retry = FIRST_RETRY;
        loop {
            self.changed.notified().await;
            // Whoever is urgent meanwhile ends the wait.
            let window_ends = tokio::time::Instant::now() + BATCH_WINDOW;
            while !self.pending.lock().is_urgent
                && tokio::time::timeout_at(window_ends, self.changed.notified()).await.is_ok()
            {}
            while self.send(link.as_ref()).await.is_err() {
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(MAX_RETRY);
            }
            retry = FIRST_RETRY;
            self.sent.notify_waiters();
        }
    }

    /// Sends as long as there is something urgent; what the servers did not take is put back unless there is newer
    /// news.
    async fn send(&self, link: &dyn ServerLink) -> Result<(), ()> {
        loop {
            let (allocs, services) = self.take();
            if allocs.is_empty() && services.is_empty() {
                self.pending.lock().in_flight = false;
                return Ok(());
            }
            let told = self.tell(link, allocs, services).await;
            if let Err((allocs, services)) = told {
                let mut pending = self.pending.lock();
                for (id, update) in allocs {
                    pending.allocs.entry(id).or_insert(update);
                }
                for (key, service) in services {
                    pending.services.entry(key).or_insert(service);
                }
                return Err(());
            }
            tokio::time::sleep(MIN_GAP).await;
            let mut pending = self.pending.lock();
            if !pending.is_urgent {
                pending.in_flight = false;
                return Ok(());
            }
        }
    }

    fn take(&self) -> (Allocs, Services) {
        let mut pending = self.pending.lock();
        pending.in_flight = true;
        let services = std::mem::take(&mut pending.services);
        let rest = match pending.allocs.keys().nth(MAX_BATCH_ALLOCS).cloned() {
            Some(first_left) => pending.allocs.split_off(&first_left),
            None => BTreeMap::new(),
        };
        // What did not fit goes with the next message.
        pending.is_urgent = !rest.is_empty();
        (std::mem::replace(&mut pending.allocs, rest), services)
    }

    async fn tell(&self, link: &dyn ServerLink, allocs: Allocs, services: Services) -> Result<(), (Allocs, Services)> {
        if !allocs.is_empty()
            && let Err(error) = link.update_allocs(allocs.values().cloned().collect()).await
        {
            tracing::warn!(%error, "allocations could not be updated, trying again");
            return Err((allocs, services));
        }
        let upserts: Vec<_> = services.values().flatten().cloned().collect();
        let deletes: Vec<_> =
            services.iter().filter(|(_, service)| service.is_none()).map(|(key, _)| key.clone()).collect();
        let mut result = Ok(());
        if !upserts.is_empty() {
            result = link.upsert_services(upserts).await;
        }
        if result.is_ok() && !deletes.is_empty() {
            result = link.delete_services(deletes).await;
        }
        result.map_err(|error| {
            tracing::warn!(%error, "services could not be updated, trying again");
            (BTreeMap::new(), services)
        })
    }
}

type Allocs = BTreeMap<AllocId, Allocation>;
type Services = BTreeMap<(Namespace, String), Option<ServiceRegistration>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{AllocsReply, Heartbeat, IdentityWish, LinkError, SignedIdentity};
    use async_trait::async_trait;
    use drover_model::{AllocClientStatus, Node, NodeId};

    /// Refuses the first messages, keeps the others.
    #[derive(Debug, Default)]
    struct Flaky {
        refusals_left: Mutex<u32>,
        taken: Mutex<Vec<Vec<Allocation>>>,
    }

    #[async_trait]
    impl ServerLink for Flaky {
        async fn register(&self, _: Node) -> Result<Heartbeat, LinkError> {
            Err(LinkError::UnknownNode)
        }
        async fn heartbeat(&self, _: &NodeId) -> Result<Heartbeat, LinkError> {
            Err(LinkError::UnknownNode)
        }
        async fn allocs(&self, _: &NodeId, _: u64, _: Duration) -> Result<AllocsReply, LinkError> {
            Ok(AllocsReply::default())
        }
        async fn update_allocs(&self, updates: Vec<Allocation>) -> Result<(), LinkError> {
            let mut left = self.refusals_left.lock();
            if *left > 0 {
                *left -= 1;
                return Err(LinkError::Failed("no leader".into()));
            }
            self.taken.lock().push(updates);
            Ok(())
        }
        async fn upsert_services(&self, _: Vec<ServiceRegistration>) -> Result<(), LinkError> {
            Ok(())
        }
        async fn delete_services(&self, _: Vec<(Namespace, String)>) -> Result<(), LinkError> {
            Ok(())
        }
        async fn sign_identities(&self, _: &NodeId, _: &[IdentityWish]) -> Result<Vec<SignedIdentity>, LinkError> {
            Err(LinkError::UnknownNode)
        }
        async fn sign_node_identity(&self, _: &NodeId) -> Result<SignedIdentity, LinkError> {
            Err(LinkError::UnknownNode)
        }
    }

    fn update(id: &str, client_status: AllocClientStatus) -> Allocation {
        Allocation { id: id.into(), client_status, ..Allocation::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn news_is_told_until_it_is_taken_and_the_newest_wins() {
        let link = Arc::new(Flaky { refusals_left: Mutex::new(3), ..Flaky::default() });
        let outbox = Arc::new(Outbox::default());
        let running = tokio::spawn(Arc::clone(&outbox).run(link.clone()));
        outbox.alloc(update("a", AllocClientStatus::Pending), false);
        outbox.alloc(update("b", AllocClientStatus::Running), true);
        tokio::time::sleep(Duration::from_millis(1)).await;
        outbox.alloc(update("a", AllocClientStatus::Complete), true);
        outbox.flushed().await;
        let taken: Vec<Allocation> = link.taken.lock().concat();
        let told = |id: &str| taken.iter().rfind(|alloc| alloc.id == *id).map(|alloc| alloc.client_status);
        assert_eq!(told("a"), Some(AllocClientStatus::Complete));
        assert_eq!(told("b"), Some(AllocClientStatus::Running));
        running.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn many_are_split_into_several_messages() {
        let link = Arc::new(Flaky::default());
        let outbox = Arc::new(Outbox::default());
        for n in 0..MAX_BATCH_ALLOCS + 1 {
            outbox.alloc(update(&n.to_string(), AllocClientStatus::Running), true);
        }
        let running = tokio::spawn(Arc::clone(&outbox).run(link.clone()));
        outbox.flushed().await;
        let sizes: Vec<_> = link.taken.lock().iter().map(Vec::len).collect();
        assert_eq!(sizes, [MAX_BATCH_ALLOCS, 1]);
        running.abort();
    }
}
