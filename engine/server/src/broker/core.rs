//! Which evaluation is worked on next. Pure: time and tokens come in.

use drover_model::{EvalId, Evaluation, JobKey, Nanos, UnixNanos};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

/// Deliveries of one evaluation before it counts as failed.
pub const DELIVERY_LIMIT: u32 = 3;
/// Wait before the second delivery.
pub const FIRST_NACK_DELAY: Nanos = Nanos::from_secs(1);
/// Wait before every later delivery.
pub const NEXT_NACK_DELAY: Nanos = Nanos::from_secs(20);

/// Proof that an evaluation was handed to its caller; grows with every delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// An evaluation handed to a worker.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The evaluation.
    pub eval: Arc<Evaluation>,
    /// To be given back with [`Broker::ack`] or [`Broker::nack`].
    pub token: Token,
}

/// What came of giving a delivery back.
#[derive(Clone, Debug, Default)]
pub struct Acked {
    /// Older pending evaluations of the same job, which newer ones make pointless.
    pub superseded: Vec<Arc<Evaluation>>,
}

/// Counts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerCounts {
    /// Ready to be worked on.
    pub ready: usize,
    /// Being worked on.
    pub in_flight: usize,
    /// Behind another evaluation of their job.
    pub waiting: usize,
    /// Waiting for a point in time.
    pub delayed: usize,
}

/// The queue of evaluations: by priority, then oldest first; one in flight per job.
#[derive(Debug, Default)]
pub struct Broker {
    ready: HashMap<String, BinaryHeap<Ready>>,
    /// The evaluation that holds a job's slot: it is ready, delayed by a nack, or in flight.
    slots: HashMap<JobKey, EvalId>,
    waiting: HashMap<JobKey, BinaryHeap<Ready>>,
    delayed: BTreeMap<(UnixNanos, EvalId), Arc<Evaluation>>,
    in_flight: HashMap<EvalId, InFlight>,
    deliveries: HashMap<EvalId, u32>,
    failed: Vec<Arc<Evaluation>>,
    next_token: u64,
}

#[derive(Debug)]
struct InFlight {
    eval: Arc<Evaluation>,
    token: Token,
    /// The same evaluation came again meanwhile: deliver it once more after the acknowledgement.
    again: Option<Arc<Evaluation>>,
}

/// An evaluation in a heap: the greatest is the one to take first.
#[derive(Debug)]
struct Ready(Arc<Evaluation>);

impl Ready {
    fn rank(&self) -> (u8, Reverse<u64>, Reverse<UnixNanos>, Reverse<&str>) {
        let eval = &self.0;
        (eval.priority, Reverse(eval.create_index), Reverse(eval.create_time), Reverse(eval.id.as_str()))
    }
}
impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}
impl Eq for Ready {}
impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl Broker {
    /// Takes in a pending evaluation. Known ones are not taken twice.
    pub fn enqueue(&mut self, eval: Arc<Evaluation>, now: UnixNanos) {
        if let Some(in_flight) = self.in_flight.get_mut(&eval.id) {
            in_flight.again = Some(eval);
            return;
        }
        if self.deliveries.contains_key(&eval.id) {
            return;
        }
        self.deliveries.insert(eval.id.clone(), 0);
        match start_time(&eval) {
            Some(at) if at > now => {
                self.delayed.insert((at, eval.id.clone()), eval);
            }
            _ => self.make_ready(eval),
        }
    }

    /// The next evaluation for a worker that runs `kinds`.
    pub fn dequeue(&mut self, kinds: &[&str]) -> Option<Delivery> {
        let kind = kinds
            .iter()
            .filter_map(|kind| Some((self.ready.get(*kind)?.peek()?, *kind)))
            .max_by(|a, b| a.0.cmp(b.0))
            .map(|(_, kind)| kind)?;
        let Ready(eval) = self.ready.get_mut(kind)?.pop()?;
        self.next_token += 1;
        let token = Token(self.next_token);
        *self.deliveries.entry(eval.id.clone()).or_default() += 1;
        self.in_flight.insert(eval.id.clone(), InFlight { eval: eval.clone(), token, again: None });
        Some(Delivery { eval, token })
    }

    /// Whether `token` is the newest delivery of `id`.
    pub fn is_outstanding(&self, id: &EvalId, token: Token) -> bool {
        self.in_flight.get(id).is_some_and(|in_flight| in_flight.token == token)
    }

    /// A delivered evaluation is done; its job's next one may come.
    pub fn ack(&mut self, id: &EvalId, token: Token) -> Acked {
        if !self.is_outstanding(id, token) {
            return Acked::default();
        }
        let Some(done) = self.in_flight.remove(id) else { return Acked::default() };
        self.deliveries.remove(id);
        let key = done.eval.job_key();
        self.release_slot(&key, id);
        let superseded = self.promote_newest(&key);
        if let Some(again) = done.again {
            self.deliveries.insert(again.id.clone(), 0);
            self.make_ready(again);
        }
        Acked { superseded }
    }

    /// A delivered evaluation could not be done; it comes again later, or fails at the delivery limit.
    pub fn nack(&mut self, id: &EvalId, token: Token, now: UnixNanos) -> Acked {
        if !self.is_outstanding(id, token) {
            return Acked::default();
        }
        let Some(InFlight { eval, again, .. }) = self.in_flight.remove(id) else { return Acked::default() };
        let eval = again.unwrap_or(eval);
        let delivered = self.deliveries.get(id).copied().unwrap_or_default();
        if delivered >= DELIVERY_LIMIT {
            self.deliveries.remove(id);
            let key = eval.job_key();
            self.release_slot(&key, id);
            self.failed.push(eval);
            return Acked { superseded: self.promote_newest(&key) };
        }
        let delay = if delivered <= 1 { FIRST_NACK_DELAY } else { NEXT_NACK_DELAY };
        self.delayed.insert((now.plus(delay), id.clone()), eval);
        Acked::default()
    }

    /// Makes delayed evaluations ready whose time has come.
    pub fn advance(&mut self, now: UnixNanos) {
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let eval = entry.remove();
            self.make_ready(eval);
        }
    }

    /// When [`Broker::advance`] has something to do next.
    pub fn next_wakeup(&self) -> Option<UnixNanos> {
        self.delayed.keys().next().map(|(at, _)| *at)
    }

    /// Evaluations that reached the delivery limit since the last call.
    pub fn take_failed(&mut self) -> Vec<Arc<Evaluation>> {
        std::mem::take(&mut self.failed)
    }

    /// Forgets everything, when leadership is lost.
    pub fn clear(&mut self) {
        let next_token = self.next_token;
        *self = Self { next_token, ..Self::default() };
    }

    /// Counts for people.
    pub fn counts(&self) -> BrokerCounts {
        BrokerCounts {
            ready: self.ready.values().map(BinaryHeap::len).sum(),
            in_flight: self.in_flight.len(),
            waiting: self.waiting.values().map(BinaryHeap::len).sum(),
            delayed: self.delayed.len(),
        }
    }

    fn make_ready(&mut self, eval: Arc<Evaluation>) {
        let key = eval.job_key();
        let holder = self.slots.entry(key.clone()).or_insert_with(|| eval.id.clone());
        if *holder == eval.id {
            self.ready.entry(eval.kind.clone()).or_default().push(Ready(eval));
        } else {
            self.waiting.entry(key).or_default().push(Ready(eval));
        }
    }

    fn release_slot(&mut self, key: &JobKey, id: &EvalId) {
        if self.slots.get(key) == Some(id) {
            self.slots.remove(key);
        }
    }

    /// Makes the newest waiting evaluation of a job ready; the others are pointless, as it sees all they saw.
    fn promote_newest(&mut self, key: &JobKey) -> Vec<Arc<Evaluation>> {
        let Some(waiting) = self.waiting.remove(key) else { return Vec::new() };
        let mut evals: Vec<Arc<Evaluation>> = waiting.into_iter().map(|Ready(eval)| eval).collect();
        evals.sort_by_key(|eval| (eval.modify_index, eval.create_index));
        let Some(newest) = evals.pop() else { return Vec::new() };
        for superseded in &evals {
            self.deliveries.remove(&superseded.id);
        }
        self.make_ready(newest);
        evals
    }
}

fn start_time(eval: &Evaluation) -> Option<UnixNanos> {
    match eval.wait_until.nanos() {
        Some(at) => Some(at),
        None if !eval.wait.is_zero() => Some(eval.create_time.plus(eval.wait)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_model::{EvalStatus, WireTime};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const NOW: UnixNanos = UnixNanos(1_000_000_000_000);

    fn eval(id: &str, job: &str, priority: u8, index: u64) -> Arc<Evaluation> {
        Arc::new(Evaluation {
            id: id.into(),
            job_id: job.into(),
            namespace: "default".into(),
            priority,
            kind: "service".to_owned(),
            status: EvalStatus::Pending,
            create_index: index,
            modify_index: index,
            ..Evaluation::default()
        })
    }

    fn next(broker: &mut Broker) -> Option<(String, Token)> {
        broker.dequeue(&["service"]).map(|delivery| (delivery.eval.id.to_string(), delivery.token))
    }

    #[test]
    fn priority_first_then_age() {
        let mut broker = Broker::default();
        broker.enqueue(eval("old", "a", 50, 1), NOW);
        broker.enqueue(eval("new", "b", 50, 2), NOW);
        broker.enqueue(eval("urgent", "c", 90, 3), NOW);
        let order: Vec<_> = std::iter::from_fn(|| next(&mut broker)).map(|(id, _)| id).collect();
        assert_eq!(order, ["urgent", "old", "new"]);
    }

    #[test]
    fn other_schedulers_work_stays_in_the_queue() {
        let mut broker = Broker::default();
        broker.enqueue(eval("e", "a", 50, 1), NOW);
        assert!(broker.dequeue(&["batch", "system"]).is_none());
        assert!(broker.dequeue(&["batch", "service"]).is_some());
    }

    #[test]
    fn one_evaluation_per_job_and_older_pending_ones_are_superseded() {
        let mut broker = Broker::default();
        for (id, index) in [("first", 1), ("second", 2), ("third", 3)] {
            broker.enqueue(eval(id, "a", 50, index), NOW);
        }
        let (id, token) = next(&mut broker).unwrap();
        assert_eq!(id, "first");
        assert!(next(&mut broker).is_none(), "two of one job at once");
        let acked = broker.ack(&"first".into(), token);
        let superseded: Vec<_> = acked.superseded.iter().map(|eval| eval.id.to_string()).collect();
        assert_eq!(superseded, ["second"]);
        let (id, token) = next(&mut broker).unwrap();
        assert_eq!(id, "third");
        broker.ack(&"third".into(), token);
        assert_eq!(broker.counts(), BrokerCounts::default());
        assert!(broker.slots.is_empty() && broker.deliveries.is_empty(), "nothing may be left behind");
    }

    #[test]
    fn nacks_wait_and_end_at_the_delivery_limit() {
        let mut broker = Broker::default();
        broker.enqueue(eval("e", "a", 50, 1), NOW);
        broker.enqueue(eval("later", "a", 50, 2), NOW);
        let mut now = NOW;
        for delay in [FIRST_NACK_DELAY, NEXT_NACK_DELAY] {
            let (_, token) = next(&mut broker).unwrap();
            broker.nack(&"e".into(), token, now);
            assert!(next(&mut broker).is_none(), "the job's slot stays taken");
            assert_eq!(broker.next_wakeup(), Some(now.plus(delay)));
            now = now.plus(delay);
            broker.advance(now);
        }
        let (_, token) = next(&mut broker).unwrap();
        broker.nack(&"e".into(), token, now);
        assert_eq!(broker.take_failed().len(), 1);
        assert_eq!(next(&mut broker).unwrap().0, "later");
    }

    #[test]
    fn stale_tokens_change_nothing() {
        let mut broker = Broker::default();
        broker.enqueue(eval("e", "a", 50, 1), NOW);
        let (_, token) = next(&mut broker).unwrap();
        broker.nack(&"e".into(), token, NOW);
        broker.advance(NOW.plus(FIRST_NACK_DELAY));
        let (_, newer) = next(&mut broker).unwrap();
        broker.ack(&"e".into(), token);
        assert!(broker.is_outstanding(&"e".into(), newer));
    }

    #[test]
    fn delayed_evaluations_wait_for_their_time_without_holding_the_job() {
        let mut broker = Broker::default();
        let at = NOW.plus(Nanos::from_secs(30));
        let later = Evaluation { wait_until: WireTime::from(at), ..(*eval("later", "a", 50, 1)).clone() };
        broker.enqueue(Arc::new(later), NOW);
        broker.enqueue(eval("now", "a", 50, 2), NOW);
        assert_eq!(next(&mut broker).unwrap().0, "now");
        assert_eq!(broker.next_wakeup(), Some(at));
        broker.advance(at);
        assert_eq!(broker.counts().waiting, 1);
    }

    #[test]
    fn an_evaluation_that_comes_again_in_flight_is_delivered_again() {
        let mut broker = Broker::default();
        broker.enqueue(eval("e", "a", 50, 1), NOW);
        let (_, token) = next(&mut broker).unwrap();
        broker.enqueue(eval("e", "a", 50, 5), NOW);
        assert!(next(&mut broker).is_none());
        broker.ack(&"e".into(), token);
        assert_eq!(next(&mut broker).unwrap().0, "e");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Enqueue { job: u8, priority: u8 },
        Dequeue,
        Ack(u8),
        Nack(u8),
        Wait,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..4_u8, 1..4_u8).prop_map(|(job, priority)| Step::Enqueue { job, priority }),
            Just(Step::Dequeue),
            any::<u8>().prop_map(Step::Ack),
            any::<u8>().prop_map(Step::Nack),
            Just(Step::Wait),
        ];
        proptest::collection::vec(step, 1..80)
    }

    proptest! {
        /// Whatever happens: one evaluation per job at a time, and none is ever lost.
        #[test]
        fn no_evaluation_is_lost_and_jobs_are_worked_on_one_at_a_time(steps in steps()) {
            let mut broker = Broker::default();
            let mut now = NOW;
            let mut open = BTreeSet::new();
            let mut held: Vec<Delivery> = Vec::new();
            let mut index = 0;
            for step in steps.into_iter().chain((0..400).map(|n| if n % 2 == 0 { Step::Dequeue } else { Step::Ack(0) })) {
                match step {
                    Step::Enqueue { job, priority } => {
                        index += 1;
                        let id = format!("e{index}");
                        broker.enqueue(eval(&id, &format!("j{job}"), priority, index), now);
                        open.insert(id);
                    }
                    Step::Dequeue => {
                        now = now.plus(NEXT_NACK_DELAY);
                        broker.advance(now);
                        if let Some(delivery) = broker.dequeue(&["service"]) {
                            prop_assert!(held.iter().all(|other| other.eval.job_id != delivery.eval.job_id));
                            held.push(delivery);
                        }
                    }
                    Step::Ack(which) if !held.is_empty() => {
                        let delivery = held.remove(usize::from(which) % held.len());
                        open.remove(delivery.eval.id.as_str());
                        for superseded in broker.ack(&delivery.eval.id, delivery.token).superseded {
                            prop_assert!(open.remove(superseded.id.as_str()), "superseded twice");
                        }
                    }
                    Step::Nack(which) if !held.is_empty() => {
                        let delivery = held.remove(usize::from(which) % held.len());
                        for superseded in broker.nack(&delivery.eval.id, delivery.token, now).superseded {
                            prop_assert!(open.remove(superseded.id.as_str()), "superseded twice");
                        }
                    }
                    _ => now = now.plus(FIRST_NACK_DELAY),
                }
                for failed in broker.take_failed() {
                    open.remove(failed.id.as_str());
                }
            }
            prop_assert!(open.is_empty(), "left behind: {open:?}");
            prop_assert_eq!(broker.counts(), BrokerCounts::default());
            prop_assert!(broker.slots.is_empty() && broker.deliveries.is_empty());
        }
    }
}
