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

use crate::exchange::Peer;
use crate::platform::limits::{REQUEST_FIELDS_MAX, REQUEST_HEADERS_MAX};
use crate::sealed::Sealed;
use crate::serve::connection::linger::linger;
use crate::serve::connection::{FAREWELL, Service, is_over};
use crate::serve::drain::{DrainObserver, Stage};
use crate::serve::io::{Io, Socket};
use crate::serve::link::Link;
use crate::serve::places::Place;
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
    place: Place,
) {
    let (head_limit, share) = (app.settings.head_limit, app.shared.budget.share());
    let executor = Tracked(app.shared.tracker.clone());
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(ASKED_EVERY);
    // Without keep-alive, a vanished client is noticed when data is sent to it.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let io = Socket::new(stream, Arc::clone(&peer));
    let socket = io.handle();
    place.serve(&socket, &peer);
    let service = Service { app, link: Arc::new(Link::of(Arc::clone(&peer))), unread: None };
    let mut builder = http2::Builder::new(executor);
    let builder = builder
        .max_concurrent_streams(share.streams)
        .max_header_list_size(u32::try_from(HEADER_LIST_MAX).unwrap_or(u32::MAX))
        // The unread bytes that one stream, and the whole connection, may send.
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(share.window)
        .max_send_buf_size(256 * 1024)
        // The most streams that a client may open and reset at once. Beyond it the connection is closed.
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(256);
    let (mut asked, mut has_last_replies) = (false, false);
    {
        let mut connection = pin!(builder.serve_connection(TokioIo::new(Io::new(io)), service));
        let mut slow = Timer::default();
        poll_fn(|cx| {
            // hyper's GOAWAY still admits requests that the client sends before it reads the GOAWAY.
            let stop = (|| (), || true, http2::Connection::graceful_shutdown);
            let was_busy = peer.is_busy();
            let is_over = is_over(connection.as_mut(), &mut drain, &mut asked, stop, cx);
            has_last_replies |= asked && was_busy;
            if is_over {
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
    let is_cut = poll_fn(|cx| Poll::Ready(drain.stage(cx) == Stage::Cutting)).await;
    if has_last_replies && !is_cut {
        // The client answers what it reads with frames of its own, such as WINDOW_UPDATE.
        linger(socket, place).await;
    }
}

/// Spawns hyper's tasks, one per HTTP/2 stream, through the tracker.
#[derive(Clone)]
struct Tracked(Tracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tracked {
    fn execute(&self, future: F) {
        self.0.spawn_unboxed(Kind::Handler, future);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::app::App;
    use crate::platform::Instance;
    use crate::serve::connection::narrow;
    use crate::serve::drain::Drain;
    use crate::serve::places::Places;
    use crate::task::BoxFuture;

    /// A reply that the kernel takes as a whole, and that does not fit into the client's buffer.
    const HELD: usize = 3000;

    /// The preface, empty settings, and `GET /held`.
    const START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
        \0\0\x0c\x01\x05\0\0\0\x01\x82\x86\x04\x05/held\x41\x01a";

    /// The answer to the PING of a graceful shutdown, which is h2's alone.
    const PONG: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0\x0b\x7b\xa2\xf0\x8b\x9b\xfe\x54";

    const WINDOW_UPDATE: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01";

    /// A connection is closed when its last reply is with the kernel. Frames that come later must not reset it.
    #[tokio::test]
    async fn a_stop_does_not_cut_a_reply_whose_client_still_sends() {
        let drain = Drain::default();
        let app = App::new().get("/held", async |ex| {
            ex.stop_notice().await;
            "#".repeat(HELD)
        });
        let app = Box::new(app).seal(Instance::from_vars([("", ""); 0])).await.unwrap();
        let (mut client, stream, address) = narrow::pair().await.unwrap();
        let peer = Arc::new(Peer::new(address, true, app.shared.budget.clone()));
        let (place, stops) = (Places::new(1).try_take().unwrap(), app.shared.stops.clone());
        let drained = drain.observers().observe();
        let mut connection: BoxFuture<()> = Box::pin(drive(app, stream, Arc::clone(&peer), drained, place));
        client.write_all(START).await.unwrap();
        poll_until(&mut connection, || peer.is_busy()).await;
        drain.advance(Stage::Draining);
        poll_until(&mut connection, || true).await;
        client.write_all(PONG).await.unwrap();
        stops.announce_last();
        let (mut is_over, mut turns) = (false, 0);
        // Some turns more, until the connection has written all, and is over but for the end of its client.
        while turns < 100 {
            turns += usize::from(!peer.is_busy());
            is_over = is_over || timeout(Duration::ZERO, &mut connection).await.is_ok();
            tokio::task::yield_now().await;
        }
        client.write_all(WINDOW_UPDATE).await.unwrap();
        let mut came = Vec::new();
        let read = async {
            if !is_over {
                connection.await;
            }
            client.read_to_end(&mut came).await.unwrap();
        };
        timeout(Duration::from_secs(20), read).await.expect("the connection ends");
        assert_eq!(String::from_utf8_lossy(&came).matches('#').count(), HELD, "and no reset");
    }

    /// Polls a connection that does not end until `is_done`.
    async fn poll_until(connection: &mut BoxFuture<()>, is_done: impl Fn() -> bool) {
        poll_fn(|cx| {
            assert!(Pin::new(&mut *connection).poll(cx).is_pending());
            if is_done() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
