//! Ends a process whose executor is blocked: handlers block or spin on every thread.
//!
//! The executor handles signals and the drain deadline. If the executor is blocked, the process must still end when it
//! is told to. Otherwise the platform kills it, with its last log lines unwritten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::log::{say, sink};
use crate::platform::limits::KIB;
use crate::serve::signal::BlockingSignals;
use crate::task;

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
    /// `GRACE`, ends the process with exit code 1, unless the orderly stop is complete. `account` records the requests
    /// that are cut.
    pub(crate) fn arm(&self, deadline: Duration, account: impl FnOnce() + Send + 'static) {
        let ended = Arc::clone(&self.0);
        // Here, so that the thread misses none before it runs.
        let signals = BlockingSignals::listen();
        let wait = move || {
            let bound = deadline.saturating_add(GRACE);
            match signals.and_then(|signals| signals.wait(bound)) {
                // The drain receives the second signal too, and gets `GRACE` to count what it cuts.
                Ok(true) => std::thread::park_timeout(GRACE),
                Ok(false) => {}
                // The second signal is not received; the deadline still holds.
                Err(_) => std::thread::park_timeout(bound),
            }
            if !ended.load(Ordering::Acquire) {
                say::error(format_args!("the executor does not turn: ending without it"));
                account();
                sink::finish(GRACE);
                std::process::exit(1);
            }
        };
        if let Err(error) = task::thread("fc-forced-exit", Some(256 * KIB), Box::new(wait)) {
            say::error(format_args!("there is no thread for the forced exit: {error}"));
        }
    }
}
