//! Follows a container's output into rotating log files, whether or not an agent runs.
//!
//! A process per container, rather than a stream in the agent: Docker itself keeps only the last few megabytes of a
//! container's output, so an agent that was away for a while could not catch up. The position (time stamp of the
//! last entry, and how many entries carried it) is kept in a file, so that a follower that was killed, or cut off by
//! a restart of the daemon, goes on where it was; only what it wrote in its very last batch can appear twice.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::time::Duration;

use super::connection::Connection;
use super::docker_http::{get, is_running};
use super::logs::Rotator;
use super::spec::{DockerLogsSpec, Message, Processes};
use super::{follower_socket, listen, now_ns, process};

/// Position in the container's output.
const POSITION_FILE: &str = "docker-logs.position";
/// Pause before the daemon is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Frame header: stream, three zeros, length.
const HEADER_BYTES: usize = 8;
/// Docker cuts entries at 16 KiB; a longer frame means that the stream is not framed as expected.
const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;
const RAW_CHUNK_BYTES: usize = 16 * 1024;
/// The longest time stamp is 35 characters.
const MAX_STAMP_BYTES: usize = 40;

pub fn run(spec: &DockerLogsSpec, control: UnixStream) -> ExitCode {
    let Ok(mut control) = Connection::new(0, control) else {
        return ExitCode::FAILURE;
    };
    nix::sys::prctl::set_name(c"drover-logs").ok();
    let mut follower = match Follower::open(spec) {
        Ok(follower) => follower,
        Err(error) => {
            control.send(&Message::Failed { message: format!("container log: {error}") });
            return ExitCode::FAILURE;
        }
    };
    let pid = nix::unistd::getpid().as_raw();
    let start_time = process::start_time(pid).unwrap_or_default();
    control.send(&Message::Started(Processes {
        pid,
        start_time,
        supervisor_pid: pid,
        supervisor_start_time: start_time,
        socket: String::new(),
        started_at_ns: now_ns(),
        cgroup: None,
    }));
    follower.follow();
    ExitCode::SUCCESS
}

/// The entry last written: its time stamp, and how many entries with it were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Position {
    stamp: String,
    count: u64,
}

impl Position {
    fn parse(text: &str) -> Self {
        let mut fields = text.split_ascii_whitespace();
        let stamp = fields.next().unwrap_or_default().to_owned();
        let count = fields.next().and_then(|count| count.parse().ok()).unwrap_or(0);
        Self { stamp, count }
    }

    /// Seconds and nanoseconds for Docker's `since`, which includes the given moment.
    fn since(&self) -> String {
        unix_seconds(&self.stamp).unwrap_or_else(|| "0".into())
    }

    /// Advances over an entry.
    fn pass(&mut self, stamp: &str) {
        if self.stamp == stamp {
            self.count += 1;
        } else {
            stamp.clone_into(&mut self.stamp);
            self.count = 1;
        }
    }
}

struct Follower<'a> {
    spec: &'a DockerLogsSpec,
    logs: [Rotator; 2],
    position: Position,
    position_file: File,
    /// Held, never answered: its name keeps a second follower away.
    _listener: UnixListener,
}

impl<'a> Follower<'a> {
    fn open(spec: &'a DockerLogsSpec) -> io::Result<Self> {
        let listener = listen(&follower_socket(&spec.container_id))
            .map_err(|error| io::Error::new(error.kind(), format!("another process follows it: {error}")))?;
        let path = spec.state_dir.join(POSITION_FILE);
        let position = Position::parse(&fs::read_to_string(&path).unwrap_or_default());
        let position_file = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
        let logs = [Rotator::open(spec.stdout.clone())?, Rotator::open(spec.stderr.clone())?];
        Ok(Self { spec, logs, position, position_file, _listener: listener })
    }

    fn follow(&mut self) {
        loop {
            // An error is a daemon that went away; whether the container did too is asked next.
            self.follow_once().ok();
            match is_running(&self.spec.docker_socket, &self.spec.container_id) {
                Ok(Some(true)) | Err(_) => std::thread::sleep(RETRY_PAUSE),
                Ok(_) => {
                    // It may have ended while we were cut off.
                    self.follow_once().ok();
                    return;
                }
            }
        }
    }

    fn follow_once(&mut self) -> io::Result<()> {
        let path = format!(
            "/containers/{}/logs?follow=1&stdout=1&stderr=1&timestamps={}&since={}",
            self.spec.container_id,
            u8::from(!self.spec.tty),
            self.position.since()
        );
        let answer = get(&self.spec.docker_socket, &path)?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("status {}", answer.status)));
        }
        if self.spec.tty { self.copy_raw(answer.body) } else { self.copy_frames(answer.body) }
    }

    /// A terminal's output has no frames, so its position is only known as the time of reading.
    fn copy_raw(&mut self, mut body: impl Read) -> io::Result<()> {
        let mut buffer = vec![0; RAW_CHUNK_BYTES];
        loop {
            let length = body.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            self.logs[0].write(&buffer[..length]);
            let now = now_ns() + 1;
            self.position.stamp = format!("@{}.{:09}", now / 1_000_000_000, now % 1_000_000_000);
            self.save_position();
        }
    }

    fn copy_frames(&mut self, mut body: BufReader<impl Read>) -> io::Result<()> {
        let resumed = self.position.clone();
        let mut seen_at_resume = 0;
        let mut header = [0_u8; HEADER_BYTES];
        let mut payload = Vec::new();
        while !body.fill_buf()?.is_empty() {
            body.read_exact(&mut header)?;
            let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
            if length > MAX_FRAME_BYTES {
                return Err(io::Error::other("the container's output is not framed"));
            }
            payload.resize(length, 0);
            body.read_exact(&mut payload)?;
            let (stamp, text) = split_stamp(&payload);
            if !resumed.stamp.is_empty() && stamp == resumed.stamp {
                seen_at_resume += 1;
                if seen_at_resume <= resumed.count {
                    continue;
                }
            }
            self.logs[usize::from(header[0] == 2)].write(text);
            self.position.pass(stamp);
            if body.buffer().is_empty() {
                self.save_position();
            }
        }
        self.save_position();
        Ok(())
    }

    fn save_position(&mut self) {
        let text = format!("{:<MAX_STAMP_BYTES$} {:>20}\n", self.position.stamp, self.position.count);
        // A position that cannot be written costs a repetition after a crash, not the log.
        self.position_file.write_all_at(text.as_bytes(), 0).ok();
    }
}

/// Time stamp and text of one entry, `2026-01-02T03:04:05.678901234Z text`.
fn split_stamp(payload: &[u8]) -> (&str, &[u8]) {
    let space = payload.iter().take(MAX_STAMP_BYTES).position(|byte| *byte == b' ');
    match space.map(|space| (std::str::from_utf8(&payload[..space]), &payload[space + 1..])) {
        Some((Ok(stamp), text)) => (stamp, text),
        _ => ("", payload),
    }
}

/// `SECONDS.NANOSECONDS` since 1970 of an RFC 3339 time in UTC, or of `@SECONDS.NANOSECONDS`.
fn unix_seconds(stamp: &str) -> Option<String> {
    if let Some(seconds) = stamp.strip_prefix('@') {
        return Some(seconds.to_owned());
    }
    let (date, time) = stamp.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str| text.parse::<i64>().ok();
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.splitn(3, ':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(format!("{seconds}.{fraction:0<9}"))
}

/// Nanoseconds since 1970 of an RFC 3339 time in UTC.
pub(crate) fn stamp_ns(stamp: &str) -> Option<i64> {
    let seconds = unix_seconds(stamp)?;
    let (seconds, nanos) = seconds.split_once('.')?;
    let nanos: i64 = nanos.get(..9)?.parse().ok()?;
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// Days of the proleptic Gregorian calendar, counted in 400-year eras that begin on 1 March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::spec::LogTarget;

    #[test]
    fn stamps_become_unix_times() {
        for (stamp, expected) in [
            ("1970-01-01T00:00:00Z", "0.000000000"),
            ("2026-11-22T15:32:45.689367657Z", "1795361565.689367657"),
            ("2024-02-29T23:59:59.5Z", "1709251199.500000000"),
            ("@12.000000034", "12.000000034"),
        ] {
            assert_eq!(unix_seconds(stamp).as_deref(), Some(expected), "{stamp}");
        }
        assert_eq!(unix_seconds("yesterday"), None);
    }

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend(text.as_bytes());
        frame
    }

    fn spec(dir: &std::path::Path, container: &str) -> DockerLogsSpec {
        let target = |stream: &str| LogTarget {
            dir: dir.to_path_buf(),
            prefix: format!("t.{stream}"),
            max_files: 3,
            max_file_bytes: 1000,
        };
        DockerLogsSpec {
            docker_socket: "/nowhere".into(),
            container_id: format!("{container}-{}", std::process::id()),
            tty: false,
            state_dir: dir.to_path_buf(),
            stdout: target("stdout"),
            stderr: target("stderr"),
        }
    }

    #[test]
    fn a_new_follower_goes_on_after_the_last_entry_also_among_equal_stamps() {
        let dir = tempfile::tempdir().unwrap();
        let spec = spec(dir.path(), "resumed");
        let (first, second) = ("2026-11-22T15:00:00.000000001Z", "2026-11-22T15:00:00.000000002Z");
        let entries = [
            frame(1, &format!("{first} a\n")),
            frame(2, &format!("{second} b\n")),
            frame(1, &format!("{second} c\n")),
            frame(1, &format!("{second} d\n")),
        ];
        let before = entries[..3].concat();
        let mut follower = Follower::open(&spec).unwrap();
        follower.copy_frames(BufReader::new(&before[..])).unwrap();
        drop(follower);
        let mut follower = Follower::open(&spec).unwrap();
        assert_eq!(follower.position, Position { stamp: second.into(), count: 2 });
        // Docker repeats everything from the last stamp on.
        let again = entries[1..].concat();
        follower.copy_frames(BufReader::new(&again[..])).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("t.stdout.0")).unwrap(), "a\nc\nd\n");
        assert_eq!(fs::read_to_string(dir.path().join("t.stderr.0")).unwrap(), "b\n");
    }

    #[test]
    fn only_one_follower_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let spec = spec(dir.path(), "single");
        let _first = Follower::open(&spec).unwrap();
        assert!(Follower::open(&spec).is_err());
    }
}
