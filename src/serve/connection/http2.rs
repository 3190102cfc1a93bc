//! HTTP/2 with prior knowledge (h2c) on one connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use crate::exchange::Peer;
use crate::platform::limits::{REQUEST_FIELDS_MAX, REQUEST_HEADERS_MAX};
use crate::sealed::Sealed;
use crate::serve::connection::{FAREWELL, Service, is_over};
use crate::serve::drain::DrainObserver;
use crate::serve::io::Io;
use crate::task::{Kind, Tracker};
use crate::timer::Timer;

/// TCP keep-alive: the idle time before the first probe, and the interval between probes. A client that vanished is
/// noticed after the ninth probe, about two and a half minutes in all.
///
/// The kernel's probes replace HTTP/2 pings. They cost a call nothing, need no timer that a freeze could delay, and a
/// busy client still answers them.
const SILENCE: Duration = Duration::from_secs(60);
const ASKED_EVERY: Duration = Duration::from_secs(10);

/// The largest header list that h2 reads, in HTTP/2's measure: 32 bytes for each field beside the name and the value.
/// Our own limits refuse first. Beyond this limit h2 answers 431 itself, without a record.
const HEADER_LIST_MAX: usize = REQUEST_HEADERS_MAX + 32 * REQUEST_FIELDS_MAX;

pub(super) async fn drive<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: Arc<Peer>,
    mut drain: DrainObserver,
    _place: OwnedSemaphorePermit,
) {
    let (head_limit, window) = (app.settings.head_limit, app.shared.budget.window());
    let executor = Tracked(app.shared.tracker.clone());
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(ASKED_EVERY);
    // Without keep-alive, a vanished client is noticed when data is sent to it.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let io = Io::new(stream, Arc::clone(&peer));
    let service = Service { app, peer: Arc::clone(&peer), unread: None };
    let mut builder = http2::Builder::new(executor);
    let builder = builder
        // One connection carries all calls of an instance: at most 200 at a time on the platform.
        .max_concurrent_streams(256)
        .max_header_list_size(u32::try_from(HEADER_LIST_MAX).unwrap_or(u32::MAX))
        // The unread bytes that one stream, and the whole connection, may send.
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(window)
        .max_send_buf_size(256 * 1024)
        // The most streams that a client may open and reset at once. Beyond it the connection is closed.
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(256);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut asked = false;
    let mut slow = Timer::default();
    poll_fn(|cx| {
        // hyper's GOAWAY still admits requests that the client sends before it reads the GOAWAY.
        let stop = (|| (), || true, http2::Connection::graceful_shutdown);
        if is_over(connection.as_mut(), &mut drain, &mut asked, stop, cx) {
            return Poll::Ready(());
        }
        if peer.has_moved() {
            slow.stop();
        }
        // A client that sends nothing after its preface is treated like one that does not complete its head. A client
        // without requests in flight that neither reads nor answers the GOAWAY must not delay the stop.
        if !peer.has_begun() && !asked {
            return slow.poll(cx, head_limit);
        }
        if asked && !peer.is_busy() {
            return slow.poll(cx, FAREWELL);
        }
        // Drop the timer: while a timer exists, an idle executor reads the clock at every turn.
        slow = Timer::default();
        Poll::Pending
    })
    .await;
}

/// Spawns hyper's tasks, one per HTTP/2 stream, through the tracker.
#[derive(Clone)]
struct Tracked(Tracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        self.0.spawn_unboxed(Kind::Handler, future);
    }
}
