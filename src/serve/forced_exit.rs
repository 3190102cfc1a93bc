//! Ends a process whose executor is blocked: handlers block or spin on every thread.
//!
//! The executor handles signals and the drain deadline. If the executor is blocked, the process must still end when it
//! is told to. Otherwise the platform kills it, with its last log lines unwritten.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;

use crate::log::{say, sink};
use crate::serve::runtime;
use crate::serve::signal::Signals;

/// How long after the drain deadline the process is ended.
const GRACE: Duration = Duration::from_secs(1);

/// Disarmed at the end of an orderly stop.
#[derive(Clone, Default)]
pub(crate) struct ForcedExit(Arc<AtomicBool>);

impl ForcedExit {
    pub(crate) fn disarm(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Starts a thread that handlers cannot block. Called at the first signal. A second signal, or the deadline and
    /// `GRACE`, ends the process with exit code 1, unless the orderly stop is complete. `signals` has received the
    /// first signal, and misses none after it. `account` records the requests that are cut.
    pub(crate) fn arm(&self, deadline: Duration, signals: Signals, account: impl FnOnce() + Send + 'static) {
        let ended = Arc::clone(&self.0);
        let wait = move || {
            let bound = deadline.saturating_add(GRACE);
            match second_signal(signals, bound) {
                // The drain receives the second signal too, and gets `GRACE` to count what it cuts.
                Some(true) => std::thread::park_timeout(GRACE),
                Some(false) => {}
                // Without a reactor the second signal is not received; the deadline still holds.
                None => std::thread::park_timeout(bound),
            }
            if !ended.load(Ordering::Acquire) {
                say::error(format_args!("the executor does not turn: ending without it"));
                account();
                sink::finish(GRACE);
                std::process::exit(1);
            }
        };
        let thread = std::thread::Builder::new().name("fc-forced-exit".to_owned()).stack_size(256 * 1024);
        if let Err(error) = thread.spawn(wait) {
            say::error(format_args!("there is no thread for the forced exit: {error}"));
        }
    }
}

/// Whether a second signal came within `bound`. `None` if no reactor can be created.
fn second_signal(mut signals: Signals, bound: Duration) -> Option<bool> {
    let reactor = Builder::new_current_thread().enable_all().build().ok()?;
    let mut came = false;
    runtime::block_on(
        &reactor,
        pin!(async { came = tokio::time::timeout(bound, signals.first()).await.is_ok() }),
    );
    Some(came)
}
