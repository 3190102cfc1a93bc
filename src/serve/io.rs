//! A socket for hyper, with a second handle to watch for the client's leaving.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::exchange::Peer;
use crate::serve::outbox::Outbox;

/// Both halves of a socket. The read half is tokio's own: it clears readiness after a short read, which saves a system
/// call per request. The write half is shared, because it can be written through a reference.
pub(crate) struct Io {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
    peer: Arc<Peer>,
    /// Bytes that are read before the bytes of the socket.
    ahead: Bytes,
    /// The head of a reply that the connection sends by itself.
    head: Vec<u8>,
}

impl Io {
    pub(crate) fn new(stream: TcpStream, peer: Arc<Peer>) -> Self {
        let (read, write) = stream.into_split();
        Self { read, write: Arc::new(write), peer, ahead: Bytes::new(), head: Vec::new() }
    }

    /// The handle for watching the socket.
    pub(crate) fn handle(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.write)
    }

    /// The same socket for another reader, which reads `ahead` first.
    pub(crate) fn behind(self, ahead: Bytes) -> Self {
        Self { ahead, ..self }
    }

    #[cfg(any(feature = "tower", feature = "websocket"))]
    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    /// The head of a reply that the connection sends by itself, as hyper wrote it.
    pub(crate) fn take_head(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.head)
    }

    /// Sends all bytes that wait.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
        while !outbox.is_empty() {
            match ready!(self.poll_write_with(cx, |half| outbox.write(half)))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => outbox.advance(length),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Keeps hyper's bytes from the socket, if they are its own reply, or the head of one that the connection sends.
    #[cold]
    fn divert(&mut self, bytes: &[u8]) -> bool {
        if self.peer.is_head_only() {
            self.head.extend_from_slice(bytes);
            return true;
        }
        self.peer.is_unasked() && self.withhold(bytes)
    }

    /// Withholds hyper's own reply, and keeps the status. hyper answers a head that it cannot parse without a body and
    /// a record, and has no setting against this. `serve/connection/unread.rs` answers instead.
    fn withhold(&self, bytes: &[u8]) -> bool {
        let status = bytes.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
        let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(status) = status.filter(|status| (400..500).contains(status)) else { return false };
        self.peer.set_unread(status);
        true
    }

    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&OwnedWriteHalf) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match write(&self.write) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let stream: &TcpStream = (*self.write).as_ref();
                    self.peer.set_stuck();
                    ready!(stream.poll_write_ready(cx))?;
                }
                done => {
                    self.peer.set_unstuck();
                    self.peer.moves();
                    return Poll::Ready(done);
                }
            }
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(into.remaining());
            into.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            self.peer.hear(&into.filled()[before..]);
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.read).poll_read(cx, into))?;
        self.peer.moves();
        self.peer.hear(&into.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.peer.may_divert() && self.divert(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        self.poll_write_with(cx, |half| half.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.peer.is_head_only() {
            slices.iter().for_each(|slice| self.head.extend_from_slice(slice));
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        self.poll_write_with(cx, |half| half.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.peer.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.is_unread() {
            return Poll::Ready(Ok(()));
        }
        let stream: &TcpStream = (*self.write).as_ref();
        Poll::Ready(socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::budget::Budget;

    /// What hyper writes for a head that it cannot read.
    const REFUSAL: &[u8] = b"HTTP/1.1 404 Not Found\r\n\r\n";

    /// A socket, and its client.
    async fn sockets() -> (Io, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let peer = Arc::new(Peer::with_current(address, Budget::new(0)));
        (Io::new(accepted.unwrap().0, peer), client.unwrap())
    }

    /// The bytes that the client gets of `bytes`.
    async fn received(mut io: Io, mut client: TcpStream, bytes: &[u8]) -> Vec<u8> {
        let mut received = Vec::new();
        io.write_all(bytes).await.unwrap();
        io.shutdown().await.unwrap();
        // Both handles are closed, so that the client reads an end whether or not `shutdown` sent one.
        drop(io);
        client.read_to_end(&mut received).await.unwrap();
        received
    }

    #[tokio::test]
    async fn a_reply_without_a_request_is_withheld() {
        let (io, client) = sockets().await;
        let peer = Arc::clone(&io.peer);
        assert_eq!(received(io, client, REFUSAL).await, b"");
        assert_eq!(peer.take_unread(), 404);
    }

    #[tokio::test]
    async fn a_reply_to_a_request_is_written() {
        let (io, client) = sockets().await;
        let replying = io.peer.begin().replying();
        drop(replying);
        assert_eq!(received(io, client, REFUSAL).await, REFUSAL);
    }

    #[cfg(any(feature = "tower", feature = "websocket"))]
    #[tokio::test]
    async fn all_bytes_are_written_after_an_upgrade() {
        let (mut io, client) = sockets().await;
        let peer = io.peer();
        drop(peer.begin().replying());
        io.flush().await.unwrap();
        peer.upgraded();
        assert_eq!(received(io, client, REFUSAL).await, REFUSAL);
        assert!(!peer.is_unread());
    }
}
