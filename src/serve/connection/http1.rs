//! HTTP/1.1 on one connection.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::OwnedSemaphorePermit;

use crate::exchange::Peer;
#[cfg(feature = "websocket")]
use crate::exchange::attached::NextProtocol;
use crate::platform::limits::{KIB, REQUEST_HEADERS_MAX, TARGET_MAX};
use crate::sealed::Sealed;
use crate::serve::connection::{FAREWELL, Service, is_over};
use crate::serve::departure::departure;
use crate::serve::drain::DrainObserver;
use crate::serve::io::Io;
#[cfg(feature = "websocket")]
use crate::serve::upgrade::spawn_upgraded;
use crate::task::BoxFuture;
use crate::timer::Timer;

/// The largest head that hyper reads, in bytes. Beyond it hyper answers 431 itself, without a record, and closes the
/// connection. The room is more than our own limits need, so that those refuse first.
const HEAD_MAX: usize = REQUEST_HEADERS_MAX + TARGET_MAX + 8 * KIB;

/// An HTTP/1.1 connection. It has no idle time-out, no cap on requests, and never sends `Connection: close`. The
/// platform reuses its connections, and answers 502 to a `POST` on one that was closed meanwhile.
///
/// The future is written by hand, as is everything that an idle connection keeps. An `async` block would hold its
/// arguments beside the values made from them.
pub(super) struct Http1<S: Send + Sync + 'static> {
    connection: http1::Connection<TokioIo<Io>, Service<S>>,
    peer: Arc<Peer>,
    drain: DrainObserver,
    asked: bool,
    head_limit: Duration,
    slow_head: Timer,
    socket: Arc<OwnedWriteHalf>,
    /// Created when a request has to wait. Most connections only have replies that are ready at once.
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
        // `writev(false)`: head and body go into one buffer and one plain write. That is some 400 instructions less
        // than a vectored write for a small reply. Large replies are copied, in pieces of bounded size; hyper chooses
        // once for a connection. `half_close(true)`: otherwise hyper reads behind every request to look for the end,
        // with a new buffer of 8 KiB while the request still holds the old one. `departure` sees a client leave in
        // place of hyper.
        builder.max_buf_size(HEAD_MAX).writev(false).half_close(true);
        let connection = builder.serve_connection(TokioIo::new(io), service);
        let slow_head = Timer::default();
        Self { connection, peer, drain, asked: false, head_limit, slow_head, socket, departed: None, place }
    }

    /// The handle for watching the socket.
    pub(super) fn socket(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.socket)
    }

    /// Runs the upgrade, if there is one, on the parts of the connection that hyper returns. A connection without an
    /// upgrade sets nothing up for it.
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
        let expects_request = Cell::new(false);
        let may_stop = || {
            let idle = !this.peer.is_busy();
            expects_request.set(idle && (this.peer.is_mid_head() || has_unread(&this.socket)));
            !expects_request.get()
        };
        let stop = (may_stop, http1::Connection::graceful_shutdown);
        if is_over(connection, &mut this.drain, &mut this.asked, stop, cx) {
            return Poll::Ready(());
        }
        if expects_request.get() {
            if this.peer.leave() {
                // The limit of a head may have begun before the stop, and is longer.
                this.slow_head.stop();
            }
            return this.slow_head.poll(cx, FAREWELL.min(this.head_limit));
        }
        // hyper is polled first: a request that was sent before the client left is answered if it can be at once. An
        // error from hyper concerns this client only, and the records of its requests are complete.
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

/// Whether the kernel has bytes that hyper has not read. The executor's own view is as old as its last look.
fn has_unread(socket: &OwnedWriteHalf) -> bool {
    let stream: &TcpStream = socket.as_ref();
    SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
}

/// An HTTP/1.1 connection that may be upgraded.
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
