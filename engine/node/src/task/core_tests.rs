use super::*;
use drover_model::policy::RestartMode;

fn rules(attempts: u32) -> TaskRules {
    TaskRules {
        restart: RestartPolicy {
            attempts,
            interval: Nanos::from_mins(1),
            delay: Nanos::from_secs(1),
            mode: RestartMode::Fail,
            render_templates: false,
        },
        restarts_on_success: true,
        kill_timeout: Nanos::from_secs(5),
        shutdown_delay: Nanos::ZERO,
    }
}

fn kinds(core: &TaskCore) -> Vec<&str> {
    core.state().events.iter().map(|event| event.kind.as_str()).collect()
}

struct Run {
    core: TaskCore,
    now: i64,
}

impl Run {
    fn new(rules: TaskRules) -> Self {
        Self { core: TaskCore::new(rules, UnixNanos(1)), now: 1 }
    }
    fn give(&mut self, input: TaskInput) -> Vec<TaskAction> {
        self.now += 1_000_000;
        self.core.handle(input, UnixNanos(self.now), 0.0)
    }
    fn start(&mut self) {
        assert_eq!(self.give(TaskInput::Begin), [TaskAction::Setup]);
        assert_eq!(self.give(TaskInput::SetupDone(Ok(()))), [TaskAction::Start]);
        assert_eq!(self.give(TaskInput::Started(Ok(()))), [TaskAction::Running]);
    }
}

fn code(code: i64) -> TaskInput {
    TaskInput::Exited(Exit { code, ..Exit::default() })
}

#[test]
fn a_service_is_restarted_by_policy_and_then_fails() {
    let mut run = Run::new(rules(1));
    run.start();
    assert_eq!(run.give(code(3)), [TaskAction::Leaving, TaskAction::Backoff(Nanos::from_secs(1))]);
    assert_eq!(run.core.state().state, TaskStateKind::Pending);
    assert_eq!(run.give(TaskInput::BackoffOver), [TaskAction::Start]);
    run.give(TaskInput::Started(Ok(())));
    assert_eq!(run.give(code(3)), [TaskAction::Leaving, TaskAction::Ended]);
    assert!(run.core.has_failed());
    assert_eq!(run.core.state().restarts, 1);
    assert_eq!(
        kinds(&run.core),
        ["Received", "Task Setup", "Started", "Terminated", "Restarting", "Started", "Terminated", "Not Restarting"]
    );
}

#[test]
fn a_batch_task_that_succeeds_is_complete() {
    let mut run = Run::new(TaskRules { restarts_on_success: false, ..rules(3) });
    run.start();
    assert_eq!(run.give(code(0)), [TaskAction::Leaving, TaskAction::Ended]);
    assert!(!run.core.has_failed());
    assert_eq!(kinds(&run.core), ["Received", "Task Setup", "Started", "Terminated"]);
}

#[test]
fn a_kill_ends_it_and_does_not_fail_it() {
    let mut run = Run::new(rules(3));
    run.start();
    assert_eq!(run.give(TaskInput::Kill(Kill::default())), [TaskAction::Leaving, TaskAction::Stop]);
    assert_eq!(run.give(TaskInput::Kill(Kill::default())), []);
    assert_eq!(run.give(code(130)), [TaskAction::Leaving, TaskAction::Ended]);
    assert!(!run.core.has_failed());
    assert_eq!(kinds(&run.core)[3..], ["Killing", "Terminated", "Killed"]);
}

#[test]
fn a_kill_during_the_start_stops_it_once_started() {
    let mut run = Run::new(rules(3));
    run.give(TaskInput::Begin);
    run.give(TaskInput::SetupDone(Ok(())));
    assert_eq!(run.give(TaskInput::Kill(Kill::default())), []);
    assert_eq!(run.give(TaskInput::Started(Ok(()))), [TaskAction::Leaving, TaskAction::Stop]);
}

#[test]
fn a_kill_before_its_turn_is_immediate() {
    let mut run = Run::new(rules(3));
    let kill = Kill { events: vec![events::sibling_failed(UnixNanos(2), "pre")], ..Kill::default() };
    assert_eq!(run.give(TaskInput::Kill(kill)), [TaskAction::Ended]);
    assert_eq!(kinds(&run.core), ["Received", "Sibling Task Failed", "Killing"]);
    assert!(run.core.state().finished_at.is_some());
}

#[test]
fn the_shutdown_delay_comes_between_leaving_and_stopping() {
    let delay = Nanos::from_secs(2);
    let mut run = Run::new(TaskRules { shutdown_delay: delay, ..rules(3) });
    run.start();
    let actions = run.give(TaskInput::Kill(Kill::default()));
    assert_eq!(actions, [TaskAction::Leaving, TaskAction::ShutdownDelay(delay)]);
    assert_eq!(run.give(TaskInput::ShutdownDelayOver), [TaskAction::Stop]);
}

#[test]
fn a_restart_by_a_person_is_immediate_and_does_not_use_up_attempts() {
    let mut run = Run::new(rules(0));
    run.start();
    let restart = TaskInput::Restart { reason: "User requested task to restart".into(), is_failure: false };
    assert_eq!(run.give(restart), [TaskAction::Leaving, TaskAction::Stop]);
    assert_eq!(run.give(code(130)), [TaskAction::Leaving, TaskAction::Start]);
    run.give(TaskInput::Started(Ok(())));
    assert_eq!(run.core.state().restarts, 1);
    assert_eq!(kinds(&run.core)[3..], ["Restart Signaled", "Terminated", "Restarting", "Started"]);
    assert_eq!(run.core.state().events[5].display_message, "Task restarting in 0s");
}

#[test]
fn a_restart_for_bad_health_counts() {
    let mut run = Run::new(rules(0));
    run.start();
    run.give(TaskInput::Restart { reason: "healthcheck".into(), is_failure: true });
    assert_eq!(run.give(code(0)), [TaskAction::Leaving, TaskAction::Ended]);
    assert!(run.core.has_failed());
}

#[test]
fn a_start_that_can_never_work_is_not_tried_again() {
    let mut run = Run::new(rules(5));
    run.give(TaskInput::Begin);
    run.give(TaskInput::SetupDone(Ok(())));
    let failure = Failure { event: events::driver_failure(UnixNanos(3), "no such program"), retry: Retry::Never };
    assert_eq!(run.give(TaskInput::Started(Err(failure))), [TaskAction::Ended]);
    assert_eq!(kinds(&run.core)[2..], ["Driver Failure", "Not Restarting"]);
    assert_eq!(run.core.state().events[3].display_message, "Error was unrecoverable");
}

#[test]
fn only_the_newest_events_are_kept() {
    let mut run = Run::new(rules(0));
    for n in 0..20 {
        run.give(TaskInput::Note(events::signaling(UnixNanos(n), "SIGUSR1")));
    }
    assert_eq!(run.core.state().events.len(), MAX_TASK_EVENTS);
    assert_eq!(run.core.state().events[9].time, UnixNanos(19));
}

#[test]
fn a_recovered_task_goes_on_without_an_event() {
    let mut run = Run::new(rules(1));
    run.start();
    let state = run.core.state().clone();
    let mut core = TaskCore::restore(rules(1), state.clone(), run.core.tracker().clone(), true, true);
    assert_eq!(core.phase(), Phase::Recovering);
    assert_eq!(core.handle(TaskInput::Recovered { found: true }, UnixNanos(9), 0.0), [TaskAction::Running]);
    assert_eq!(core.state(), &state);
    let mut core = TaskCore::restore(rules(1), state, RestartTracker::default(), true, true);
    assert_eq!(core.handle(TaskInput::Recovered { found: false }, UnixNanos(9), 0.0), [TaskAction::Start]);
}
