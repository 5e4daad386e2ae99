//! `/v1/agent/pprof/…`: what this process does, as text. The reference's profiles are those of a Go runtime, which
//! Drover has not; these tell the same things of threads and memory, as the kernel knows them.

use crate::context::Context;
use crate::error::{ApiError, Result};
use crate::reply::Reply;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// The longest sampling.
const MAX_SECONDS: i64 = 60;
/// Between two samples.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(10);
/// Memory as the kernel counts it.
const MEMORY: &[&str] = &["allocs", "heap"];
/// Threads and what they wait for.
const THREADS: &[&str] = &["block", "goroutine", "mutex", "threadcreate"];

pub(super) async fn route(context: &Context, profile: &str) -> Result<Reply> {
    // As a refused call, other than for the log.
    super::monitor::check_target(context).map_err(|error| ApiError::refused(error.message))?;
    let text = |text: String| Ok(Reply::text("text/plain; charset=utf-8", text));
    match profile {
        "" => Err(ApiError::not_found("Invalid method")),
        "cmdline" => {
            let line = std::fs::read("/proc/self/cmdline")
                .map_err(|error| ApiError::refused(format!("cannot read the command line: {error}")))?;
            let line = line.strip_suffix(b"\0").unwrap_or(&line).to_vec();
            Ok(Reply::text("text/plain; charset=utf-8", line))
        }
        "symbol" => text("num_symbols: 0\n".to_owned()),
        "profile" | "trace" => {
            let seconds = context.number("seconds").map_err(|error| ApiError::bad_request(error.message))?;
            let seconds = u64::try_from(seconds.unwrap_or(1).clamp(1, MAX_SECONDS)).unwrap_or(1);
            text(sampled(Duration::from_secs(seconds)).await)
        }
        known if MEMORY.contains(&known) => text(memory()),
        known if THREADS.contains(&known) => text(threads()),
        unknown => Err(ApiError::not_found(format!("Pprof profile not found profile: {unknown}"))),
    }
}

fn memory() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    let status = status.lines().filter(|line| line.starts_with("Vm") || line.starts_with("Rss"));
    format!("{}\n\n{}", status.collect::<Vec<_>>().join("\n"), read("/proc/self/smaps_rollup"))
}

/// Name, state and wait channel of each thread.
fn each_thread() -> Vec<(String, String)> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let thread = |entry: std::fs::DirEntry| {
        let stat = read(entry.path().join("stat"));
        let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).unwrap_or("?").to_owned();
        let waits_in = read(entry.path().join("wchan"));
        let place = if waits_in.is_empty() || waits_in == "0" { state } else { format!("{state} {waits_in}") };
        (read(entry.path().join("comm")).trim().to_owned(), place)
    };
    tasks.flatten().map(thread).collect()
}

fn threads() -> String {
    let threads = each_thread();
    let mut text = format!("threads: total {}\n", threads.len());
    for (name, place) in threads {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}: {place}");
    }
    text
}

/// How often each thread was seen where.
async fn sampled(whole: Duration) -> String {
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let end = tokio::time::Instant::now() + whole;
    let mut samples = 0_u64;
    while tokio::time::Instant::now() < end {
        each_thread().into_iter().for_each(|place| *seen.entry(place).or_default() += 1);
        samples += 1;
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
    let mut text = format!("samples: {samples}, one each {} ms\n", SAMPLE_INTERVAL.as_millis());
    for ((name, place), count) in seen {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{count} {name}: {place}");
    }
    text
}
