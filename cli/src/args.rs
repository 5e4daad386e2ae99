//! Flags with one dash or two: turned into what clap knows, before clap sees them.
//!
//! Pure text in, text out. `-json`, `--json`, `-var x=y`, `-var=x=y`, `-diff=false` all work; everything after
//! `--` or (for commands that run other commands) after the first positionals is left alone.

use clap::{ArgAction, Command};

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: it is there or not.
    Nothing,
    /// `=true` or `=false`, or nothing for true.
    Bool,
    /// A value, after `=` or as the next argument.
    Value,
}

/// A flag that a command knows.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Its long name.
    pub name: String,
    /// Its one-letter name.
    pub short: Option<char>,
    /// What it takes.
    pub takes: Takes,
}

/// The flags of a command.
pub fn flags(command: &Command) -> Vec<Flag> {
    let takes = |argument: &clap::Arg| match argument.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count => Takes::Nothing,
        _ if argument.get_num_args().is_some_and(|range| range.min_values() == 0) => Takes::Bool,
        _ => Takes::Value,
    };
    command
        .get_arguments()
        .filter_map(|argument| {
            argument.get_long().map(|name| Flag {
                name: name.to_owned(),
                short: argument.get_short(),
                takes: takes(argument),
            })
        })
        .collect()
}

/// Rewrites `arguments` for clap. `raw_after`: the number of positionals after which nothing is a flag any more.
///
/// # Errors
/// An unknown flag, or one without its value, in the words of the reference.
pub fn rewrite(arguments: &[String], flags: &[Flag], raw_after: Option<usize>) -> Result<Vec<String>, String> {
    let mut rewritten = Vec::with_capacity(arguments.len());
    let mut positionals = 0;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if raw_after.is_some_and(|limit| positionals >= limit) || argument == "--" {
            if argument != "--" {
                rewritten.push("--".to_owned());
            }
            rewritten.push(argument.clone());
            rewritten.extend(rest.cloned());
            break;
        }
        let name = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')).filter(|name| !name.is_empty());
        let Some(name) = name.filter(|_| !is_number(argument)) else {
            positionals += 1;
            rewritten.push(argument.clone());
            continue;
        };
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        let one_letter = |flag: &&Flag| name.len() == 1 && flag.short.is_some_and(|short| name.starts_with(short));
        let known = flags.iter().find(|flag| flag.name == name).or_else(|| flags.iter().find(one_letter));
        let Some(flag) = known else {
            return Err(format!("flag provided but not defined: -{name}"));
        };
        match (flag.takes, value) {
            (Takes::Nothing, None) => rewritten.push(format!("--{}", flag.name)),
            (Takes::Nothing, Some(value)) => {
                if truth(&value).ok_or_else(|| format!("invalid boolean value \"{value}\" for -{name}: parse error"))? {
                    rewritten.push(format!("--{}", flag.name));
                }
            }
            (Takes::Bool, value) => {
                let value = value.unwrap_or_else(|| "true".to_owned());
                let truth = truth(&value)
                    .ok_or_else(|| format!("invalid boolean value \"{value}\" for -{name}: parse error"))?;
                rewritten.push(format!("--{}={truth}", flag.name));
            }
            (Takes::Value, Some(value)) => rewritten.push(format!("--{}={value}", flag.name)),
            (Takes::Value, None) => match rest.next() {
                Some(value) => rewritten.push(format!("--{}={value}", flag.name)),
                None => return Err(format!("flag needs an argument: -{name}")),
            },
        }
    }
    Ok(rewritten)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Flag> {
        let flag = |name: &str, short, takes| Flag { name: name.to_owned(), short, takes };
        vec![
            flag("json", None, Takes::Nothing),
            flag("diff", None, Takes::Bool),
            flag("var", None, Takes::Value),
            flag("f", None, Takes::Nothing),
            flag("output", Some('o'), Takes::Value),
        ]
    }

    fn check(arguments: &[&str], expected: Result<&[&str], &str>) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let got = rewrite(&arguments, &known(), None);
        match expected {
            Ok(expected) => assert_eq!(got.unwrap(), expected),
            Err(expected) => assert_eq!(got.unwrap_err(), expected),
        }
    }

    #[test]
    fn one_dash_and_two_are_the_same() {
        check(&["-json", "x"], Ok(&["--json", "x"]));
        check(&["--json", "x"], Ok(&["--json", "x"]));
        check(&["x", "-f"], Ok(&["x", "--f"]));
    }

    #[test]
    fn values_come_after_an_equals_sign_or_a_space() {
        check(&["-var", "a=b", "file"], Ok(&["--var=a=b", "file"]));
        check(&["-var=a=b", "--var", "-1"], Ok(&["--var=a=b", "--var=-1"]));
        check(&["-o", "out"], Ok(&["--output=out"]));
    }

    #[test]
    fn booleans_can_be_said_out_loud() {
        check(&["-diff=false", "-json=true"], Ok(&["--diff=false", "--json"]));
        check(&["-diff", "-json=0"], Ok(&["--diff=true"]));
        check(&["-json=perhaps"], Err("invalid boolean value \"perhaps\" for -json: parse error"));
    }

    #[test]
    fn faults_are_named_as_the_reference_does() {
        check(&["-sideways"], Err("flag provided but not defined: -sideways"));
        check(&["-var"], Err("flag needs an argument: -var"));
    }

    #[test]
    fn standard_input_numbers_and_the_rest_are_no_flags() {
        check(&["-", "-5", "--", "-json"], Ok(&["-", "-5", "--", "-json"]));
        let arguments: Vec<String> = ["-f", "id", "/bin/sh", "-c", "x"].iter().map(ToString::to_string).collect();
        assert_eq!(rewrite(&arguments, &known(), Some(1)).unwrap(), ["--f", "id", "--", "/bin/sh", "-c", "x"]);
    }
}
