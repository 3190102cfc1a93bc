//! Whether a client takes what is written to its connection.
//!
//! HTTP/2 drops the unsent frames of a stream when the stream is reset, and sends frames in another task than the stream's.
//! So a stream that fails waits until its connection has had the time to send them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::socket::STALL_MAX;

/// How long a connection writes nothing once it has sent what it may. The client may still have to open its window.
const QUIET: Duration = Duration::from_millis(50);

/// How often it is looked for such a pause. A connection may always have something of other streams to write.
const BUSY_MAX: usize = 20;

/// The outflow of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outflow {
    /// Whether the client has not taken what was written last.
    is_stuck: AtomicBool,
    freed: Notify,
    writes: AtomicUsize,
}

impl Outflow {
    /// Waits until the connection has sent what was queued before, or its client takes nothing for too long. A client that
    /// opens its window later than that loses what did not fit.
    pub(crate) async fn sent(&self) {
        _ = timeout(STALL_MAX, async {
            for _ in 0..BUSY_MAX {
                let before = self.writes.load(Ordering::Relaxed);
                sleep(QUIET).await;
                let freed = self.freed.notified();
                if self.is_stuck.load(Ordering::Relaxed) {
                    freed.await;
                } else if self.writes.load(Ordering::Relaxed) == before {
                    return;
                }
            }
        })
        .await;
    }

    fn note<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_pending() {
            self.is_stuck.store(true, Ordering::Relaxed);
        } else if self.is_stuck.load(Ordering::Relaxed) {
            self.is_stuck.store(false, Ordering::Relaxed);
            self.freed.notify_waiters();
        }
        outcome
    }
}

/// A connection whose outflow is watched.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    pub(crate) stream: S,
    pub(crate) outflow: Arc<Outflow>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.outflow.writes.fetch_add(1, Ordering::Relaxed);
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.outflow.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.outflow.writes.fetch_add(1, Ordering::Relaxed);
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.outflow.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.outflow.note(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_read_is_waited_for() {
        const ROOM: usize = 100;
        let (mut client, stream) = duplex(ROOM);
        let outflow = Arc::<Outflow>::default();
        let mut watched = Watched { stream, outflow: Arc::clone(&outflow) };
        watched.write_all(&[7; ROOM]).await.unwrap();
        outflow.sent().await;
        let mut more = std::pin::pin!(watched.write_all(&[7]));
        assert!(timeout(Duration::from_millis(1), &mut more).await.is_err(), "the client has no room");
        let mut sent = std::pin::pin!(outflow.sent());
        assert!(timeout(QUIET * 4, &mut sent).await.is_err(), "it is stuck");
        let mut read = [0; ROOM + 1];
        let (written, taken, ()) = tokio::join!(more, client.read_exact(&mut read), sent);
        written.unwrap();
        taken.unwrap();
    }
}
