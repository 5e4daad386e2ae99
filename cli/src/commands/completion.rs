//! `completion`: completes command lines in the shell.
//!
//! The shells' scripts are small: they ask this binary for the words, so that they never fall behind it.

use crate::commands::{ALIASES, COMMANDS, GROUPS};
use crate::context::{Context, Program};
use crate::error::CliError;
use crate::output;
use crate::registry::{Found, Invoke, Outcome, find, is_offered};

/// Prints a script, or words.
#[derive(clap::Args)]
pub struct Completion {
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Invoke for Completion {
    fn invoke(self, context: &Context) -> Outcome {
        let name = context.program.name();
        let script = match self.arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["words", ..] => {
                let found = words(&self.arguments[1..], context.program);
                if !found.is_empty() {
                    output::line(&found.join("\n"));
                }
                return Ok(0);
            }
            ["bash"] => BASH,
            ["zsh"] => ZSH,
            ["fish"] => FISH,
            [] => return Err(context.usage("This command takes one argument: bash, zsh or fish")),
            [other, ..] => {
                return Err(CliError::new(format!("There is no completion for {other}; use bash, zsh or fish")));
            }
        };
        output::raw(script.replace("NAME", name).as_bytes());
        Ok(0)
    }
}

const BASH: &str = r#"_NAME_words() {
    local IFS=$'\n'
    COMPREPLY=($(NAME completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _NAME_words NAME
"#;

const ZSH: &str = r#"#compdef NAME
_NAME() {
    local -a found
    found=(${(f)"$(NAME completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#found} )); then
        compadd -a found
    else
        _files
    fi
}
compdef _NAME NAME
"#;

const FISH: &str = r#"function __NAME_words
    set -l typed (commandline -opc)[2..-1] (commandline -ct)
    NAME completion words $typed 2>/dev/null
end
complete -c NAME -a '(__NAME_words)'
"#;

/// What the last of `typed` can become; nothing where a file or the name of something is wanted.
fn words(typed: &[String], program: Program) -> Vec<String> {
    let Some((partial, before)) = typed.split_last() else { return Vec::new() };
    if let Some(found) = variables(partial, before, program) {
        return found;
    }
    let before: Vec<String> = before.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let mut found: Vec<String> = if partial.starts_with('-') {
        let Found::Command(command, _) = find(&before, program) else { return Vec::new() };
        let definition = (command.define)();
        let flags = definition.get_arguments().filter(|flag| !flag.is_hide_set());
        flags.filter_map(|flag| flag.get_long().map(|name| format!("-{name}"))).chain(["-help".to_owned()]).collect()
    } else {
        let paths = COMMANDS.iter().map(|command| command.path).chain(GROUPS.iter().map(|(path, _)| *path));
        let aliases = ALIASES.iter().map(|(alias, _)| *alias);
        paths
            .filter(|path| is_offered(path, program))
            .chain(aliases)
            .filter_map(|path| {
                let path: Vec<&str> = path.split(' ').collect();
                let fits =
                    path.len() == before.len() + 1 && path.iter().zip(&before).all(|(known, given)| known == given);
                path.last().filter(|_| fits).map(|word| (*word).to_owned())
            })
            .collect()
    };
    found.retain(|word| word.starts_with(partial.as_str()));
    found.sort_unstable();
    found.dedup();
    found
}

/// The names of a pack's variables after `-var`, and none where something else is wanted. The pack is the folder that was
/// typed, else the current one.
fn variables(partial: &str, before: &[String], program: Program) -> Option<Vec<String>> {
    let (start, wanted) = match partial.strip_prefix("-var=").or_else(|| partial.strip_prefix("--var=")) {
        Some(wanted) => (&partial[..partial.len() - wanted.len()], wanted),
        None if before.last().is_some_and(|word| matches!(word.as_str(), "-var" | "--var")) => ("", partial),
        None => return None,
    };
    let words: Vec<String> = before.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let Found::Command(command, taken) = find(&words, program) else { return None };
    if !command.path.starts_with("pack ") {
        return None;
    }
    let folders = words[taken..].iter().map(String::as_str).chain(["."]);
    let folder = folders.map(std::path::Path::new).find(|path| drover_packs::files::is_pack(path))?;
    let pack = drover_packs::Pack::load(folder).ok()?;
    let mut found: Vec<String> = pack.variables.iter().map(|variable| variable.name.to_string()).collect();
    found.extend(pack.go.iter().flat_map(|pack| pack.described_variables()).map(|[name, ..]| name));
    found.retain(|name| name.starts_with(wanted));
    found.sort_unstable();
    Some(found.into_iter().map(|name| format!("{start}{name}=")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &[&str], expected: &[&str]) {
        let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
        assert_eq!(words(&typed, Program::Drover), expected, "{typed:?}");
    }

    #[test]
    fn variables_of_a_pack_are_found() {
        let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/packs/redis");
        check(&["pack", "render", pack, "-var", "ma"], &["max_memory_mb="]);
        check(&["pack", "render", "-var=app", pack, "-var=app"], &["-var=append_only="]);
    }

    #[test]
    fn words_of_commands_and_their_flags_are_found() {
        check(&["job", "ta"], &["tag"]);
        check(&["job", "tag", ""], &["apply", "unset"]);
        check(&["namesp"], &["namespace"]);
        check(&["job", "stop", "-pur"], &["-purge"]);
        check(&["job", "stop", "-detach", "we"], &[]);
        check(&["dance", "-"], &[]);
    }
}
