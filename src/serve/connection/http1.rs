//! HTTP/1.1 on one connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::OwnedSemaphorePermit;

use crate::exchange::Peer;
#[cfg(feature = "websocket")]
use crate::exchange::attached::NextProtocol;
use crate::platform::limits::{KIB, REQUEST_HEADERS_MAX, TARGET_MAX};
use crate::sealed::Sealed;
use crate::serve::connection::{Service, is_over};
use crate::serve::departure::departure;
use crate::serve::drain::DrainObserver;
use crate::serve::io::Io;
#[cfg(feature = "websocket")]
use crate::serve::upgrade::spawn_upgraded;
use crate::task::BoxFuture;
use crate::timer::Timer;

/// How much of a head hyper takes in before it answers 431 itself, without a record and closing the connection. Room for
/// what our own limits let through, so that it is they that refuse.
const HEAD_MAX: usize = REQUEST_HEADERS_MAX + TARGET_MAX + 8 * KIB;

/// No idle time-out, no cap on requests per connection, no `Connection: close` of ours: the platform reuses its
/// connections, and answers 502 to a `POST` on one that was closed meanwhile.
///
/// Written by hand, like all that an idle connection keeps: an `async` block would hold what it was made from beside
/// what it has become.
pub(super) struct Http1<S: Send + Sync + 'static> {
    connection: http1::Connection<TokioIo<Io>, Service<S>>,
    peer: Arc<Peer>,
    drain: DrainObserver,
    asked: bool,
    head_limit: Duration,
    slow_head: Timer,
    socket: Arc<OwnedWriteHalf>,
    /// Made when a request has to be waited for: most connections only ever have answers that are ready.
    departed: Option<BoxFuture<()>>,
    place: OwnedSemaphorePermit,
}

impl<S: Send + Sync + 'static> Http1<S> {
    pub(super) fn new(
        app: Arc<Sealed<S>>,
        stream: TcpStream,
        peer: Arc<Peer>,
        drain: DrainObserver,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let io = Io::new(stream, Arc::clone(&peer));
        let (socket, head_limit) = (io.handle(), app.settings.head_limit);
        let service = Service { app, peer: Arc::clone(&peer) };
        let mut builder = http1::Builder::new();
        // Head and body in one buffer and one plain write: some 400 instructions less than a vectored one for the small
        // replies that most are, and a copy of large ones, whose pieces are bounded: hyper chooses once for a connection.
        // Half-closed is not closed to hyper, which would look for the end behind every request, and make room of 8 KiB to
        // read into while the request still holds what it was read into. We see a client leave ourselves.
        builder.max_buf_size(HEAD_MAX).writev(false).half_close(true);
        let connection = builder.serve_connection(TokioIo::new(io), service);
        let slow_head = Timer::default();
        Self { connection, peer, drain, asked: false, head_limit, slow_head, socket, departed: None, place }
    }

    /// The handle to watch the socket with.
    pub(super) fn socket(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.socket)
    }

    /// Hands the connection, as hyper leaves it when it switches protocols, to what waits for it: nothing has to be set
    /// up for that in connections that never do.
    #[cfg(feature = "websocket")]
    fn switch(self) {
        let Some(NextProtocol::Upgrade(on_upgrade)) = self.peer.next.take() else { return };
        let http1::Parts { io, read_buf, service, .. } = self.connection.into_parts();
        spawn_upgraded(
            on_upgrade,
            (io.into_inner(), read_buf),
            (self.drain, self.place),
            &service.app.shared.tracker,
        );
    }
}

impl<S: Send + Sync + 'static> Future for Http1<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let connection = Pin::new(&mut this.connection);
        if is_over(connection, &mut this.drain, &mut this.asked, http1::Connection::graceful_shutdown, cx) {
            return Poll::Ready(());
        }
        // hyper came first: what a client asked before it left is answered if it can be answered at once.
        // An error of hyper's concerns that client alone, and its requests have their records.
        if this.peer.is_busy() || this.peer.is_stuck() {
            let departed = this.departed.get_or_insert_with(|| Box::pin(departure(Arc::clone(&this.socket))));
            return departed.as_mut().poll(cx);
        }
        if this.peer.is_mid_head() {
            return this.slow_head.poll(cx, this.head_limit);
        }
        this.slow_head.stop();
        Poll::Pending
    }
}

/// A connection that may leave HTTP.
#[cfg(feature = "websocket")]
pub(super) struct Switching<S: Send + Sync + 'static>(Option<Http1<S>>);

#[cfg(feature = "websocket")]
impl<S: Send + Sync + 'static> Switching<S> {
    pub(super) fn new(http: Http1<S>) -> Self {
        Self(Some(http))
    }
}

#[cfg(feature = "websocket")]
impl<S: Send + Sync + 'static> Future for Switching<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(http) = &mut self.0 else { return Poll::Ready(()) };
        let over = Pin::new(http).poll(cx);
        if over.is_ready()
            && let Some(http) = self.0.take()
        {
            http.switch();
        }
        over
    }
}
