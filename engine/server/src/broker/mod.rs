//! The queue that workers take evaluations from: the pure [`core::Broker`] behind a lock, with wake-ups.

pub mod core;

use core::{Acked, Broker, BrokerCounts, Delivery};
use drover_model::{Evaluation, UnixNanos};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Shared by all workers.
#[derive(Debug, Default)]
pub struct Queue {
    broker: Mutex<Broker>,
    /// One permit per evaluation that became ready.
    ready: Notify,
    /// The time of the next delayed one, or the failed ones, changed.
    timer: Notify,
    /// An operator holds all work.
    paused: AtomicBool,
}

impl Queue {
    /// Takes in evaluations.
    pub fn enqueue(&self, evals: impl IntoIterator<Item = Arc<Evaluation>>) {
        let now = UnixNanos::now();
        let mut broker = self.broker.lock();
        for eval in evals {
            broker.enqueue(eval, now);
        }
        drop(broker);
        self.wake();
    }

    /// The next evaluation for a worker that runs `kinds`.
    pub async fn next(&self, kinds: &[&str]) -> Delivery {
        loop {
            let ready = self.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            let held = self.paused.load(Ordering::Acquire);
            let delivery = if held { None } else { self.broker.lock().dequeue(kinds) };
            if let Some(delivery) = delivery {
                // Another worker may find more.
                self.ready.notify_one();
                return delivery;
            }
            ready.await;
        }
    }

    /// A delivered evaluation is done.
    pub fn ack(&self, delivery: &Delivery) -> Acked {
        let acked = self.broker.lock().ack(&delivery.eval.id, delivery.token);
        self.wake();
        acked
    }

    /// A delivered evaluation could not be done.
    pub fn nack(&self, delivery: &Delivery) -> Acked {
        let acked = self.broker.lock().nack(&delivery.eval.id, delivery.token, UnixNanos::now());
        self.wake();
        acked
    }

    /// Waits for the next delayed evaluation or failed delivery; gives back what has failed for good.
    pub async fn advance(&self) -> Vec<Arc<Evaluation>> {
        loop {
            let timer = self.timer.notified();
            tokio::pin!(timer);
            timer.as_mut().enable();
            let now = UnixNanos::now();
            let (failed, wakeup) = {
                let mut broker = self.broker.lock();
                broker.advance(now);
                (broker.take_failed(), broker.next_wakeup())
            };
            self.ready.notify_one();
            if !failed.is_empty() {
                return failed;
            }
            crate::timer::until(wakeup, timer).await;
        }
    }

    /// Holds all work, or lets it go on.
    pub fn pause(&self, pause: bool) {
        self.paused.store(pause, Ordering::Release);
        self.wake();
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.broker.lock().clear();
    }

    /// Counts for people.
    pub fn counts(&self) -> BrokerCounts {
        self.broker.lock().counts()
    }

    fn wake(&self) {
        self.ready.notify_one();
        self.timer.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn waiting_workers_each_get_one() {
        let queue = Arc::new(Queue::default());
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next(&["service"]).await.eval.id.to_string() })
            })
            .collect();
        tokio::task::yield_now().await;
        let eval = |n: u8| {
            Arc::new(Evaluation {
                id: format!("e{n}").into(),
                job_id: format!("j{n}").into(),
                kind: "service".to_owned(),
                ..Evaluation::default()
            })
        };
        queue.enqueue((0..4).map(eval));
        let mut ids = Vec::new();
        for worker in workers {
            ids.push(
                tokio::time::timeout(Duration::from_secs(5), worker).await.expect("a worker was not woken").unwrap(),
            );
        }
        ids.sort();
        assert_eq!(ids, ["e0", "e1", "e2", "e3"]);
    }
}
