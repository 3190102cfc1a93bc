//! What is not sent yet of a stream of HTTP/2.
//!
//! HTTP/2 drops the unsent frames of a stream when the stream is reset. So a stream that fails waits until its client has
//! taken what came before the failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::socket::STALL_MAX;

/// How long a failed stream waits at most for a client that takes a little again and again.
const LAST_MAX: Duration = Duration::from_secs(300);

/// The unsent pieces of one stream. The send buffer of the connection bounds them.
#[derive(Debug, Default)]
pub(crate) struct Outflow {
    unsent: AtomicUsize,
    is_awaited: AtomicBool,
    progress: Notify,
}

/// Bytes on their way. HTTP/2 drops them once they are written, or with the stream.
#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    /// `None` for a reply that does not fail.
    outflow: Option<Arc<Outflow>>,
}

impl Outflow {
    /// Waits until each piece was sent. Ends earlier if the client takes nothing for too long.
    pub(crate) async fn sent(&self) {
        _ = timeout(LAST_MAX, async {
            loop {
                let progress = self.progress.notified();
                self.is_awaited.store(true, Ordering::SeqCst);
                if self.unsent.load(Ordering::SeqCst) == 0 || timeout(STALL_MAX, progress).await.is_err() {
                    return;
                }
            }
        })
        .await;
    }

    fn tell(&self) {
        if self.is_awaited.load(Ordering::SeqCst) {
            self.progress.notify_waiters();
        }
    }
}

impl Piece {
    pub(crate) fn new(bytes: Bytes, outflow: Option<&Arc<Outflow>>) -> Self {
        if let Some(outflow) = outflow {
            outflow.unsent.fetch_add(1, Ordering::SeqCst);
        }
        Piece { bytes, outflow: outflow.cloned() }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(outflow) = &self.outflow {
            outflow.unsent.fetch_sub(1, Ordering::SeqCst);
            outflow.tell();
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, length: usize) {
        self.bytes.advance(length);
        if let Some(outflow) = &self.outflow {
            outflow.tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_has_sent_its_pieces_when_the_last_is_gone() {
        let outflow = Arc::<Outflow>::default();
        outflow.sent().await;
        let piece = |text: &'static str| Piece::new(Bytes::from_static(text.as_bytes()), Some(&outflow));
        let (mut first, second) = (piece("ab"), piece("c"));
        let mut sent = std::pin::pin!(outflow.sent());
        first.advance(1);
        assert!(timeout(Duration::from_millis(1), &mut sent).await.is_err());
        drop(second);
        assert!(timeout(Duration::from_millis(1), &mut sent).await.is_err());
        drop(first);
        sent.await;
    }
}
