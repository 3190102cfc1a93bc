//! What takes a connection over from HTTP once the reply has been sent.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::exchange::Call;
use crate::task::BoxFuture;

/// A connection as a protocol after HTTP sees it. The call per read is dispatched: a nanosecond beside a system call.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that HTTP has left.
pub(crate) struct Line {
    pub(crate) wire: Box<dyn Wire>,
    /// What the client sent behind its request.
    pub(crate) ahead: Bytes,
    /// Ends when the peer has closed the connection, whether anybody reads or not.
    pub(crate) departed: BoxFuture<()>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ended {
    /// The client left without a word.
    pub(crate) left: bool,
    pub(crate) failed: bool,
    pub(crate) panicked: bool,
    /// Bytes to the client.
    pub(crate) sent: u64,
}

/// What a handler leaves beside a reply that switches protocols.
pub(crate) struct Takeover {
    /// The request for as long as it lasts: see [`Call::lean`].
    pub(crate) call: Arc<Call>,
    pub(crate) run: Box<dyn FnOnce(Line) -> BoxFuture<Ended> + Send>,
}

/// A takeover with all that has to live as long, waiting for its connection.
pub(crate) type Boarding = Box<dyn FnOnce(Line) -> BoxFuture<()> + Send>;

/// Where one waits for the other.
pub(crate) struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    pub(crate) fn set(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> std::fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}
