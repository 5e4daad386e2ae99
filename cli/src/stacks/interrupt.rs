//! What Ctrl-C and SIGTERM mean to an apply that runs.

use crate::output;
use drover_stack::apply::Interruption;
use indicatif::MultiProgress;
use std::io::IsTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Listens to signals until it is dropped.
pub struct Interrupts {
    level: watch::Receiver<Interruption>,
    listener: JoinHandle<()>,
}

impl Interrupts {
    /// The first Ctrl-C begins nothing new, the second waits for nothing more, the third ends the process. SIGTERM comes from
    /// something that will not wait long: it counts as two.
    pub fn listen(bars: MultiProgress) -> Self {
        let (tell, level) = watch::channel(Interruption::None);
        Self { level, listener: tokio::spawn(listen(tell, bars)) }
    }

    /// How far the person has interrupted.
    pub fn level(&self) -> watch::Receiver<Interruption> {
        self.level.clone()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(tell: watch::Sender<Interruption>, bars: MultiProgress) {
    let caught = |kind| -> Option<Signal> { signal(kind).ok() };
    let (Some(mut interrupt), Some(mut terminate)) = (caught(SignalKind::interrupt()), caught(SignalKind::terminate()))
    else {
        return;
    };
    // The terminal has put `^C` before the bars; they are drawn again below the message.
    let say = |text: &str| {
        bars.suspend(|| {
            let begin = if std::io::stderr().is_terminal() { "\n" } else { "" };
            output::error_line(&format!("{begin}{text}"));
        });
    };
    let asks_to_end = tokio::select! {
        _ = interrupt.recv() => false,
        _ = terminate.recv() => true,
    };
    // Nobody listens any more when the apply is over; so for the other levels.
    if !asks_to_end {
        say("Interrupted: nothing new is begun, and what was begun is waited for. Again to stop waiting.");
        let _ = tell.send(Interruption::Drain);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    say("Interrupted: nothing is waited for any more. Again to end at once, without a report.");
    let _ = tell.send(Interruption::Report);
    interrupt.recv().await;
    std::process::exit(130);
}
