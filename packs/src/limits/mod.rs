//! What a rendering may take. A pack comes from somebody else: one whose templates loop without end or grow without bounds
//! ends with an error, and the process goes on.
//!
//! A rendering runs on a thread of its own. Time is what that thread computes, so that a busy machine refuses no sound pack;
//! memory is counted by [`Bounded`], which a binary makes its global allocator. A thread that is over a limit cannot be ended
//! from outside: it stops for good at its next allocation, and what it holds stays until the process ends.

mod allocator;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

pub use allocator::Bounded;

/// The longest that a rendering computes.
pub const MAX_COMPUTING: Duration = Duration::from_millis(1500);
/// The longest that a rendering takes when it is not waiting for a store of secrets; for systems without a thread's own clock,
/// and threads that wait for nothing.
pub const MAX_ELAPSED: Duration = Duration::from_secs(30);
/// The most memory that a rendering holds at a time, in bytes.
pub const MAX_BYTES: usize = 192 << 20;

/// Stack for templates that use each other.
const STACK_BYTES: usize = 32 << 20;
/// How often the limits are looked at.
const TICK: Duration = Duration::from_millis(5);
/// Every so many ticks the thread's clock is read.
const TICKS_PER_READING: u32 = 10;

const RUNNING: u8 = 0;
const OVER_MEMORY: u8 = 1;
const STOPPED: u8 = 2;

/// Why a rendering was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// It computed too long.
    #[error("rendering was stopped after {} s of computing: a template loops without end, or over too much", MAX_COMPUTING.as_secs_f32())]
    Time,
    /// It took too much memory.
    #[error("rendering was stopped at {} MiB of memory: a template makes a value or text that is too large", MAX_BYTES >> 20)]
    Memory,
    /// Its thread died or could not be started.
    #[error("the template engine failed")]
    Failed,
}

/// What a rendering and the one who watches it share. They are few and are used again.
pub(crate) struct Meter {
    state: AtomicU8,
    paused: AtomicBool,
}

static SPARE: Mutex<Vec<&'static Meter>> = Mutex::new(Vec::new());

fn meter() -> &'static Meter {
    let spare = SPARE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
    let meter = spare.unwrap_or_else(|| {
        Box::leak(Box::new(Meter { state: AtomicU8::new(RUNNING), paused: AtomicBool::new(false) }))
    });
    meter.state.store(RUNNING, Ordering::Relaxed);
    meter.paused.store(false, Ordering::Relaxed);
    meter
}

/// Does `work` within the limits.
///
/// # Errors
/// A limit was exceeded.
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Exceeded> {
    let meter = meter();
    let (sender, receiver) = sync_channel(1);
    let (clock_sender, clock) = sync_channel(1);
    let worker = std::thread::Builder::new().name("render".to_owned()).stack_size(STACK_BYTES);
    let started = worker.spawn(move || {
        // Nobody may wait for it any more; then there is nothing to tell.
        let _ = clock_sender.send(std::fs::read_link("/proc/thread-self").ok());
        let result = allocator::counted(meter, work);
        let _ = sender.send(result);
    });
    if started.is_err() {
        return Err(Exceeded::Failed);
    }
    let clock = clock.recv().ok().flatten().map(|task| PathBuf::from("/proc").join(task).join("schedstat"));
    let mut elapsed = Duration::ZERO;
    let mut ticks = 0_u32;
    loop {
        let begin = Instant::now();
        match receiver.recv_timeout(TICK) {
            Ok(result) => {
                SPARE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(meter);
                return Ok(result);
            }
            Err(RecvTimeoutError::Disconnected) => return Err(Exceeded::Failed),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if meter.state.load(Ordering::Relaxed) == OVER_MEMORY {
            return Err(Exceeded::Memory);
        }
        if !meter.paused.load(Ordering::Relaxed) {
            elapsed += begin.elapsed();
        }
        ticks += 1;
        let computed = match &clock {
            Some(path) if ticks.is_multiple_of(TICKS_PER_READING) => computed(path),
            Some(_) => None,
            None => Some(elapsed),
        };
        if computed.is_some_and(|computed| computed > MAX_COMPUTING) || elapsed > MAX_ELAPSED {
            meter.state.store(STOPPED, Ordering::Relaxed);
            return Err(Exceeded::Time);
        }
    }
}

/// What a thread has computed so far, by its file in procfs.
fn computed(schedstat: &std::path::Path) -> Option<Duration> {
    let text = std::fs::read_to_string(schedstat).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Does something that takes its time without computing, such as asking a store of secrets: it does not count.
pub(crate) fn outside<T>(work: impl FnOnce() -> T) -> T {
    let meter = allocator::current();
    if let Some(meter) = meter {
        meter.paused.store(true, Ordering::Relaxed);
    }
    let result = work();
    if let Some(meter) = meter {
        meter.paused.store(false, Ordering::Relaxed);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_ends_is_answered_and_panics_are_told() {
        assert_eq!(within(|| 1 + 1), Ok(2));
        assert_eq!(within(|| -> u8 { panic!("as a test wants") }), Err(Exceeded::Failed));
    }

    #[test]
    fn endless_computing_is_stopped() {
        let begin = Instant::now();
        let result = within(|| {
            let mut kept: Vec<String> = Vec::new();
            loop {
                kept.clear();
                kept.push("x".repeat(100));
            }
            #[expect(unreachable_code, reason = "says what the closure would give")]
            0
        });
        assert_eq!(result, Err(Exceeded::Time));
        assert!(begin.elapsed() < MAX_ELAPSED + Duration::from_secs(1));
    }
}
