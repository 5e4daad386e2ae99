//! `cmd:PROGRAM ARGUMENT…#FIELD`: what a command prints, such as that of a password manager.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    Access, Origin, Provider, ProviderError, ProviderSettings, Secret, SecretData, SecretRef, SettingsError, Taint,
    document,
};

/// The longest output that is read, in bytes.
const MAX_OUTPUT_BYTES: u64 = 1024 * 1024;
/// How long a command may take when nobody says otherwise. It may ask the person for a password.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(5);
/// The longest line of its error output that is quoted, in characters.
const MAX_QUOTED_CHARS: usize = 200;
/// Where the path of a reference goes in a configured command.
const PATH: &str = "{path}";

/// How a command is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CmdSettings {
    /// Program and arguments; `{path}` in an argument is the reference's path, which else comes last. Empty: the reference's path
    /// is the command.
    pub command: Vec<String>,
    /// Whether the path, or the single text in `command`, is given to a shell.
    pub shell: bool,
    /// How long it may take, as `30s`. One minute unless said.
    pub timeout: Option<String>,
    /// `text`, `json`, or by whether a field is asked for.
    pub format: Option<String>,
}

/// Runs commands and reads what they print.
pub struct CmdProvider {
    settings: CmdSettings,
    timeout: Duration,
    format: Format,
    folder: PathBuf,
    /// Whether the command may ask the person.
    has_terminal: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    ByField,
    Text,
    Json,
}

impl CmdProvider {
    /// Commands run in `folder`; with a terminal they may ask.
    ///
    /// # Errors
    /// A setting makes no sense.
    pub fn new(
        settings: &ProviderSettings,
        folder: impl Into<PathBuf>,
        has_terminal: bool,
    ) -> Result<Self, SettingsError> {
        let settings: CmdSettings = settings.read()?;
        let bad = |reason: &str| SettingsError::Bad { reason: reason.to_owned() };
        let timeout = settings.timeout.as_deref().map(crate::duration::parse).transpose()?.unwrap_or(DEFAULT_TIMEOUT);
        let format = match settings.format.as_deref() {
            None => Format::ByField,
            Some("text") => Format::Text,
            Some("json") => Format::Json,
            Some(_) => return Err(bad("`format` is \"text\" or \"json\"")),
        };
        if settings.shell && settings.command.len() > 1 {
            return Err(bad("with `shell`, `command` is one text"));
        }
        Ok(Self { settings, timeout, format, folder: folder.into(), has_terminal })
    }

    /// Program and arguments.
    fn words(&self, reference: &SecretRef) -> Result<Vec<String>, ProviderError> {
        let path = reference.path();
        let CmdSettings { command, shell, .. } = &self.settings;
        if *shell {
            // The path is an argument of the shell's text rather than a part of it: nothing in it is run.
            let shell = ["/bin/sh".to_owned(), "-c".to_owned()];
            return Ok(match command.first() {
                Some(text) => shell.into_iter().chain([text.clone(), "sh".to_owned(), path.to_owned()]).collect(),
                None => shell.into_iter().chain([path.to_owned()]).collect(),
            });
        }
        if command.is_empty() {
            return split(path);
        }
        let placed = command.iter().any(|word| word.contains(PATH));
        let words = command.iter().map(|word| word.replace(PATH, path));
        Ok(words.chain((!placed).then(|| path.to_owned())).collect())
    }

    fn output(&self, words: &[String]) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let program = words.first().map(String::as_str).unwrap_or_default();
        let mut command = Command::new(program);
        command.args(&words[1..]).current_dir(&self.folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.has_terminal {
            command.stdin(Stdio::inherit());
        } else {
            // A group of its own, so that nothing that it started is left when its time is over.
            use std::os::unix::process::CommandExt as _;
            command.stdin(Stdio::null()).process_group(0);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                ProviderError::NotFound { hint: format!("there is no program `{program}` on this machine's PATH") }
            }
            _ => ProviderError::Unavailable { reason: format!("`{program}` cannot be started: {error}") },
        })?;
        let out = reader(child.stdout.take());
        let err = reader(child.stderr.take());
        let status = self.wait(&mut child, program)?;
        // What the command leaves behind may hold the pipes open; what it wrote itself is there by now.
        let collected =
            |pipe: &mpsc::Receiver<Zeroizing<Vec<u8>>>| pipe.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let (out, err) = (collected(&out), collected(&err));
        if !status.success() {
            return Err(failed(program, status, &out, &err));
        }
        if out.len() as u64 > MAX_OUTPUT_BYTES {
            let reason = format!("`{program}` printed more than {MAX_OUTPUT_BYTES} bytes");
            return Err(ProviderError::Malformed { reason });
        }
        Ok(out)
    }

    fn wait(&self, child: &mut Child, program: &str) -> Result<ExitStatus, ProviderError> {
        let end = Instant::now() + self.timeout;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < end => std::thread::sleep(POLL),
                Ok(None) => {
                    self.kill(child);
                    let reason = format!("`{program}` did not end within {}", crate::duration::shown(self.timeout));
                    return Err(ProviderError::Unavailable { reason });
                }
                Err(error) => {
                    return Err(ProviderError::Unavailable { reason: format!("`{program}`: {error}") });
                }
            }
        }
    }

    fn kill(&self, child: &mut Child) {
        use nix::sys::signal::{Signal, killpg};
        use nix::unistd::Pid;
        // It may have ended in between, which is what is wanted.
        if !self.has_terminal
            && let Ok(group) = i32::try_from(child.id())
        {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        if let Some(pipe) = pipe {
            // A pipe that breaks ends the output.
            let _ = pipe.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// The last line that it wrote about its failure, without anything that it also wrote as a value.
fn failed(program: &str, status: ExitStatus, out: &[u8], err: &[u8]) -> ProviderError {
    let taint = Taint::default();
    let out = String::from_utf8_lossy(out);
    for line in std::iter::once(out.trim()).chain(out.lines().map(str::trim)).chain(out.split_whitespace()) {
        taint.add(Origin::Credential("output".to_owned()), line);
    }
    let err = String::from_utf8_lossy(err);
    let line: String = err
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim()
        .chars()
        .take(MAX_QUOTED_CHARS)
        .collect();
    let said = if line.is_empty() { String::new() } else { format!(": {}", taint.masker().mask(&line)) };
    ProviderError::Unavailable { reason: format!("`{program}` failed ({status}){said}") }
}

impl Provider for CmdProvider {
    fn name(&self) -> &'static str {
        "cmd"
    }

    fn read(&self, reference: &SecretRef) -> Result<SecretData, ProviderError> {
        let words = self.words(reference)?;
        let output = self.output(&words)?;
        let text = std::str::from_utf8(&output)
            .map_err(|_| ProviderError::Malformed { reason: "the command did not print UTF-8 text".to_owned() })?;
        let has_fields = match self.format {
            Format::ByField => reference.field().is_some(),
            Format::Text => false,
            Format::Json => true,
        };
        if has_fields {
            return document::parse(text).map(SecretData::Fields);
        }
        let value = text.strip_suffix('\n').unwrap_or(text);
        let value = value.strip_suffix('\r').unwrap_or(value);
        if value.is_empty() {
            return Err(ProviderError::NotFound { hint: "the command printed nothing".to_owned() });
        }
        Ok(SecretData::Value(Secret::from(value)))
    }

    fn check(&self, reference: &SecretRef) -> Result<Access, ProviderError> {
        let words = self.words(reference)?;
        Ok(Access::Unknown {
            reason: format!("`{}` is run only for its value", words.first().map_or("", String::as_str)),
        })
    }
}

/// Words of a command, separated by spaces; quotation marks of both kinds hold words together, and a backslash takes the next
/// character as it is outside of single ones.
fn split(text: &str) -> Result<Vec<String>, ProviderError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(mark), c) if c == mark => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        let reason = "a quotation mark of the command is not closed".to_owned();
        return Err(ProviderError::Malformed { reason });
    }
    words.extend(word);
    if words.is_empty() {
        return Err(ProviderError::Malformed { reason: "the command is empty".to_owned() });
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(options: serde_json::Value) -> CmdProvider {
        let serde_json::Value::Object(options) = options else { panic!("an object") };
        let settings = ProviderSettings { options, ..ProviderSettings::of("cmd") };
        CmdProvider::new(&settings, "/", false).unwrap()
    }

    fn value(options: serde_json::Value, reference: &str) -> Result<String, String> {
        let reference = reference.parse().unwrap();
        match provider(options).read(&reference) {
            Ok(SecretData::Value(value)) => Ok(value.expose().clone()),
            Ok(SecretData::Fields(fields)) => Ok(fields[reference.field().unwrap()].expose().clone()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn words() {
        let words = |text: &str| split(text).unwrap();
        assert_eq!(words("pass show  'a b' \"c \\\" d\" e\\ f ''"), ["pass", "show", "a b", "c \" d", "e f", ""]);
        assert!(split("pass 'x").is_err() && split("  ").is_err());
    }

    #[test]
    fn a_command_gives_text_or_a_document() {
        assert_eq!(value(json!({}), "cmd:printf 'hunter2\\n'").unwrap(), "hunter2");
        assert_eq!(value(json!({}), "cmd:printf '{\"a\":{\"b\":\"x y\"}}'#a.b").unwrap(), "x y");
        assert_eq!(value(json!({"command": ["printf", "%s-%s", "{path}", "end"]}), "cmd:p").unwrap(), "p-end");
        assert_eq!(value(json!({"command": ["printf", "%s"]}), "cmd:$(id)").unwrap(), "$(id)");
    }

    #[test]
    fn only_a_shell_that_is_asked_for_runs() {
        assert_eq!(value(json!({}), "cmd:printf %s $HOME;id").unwrap(), "$HOME;id");
        assert_eq!(value(json!({"shell": true}), "cmd:printf a; printf b").unwrap(), "ab");
        assert_eq!(
            value(json!({"shell": true, "command": ["printf %s \"$1\" | tr a-z A-Z"]}), "cmd:x;id").unwrap(),
            "X;ID"
        );
    }

    #[test]
    fn failures_name_the_command_and_no_value() {
        let error = value(json!({"shell": true}), "cmd:echo hunter2; echo wrong hunter2 >&2; exit 3").unwrap_err();
        assert!(error.contains("exit status: 3") && error.contains("wrong (sensitive)"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert!(value(json!({}), "cmd:no-such-program-here").unwrap_err().contains("no-such-program-here"));
        assert!(value(json!({}), "cmd:true").unwrap_err().contains("printed nothing"));
    }

    #[test]
    fn a_slow_command_is_ended_with_all_that_it_started() {
        let begun = Instant::now();
        let error = value(json!({"shell": true, "timeout": "200ms"}), "cmd:sleep 30 & sleep 30").unwrap_err();
        assert!(error.contains("200ms"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn settings_are_checked() {
        let of = |options: serde_json::Value| {
            let serde_json::Value::Object(options) = options else { panic!("an object") };
            CmdProvider::new(&ProviderSettings { options, ..ProviderSettings::of("cmd") }, "/", false)
                .err()
                .unwrap()
                .to_string()
        };
        assert!(of(json!({"timeout": "soon"})).contains("30s"));
        assert!(of(json!({"comand": []})).contains("comand"));
        assert!(of(json!({"format": "yaml"})).contains("json"));
    }
}
