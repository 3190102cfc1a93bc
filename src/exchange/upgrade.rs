//! An upgrade: a connection that leaves HTTP for another protocol once the reply (101) has been sent.
//!
//! The handler leaves a [`PendingUpgrade`] at its request, the stage makes an [`OnUpgrade`] of it for the connection, and
//! the connection calls that with what hyper gives back, an [`Upgraded`].

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::exchange::Call;
use crate::task::BoxFuture;

/// The socket after HTTP. The call per read is dispatched: a nanosecond beside a system call.
pub(crate) trait UpgradedIo: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> UpgradedIo for T {}

/// A connection that HTTP has left.
pub(crate) struct Upgraded {
    pub(crate) io: Box<dyn UpgradedIo>,
    /// What the client sent behind its request, which hyper has read already.
    pub(crate) read_buf: Bytes,
    /// Ends when the peer has closed the connection, whether anybody reads or not.
    pub(crate) departed: BoxFuture<()>,
}

/// How an upgraded connection ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UpgradeEnd {
    /// The client left without a word.
    pub(crate) left: bool,
    pub(crate) failed: bool,
    pub(crate) panicked: bool,
    /// Bytes to the client.
    pub(crate) sent: u64,
}

/// What a handler leaves beside a reply that switches protocols.
pub(crate) struct PendingUpgrade {
    /// The request for as long as the upgraded connection lasts: see [`Call::lean`].
    pub(crate) call: Arc<Call>,
    pub(crate) run: Box<dyn FnOnce(Upgraded) -> BoxFuture<UpgradeEnd> + Send>,
}

/// A pending upgrade with its record, waiting for its connection.
pub(crate) type OnUpgrade = Box<dyn FnOnce(Upgraded) -> BoxFuture<()> + Send>;
