//! What happens during an apply: bars on a terminal, lines elsewhere, objects for programs.

use crate::output::{self, Colour, paint};
use drover_stack::apply::{Event, Failure, FailureKind};
use drover_stack::health::Progress;
use drover_stack::plan::Action;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bars.
    Bars,
    /// A line for each event.
    Lines,
    /// A JSON object for each event.
    Json,
}

/// Shows events.
pub struct Reporter {
    style: Style,
    bars: MultiProgress,
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    bar: Option<ProgressBar>,
    begin: Instant,
    last: Option<Progress>,
}

impl Reporter {
    /// A reporter on the standard output.
    pub fn new(style: Style) -> Self {
        Self { style, bars: MultiProgress::new(), running: Mutex::default() }
    }

    /// The bars, for those who print beside them.
    pub fn bars(&self) -> MultiProgress {
        self.bars.clone()
    }

    /// Shows one event.
    pub fn show(&self, event: &Event) {
        match self.style {
            Style::Json => output::line(&object(event).to_string()),
            Style::Lines | Style::Bars => self.show_to_person(event),
        }
    }

    fn show_to_person(&self, event: &Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { address, action, waits } => {
                let bar = (self.style == Style::Bars).then(|| self.bar(address, *action));
                running.insert(address.clone(), Running { bar, begin: Instant::now(), last: None });
                if self.style == Style::Lines && *waits {
                    output::line(&format!("{address}: {}…", doing(*action)));
                }
            }
            Event::Progress { address, progress } => {
                let Some(found) = running.get_mut(address) else { return };
                if found.last.replace(*progress) == Some(*progress) {
                    return;
                }
                match &found.bar {
                    Some(bar) => move_bar(bar, *progress),
                    None => {
                        output::line(&format!("{address}: {} ({})", stages(*progress), elapsed(found.begin.elapsed())));
                    }
                }
            }
            Event::Done { address, action, note, elapsed: took } => {
                let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
                let text = format!("{address}: {}{note} in {}", done(*action), elapsed(*took));
                self.end(&mut running, address, &paint(Colour::Green, &text));
            }
            Event::Failed(failure) => {
                let text = format!("{}: {}: {}", failure.address, kind(failure.kind), failure.reasons.join("; "));
                self.end(&mut running, &failure.address, &paint(Colour::Red, &text));
            }
            Event::Skipped { address, reason } => {
                self.end(&mut running, address, &paint(Colour::Yellow, &format!("{address}: not done: {reason}")));
            }
            Event::Unreachable { address, reason } => {
                let text = format!("{address}: the engine does not answer, trying again: {reason}");
                self.bars.suspend(|| output::line(&paint(Colour::Yellow, &text)));
            }
            Event::Checked(result) => {
                let (colour, text) = match &result.problem {
                    None => (Colour::Green, format!("check {}: well ({})", result.name, result.target)),
                    Some(problem) => (Colour::Red, format!("check {}: {problem} ({})", result.name, result.target)),
                };
                self.bars.suspend(|| output::line(&paint(colour, &text)));
            }
            Event::Reverting { address } => {
                self.bars.suspend(|| output::line(&format!("{address}: putting back…")));
            }
            Event::Reverted { address, problem: None } => {
                self.bars.suspend(|| output::line(&format!("{address}: put back")));
            }
            Event::Reverted { address, problem: Some(problem) } => {
                let text = format!("{address}: could not be put back: {problem}");
                self.bars.suspend(|| output::line(&paint(Colour::Red, &text)));
            }
            _ => {}
        }
    }

    fn bar(&self, address: &str, action: Action) -> ProgressBar {
        // The template is constant, so it is right or every run fails at once.
        let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} {elapsed} [{bar:20}]")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = self.bars.add(ProgressBar::new(1).with_style(style).with_prefix(address.to_owned()));
        bar.set_message(doing(action));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    fn end(&self, running: &mut HashMap<String, Running>, address: &str, text: &str) {
        if let Some(bar) = running.remove(address).and_then(|found| found.bar) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        // While bars move, a plain line would be torn by them.
        self.bars.suspend(|| output::line(text));
    }
}

fn move_bar(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.total.max(1));
    bar.set_position(progress.ready);
    bar.set_message(stages(progress));
}

fn stages(progress: Progress) -> String {
    format!("{}/{} placed, {}/{} ready", progress.placed, progress.total, progress.ready, progress.total)
}

fn elapsed(time: Duration) -> String {
    if time < Duration::from_secs(10) { format!("{:.1}s", time.as_secs_f64()) } else { format!("{}s", time.as_secs()) }
}

const fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update | Action::Replace => "updating",
        Action::Delete => "deleting",
        Action::Resume => "waiting for it",
        Action::Adopt => "taking over",
        Action::Move => "renaming",
    }
}

const fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update | Action::Replace => "updated",
        Action::Delete => "deleted",
        Action::Resume => "healthy",
        Action::Adopt => "taken over",
        Action::Move => "renamed",
    }
}

/// The words for a way of failing.
pub const fn kind(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Unhealthy => "unhealthy",
        FailureKind::NotPlaced => "placement failed",
        FailureKind::Stale => "stale",
        FailureKind::Error => "failed",
    }
}

fn object(event: &Event) -> serde_json::Value {
    match event {
        Event::Started { address, action, .. } => {
            json!({"version": 1, "type": "started", "address": address, "action": action})
        }
        Event::Progress { address, progress } => {
            json!({"version": 1, "type": "progress", "address": address, "progress": progress})
        }
        Event::Done { address, action, note, elapsed } => json!({
            "version": 1, "type": "done", "address": address, "action": action, "note": note, "elapsed_ms": elapsed.as_millis() as u64,
        }),
        Event::Failed(Failure { address, kind: failed, reasons, look_at, was_written }) => json!({
            "version": 1, "type": "failed", "address": address, "kind": kind(*failed), "reasons": reasons,
            "look_at": look_at, "was_written": was_written,
        }),
        Event::Skipped { address, reason } => {
            json!({"version": 1, "type": "skipped", "address": address, "reason": reason})
        }
        Event::Unreachable { address, reason } => {
            json!({"version": 1, "type": "unreachable", "address": address, "reason": reason})
        }
        Event::Checked(result) => json!({"version": 1, "type": "checked", "check": result}),
        Event::Reverting { address } => json!({"version": 1, "type": "reverting", "address": address}),
        Event::Reverted { address, problem } => {
            json!({"version": 1, "type": "reverted", "address": address, "problem": problem})
        }
        _ => json!({"version": 1, "type": "other"}),
    }
}
