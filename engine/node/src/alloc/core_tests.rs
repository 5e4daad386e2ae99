use super::*;
use crate::task::core::{Phase, TaskRules};
use crate::task::events::Exit;

struct Run {
    core: AllocCore,
    now: i64,
}

fn slot(name: &str, role: Role, is_leader: bool) -> Slot {
    let rules = TaskRules { kill_timeout: Nanos::from_secs(5), ..TaskRules::default() };
    Slot { name: name.into(), role, is_leader, core: TaskCore::new(rules, UnixNanos(1)) }
}

impl Run {
    fn new(slots: Vec<Slot>) -> Self {
        let mut run = Self { core: AllocCore::new(slots, Nanos::ZERO), now: 1 };
        run.give(AllocInput::Begin);
        run
    }
    fn give(&mut self, input: AllocInput) -> Vec<AllocAction> {
        self.now += 1_000;
        self.core.handle(input, UnixNanos(self.now), 0.0)
    }
    fn task(&mut self, name: &str, input: TaskInput) -> Vec<AllocAction> {
        let number = self.core.position(name).unwrap();
        self.give(AllocInput::Task(number, input))
    }
    fn start(&mut self, name: &str) {
        assert_eq!(self.phase(name), Phase::Setup, "{name}");
        self.task(name, TaskInput::SetupDone(Ok(())));
        self.task(name, TaskInput::Started(Ok(())));
    }
    fn exit(&mut self, name: &str, code: i64) -> Vec<AllocAction> {
        self.task(name, TaskInput::Exited(Exit { code, ..Exit::default() }))
    }
    fn phase(&self, name: &str) -> Phase {
        self.core.slots()[self.core.position(name).unwrap()].core.phase()
    }
    fn status(&self) -> AllocClientStatus {
        self.core.client_status().0
    }
}

#[test]
fn a_single_task_runs_and_completes() {
    let mut run = Run::new(vec![slot("t", Role::Main, false)]);
    assert_eq!(run.status(), AllocClientStatus::Pending);
    run.start("t");
    assert_eq!(run.core.client_status(), (AllocClientStatus::Running, "Tasks are running".into()));
    let actions = run.exit("t", 0);
    assert!(actions.contains(&AllocAction::DeregisterGroup));
    assert_eq!(actions.last(), Some(&AllocAction::Finished));
    assert_eq!(run.core.client_status(), (AllocClientStatus::Complete, "All tasks have completed".into()));
}

#[test]
fn the_lifecycle_orders_tasks() {
    let mut run = Run::new(vec![
        slot("main", Role::Main, false),
        slot("pre", Role::Prestart, false),
        slot("side", Role::PrestartSidecar, false),
        slot("post", Role::Poststart, false),
        slot("post-side", Role::PoststartSidecar, false),
        slot("stop", Role::Poststop, false),
    ]);
    assert_eq!(run.phase("main"), Phase::Waiting);
    run.start("side");
    run.start("pre");
    assert_eq!(run.phase("main"), Phase::Waiting);
    run.exit("pre", 0);
    assert_eq!(run.phase("post"), Phase::Waiting);
    run.start("main");
    run.start("post");
    run.start("post-side");
    run.exit("post", 0);
    run.exit("main", 0);
    assert_eq!(run.phase("side"), Phase::Stopping);
    assert_eq!(run.phase("post-side"), Phase::Stopping);
    assert_eq!(run.phase("stop"), Phase::Waiting);
    run.exit("side", 137);
    run.exit("post-side", 137);
    assert_eq!(run.status(), AllocClientStatus::Running);
    run.start("stop");
    assert_eq!(run.exit("stop", 0).last(), Some(&AllocAction::Finished));
    assert_eq!(run.status(), AllocClientStatus::Complete);
}

#[test]
fn a_failed_prestart_task_ends_the_others_but_not_poststop() {
    let mut run = Run::new(vec![
        slot("main", Role::Main, false),
        slot("pre", Role::Prestart, false),
        slot("stop", Role::Poststop, false),
    ]);
    run.start("pre");
    run.exit("pre", 2);
    assert_eq!(run.phase("main"), Phase::Dead);
    let states = run.core.task_states();
    let kinds: Vec<_> = states["main"].events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["Received", "Sibling Task Failed", "Killing"]);
    run.start("stop");
    run.exit("stop", 0);
    assert_eq!(run.core.client_status(), (AllocClientStatus::Failed, "Failed tasks".into()));
}

#[test]
fn the_leader_takes_the_others_along() {
    let mut run = Run::new(vec![slot("lead", Role::Main, true), slot("other", Role::Main, false)]);
    run.start("lead");
    run.start("other");
    run.exit("lead", 0);
    assert_eq!(run.phase("other"), Phase::Stopping);
    run.exit("other", 137);
    assert_eq!(run.status(), AllocClientStatus::Complete);
}

#[test]
fn a_stop_ends_the_leader_first_and_sidecars_last() {
    let mut run = Run::new(vec![
        slot("other", Role::Main, false),
        slot("lead", Role::Main, true),
        slot("side", Role::PrestartSidecar, false),
    ]);
    run.start("side");
    run.start("other");
    run.start("lead");
    run.give(AllocInput::Stop { at_once: false });
    assert_eq!(run.phase("other"), Phase::Running);
    run.exit("lead", 0);
    assert_eq!(run.phase("other"), Phase::Stopping);
    assert_eq!(run.phase("side"), Phase::Running);
    run.exit("other", 0);
    assert_eq!(run.phase("side"), Phase::Stopping);
    assert_eq!(run.exit("side", 0).last(), Some(&AllocAction::Finished));
}

#[test]
fn the_group_leaves_the_catalog_before_its_shutdown_delay() {
    let delay = Nanos::from_secs(3);
    let mut core = AllocCore::new(vec![slot("t", Role::Main, false)], delay);
    core.handle(AllocInput::Begin, UnixNanos(2), 0.0);
    core.handle(AllocInput::Task(0, TaskInput::SetupDone(Ok(()))), UnixNanos(3), 0.0);
    let actions = core.handle(AllocInput::Task(0, TaskInput::Started(Ok(()))), UnixNanos(4), 0.0);
    assert!(actions.contains(&AllocAction::RegisterGroup));
    let actions = core.handle(AllocInput::Stop { at_once: false }, UnixNanos(5), 0.0);
    assert_eq!(actions, [AllocAction::DeregisterGroup, AllocAction::GroupDelay(delay)]);
    let actions = core.handle(AllocInput::GroupDelayOver, UnixNanos(6), 0.0);
    assert!(actions.contains(&AllocAction::Task(0, TaskAction::Stop)));
}

#[test]
fn an_allocation_that_runs_for_too_long_says_so() {
    let mut run = Run::new(vec![slot("t", Role::Main, false)]);
    run.start("t");
    run.give(AllocInput::MaxRunOver);
    run.exit("t", 137);
    let expected = (AllocClientStatus::Complete, "allocation exceeded max_run_duration".to_owned());
    assert_eq!(run.core.client_status(), expected);
}

#[test]
fn a_restart_of_everything_includes_those_that_are_over() {
    let mut run = Run::new(vec![slot("one", Role::Main, false), slot("two", Role::Main, false)]);
    run.start("one");
    run.start("two");
    let number = run.core.position("one").unwrap();
    run.core.slots_mut()[number].core = {
        let mut core = TaskCore::new(TaskRules::default(), UnixNanos(1));
        core.handle(TaskInput::Kill(Kill::default()), UnixNanos(2), 0.0);
        core
    };
    run.give(AllocInput::Restart { task: None, includes_dead: true, reason: "r".into(), is_failure: false });
    assert_eq!(run.phase("one"), Phase::Setup);
    assert_eq!(run.phase("two"), Phase::Stopping);
}

#[test]
fn a_failed_setup_fails_every_task() {
    let mut core = AllocCore::new(vec![slot("t", Role::Main, false)], Nanos::ZERO);
    let actions = core.handle(AllocInput::SetupFailed("no space".into()), UnixNanos(2), 0.0);
    assert_eq!(actions.last(), Some(&AllocAction::Finished));
    assert_eq!(core.client_status(), (AllocClientStatus::Failed, "no space".into()));
}
