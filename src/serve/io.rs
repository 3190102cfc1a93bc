//! A socket for hyper, with a second handle to watch for the client's leaving.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::exchange::Peer;
use crate::exchange::bulk::WireData;

/// Both halves of a socket. The read half is tokio's own: it clears readiness after a short read, which saves a system
/// call per request. The write half is shared, because it can be written through a reference.
pub(crate) struct Io {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
    peer: Arc<Peer>,
    /// Bytes that are read before the bytes of the socket.
    ahead: Bytes,
}

impl Io {
    pub(crate) fn new(stream: TcpStream, peer: Arc<Peer>) -> Self {
        let (read, write) = stream.into_split();
        // Over HTTP/2 the frames of several replies are mixed, and their data is not copied.
        if !peer.is_http2 {
            peer.bulk.enable();
        }
        Self { read, write: Arc::new(write), peer, ahead: Bytes::new() }
    }

    /// The handle for watching the socket.
    pub(crate) fn handle(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.write)
    }

    /// The same socket for another reader, which reads `ahead` first.
    pub(crate) fn behind(mut self, ahead: Bytes) -> Self {
        self.ahead = ahead;
        self
    }

    #[cfg(any(feature = "tower", feature = "websocket"))]
    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
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

    /// Writes hyper's bytes with the large piece of a reply in the place of its placeholder. Gives how many bytes of hyper's
    /// are written. The placeholder is one of them once the whole piece is.
    #[inline(never)]
    fn poll_write_bulk(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some((before, behind)) = WireData::around(bytes) else {
            return Poll::Ready(Err(io::Error::other("a piece of a reply has lost its place")));
        };
        let mut piece = self.peer.bulk.piece();
        let behind = loop {
            let slices = [before, &piece, behind].map(IoSlice::new);
            let length = before.len() + piece.len() + behind.len();
            let written = ready!(self.poll_write_with(cx, |half| write_all(half, &slices, length)))?;
            let Some(more) = written.checked_sub(before.len()).filter(|_| written > 0) else {
                return Poll::Ready(Ok(written));
            };
            let of_piece = more.min(piece.len());
            piece.advance(of_piece);
            if piece.is_empty() {
                break more - of_piece;
            }
            if !before.is_empty() {
                return Poll::Ready(Ok(before.len()));
            }
        };
        drop(piece);
        if self.peer.bulk.clear() {
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(before.len() + 1 + behind))
    }
}

/// Writes as much as the kernel takes at once. If that is not all, the socket is not ready any more, and the next write
/// waits until it is.
fn write_all(half: &OwnedWriteHalf, slices: &[IoSlice<'_>], length: usize) -> io::Result<usize> {
    let stream: &TcpStream = half.as_ref();
    let mut part = None;
    let written = stream.try_io(Interest::WRITABLE, || {
        let written = SockRef::from(stream).send_vectored(slices)?;
        if written == length {
            return Ok(written);
        }
        part = Some(written);
        Err(io::ErrorKind::WouldBlock.into())
    });
    part.map_or(written, Ok)
}

/// A piece that nobody can send any more is given up.
impl Drop for Io {
    fn drop(&mut self) {
        self.peer.bulk.clear();
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
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.peer.is_unasked() && self.withhold(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.peer.bulk.is_full() {
            return self.poll_write_bulk(cx, bytes);
        }
        self.poll_write_with(cx, |half| half.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
        Poll::Ready(SockRef::from(stream).shutdown(std::net::Shutdown::Write))
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

    /// In the buffer of the kernel there is room for a part of the piece, so that it is written in many.
    #[tokio::test]
    async fn a_large_piece_is_written_in_the_place_of_its_placeholder() {
        let piece: Bytes = (0..3_000_000).map(|at: u32| at.to_le_bytes()[at as usize % 3]).collect();
        for (before, behind) in
            [("head\r\n\r\n2dc6c0\r\n", "\r\n"), ("", "\r\n0\r\n\r\n"), ("head\r\n\r\n", "")]
        {
            let (mut io, mut client) = sockets().await;
            drop(io.peer.begin().replying());
            SockRef::from(io.write.as_ref().as_ref()).set_send_buffer_size(1).unwrap();
            let mut placeholder = io.peer.bulk.put(piece.clone());
            let hyper = [before.as_bytes(), &placeholder.copy_to_bytes(1), behind.as_bytes()].concat();
            assert_eq!(placeholder.remaining(), 0, "the one byte stands for all");
            let write = async {
                io.write_all(&hyper).await.unwrap();
                assert!(!io.peer.bulk.is_full());
                io.write_all(b"the next").await.unwrap();
                drop(io);
            };
            let mut received = Vec::new();
            let ((), read) = tokio::join!(write, client.read_to_end(&mut received));
            read.unwrap();
            assert!(received == [before.as_bytes(), &piece, behind.as_bytes(), b"the next"].concat());
        }
    }

    /// No byte of hyper's is sent in a wrong place, whatever a later hyper may do.
    #[tokio::test]
    async fn a_placeholder_that_is_not_found_is_an_error() {
        let (mut io, _client) = sockets().await;
        drop(io.peer.begin().replying());
        let _ = io.peer.bulk.put(Bytes::from(vec![b'x'; 100_000]));
        let error = io.write_all(b"186a0\r\nx").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
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
