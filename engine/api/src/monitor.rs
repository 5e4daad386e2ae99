//! The agent's log lines, for those who watch them over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::broadcast;
use tracing::Level;

/// Lines that a slow listener may be behind before it misses some.
pub const MAX_PENDING_LINES: usize = 512;

/// One line of the log in both of its forms, without the line break.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Its level.
    pub level: Level,
    /// `2026-11-22T15:10:27.464Z [INFO]  client: node registration complete: id=…`
    pub text: String,
    /// The same as a JSON object.
    pub json: String,
}

/// Where the agent's log lines pass by. Clones share it; lines are only kept for those who listen.
#[derive(Clone, Debug)]
pub struct LogLines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lines: broadcast::Sender<Arc<LogLine>>,
    /// Listeners by the least important level that they want.
    listeners: [AtomicUsize; LEVELS],
}

const LEVELS: usize = 5;

impl Default for LogLines {
    fn default() -> Self {
        let (lines, _) = broadcast::channel(MAX_PENDING_LINES);
        Self(Arc::new(Shared { lines, listeners: Default::default() }))
    }
}

impl LogLines {
    /// Nobody listens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether anybody wants lines of this level; cheap enough to be asked for each of them.
    pub fn wants(&self, level: Level) -> bool {
        self.0.listeners[rank(level)..].iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Hands a line to those who listen.
    pub fn publish(&self, line: LogLine) {
        // Nobody listening is the usual case.
        let _ = self.0.lines.send(Arc::new(line));
    }

    /// Listens to lines of `level` and of more important ones, from now on.
    pub(crate) fn listen(&self, level: Level) -> Listener {
        self.0.listeners[rank(level)].fetch_add(1, Ordering::Relaxed);
        Listener { lines: self.0.lines.subscribe(), level, shared: self.0.clone() }
    }
}

/// 0 for errors, 4 for traces.
fn rank(level: Level) -> usize {
    match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    }
}

/// Someone who listens.
pub(crate) struct Listener {
    lines: broadcast::Receiver<Arc<LogLine>>,
    level: Level,
    shared: Arc<Shared>,
}

/// What a listener gets.
#[derive(Debug)]
pub(crate) enum Heard {
    Line(Arc<LogLine>),
    /// It was too slow for this many lines.
    Missed(u64),
}

impl Listener {
    /// The next line that it wants.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            match self.lines.recv().await {
                Ok(line) if line.level <= self.level => return Heard::Line(line),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => return Heard::Missed(missed),
                // Its sender lives in `self`.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// The next line, if it is there already.
    pub(crate) fn try_next(&mut self) -> Option<Heard> {
        loop {
            match self.lines.try_recv() {
                Ok(line) if line.level <= self.level => return Some(Heard::Line(line)),
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Lagged(missed)) => return Some(Heard::Missed(missed)),
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.listeners[rank(self.level)].fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, text: &str) -> LogLine {
        LogLine { level, text: text.to_owned(), json: String::new() }
    }

    #[tokio::test]
    async fn listeners_get_the_lines_that_they_want() {
        let lines = LogLines::new();
        assert!(!lines.wants(Level::ERROR), "nobody listens");
        let mut listener = lines.listen(Level::INFO);
        assert!(lines.wants(Level::ERROR) && lines.wants(Level::INFO) && !lines.wants(Level::DEBUG));
        lines.publish(line(Level::DEBUG, "detail"));
        lines.publish(line(Level::WARN, "careful"));
        assert!(matches!(listener.next().await, Heard::Line(line) if line.text == "careful"));
        assert!(listener.try_next().is_none());
        drop(listener);
        assert!(!lines.wants(Level::ERROR), "nobody listens any more");
    }

    #[tokio::test]
    async fn slow_listeners_learn_what_they_missed() {
        let lines = LogLines::new();
        let mut listener = lines.listen(Level::TRACE);
        for _ in 0..MAX_PENDING_LINES + 3 {
            lines.publish(line(Level::INFO, "x"));
        }
        assert!(matches!(listener.next().await, Heard::Missed(3)));
        assert!(matches!(listener.next().await, Heard::Line(_)));
    }
}
