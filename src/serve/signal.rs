//! The signals that end the process.

use std::future::poll_fn;
use std::sync::OnceLock;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Result;

/// `SIGTERM`, `SIGINT` and `SIGHUP`. The platform does not document whether it sends `SIGTERM` before it kills an instance.
///
/// Container runtimes send `SIGTERM`. `SIGHUP` comes when the terminal of a function is closed, and would end the process at
/// once, with requests in flight. A process that was started with `SIGHUP` ignored, as by `nohup`, goes on ignoring it.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// The name of the next signal of any kind.
    pub(crate) fn first(&mut self) -> impl Future<Output = &'static str> + Send {
        poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() {
                return Poll::Ready("SIGTERM");
            }
            if self.hang_up.as_mut().is_some_and(|hang_up| hang_up.poll_recv(cx).is_ready()) {
                return Poll::Ready("SIGHUP");
            }
            self.interrupt.poll_recv(cx).map(|_| "SIGINT")
        })
    }
}

/// Whether the process was started with `SIGHUP` ignored. Asked once, before a handler is installed.
fn ignores_hang_up() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read("/proc/self/status").unwrap_or_default();
        let mut lines = status.split(|byte| *byte == b'\n');
        // A mask of 64 signals in hexadecimal, of which `SIGHUP` is the first. Elsewhere than on Linux nothing is known.
        let mask = lines.find_map(|line| line.strip_prefix(b"SigIgn:"));
        mask.and_then(|mask| mask.last())
            .is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
    })
}
