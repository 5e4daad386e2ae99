//! Log lines as operators of this kind of agent know them:
//! `2026-11-22T15:10:27.464Z [INFO]  client: node registration complete: id=…`, or JSON objects.

use drover_base::UnixNanos;
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Installs the process-wide subscriber. Lines go to standard output, as the reference's do.
/// A second call has no effect.
pub fn install(level: &str, json: bool) {
    let filter = match level {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        "OFF" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    };
    // Libraries are heard from `warn` on; at `trace` everything speaks.
    let ours = tracing_subscriber::filter::filter_fn(move |meta| {
        level_of_libraries(filter) >= *meta.level() || meta.target().starts_with("drover")
    });
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
    let layer = tracing_subscriber::fmt::layer().event_format(Lines { json }).with_filter(filter).with_filter(ours);
    let subscriber = tracing_subscriber::registry().with(layer);
    // An error means that a subscriber is there already, which is what we want.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn level_of_libraries(filter: LevelFilter) -> LevelFilter {
    if filter == LevelFilter::TRACE { LevelFilter::TRACE } else { LevelFilter::WARN.min(filter) }
}

struct Lines {
    json: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let meta = event.metadata();
        let time = UnixNanos::now().timestamp();
        let target = short_target(meta.target());
        if self.json {
            let mut line = serde_json::Map::new();
            line.insert("@level".into(), meta.level().as_str().to_lowercase().into());
            line.insert("@message".into(), fields.message.into());
            line.insert("@module".into(), target.into());
            line.insert("@timestamp".into(), format!("{time:.6}").into());
            line.extend(fields.pairs.into_iter().map(|(key, value)| (key, value.into())));
            return writeln!(out, "{}", serde_json::Value::Object(line));
        }
        write!(out, "    {time:.3} {:<7} {target}: {}", level_mark(*meta.level()), fields.message)?;
        for (i, (key, value)) in fields.pairs.iter().enumerate() {
            let colon = if i == 0 { ":" } else { "" };
            if value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=') {
                write!(out, "{colon} {key}={value:?}")?;
            } else {
                write!(out, "{colon} {key}={value}")?;
            }
        }
        writeln!(out)
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
