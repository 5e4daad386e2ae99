//! Rendering a stranger's pack for its page: in a process of its own, which has little time and memory and no environment.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::release::ExampleFile;

/// The most that an example may weigh, in bytes of JSON.
const MAX_EXAMPLE_BYTES: u64 = 1024 * 1024;
/// The most of an error message that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;
/// How often it is looked whether the process has ended.
const POLL: Duration = Duration::from_millis(10);

/// Starts `PROGRAM render-example FOLDER`, which prints a JSON list of [`ExampleFile`].
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    pub program: PathBuf,
    pub time: Duration,
}

impl Renderer {
    /// The rendered files, or why there are none.
    pub(crate) fn render(&self, folder: &Path) -> Result<Vec<ExampleFile>, String> {
        let child = Command::new(&self.program)
            .arg("render-example")
            .arg(folder)
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| format!("cannot start the renderer: {error}"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        // Both ends are drained while it runs, or it would wait for ever once a pipe is full.
        let (status, out, err) = std::thread::scope(|scope| {
            let out = scope.spawn(|| drain(out, MAX_EXAMPLE_BYTES + 1));
            let err = scope.spawn(|| drain(err, MAX_MESSAGE_BYTES as u64));
            let status = self.wait(&mut child);
            (status, out.join().unwrap_or_default(), err.join().unwrap_or_default())
        });
        match status {
            None => Err(format!("rendering takes longer than {} s", self.time.as_secs())),
            Some(status) if !status.success() => {
                let message = String::from_utf8_lossy(&err).trim().to_owned();
                Err(if message.is_empty() { format!("rendering ends with {status}") } else { message })
            }
            Some(_) if out.len() as u64 > MAX_EXAMPLE_BYTES => {
                Err(format!("it renders to more than {MAX_EXAMPLE_BYTES} bytes"))
            }
            Some(_) => serde_json::from_slice(&out).map_err(|error| format!("the renderer answers with {error}")),
        }
    }

    fn wait(&self, child: &mut std::process::Child) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + self.time;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL),
                Ok(None) | Err(_) => {
                    // It may have ended just now, which is as good.
                    let _ended = child.kill();
                    let _reaped = child.wait();
                    return None;
                }
            }
        }
    }
}

/// The first bytes of what a process says; the rest is read and dropped.
fn drain(pipe: Option<impl Read>, max_bytes: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        let _cut_off = pipe.by_ref().take(max_bytes).read_to_end(&mut kept);
        let _cut_off = std::io::copy(&mut pipe, &mut std::io::sink());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn renderer(script: &str) -> (tempfile::TempDir, Renderer) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("renderer");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, Renderer { program, time: Duration::from_millis(800) })
    }

    #[test]
    fn an_example_that_never_ends_is_ended() {
        let (folder, renderer) = renderer("while :; do :; done");
        let began = Instant::now();
        let error = renderer.render(folder.path()).unwrap_err();
        assert!(error.contains("longer than") && began.elapsed() < Duration::from_secs(5), "{error}");
    }

    #[test]
    fn endless_output_is_cut_and_failures_are_told() {
        let (folder, endless) = renderer("exec cat /dev/zero");
        assert!(endless.render(folder.path()).is_err());
        let (folder, failing) = renderer("echo 'no such variable' >&2; exit 1");
        assert_eq!(failing.render(folder.path()).unwrap_err(), "no such variable");
        let (folder, good) = renderer(r#"echo '[{"path":"a.nomad.hcl","text":"job"}]'"#);
        assert_eq!(good.render(folder.path()).unwrap()[0].text, "job");
    }
}
