//! A socket for hyper, with a second handle to watch for the client's leaving.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::exchange::Peer;
#[cfg(any(feature = "tower", feature = "websocket"))]
use crate::exchange::upgrade::UpgradedIo;
use crate::platform::limits::KIB;
use crate::serve::link::Link;
use crate::serve::outbox::Outbox;

/// Both halves of a socket. The read half is tokio's own: it clears readiness after a short read, which saves a system
/// call per request. The write half is shared, because it can be written through a reference.
pub(crate) struct Socket {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
    peer: Arc<Peer>,
}

/// What hyper reads and writes: a socket, which may leave hyper while its connection is idle.
pub(crate) struct Io {
    /// `None` until it is taken from `link`, and after it was laid back.
    socket: Option<Socket>,
    /// Where the socket comes from. `None` if it never leaves.
    link: Option<Arc<Link>>,
    /// Bytes that are read before the bytes of the socket.
    ahead: Bytes,
    /// The last bytes that hyper has read.
    tail: Tail,
    /// Whether hyper has a large buffer for writing.
    is_large: bool,
}

/// The end of what hyper has read, for [`may_leave`](Io::may_leave).
type Tail = [u8; 8];

/// The largest buffer of an engine that is used again. hyper begins with buffers of 8 KiB.
const LARGE: usize = 8 * KIB;

impl Socket {
    pub(crate) fn new(stream: TcpStream, peer: Arc<Peer>) -> Self {
        let (read, write) = stream.into_split();
        Self { read, write: Arc::new(write), peer }
    }

    /// The handle for watching the socket.
    pub(crate) fn handle(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.write)
    }

    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    /// Sends what the socket takes at once of the bytes that wait.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, outbox: &mut Outbox) -> Poll<io::Result<()>> {
        match ready!(self.poll_write_with(cx, |half| outbox.write(half)))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            length => {
                outbox.advance(length);
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Keeps hyper's bytes from the socket, if they are its own reply, or the head of one that the connection sends.
    #[cold]
    fn divert(&self, bytes: &[u8]) -> bool {
        if self.peer.is_head_only() {
            self.peer.keep_head(bytes);
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

impl Io {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket: Some(socket), link: None, ..Self::empty() }
    }

    /// Takes its socket from the link, and reads `ahead` before the socket's bytes.
    pub(crate) fn linked(link: Arc<Link>, ahead: Bytes) -> Self {
        Self { link: Some(link), ahead, ..Self::empty() }
    }

    fn empty() -> Self {
        // hyper has read nothing, so it has no part of a head.
        Self { socket: None, link: None, ahead: Bytes::new(), tail: *b"none\r\n\r\n", is_large: false }
    }

    pub(crate) fn into_socket(mut self) -> Option<Socket> {
        self.socket();
        self.socket
    }

    #[inline]
    fn socket(&mut self) -> Option<&mut Socket> {
        if self.socket.is_none() {
            self.couple();
        }
        self.socket.as_mut()
    }

    #[cold]
    fn couple(&mut self) {
        self.socket = self.link.as_ref().and_then(|link| link.take_socket());
    }

    /// Whether hyper has no byte of a next request, at a read for a head that finds nothing.
    ///
    /// hyper has read what ends in an empty line. If it had kept a part of that, the part would end in that line too, and
    /// hyper would have parsed it: a head is complete with its empty line, or broken. Only the line itself may be left,
    /// which is no beginning of a request. Where the last bytes are those of a body, nothing is known.
    fn may_leave(&self) -> bool {
        let [.., last, b'\r', b'\n', b'\r', b'\n'] = self.tail else { return false };
        self.ahead.is_empty() && !matches!(last, b'\r' | b'\n')
    }

    /// Lays the socket back, at a read that finds nothing while the connection is idle. `room` is in hyper's buffer.
    #[cold]
    fn give_back(&mut self, room: usize) {
        let Some(link) = &self.link else { return };
        if !self.may_leave() {
            return link.keep();
        }
        if let Some(socket) = self.socket.take() {
            link.lay_back(socket, !self.is_large && room <= LARGE);
        }
    }

    /// Few bytes, or the end. At the end the socket is laid back, if hyper has read nothing from it: hyper could do nothing
    /// with it, and its buffers would be lost with it. A crowd of idle clients may leave at once.
    #[cold]
    fn note_short(&mut self, length: usize) -> Poll<io::Result<()>> {
        if length == 0
            && let Some(link) = self.link.as_ref().filter(|link| link.is_fresh() && self.may_leave())
            && let Some(socket) = self.socket.take()
        {
            link.lay_down(socket);
            return Poll::Pending;
        }
        if let Some(socket) = &self.socket {
            socket.peer.moves();
        }
        self.tail = Tail::default();
        Poll::Ready(Ok(()))
    }

    #[cold]
    fn read_ahead(&mut self, into: &mut ReadBuf<'_>) {
        let read = self.ahead.split_to(self.ahead.len().min(into.remaining()));
        into.put_slice(&read);
        self.tail = read.last_chunk().copied().unwrap_or_default();
        if let Some(socket) = self.socket() {
            socket.peer.hear(&read);
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        if !this.ahead.is_empty() {
            this.read_ahead(into);
            return Poll::Ready(Ok(()));
        }
        let Some(socket) = this.socket() else { return Poll::Pending };
        match Pin::new(&mut socket.read).poll_read(cx, into) {
            Poll::Ready(Ok(())) => {
                let read = &into.filled()[before..];
                socket.peer.hear(read);
                match read.last_chunk() {
                    Some(tail) => {
                        socket.peer.moves();
                        this.tail = *tail;
                        Poll::Ready(Ok(()))
                    }
                    None => this.note_short(read.len()),
                }
            }
            Poll::Pending => {
                if this.link.as_ref().is_some_and(|link| link.is_giving()) {
                    this.give_back(into.remaining());
                }
                Poll::Pending
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.len() > LARGE {
            self.is_large = true;
        }
        let Some(socket) = self.socket() else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        if socket.peer.may_divert() && socket.divert(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        socket.poll_write_with(cx, |half| half.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(socket) = self.socket() else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        socket.poll_write_with(cx, |half| half.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(socket) = &self.socket {
            socket.peer.flushed();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(socket) = self.socket() else { return Poll::Ready(Ok(())) };
        if socket.peer.is_unread() {
            return Poll::Ready(Ok(()));
        }
        let stream: &TcpStream = (*socket.write).as_ref();
        Poll::Ready(socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(any(feature = "tower", feature = "websocket"))]
impl UpgradedIo for Io {
    #[cfg(feature = "websocket")]
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = self.socket.as_ref().filter(|_| self.ahead.is_empty()) else {
            return Poll::Ready(());
        };
        let stream: &TcpStream = socket.read.as_ref();
        stream.poll_read_ready(cx).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::rc::Rc;

    use hyper::body::{Body, Incoming};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::budget::Budget;
    use crate::serve::departure::has_unread;

    /// What hyper writes for a head that it cannot read.
    const REFUSAL: &[u8] = b"HTTP/1.1 404 Not Found\r\n\r\n";

    /// A socket, and its client.
    async fn sockets() -> (Io, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let peer = Arc::new(Peer::with_current(address, Budget::new(0)));
        (Io::new(Socket::new(accepted.unwrap().0, peer)), client.unwrap())
    }

    fn peer_of(io: &Io) -> Arc<Peer> {
        io.socket.as_ref().unwrap().peer()
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
        let peer = peer_of(&io);
        assert_eq!(received(io, client, REFUSAL).await, b"");
        assert_eq!(peer.take_unread(), 404);
    }

    #[tokio::test]
    async fn a_reply_to_a_request_is_written() {
        let (io, client) = sockets().await;
        let replying = peer_of(&io).begin().replying();
        drop(replying);
        assert_eq!(received(io, client, REFUSAL).await, REFUSAL);
    }

    #[cfg(any(feature = "tower", feature = "websocket"))]
    #[tokio::test]
    async fn all_bytes_are_written_after_an_upgrade() {
        let (mut io, client) = sockets().await;
        let peer = peer_of(&io);
        drop(peer.begin().replying());
        io.flush().await.unwrap();
        peer.upgraded();
        assert_eq!(received(io, client, REFUSAL).await, REFUSAL);
        assert!(!peer.is_unread());
    }

    /// What clients send, and what they never should: joined at random, and sent in random pieces.
    const WORDS: [&str; 18] = [
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\ncontent-length: 7\r\n\r\nabc\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.",
        "HTTP/1.1\r\n\r\n",
        "GET /",
        "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "abc",
        "a: b\r\n",
        "x",
        "\r\n",
        "\n",
        "\r",
    ];

    /// The first ones are whole requests, and empty lines, which may stand between them.
    const WHOLE: usize = 5;

    /// Numbers that are the same in every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % most
        }
    }

    /// A socket that may leave leaves no byte of a request with hyper.
    #[tokio::test]
    async fn hyper_has_no_byte_of_a_next_request_when_the_socket_may_leave() {
        let (mut numbers, mut left) = (Numbers(7), 0);
        for case in 0..1500 {
            // Most are whole requests; a few of the other words come in between, or last.
            let word = |_| {
                let most = if numbers.below(3) == 0 { WORDS.len() } else { WHOLE };
                WORDS[numbers.below(most)]
            };
            let text: String = (0..=case % 5).map(word).collect();
            let (io, mut client) = sockets().await;
            let socket = io.socket.as_ref().unwrap().handle();
            let running = Rc::new(Cell::new(0));
            let service = service_fn(|request: Request<Incoming>| {
                let running = Rc::clone(&running);
                running.set(running.get() + 1);
                async move {
                    let mut body = request.into_body();
                    while poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_some() {}
                    running.set(running.get() - 1);
                    Ok::<_, Infallible>(Response::new(String::new()))
                }
            });
            let mut builder = http1::Builder::new();
            let mut hyper =
                builder.writev(false).half_close(true).serve_connection(TokioIo::new(io), service);
            let (mut rest, mut is_over) = (text.as_bytes(), false);
            while !rest.is_empty() && !is_over {
                let length = if numbers.below(2) == 0 { rest.len() } else { 1 + numbers.below(rest.len()) };
                let (piece, more) = rest.split_at(length);
                rest = more;
                client.write_all(piece).await.unwrap();
                // A reply and the next request have a poll each.
                let mut polls = 3;
                while !is_over && (polls > 0 || has_unread((*socket).as_ref())) {
                    polls -= usize::from(!has_unread((*socket).as_ref()));
                    tokio::task::yield_now().await;
                    is_over = poll_fn(|cx| Poll::Ready(Pin::new(&mut hyper).poll(cx).is_ready())).await;
                }
            }
            if is_over || running.get() > 0 {
                continue;
            }
            let http1::Parts { io, read_buf, .. } = hyper.into_parts();
            if io.into_inner().may_leave() {
                left += 1;
                let is_blank = read_buf.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
                assert!(is_blank && read_buf.len() <= 4, "{read_buf:?} of {text:?}");
            }
        }
        assert!(left > 100, "{left}");
    }
}
