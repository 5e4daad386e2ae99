//! What a command is, and how one is found. The list itself is `commands::COMMANDS`.

use crate::commands::{ALIASES, COMMANDS, DROVER_ONLY, GROUPS};
use crate::context::{Context, Program};
use crate::error::CliError;
use clap::{ArgMatches, Args};

/// How a command ends: its exit code, or an error.
pub type Outcome = Result<u8, CliError>;

/// A command's arguments, and what it does with them.
pub trait Invoke: Args {
    /// Runs the command.
    ///
    /// # Errors
    /// What the person is to be told.
    fn invoke(self, context: &Context) -> Outcome;
}

/// A command that people can type.
pub struct Command {
    /// Its words, as `job run`.
    pub path: &'static str,
    /// What follows the words in the usage line.
    pub usage: &'static str,
    /// One line for the list of commands.
    pub summary: &'static str,
    /// Number of positionals after which nothing is a flag; for commands that run others.
    pub raw_after: Option<usize>,
    /// Exit code of a plain failure.
    pub failure: u8,
    /// Its definition for clap.
    pub define: fn() -> clap::Command,
    /// Runs it.
    pub run: fn(&ArgMatches, &Context) -> Outcome,
}

impl Command {
    /// A command with arguments `A`.
    pub const fn new<A: Invoke>(path: &'static str, usage: &'static str, summary: &'static str) -> Self {
        Self { path, usage, summary, raw_after: None, failure: 1, define: define::<A>, run: run::<A> }
    }
    /// Leaves everything after `positionals` alone.
    pub const fn raw_after(mut self, positionals: usize) -> Self {
        self.raw_after = Some(positionals);
        self
    }
    /// Plain failures end with `code`.
    pub const fn failing_with(mut self, code: u8) -> Self {
        self.failure = code;
        self
    }
}

fn define<A: Args>() -> clap::Command {
    A::augment_args(
        clap::Command::new("command").no_binary_name(true).disable_help_flag(true).disable_version_flag(true),
    )
}

fn run<A: Invoke>(matches: &ArgMatches, context: &Context) -> Outcome {
    A::from_arg_matches(matches).map_err(|error| context.usage(error.to_string()))?.invoke(context)
}

/// Whether there is a command or group `path` when called as `program`.
pub fn is_offered(path: &str, program: Program) -> bool {
    let first = path.split(' ').next().unwrap_or(path);
    program == Program::Drover || !DROVER_ONLY.contains(&first)
}

/// What the first words name.
pub enum Found {
    /// A command, and the number of words it took.
    Command(&'static Command, usize),
    /// A group of commands, as `job`.
    Group(&'static str),
    /// Neither.
    Nothing,
}

/// Finds the command that `words` begin with. As Nomad, its short forms (`plan`) come first; as Drover, they
/// come after Drover's own commands.
pub fn find(words: &[String], program: Program) -> Found {
    let taken = |path: &str| {
        let mut count = 0;
        for word in path.split(' ') {
            if words.get(count).is_none_or(|given| given != word) {
                return None;
            }
            count += 1;
        }
        Some(count)
    };
    let own = || {
        COMMANDS
            .iter()
            .filter(|command| is_offered(command.path, program))
            .filter_map(|command| taken(command.path).map(|count| (command, count)))
            .max_by_key(|(_, count)| *count)
    };
    let alias = || {
        let (_, target) = ALIASES.iter().find(|(alias, _)| words.first().is_some_and(|word| word == alias))?;
        COMMANDS.iter().find(|command| command.path == *target).map(|command| (command, 1))
    };
    let found = match program {
        Program::Nomad => alias().or_else(own),
        Program::Drover => own().or_else(alias),
    };
    match found {
        Some((command, count)) => Found::Command(command, count),
        None => GROUPS
            .iter()
            .filter(|(path, _)| taken(path).is_some() && is_offered(path, program))
            .max_by_key(|(path, _)| path.len())
            .map_or(Found::Nothing, |(path, _)| Found::Group(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(words: &[&str], program: Program) -> String {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        match find(&words, program) {
            Found::Command(command, count) => format!("{} {count}", command.path),
            Found::Group(path) => format!("group {path}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_longest_words_win_and_aliases_work() {
        assert_eq!(path(&["job", "run", "x"], Program::Drover), "job run 2");
        assert_eq!(path(&["run", "x"], Program::Drover), "job run 1");
        assert_eq!(path(&["plan", "x"], Program::Nomad), "job plan 1");
        assert_eq!(path(&["job"], Program::Nomad), "group job");
        assert_eq!(path(&["dance"], Program::Nomad), "nothing");
    }

    #[test]
    fn as_nomad_there_are_only_its_commands() {
        assert_eq!(path(&["plan", "x"], Program::Drover), "plan 1");
        assert_eq!(path(&["apply", "x"], Program::Nomad), "nothing");
        assert_eq!(path(&["pack"], Program::Nomad), "nothing");
    }

    #[test]
    fn every_command_has_a_sound_definition() {
        for command in COMMANDS {
            (command.define)().debug_assert();
        }
    }
}
