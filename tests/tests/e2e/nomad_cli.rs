//! The reference's own command line against Drover: the same words and exit codes as against the reference's agent.

use drover_tests::{Agent, AgentOptions, Run, files, jobs, peer, rows, run_program};
use std::path::{Path, PathBuf};

const UPDATE: &str = "count = 2\n    update {\n      min_healthy_time = \"0s\"\n    }";

/// What a command showed, comparable between engines.
#[derive(Debug, PartialEq)]
struct Shown {
    command: String,
    code: i32,
    rows: Vec<String>,
}

/// Runs the reference's command line against one engine.
struct Session<'a> {
    nomad: &'a Path,
    agent: Agent,
    folder: tempfile::TempDir,
    shown: Vec<Shown>,
}

impl<'a> Session<'a> {
    fn new(nomad: &'a Path, binary: Option<PathBuf>) -> Self {
        let agent = Agent::start(AgentOptions { binary, ..AgentOptions::default() });
        Self { nomad, agent, folder: files::folder(), shown: Vec::new() }
    }
    fn run(&self, args: &[&str]) -> Run {
        let address = self.agent.address();
        run_program(self.nomad, self.folder.path(), &[("NOMAD_ADDR", &address), ("NOMAD_CLI_SHOW_HINTS", "0")], args)
    }
    /// Runs a command and notes the rows that do not depend on the moment.
    fn note(&mut self, args: &[&str]) -> Run {
        let run = self.run(args);
        let text = format!("{}\n{}", run.stdout, run.stderr).replace(&self.agent.address(), "<address>");
        // Indexes differ between engines.
        let index = session_index(&self.agent);
        let text = text.replace(&format!("Index: {index}"), "Index: <index>");
        let text = text.replace(&format!("-check-index {index}"), "-check-index <index>");
        let shown = rows(&text).into_iter().filter(|row| is_lasting(row)).collect();
        let command: Vec<String> = args.iter().map(|word| rows(word).concat()).collect();
        self.shown.push(Shown { command: command.join(" "), code: run.code, rows: shown });
        run
    }
}

/// The modify index of the job that the session is about.
fn session_index(agent: &Agent) -> u64 {
    agent.try_get("/v1/job/web").and_then(|job| job["JobModifyIndex"].as_u64()).unwrap_or(u64::MAX)
}

/// Whether a row is the same each time: not how far something is at the moment of looking, nor what the host has.
fn is_lasting(row: &str) -> bool {
    let momentary = [
        "<time>: Allocation \"",
        "<time>: Evaluation status changed",
        "<time>: Evaluation within deployment",
        "Status = running",
        "Description = Deployment is running",
        "Node Name =",
        " MHz ",
    ];
    // Deployments on the way: placed but not all healthy yet.
    let on_the_way = row.starts_with("g 2 ") && row.ends_with("<time>") && !row.starts_with("g 2 2 2 0");
    !on_the_way && !momentary.iter().any(|part| row.contains(part)) && row != "<time>"
}

/// The commands that people live in, with right and wrong arguments.
fn session(nomad: &Path, binary: Option<PathBuf>) -> Vec<Shown> {
    let mut session = Session::new(nomad, binary);
    let write = |session: &Session, name: &str, text: &str| {
        files::write(session.folder.path(), name, text);
    };
    let sleeper = jobs::shell("web", "service", "echo out; echo err >&2; exec sleep 600", UPDATE);
    write(&session, "web.nomad", &sleeper);
    write(&session, "edited.nomad", &sleeper.replace("cpu    = 20", "cpu    = 25"));
    write(&session, "counted.nomad", &sleeper.replace("count = 2", "count = 3"));
    write(&session, "big.nomad", &jobs::shell("big", "batch", "true", "").replace("memory = 16", "memory = 9999999"));
    write(&session, "bad.nomad", "job \"bad\" {\n  grup \"g\" {}\n}\n");

    session.note(&["job", "validate", "web.nomad"]);
    session.note(&["job", "plan", "web.nomad"]);
    session.note(&["job", "run", "web.nomad"]);
    session.agent.wait_alloc("web", "running");
    session.note(&["job", "plan", "web.nomad"]);
    session.note(&["job", "run", "-check-index", "0", "web.nomad"]);
    session.note(&["status"]);
    session.note(&["job", "status", "web"]);
    let allocs = session.agent.get("/v1/job/web/allocations");
    let first = allocs.as_array().into_iter().flatten().find(|alloc| alloc["Name"] == "web.g[0]");
    let alloc = first.and_then(|alloc| alloc["ID"].as_str()).expect("the first one is there").to_owned();
    session.note(&["alloc", "status", &alloc]);
    session.note(&["alloc", "logs", &alloc]);
    session.note(&["alloc", "logs", "-stderr", &alloc, "t"]);
    session.note(&["job", "plan", "edited.nomad"]);
    session.note(&["job", "plan", "counted.nomad"]);
    session.note(&["job", "plan", "big.nomad"]);
    session.note(&["job", "run", "big.nomad"]);
    session.note(&["job", "plan", "bad.nomad"]);
    let evals = session.agent.get("/v1/job/web/evaluations");
    let first = evals.as_array().into_iter().flatten().find(|eval| eval["TriggeredBy"] == "job-register");
    let eval = first.and_then(|eval| eval["ID"].as_str()).expect("a registration is evaluated").to_owned();
    session.note(&["eval", "status", &eval[..8]]);
    let deployment = session.agent.get("/v1/job/web/deployment")["ID"].as_str().expect("it has an id").to_owned();
    session.note(&["deployment", "status", &deployment[..8]]);
    session.note(&["node", "status"]);
    session.note(&["job", "stop", "web"]);
    drover_tests::eventually("its end", || session.agent.allocations("web", "running").is_empty());
    session.note(&["job", "stop", "-purge", "web"]);
    session.note(&["job", "status", "web"]);
    session.note(&["job", "stop", "web"]);
    session.note(&["alloc", "status", "ffffffff"]);
    session.shown
}

#[test]
fn it_shows_the_same_as_against_the_reference() {
    let Some(nomad) = peer("nomad") else { return };
    let (theirs, ours) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| session(&nomad, Some(nomad.clone())));
        let ours = scope.spawn(|| session(&nomad, None));
        (theirs.join().expect("the reference's session"), ours.join().expect("Drover's session"))
    });
    let mut differences = String::new();
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(theirs.command, ours.command);
        if theirs.code != ours.code {
            differences.push_str(&format!("{}: exit {} instead of {}\n", ours.command, ours.code, theirs.code));
        }
        for row in theirs.rows.iter().filter(|row| !ours.rows.contains(row)) {
            differences.push_str(&format!("{}: missing {row:?}\n", ours.command));
        }
        for row in ours.rows.iter().filter(|row| !theirs.rows.contains(row)) {
            differences.push_str(&format!("{}: extra   {row:?}\n", ours.command));
        }
    }
    assert!(differences.is_empty(), "{differences}");
    let codes: Vec<i32> = theirs.iter().map(|shown| shown.code).collect();
    assert!(
        codes.contains(&0) && codes.contains(&1) && codes.contains(&2) && codes.contains(&255),
        "all exit codes came up: {codes:?}"
    );
}
