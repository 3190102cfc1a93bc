//! One connection: hyper on it until it ends, its client leaves, or the process stops.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
#[cfg(feature = "http2")]
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::{Answer, Sealed};
use crate::exchange::{Busy, Payload, Peer};
#[cfg(not(feature = "http2"))]
use crate::log::say;
use crate::platform::limits::{KIB, REQUEST_HEADERS_MAX, TARGET_MAX};
use crate::serve::drain::{Stage, Watch};
use crate::serve::io::Io;
use crate::serve::sniff::Protocol;
#[cfg(feature = "websocket")]
use crate::serve::takeover::take_over;
use crate::serve::watch::departure;
use crate::stage::Outgoing;
use crate::timer::Timer;

pub(crate) async fn connection<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    address: SocketAddr,
    protocol: Protocol,
    watch: Watch,
    place: OwnedSemaphorePermit,
) {
    let peer = Arc::new(Peer::new(address));
    match protocol {
        Protocol::Http1 => http1(app, stream, peer, watch, place).await,
        Protocol::Http2 => Box::pin(http2(app, stream, peer, watch, place)).await,
    }
}

/// How much of a head hyper takes in before it answers 431 itself, without a record and closing the connection. Room for
/// what our own limits let through, so that it is they that refuse.
const HEAD_MAX: usize = REQUEST_HEADERS_MAX + TARGET_MAX + 8 * KIB;

/// No idle time-out, no cap on requests per connection, no `Connection: close` of ours: the platform reuses its
/// connections, and answers 502 to a `POST` on one that was closed meanwhile.
async fn http1<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: Arc<Peer>,
    mut watch: Watch,
    place: OwnedSemaphorePermit,
) {
    #[cfg(feature = "websocket")]
    let tracker = app.shared.tracker.clone();
    let io = Io::new(stream, Arc::clone(&peer));
    let mut departed = pin!(departure(io.handle()));
    let head_limit = app.settings.head_limit;
    let service = service_fn({
        let peer = Arc::clone(&peer);
        move |request: Request<Incoming>| {
            let (head, body) = request.into_parts();
            Answered::to(&app, head, body, &peer)
        }
    });
    let mut builder = http1::Builder::new();
    // Head and body in one buffer and one plain write: some 400 instructions less than a vectored one for the small
    // replies that most are, and no more processor time for large ones, whose pieces are bounded.
    builder.max_buf_size(HEAD_MAX).writev(false);
    let mut connection = builder.serve_connection(TokioIo::new(io), service);
    let mut asked = false;
    let mut slow_head = Timer::default();
    poll_fn(|cx| {
        let stop = http1::Connection::graceful_shutdown;
        if is_over(Pin::new(&mut connection), &mut watch, &mut asked, stop, cx) {
            return Poll::Ready(());
        }
        // hyper came first: what a client asked before it left is answered if it can be answered at once.
        // An error of hyper's concerns that client alone, and its requests have their records.
        if peer.is_busy() {
            return departed.as_mut().poll(cx);
        }
        if peer.is_mid_head() {
            return slow_head.poll(cx, head_limit);
        }
        slow_head.stop();
        Poll::Pending
    })
    .await;
    // hyper is done with a connection that switches protocols, and gives it back as it is: nothing has to be set up
    // for that in connections that never do.
    #[cfg(feature = "websocket")]
    if let Some(boarding) = peer.boarding.take() {
        let http1::Parts { io, read_buf, .. } = connection.into_parts();
        return take_over(boarding, (io.into_inner(), read_buf), (watch, place), &tracker);
    }
    drop(place);
}

/// How long an HTTP/2 client without a request in flight may neither read nor answer when we stop.
#[cfg(feature = "http2")]
const FAREWELL: Duration = Duration::from_secs(1);

#[cfg(feature = "http2")]
async fn http2<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: Arc<Peer>,
    mut watch: Watch,
    _place: OwnedSemaphorePermit,
) {
    use hyper::server::conn::http2;

    let head_limit = app.settings.head_limit;
    let executor = Tracked(app.shared.tracker.clone());
    let io = Io::new(stream, Arc::clone(&peer));
    let service = service_fn({
        let peer = Arc::clone(&peer);
        move |request: Request<Incoming>| {
            let (head, body) = request.into_parts();
            Answered::to(&app, head, body, &peer)
        }
    });
    let mut builder = http2::Builder::new(executor);
    let builder = builder
        // One connection carries all calls of an instance, at most 200 at a time.
        .max_concurrent_streams(256)
        .max_header_list_size(u32::try_from(REQUEST_HEADERS_MAX).unwrap_or(u32::MAX))
        // What one stream, and the connection, may have sent that no handler has read.
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_send_buf_size(256 * 1024)
        // Streams that a client opens and resets at once: beyond this the connection is closed.
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(256);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut asked = false;
    let mut slow = Timer::default();
    poll_fn(|cx| {
        if is_over(connection.as_mut(), &mut watch, &mut asked, http2::Connection::graceful_shutdown, cx) {
            return Poll::Ready(());
        }
        if peer.has_moved() {
            slow.stop();
        }
        // A client that says nothing after its preface is as slow as one that does not end its head. And one that has
        // nothing in flight, and neither reads nor answers our farewell, must not hold up the stop.
        if !peer.has_begun() {
            return slow.poll(cx, head_limit);
        }
        if asked && !peer.is_busy() {
            return slow.poll(cx, FAREWELL);
        }
        slow.stop();
        Poll::Pending
    })
    .await;
}

#[cfg(not(feature = "http2"))]
#[allow(clippy::needless_pass_by_value, reason = "the shape of the one that serves")]
fn http2<S: Send + Sync + 'static>(
    _: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: Arc<Peer>,
    _: Watch,
    _: OwnedSemaphorePermit,
) -> std::future::Ready<()> {
    say::warn(format_args!(
        "{} speaks HTTP/2, which this binary was built without: enable the feature \"http2\" of fc-runtime",
        peer.address
    ));
    drop(stream);
    std::future::ready(())
}

/// Polls hyper, and asks it once to stop when the process does; whether the connection has ended, or has to.
///
/// hyper looks before it is asked: a request that is in the socket already is still served.
fn is_over<C: Future>(
    mut connection: Pin<&mut C>,
    watch: &mut Watch,
    asked: &mut bool,
    stop: impl Fn(Pin<&mut C>),
    cx: &mut Context<'_>,
) -> bool {
    let stage = watch.stage(cx);
    if stage == Stage::Cutting || connection.as_mut().poll(cx).is_ready() {
        return true;
    }
    if stage == Stage::Draining && !std::mem::replace(asked, true) {
        stop(connection.as_mut());
        return connection.poll(cx).is_ready();
    }
    false
}

/// What hyper wants of a service: a result, which never is an error.
struct Answered<S> {
    answer: Answer<S>,
    busy: Option<Busy>,
}

impl<S: Send + Sync + 'static> Answered<S> {
    fn to(app: &Arc<Sealed<S>>, head: Parts, body: Incoming, peer: &Arc<Peer>) -> Self {
        let busy = peer.begin();
        let body = Payload::wire(body, &head, &busy);
        Self { answer: app.answer(head, body, Some(Arc::clone(peer))), busy: Some(busy) }
    }
}

impl<S: Send + Sync + 'static> Future for Answered<S> {
    type Output = Result<Response<Outgoing>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(Pin::new(&mut self.answer).poll(cx));
        if let Some(busy) = self.busy.take() {
            response.body_mut().set_busy(busy);
        }
        Poll::Ready(Ok(response))
    }
}

/// hyper's tasks, one per HTTP/2 stream, are tracked like all others.
#[cfg(feature = "http2")]
#[derive(Clone)]
struct Tracked(crate::task::Tracker);

#[cfg(feature = "http2")]
impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        drop(self.0.spawn(crate::task::Kind::Handler, future));
    }
}
