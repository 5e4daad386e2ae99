//! Log lines as operators of this kind of agent know them:
//! `2026-11-22T15:10:27.464Z [INFO]  client: node registration complete: id=…`, or JSON objects.

use crate::config::AgentConfig;
use crate::logfile::RotatingFile;
use drover_api::{LogLine, LogLines};
use drover_base::UnixNanos;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Installs the process-wide subscriber. Lines go to standard output, as the reference's do, and are held
/// back until [`release`]. A second call has no effect.
///
/// # Errors
/// The log file cannot be written.
pub fn install(config: &AgentConfig) -> io::Result<()> {
    set_level(&config.log_level);
    if let Some(settings) = &config.log_file {
        let file = RotatingFile::open(settings.clone())?;
        *LOG_FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }
    // Libraries are heard from `warn` on; at `trace` everything speaks.
    let ours = dynamic_filter_fn(|meta, _| {
        let filter = level();
        let limit = if meta.target().starts_with("drover") { filter } else { level_of_libraries(filter) };
        limit >= *meta.level()
    });
    let layer = tracing_subscriber::fmt::layer()
        .event_format(Lines { json: config.log_json, location: config.log_location })
        .with_writer(Gate::default)
        .with_filter(ours);
    // Those who watch choose their own level, so that what is logged does not matter.
    let watched = lines();
    let wanted = dynamic_filter_fn(move |meta, _| {
        let is_ours = meta.target().starts_with("drover") || *meta.level() <= Level::WARN;
        is_ours && watched.wants(*meta.level())
    });
    let watch = Watch(lines()).with_filter(wanted);
    let subscriber = tracing_subscriber::registry().with(layer).with(watch);
    // An error means that a subscriber is there already, which is what we want.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// The level from which on lines are logged, by rank; it can change while the agent runs.
static LEVEL: AtomicU8 = AtomicU8::new(INFO);
const INFO: u8 = 3;
const LEVELS: [(&str, LevelFilter); 6] = [
    ("OFF", LevelFilter::OFF),
    ("ERROR", LevelFilter::ERROR),
    ("WARN", LevelFilter::WARN),
    ("INFO", LevelFilter::INFO),
    ("DEBUG", LevelFilter::DEBUG),
    ("TRACE", LevelFilter::TRACE),
];

/// Logs lines of this level and of more important ones from now on.
pub fn set_level(name: &str) {
    let place = LEVELS.iter().position(|(known, _)| *known == name).and_then(|place| u8::try_from(place).ok());
    LEVEL.store(place.unwrap_or(INFO), Ordering::Relaxed);
}

fn level() -> LevelFilter {
    LEVELS[usize::from(LEVEL.load(Ordering::Relaxed)).min(LEVELS.len() - 1)].1
}

/// The file that lines go to besides standard output.
static LOG_FILE: Mutex<Option<RotatingFile>> = Mutex::new(None);

/// The lines as they pass by, for those who watch them over HTTP.
pub fn lines() -> LogLines {
    static LINES: OnceLock<LogLines> = OnceLock::new();
    LINES.get_or_init(LogLines::new).clone()
}

/// Lines from before the start-up summary was shown; `None` once it was.
static HELD: Mutex<Option<Vec<u8>>> = Mutex::new(Some(Vec::new()));

/// Lets all lines through, first those that were held back.
pub fn release() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Nobody is left to hear of a closed standard output.
    let _ = io::stdout().write_all(&held.unwrap_or_default());
}

#[derive(Default)]
struct Gate;

impl io::Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = LOG_FILE.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // A full disk must not stop the agent; standard output has the line too.
            let _ = file.write_all(bytes.trim_ascii_start());
        }
        match HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(held) => held.extend_from_slice(bytes),
            None => io::stdout().write_all(bytes)?,
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn level_of_libraries(filter: LevelFilter) -> LevelFilter {
    if filter == LevelFilter::TRACE { LevelFilter::TRACE } else { LevelFilter::WARN.min(filter) }
}

struct Lines {
    json: bool,
    location: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line::of(event);
        if self.location
            && let (Some(file), Some(number)) = (line.meta.file(), line.meta.line())
        {
            line.fields.pairs.push(("@caller".to_owned(), format!("{file}:{number}")));
        }
        writeln!(out, "{}", if self.json { line.json() } else { line.text() })
    }
}

/// Hands lines to those who watch them over HTTP.
struct Watch(LogLines);

impl<S: Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = Line::of(event);
        let (text, json) = (line.text().trim_start().to_owned(), line.json());
        self.0.publish(LogLine { level: *line.meta.level(), text, json });
    }
}

struct Line<'a> {
    time: jiff::Timestamp,
    meta: &'a tracing::Metadata<'a>,
    fields: Fields,
}

impl<'a> Line<'a> {
    fn of(event: &Event<'a>) -> Self {
        let mut fields = Fields::default();
        event.record(&mut fields);
        Self { time: UnixNanos::now().timestamp(), meta: event.metadata(), fields }
    }

    fn text(&self) -> String {
        let (time, target) = (self.time, short_target(self.meta.target()));
        let mut out = format!("    {time:.3} {:<7} {target}: {}", level_mark(*self.meta.level()), self.fields.message);
        for (i, (key, value)) in self.fields.pairs.iter().enumerate() {
            let colon = if i == 0 { ":" } else { "" };
            let needs_quotes = value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=');
            let value = if needs_quotes { format!("{value:?}") } else { value.clone() };
            out.push_str(&format!("{colon} {key}={value}"));
        }
        out
    }

    fn json(&self) -> String {
        let mut line = serde_json::Map::new();
        line.insert("@level".into(), self.meta.level().as_str().to_lowercase().into());
        line.insert("@message".into(), self.fields.message.clone().into());
        line.insert("@module".into(), short_target(self.meta.target()).into());
        line.insert("@timestamp".into(), format!("{:.6}", self.time).into());
        line.extend(self.fields.pairs.iter().map(|(key, value)| (key.clone(), value.clone().into())));
        serde_json::Value::Object(line).to_string()
    }
}

fn level_mark(level: Level) -> &'static str {
    match level {
        Level::ERROR => "[ERROR]",
        Level::WARN => "[WARN]",
        Level::INFO => "[INFO]",
        Level::DEBUG => "[DEBUG]",
        Level::TRACE => "[TRACE]",
    }
}

/// `drover_server::broker` is `server.broker` to people.
fn short_target(target: &str) -> String {
    target.strip_prefix("drover_").unwrap_or(target).replace("::", ".")
}

#[derive(Default)]
struct Fields {
    message: String,
    pairs: Vec<(String, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.pairs.push((field.name().to_owned(), value.to_owned()));
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String cannot fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.pairs.push((field.name().to_owned(), format!("{value:?}")));
        }
    }
}
