//! Answers that several callers asked for: encoded once, kept while nothing that they show has changed.

use crate::reply::compress_well;
use bytes::Bytes;
use drover_model::Job;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Bytes of all kept answers together.
const MAX_KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one kept answer; longer ones are made anew for each caller.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Answers that are kept.
const MAX_KEPT_ANSWERS: usize = 256;
/// What a kept answer needs beyond its text, generously.
const OVERHEAD_BYTES: usize = 512;

/// A document as it is sent, which many connections share.
#[derive(Debug)]
pub(crate) struct Answer {
    /// As it is.
    pub plain: Bytes,
    gzipped: OnceLock<Bytes>,
    /// Where the next page begins.
    pub next_page: Option<String>,
}

impl Answer {
    pub(crate) fn new(plain: Vec<u8>, next_page: Option<String>) -> Self {
        Self { plain: plain.into(), gzipped: OnceLock::new(), next_page }
    }

    /// Compressed, once for all callers.
    pub(crate) fn gzipped(&self) -> Bytes {
        self.gzipped.get_or_init(|| compress_well(&self.plain).into()).clone()
    }

    fn size(&self) -> usize {
        // The compressed form is made later; it is never much longer.
        self.plain.len() + self.plain.len() / 4 + OVERHEAD_BYTES
    }
}

/// What an answer was made from: it holds while this is the same.
#[derive(Clone, Debug)]
pub(crate) enum Stamp {
    /// Tables as of an index, in one life of the state.
    Tables { generation: u64, index: u64 },
    /// A row.
    Job(Arc<Job>),
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tables { generation: g, index: i }, Self::Tables { generation, index }) => {
                (g, i) == (generation, index)
            }
            (Self::Job(ours), Self::Job(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }
}

/// The kept answers by what was asked.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_question: HashMap<String, Entry>,
    bytes: usize,
    /// Counts questions, to know which answer was not asked for the longest time.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    stamp: Stamp,
    answer: Arc<Answer>,
    asked: u64,
}

impl Answers {
    /// The kept answer, if it still holds.
    pub(crate) fn get(&self, question: &str, stamp: &Stamp) -> Option<Arc<Answer>> {
        let mut kept = self.0.lock();
        kept.clock += 1;
        let now = kept.clock;
        let entry = kept.by_question.get_mut(question).filter(|entry| entry.stamp == *stamp)?;
        entry.asked = now;
        Some(entry.answer.clone())
    }

    /// Keeps an answer, in place of those that were not asked for the longest time.
    pub(crate) fn put(&self, question: String, stamp: Stamp, answer: Arc<Answer>) {
        let size = answer.size();
        if size > MAX_ANSWER_BYTES {
            return;
        }
        let mut kept = self.0.lock();
        kept.clock += 1;
        let asked = kept.clock;
        kept.bytes += size;
        if let Some(old) = kept.by_question.insert(question, Entry { stamp, answer, asked }) {
            kept.bytes -= old.answer.size();
        }
        while kept.bytes > MAX_KEPT_BYTES || kept.by_question.len() > MAX_KEPT_ANSWERS {
            let oldest = kept.by_question.iter().min_by_key(|(_, entry)| entry.asked);
            let Some(oldest) = oldest.map(|(question, _)| question.clone()) else { return };
            if let Some(gone) = kept.by_question.remove(&oldest) {
                kept.bytes -= gone.answer.size();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Arc<Answer> {
        Arc::new(Answer::new(vec![b'x'; bytes], None))
    }

    fn at(index: u64) -> Stamp {
        Stamp::Tables { generation: 0, index }
    }

    #[test]
    fn an_answer_holds_until_what_it_shows_changes() {
        let answers = Answers::default();
        answers.put("a".into(), at(1), answer(3));
        assert!(answers.get("a", &at(1)).is_some());
        assert!(answers.get("a", &at(2)).is_none() && answers.get("b", &at(1)).is_none());
        assert!(answers.get("a", &Stamp::Tables { generation: 1, index: 1 }).is_none());
        let (job, same) = (Arc::new(Job::default()), Arc::new(Job::default()));
        answers.put("a".into(), Stamp::Job(job.clone()), answer(3));
        assert!(answers.get("a", &Stamp::Job(job)).is_some());
        assert!(answers.get("a", &Stamp::Job(same)).is_none(), "another row, even with the same values");
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest_stay() {
        let answers = Answers::default();
        answers.put("huge".into(), at(1), answer(MAX_ANSWER_BYTES));
        assert!(answers.get("huge", &at(1)).is_none());
        for number in 0..MAX_KEPT_ANSWERS + 10 {
            answers.put(number.to_string(), at(1), answer(1));
            assert!(answers.get("0", &at(1)).is_some(), "asked for all the time");
        }
        assert!(answers.get("1", &at(1)).is_none());
        for number in 0..20 {
            answers.put(number.to_string(), at(2), answer(MAX_ANSWER_BYTES / 2));
        }
        let kept = answers.0.lock();
        assert!(kept.bytes <= MAX_KEPT_BYTES);
        assert_eq!(kept.bytes, kept.by_question.values().map(|entry| entry.answer.size()).sum::<usize>());
    }
}
