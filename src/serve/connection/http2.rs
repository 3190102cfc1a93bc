//! HTTP/2 with prior knowledge on one connection.

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
use crate::platform::limits::REQUEST_HEADERS_MAX;
use crate::sealed::Sealed;
use crate::serve::connection::{Service, is_over};
use crate::serve::drain::DrainObserver;
use crate::serve::io::Io;
use crate::task::{Kind, Tracker};
use crate::timer::Timer;

/// How long an HTTP/2 client without a request in flight may neither read nor answer when we stop.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a client may say nothing before the kernel asks whether it is there, and how often it asks. A client that
/// vanished without a word has left after the ninth question, some two and a half minutes in all.
///
/// The kernel's questions instead of HTTP/2's own pings: they cost a call nothing, no timer runs for them here that a
/// freeze could make late, and a client that is there answers whatever it is busy with.
const SILENCE: Duration = Duration::from_secs(60);
const ASKED_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn drive<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    stream: TcpStream,
    peer: Arc<Peer>,
    mut drain: DrainObserver,
    _place: OwnedSemaphorePermit,
) {
    let head_limit = app.settings.head_limit;
    let executor = Tracked(app.shared.tracker.clone());
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(ASKED_EVERY);
    // Without it, such a client is noticed when something is sent to it.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let io = Io::new(stream, Arc::clone(&peer));
    let service = Service { app, peer: Arc::clone(&peer) };
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
        if is_over(connection.as_mut(), &mut drain, &mut asked, http2::Connection::graceful_shutdown, cx) {
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
        // While a timer is there, the executor reads the clock whenever it rests.
        slow = Timer::default();
        Poll::Pending
    })
    .await;
}

/// hyper's tasks, one per HTTP/2 stream, are tracked like all others.
#[derive(Clone)]
struct Tracked(Tracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        drop(self.0.spawn(Kind::Handler, future));
    }
}
