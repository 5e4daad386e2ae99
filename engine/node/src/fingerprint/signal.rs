//! Signals that tasks can be sent.

use super::Draft;

/// As the reference lists them.
const SIGNALS: &str = "SIGABRT,SIGALRM,SIGBUS,SIGCONT,SIGFPE,SIGHUP,SIGILL,SIGINT,SIGIO,SIGIOT,SIGKILL,SIGNULL,\
                       SIGPIPE,SIGPROF,SIGQUIT,SIGSEGV,SIGSTOP,SIGSYS,SIGTERM,SIGTRAP,SIGTSTP,SIGTTIN,SIGTTOU,\
                       SIGUSR1,SIGUSR2,SIGWINCH,SIGXCPU,SIGXFSZ";

pub(super) fn fingerprint(draft: &mut Draft<'_>) {
    draft.set("os.signals", SIGNALS);
}
