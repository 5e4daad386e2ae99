//! Signals that tasks can be sent.

use super::Draft;

/// As the reference lists them.
const SIGNALS: &str = "SIGABRT,SIGALRM,SIGBUS,SIGCONT,SIGFPE,SIGHUP,SIGILL,SIGINT,SIGIO,SIGIOT,SIGKILL,SIGNULL,\
                       SIGPIPE,SIGPROF,SIGQUIT,SIGSEGV,SIGSTOP,SIGSYS,SIGTERM,SIGTRAP,SIGTSTP,SIGTTIN,SIGTTOU,\
                       SIGUSR1,SIGUSR2,SIGWINCH,SIGXCPU,SIGXFSZ";

/// Whether a name is one of them.
pub fn is_signal(name: &str) -> bool {
    SIGNALS.split(',').any(|signal| signal == name || signal.strip_prefix("SIG") == Some(name))
}

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    draft.set("os.signals", SIGNALS);
}
