//! The signals that end the process.

use std::future::poll_fn;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Result;

/// `SIGTERM` and `SIGINT`. The platform does not document whether it sends `SIGTERM` before it kills an instance.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The name of the next signal of either kind.
    pub(crate) fn first(&mut self) -> impl Future<Output = &'static str> + Send {
        poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() {
                return Poll::Ready("SIGTERM");
            }
            self.interrupt.poll_recv(cx).map(|_| "SIGINT")
        })
    }
}
