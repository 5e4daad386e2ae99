//! A terminal with a person at it.

use crate::{drover, wait_for};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// `drover` on a terminal of 120 columns.
pub struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts `drover ARGS`.
    ///
    /// # Panics
    /// When there are no terminals, or it does not start.
    pub fn start(folder: &Path, env: &[(&str, &str)], args: &[&str]) -> Self {
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal can be made");
        let end = || Stdio::from(pty.slave.try_clone().expect("a terminal has many ends"));
        let mut command = Command::new(drover());
        command.args(args).current_dir(folder).env_clear().env("HOME", folder).env("TERM", "xterm-256color");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(env.iter().copied());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("drover can be started");
        // The reader sees the end when the last of the program's ends is closed.
        drop(command);
        drop(pty.slave);
        let keys = File::from(pty.master);
        let mut screen = keys.try_clone().expect("a terminal has many ends");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let copy = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                copy.lock().expect("no holder panics").extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, keys, shown, reader: Some(reader) }
    }

    /// Everything shown so far, with control sequences.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("no holder panics")).into_owned()
    }

    /// Waits until `text` is shown.
    ///
    /// # Panics
    /// When it is not in time.
    #[track_caller]
    pub fn expect(&self, text: &str) {
        wait_for(&format!("{text:?} on the terminal"), || self.shown().contains(text).then_some(()));
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn type_line(&mut self, text: &str) {
        self.keys.write_all(format!("{text}\n").as_bytes()).expect("the terminal takes keys");
    }

    /// Sends a signal to the program.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("process ids are small");
        kill(Pid::from_raw(pid), signal).expect("the program runs");
    }

    /// Waits for the end; the exit code (-1 when a signal ended it) and everything shown.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn end(&mut self) -> (i32, String) {
        let ended = wait_for("the program's end", || self.child.try_wait().expect("a child can be waited for"));
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        (ended.code().unwrap_or(-1), self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
