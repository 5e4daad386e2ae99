//! The events of a task's life, worded as the wire has them.

use drover_base::{Nanos, UnixNanos};
use drover_model::TaskEvent;
use drover_model::task_event::kind;

/// How a task's process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 128 + signal when a signal ended it.
    pub code: i64,
    /// The signal that ended it, 0 for none.
    pub signal: i64,
    /// The kernel killed it for lack of memory.
    pub oom_killed: bool,
    /// What the driver says about it; empty for nothing.
    pub message: String,
}

impl Exit {
    /// Whether the task did what it was meant to.
    pub fn is_success(&self) -> bool {
        self.code == 0 && self.signal == 0 && self.message.is_empty()
    }
}

/// The node took the task over.
pub fn received(at: UnixNanos) -> TaskEvent {
    TaskEvent::new(kind::RECEIVED, at, "Task received by client")
}

/// Directories and hooks.
pub fn setup(at: UnixNanos, message: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::TASK_SETUP, at, message).with_detail("message", message);
    event.message = message.to_owned();
    event
}

/// It runs.
pub fn started(at: UnixNanos) -> TaskEvent {
    TaskEvent::new(kind::STARTED, at, "Task started by client")
}

/// It ended.
pub fn terminated(at: UnixNanos, exit: &Exit) -> TaskEvent {
    let mut text = format!("Exit Code: {}", exit.code);
    if exit.signal != 0 {
        text.push_str(&format!(", Signal: {}", exit.signal));
    }
    if !exit.message.is_empty() {
        text.push_str(&format!(", Exit Message: {:?}", exit.message));
    }
    let mut event = TaskEvent::new(kind::TERMINATED, at, text)
        .with_detail("exit_code", exit.code.to_string())
        .with_detail("signal", exit.signal.to_string())
        .with_detail("oom_killed", exit.oom_killed.to_string());
    if !exit.message.is_empty() {
        event = event.with_detail("exit_message", &exit.message);
        event.message.clone_from(&exit.message);
    }
    event.exit_code = exit.code;
    event.signal = exit.signal;
    event
}

/// It will be started again after `delay`.
pub fn restarting(at: UnixNanos, reason: &str, delay: Nanos) -> TaskEvent {
    let wait = format!("Task restarting in {delay}");
    let plain = reason.is_empty() || reason == super::restart::WITHIN_POLICY;
    let text = if plain { wait } else { format!("{reason} - {wait}") };
    let mut event = TaskEvent::new(kind::RESTARTING, at, text)
        .with_detail("restart_reason", reason)
        .with_detail("start_delay", delay.0.to_string());
    reason.clone_into(&mut event.restart_reason);
    event.start_delay = delay.0;
    event
}

/// It will not be started again, and has failed by that.
pub fn not_restarting(at: UnixNanos, reason: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::NOT_RESTARTING, at, reason)
        .with_detail("restart_reason", reason)
        .with_detail("fails_task", "true");
    reason.clone_into(&mut event.restart_reason);
    event.fails_task = true;
    event
}

/// Someone or something asked for a restart.
pub fn restart_signaled(at: UnixNanos, reason: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::RESTART_SIGNALED, at, reason).with_detail("restart_reason", reason);
    reason.clone_into(&mut event.restart_reason);
    event
}

/// A signal is sent.
pub fn signaling(at: UnixNanos, signal: &str) -> TaskEvent {
    TaskEvent::new(kind::SIGNALING, at, "Task being sent a signal").with_detail("signal", signal)
}

/// It is being stopped; `reason` is empty for an ordinary stop.
pub fn killing(at: UnixNanos, timeout: Nanos, reason: &str) -> TaskEvent {
    let text = if reason.is_empty() {
        format!("Sent interrupt. Waiting {timeout} before force killing")
    } else {
        reason.to_owned()
    };
    let mut event = TaskEvent::new(kind::KILLING, at, text).with_detail("kill_timeout", timeout.to_string());
    event.kill_timeout = timeout;
    event
}

/// It was stopped.
pub fn killed(at: UnixNanos) -> TaskEvent {
    TaskEvent::new(kind::KILLED, at, "Task successfully killed")
}

/// Nothing happens until the wait is over.
pub fn waiting_shutdown_delay(at: UnixNanos, delay: Nanos) -> TaskEvent {
    let text = format!("Waiting for shutdown_delay of {delay} before killing the task.");
    TaskEvent::new(kind::WAITING_SHUTDOWN_DELAY, at, text)
}

/// A sibling failed.
pub fn sibling_failed(at: UnixNanos, sibling: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::SIBLING_FAILED, at, format!("Task's sibling {sibling:?} failed"))
        .with_detail("failed_sibling", sibling);
    sibling.clone_into(&mut event.failed_sibling);
    event
}

/// The leader ended.
pub fn leader_dead(at: UnixNanos) -> TaskEvent {
    TaskEvent::new(kind::LEADER_DEAD, at, "Leader Task in Group dead")
}

/// All main tasks ended.
pub fn main_dead(at: UnixNanos) -> TaskEvent {
    TaskEvent::new(kind::MAIN_DEAD, at, "Main tasks in the group died")
}

/// The driver could not start it.
pub fn driver_failure(at: UnixNanos, error: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::DRIVER_FAILURE, at, error).with_detail("driver_error", error);
    error.clone_into(&mut event.driver_error);
    event
}

/// A message of the driver, such as the pull of an image.
pub fn driver_message(at: UnixNanos, message: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::DRIVER, at, message).with_detail("driver_message", message);
    message.clone_into(&mut event.driver_message);
    event
}

/// Its configuration is wrong.
pub fn failed_validation(at: UnixNanos, error: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::FAILED_VALIDATION, at, error).with_detail("validation_error", error);
    error.clone_into(&mut event.validation_error);
    event
}

/// Preparation failed.
pub fn setup_failure(at: UnixNanos, error: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::SETUP_FAILURE, at, error).with_detail("setup_error", error);
    error.clone_into(&mut event.setup_error);
    event.fails_task = true;
    event.with_detail("fails_task", "true")
}

/// Artifacts are fetched.
pub fn downloading_artifacts(at: UnixNanos) -> TaskEvent {
    TaskEvent::new(kind::DOWNLOADING_ARTIFACTS, at, "Client is downloading artifacts")
}

/// Fetching failed.
pub fn artifact_download_failed(at: UnixNanos, error: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::ARTIFACT_DOWNLOAD_FAILED, at, error).with_detail("download_error", error);
    error.clone_into(&mut event.download_error);
    event
}

/// Not healthy in time.
pub fn alloc_unhealthy(at: UnixNanos, message: &str) -> TaskEvent {
    let mut event = TaskEvent::new(kind::ALLOC_UNHEALTHY, at, message).with_detail("message", message);
    message.clone_into(&mut event.message);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_wire() {
        let at = UnixNanos(1);
        let exit = Exit { code: 7, message: "boom".into(), ..Exit::default() };
        assert_eq!(terminated(at, &exit).display_message, "Exit Code: 7, Exit Message: \"boom\"");
        let exit = Exit { code: 137, signal: 9, ..Exit::default() };
        let event = terminated(at, &exit);
        assert_eq!(event.display_message, "Exit Code: 137, Signal: 9");
        assert_eq!(event.details["oom_killed"], "false");
        let delay = Nanos(8_832_404_774);
        assert_eq!(
            restarting(at, "Exceeded allowed attempts, applying a delay", delay).display_message,
            "Exceeded allowed attempts, applying a delay - Task restarting in 8.832404774s"
        );
        assert_eq!(
            killing(at, Nanos::from_secs(5), "").display_message,
            "Sent interrupt. Waiting 5s before force killing"
        );
        assert_eq!(sibling_failed(at, "pre").display_message, "Task's sibling \"pre\" failed");
    }
}
