//! An upgrade: a connection that leaves HTTP for another protocol once the reply (101) has been sent.
//!
//! The handler leaves a [`PendingUpgrade`] at its request. A stage turns it into an [`OnUpgrade`] for the connection.
//! The connection calls that with an [`Upgraded`], made from the parts that hyper returns.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::exchange::{Call, Peer};
use crate::task::BoxFuture;

/// The socket after HTTP. Dynamic dispatch costs about a nanosecond for each read, beside a system call.
pub(crate) trait UpgradedIo: AsyncRead + AsyncWrite + Send + Unpin {
    /// Pending if a read finds nothing now; the task is woken when it may find something. Ready otherwise, also if nothing is
    /// known.
    #[cfg(feature = "websocket")]
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A connection after HTTP.
pub(crate) struct Upgraded {
    pub(crate) io: Box<dyn UpgradedIo>,
    /// Bytes that hyper had read behind the request.
    pub(crate) read_buf: Bytes,
    /// Ends when the peer has closed the connection, even if no task reads.
    pub(crate) departed: Departed,
    /// The connection, whose account counts large messages.
    pub(crate) peer: Arc<Peer>,
}

/// The handle of a connection, to learn of its peer's leaving.
pub(crate) trait Leaving: Send + Sync {
    fn departure(self: Arc<Self>) -> BoxFuture<()>;
}

/// The peer's leaving. Its future is made when it is first polled: most connections always read, and find the end there.
pub(crate) enum Departed {
    Unasked(Arc<dyn Leaving>),
    Asked(BoxFuture<()>),
}

impl Departed {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Unasked(handle) = self {
            *self = Self::Asked(Arc::clone(handle).departure());
        }
        match self {
            Self::Asked(future) => future.as_mut().poll(cx),
            Self::Unasked(_) => Poll::Pending,
        }
    }
}

/// The end of an upgraded connection, for its record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UpgradeEnd {
    /// Whether the client left without a close.
    pub(crate) left: bool,
    pub(crate) failed: bool,
    pub(crate) panicked: bool,
    /// Bytes sent to the client.
    pub(crate) sent: u64,
}

/// The upgrade that a handler leaves beside a 101.
pub(crate) struct PendingUpgrade {
    /// The request, in the form that is kept while the upgraded connection lasts: see [`Call::lean`].
    pub(crate) call: Arc<Call>,
    pub(crate) run: Box<dyn FnOnce(Upgraded, OnEnd) -> BoxFuture<()> + Send>,
}

/// Ends the record of an upgraded connection. Dropped before, the record says that the client left, or was cut.
pub(crate) type OnEnd = Box<dyn FnOnce(UpgradeEnd) + Send>;

/// A pending upgrade together with its record, for the connection to call.
pub(crate) type OnUpgrade = Box<dyn FnOnce(Upgraded) -> BoxFuture<()> + Send>;
