//! HTTP/1.1 on one connection.

use std::cell::Cell;
use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::counters::InRoll;
use crate::exchange::Peer;
#[cfg(any(feature = "tower", feature = "websocket"))]
use crate::exchange::attached::NextProtocol;
use crate::platform::limits::REQUEST_FIELDS_MAX;
use crate::sealed::Sealed;
use crate::serve::connection::linger::linger;
use crate::serve::connection::unread::{HEAD_MAX, Unread};
use crate::serve::connection::{FAREWELL, Service, is_over};
use crate::serve::departure::{departure, has_unread};
use crate::serve::drain::{DrainObserver, Stage};
use crate::serve::io::Io;
use crate::serve::places::Place;
#[cfg(any(feature = "tower", feature = "websocket"))]
use crate::serve::upgrade::spawn_upgraded;
use crate::task::BoxFuture;
use crate::timer::Timer;

/// An HTTP/1.1 connection, without an idle time-out and a cap on requests. The platform reuses connections, and answers
/// 502 to a `POST` on a closed one. So this side sends `Connection: close` only at a stop, or after a head that was
/// refused or late.
///
/// The future is written by hand, as is everything that an idle connection keeps. An `async` block would hold its
/// arguments beside the values made from them.
pub(super) struct Http1<S: Send + Sync + 'static> {
    connection: http1::Connection<TokioIo<Io>, Service<S>>,
    peer: Arc<Peer>,
    drain: DrainObserver,
    asked: bool,
    head_limit: Duration,
    /// Whether the door has waited for the first head, and in vain. The connection ends with that request.
    late: bool,
    slow_head: Timer,
    socket: Arc<OwnedWriteHalf>,
    /// Created when a request has to wait. Most connections only have replies that are ready at once.
    departed: Option<BoxFuture<()>>,
    place: Place,
    /// Whether hyper already accepts [`REQUEST_FIELDS_MAX`] fields. hyper's own limit is 100.
    has_room: bool,
    _in_roll: InRoll,
}

/// The status for a head that was not complete within the limit.
const REQUEST_TIMEOUT: u16 = 408;

impl<S: Send + Sync + 'static> Http1<S> {
    /// `late`: the head of the first request was not complete within the limit.
    pub(super) fn new(
        app: Arc<Sealed<S>>,
        stream: TcpStream,
        peer: Arc<Peer>,
        drain: DrainObserver,
        place: Place,
        late: bool,
    ) -> Self {
        let in_roll = InRoll::enter(&app.shared.counts, Arc::clone(&peer) as _);
        let io = Io::new(stream, Arc::clone(&peer));
        place.serve(&io.handle(), &peer);
        let (socket, head_limit) = (io.handle(), if late { Duration::ZERO } else { app.settings.head_limit });
        let service = Service { app, peer: Arc::clone(&peer), unread: None };
        let connection = builder().keep_alive(!late).serve_connection(TokioIo::new(io), service);
        let slow_head = Timer::default();
        Self {
            connection,
            peer,
            drain,
            asked: false,
            head_limit,
            late,
            slow_head,
            socket,
            departed: None,
            place,
            has_room: false,
            _in_roll: in_roll,
        }
    }

    /// The handle for watching the socket.
    pub(super) fn socket(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.socket)
    }

    /// What follows when hyper has ended: an upgrade in a task of its own, the refusal of a head that was not parsed, or
    /// the end of the client's input.
    fn follow(self) -> Following<S> {
        #[cfg(any(feature = "tower", feature = "websocket"))]
        if let Some(NextProtocol::Upgrade(on_upgrade)) = self.peer.next.take() {
            let http1::Parts { io, read_buf, service, .. } = self.connection.into_parts();
            self.peer.upgraded();
            spawn_upgraded(
                on_upgrade,
                (io.into_inner(), read_buf),
                (self.drain, self.place),
                &service.app.shared.tracker,
            );
            return Following::Over;
        }
        let status = self.peer.take_unread();
        let http1::Parts { io, read_buf, service: Service { app, peer, unread }, .. } =
            self.connection.into_parts();
        let io = io.into_inner();
        if unread.is_some() {
            return Following::Lingering(Box::pin(linger(self.socket, self.place)));
        }
        if status == 0 {
            // For example a request behind the last reply of a stop.
            let has_more = !read_buf.is_empty() || has_unread((*self.socket).as_ref());
            drop(io);
            return if has_more {
                Following::Lingering(Box::pin(linger(self.socket, self.place)))
            } else {
                Following::Over
            };
        }
        let unread = Unread::new(status, read_buf);
        let (ahead, unread) = if !self.has_room && unread.has_many_fields() {
            (unread.into_start(), None)
        } else {
            (unread.stand_in(), Some(Box::new(unread)))
        };
        let service = Service { app, peer, unread };
        // hyper keeps its default number of fields on the stack. With more fields hyper allocates 64 KiB for each head.
        let connection = builder()
            .max_headers(REQUEST_FIELDS_MAX)
            .keep_alive(!self.late)
            .serve_connection(TokioIo::new(io.behind(ahead)), service);
        Following::Http(Self {
            connection,
            asked: false,
            slow_head: Timer::default(),
            has_room: true,
            ..self
        })
    }
}

/// hyper's settings for a connection.
///
/// `writev(false)`: head and body go into one buffer and one plain write. A small reply then costs some 400
/// instructions less than with a vectored write. hyper chooses once for a connection; what is large goes past its buffer,
/// by `exchange/bulk.rs`.
///
/// `half_close(true)`: otherwise hyper reads behind every request to look for the end of the input. That read needs a
/// new buffer of 8 KiB while the request still holds the old buffer. `departure` sees a client leave in place of hyper.
fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_MAX).writev(false).half_close(true);
    builder
}

impl<S: Send + Sync + 'static> Future for Http1<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let connection = Pin::new(&mut this.connection);
        let (is_new, expects_request) = (Cell::new(false), Cell::new(false));
        let leave = || is_new.set(this.peer.leave());
        let may_stop = || {
            let idle = !this.peer.is_busy();
            expects_request.set(idle && (this.peer.is_mid_head() || has_unread((*this.socket).as_ref())));
            !expects_request.get()
        };
        let stop = (leave, may_stop, http1::Connection::graceful_shutdown);
        if is_over(connection, &mut this.drain, &mut this.asked, stop, cx) {
            return Poll::Ready(());
        }
        if expects_request.get() {
            if is_new.get() {
                // `slow_head` may run with the longer limit from before the stop.
                this.slow_head.stop();
            }
            // hyper does not read on before the client has taken the reply before. The drain's deadline decides there.
            if !this.peer.is_stuck() {
                let is_mid_head = this.peer.is_mid_head();
                return this.slow_head.poll(cx, FAREWELL.min(this.head_limit)).map(|()| {
                    if is_mid_head {
                        this.peer.set_unread(REQUEST_TIMEOUT);
                    }
                });
            }
        }
        // hyper is polled first: a request that was sent before the client left is answered if it can be at once. An
        // error from hyper concerns this client only, and the records of its requests are complete.
        if this.peer.is_busy() || this.peer.is_stuck() {
            // The next head may have begun when this branch is left.
            this.slow_head.stop();
            let departed = this.departed.get_or_insert_with(|| Box::pin(departure(Arc::clone(&this.socket))));
            return departed.as_mut().poll(cx);
        }
        if this.peer.is_mid_head() {
            return this.slow_head.poll(cx, this.head_limit).map(|()| this.peer.set_unread(REQUEST_TIMEOUT));
        }
        this.slow_head.stop();
        Poll::Pending
    }
}

/// An HTTP/1.1 connection, and what follows on the socket when hyper has ended.
#[allow(clippy::large_enum_variant, reason = "nearly all are `Http`, and a box would be an allocation more")]
pub(super) enum Following<S: Send + Sync + 'static> {
    Http(Http1<S>),
    /// This side has sent its last byte, and the rest of the input is discarded.
    Lingering(BoxFuture<()>),
    Over,
}

impl<S: Send + Sync + 'static> Future for Following<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Http(http) => {
                    ready!(Pin::new(&mut *http).poll(cx));
                    if http.drain.stage(cx) == Stage::Cutting {
                        return Poll::Ready(());
                    }
                }
                Self::Lingering(linger) => ready!(linger.as_mut().poll(cx)),
                Self::Over => return Poll::Ready(()),
            }
            *self = match replace(&mut *self, Self::Over) {
                Self::Http(http) => http.follow(),
                Self::Lingering(..) | Self::Over => Self::Over,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::future::poll_fn;

    use socket2::SockRef;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::app::App;
    use crate::error::Error;
    use crate::platform::Instance;
    use crate::reply::Reply;
    use crate::serve::connection::narrow;
    use crate::serve::drain::Drain;
    use crate::serve::places::Places;
    use crate::stop::Stops;

    /// A reply that hyper takes as a whole, and the kernel does not.
    const LARGE: usize = 40 * 1024;

    /// A reply that the kernel takes as a whole, and that does not fit into the client's buffer.
    const HELD: usize = 3000;

    /// A connection whose kernel buffers are small, its client, and what ends `/held`.
    async fn connect(drain: &Drain, late: bool) -> (Following<()>, TcpStream, Stops) {
        let app = App::new().get("/", async |_| "small").get("/large", async |_| "#".repeat(LARGE));
        let app = app.get("/held", async |ex| {
            ex.stop_notice().await;
            "#".repeat(HELD)
        });
        let app = app.get("/failing", async |_| {
            Reply::stream(async_stream::stream! {
                yield Ok("#".repeat(LARGE));
                yield Err(Error::internal("the source is dry"));
            })
        });
        let app = app.seal(Instance::from_vars([("", ""); 0])).await.unwrap();
        let (client, stream, address) = narrow::pair().await.unwrap();
        SockRef::from(&stream).set_send_buffer_size(1).unwrap();
        let peer = Arc::new(Peer::with_current(address, app.shared.budget.clone()));
        let place = Places::new(1).try_take().unwrap();
        let stops = app.shared.stops.clone();
        let http = Http1::new(app, stream, peer, drain.observers().observe(), place, late);
        (Following::Http(http), client, stops)
    }

    /// What the client reads until the connection ends.
    async fn rest(connection: Following<()>, mut client: TcpStream) -> String {
        let mut text = String::new();
        let read = async {
            tokio::join!(connection, client.read_to_string(&mut text)).1.unwrap();
        };
        timeout(Duration::from_secs(20), read).await.expect("the connection ends");
        text
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_cut_a_reply_that_is_read_for_the_request_behind() {
        let drain = Drain::default();
        let (mut connection, mut client, _) = connect(&drain, false).await;
        let Following::Http(http) = &connection else { unreachable!() };
        let (peer, socket) = (Arc::clone(&http.peer), http.socket());
        client.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        poll_fn(|cx| {
            assert!(Pin::new(&mut connection).poll(cx).is_pending());
            if peer.is_stuck() && !peer.is_busy() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        while !has_unread((*socket).as_ref()) {
            tokio::task::yield_now().await;
        }
        drain.advance(Stage::Draining);
        assert!(timeout(2 * FAREWELL, &mut connection).await.is_err(), "the client may still read");
        tokio::time::resume();
        let text = rest(connection, client).await;
        assert_eq!(text.matches('#').count(), LARGE);
        assert!(text.contains("connection: close\r\n") && text.ends_with("\r\n\r\nsmall"), "{text}");
    }

    /// The pieces before the error wait for the client, and so does the cut.
    #[tokio::test(start_paused = true)]
    async fn a_stream_that_fails_is_sent_up_to_its_error_to_a_slow_client() {
        let drain = Drain::default();
        let (mut connection, mut client, _) = connect(&drain, false).await;
        client.write_all(b"GET /failing HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        turns(&mut connection).await;
        tokio::time::advance(Duration::from_secs(1)).await;
        turns(&mut connection).await;
        tokio::time::resume();
        let text = rest(connection, client).await;
        assert_eq!(text.matches('#').count(), LARGE);
        assert!(!text.ends_with("0\r\n\r\n"), "and is cut");
    }

    /// The time of a head ends with that head, also if the next one has begun when the reply ends.
    #[tokio::test(start_paused = true)]
    async fn each_head_has_its_own_time() {
        let drain = Drain::default();
        let (mut connection, mut client, stops) = connect(&drain, false).await;
        client.write_all(b"GET /held HTTP/1.1\r\nhost:").await.unwrap();
        turns(&mut connection).await;
        tokio::time::advance(Duration::from_millis(9_500)).await;
        client.write_all(b" a\r\n\r\n").await.unwrap();
        turns(&mut connection).await;
        client.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\nho").await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        stops.announce();
        turns(&mut connection).await;
        client.write_all(b"st: a\r\n\r\n").await.unwrap();
        tokio::time::resume();
        let text = rest(connection, client).await;
        assert!(text.contains("###HTTP/1.1 200") && text.ends_with("\r\n\r\nsmall"), "{text}");
    }

    /// Polls the connection until it has read what is there.
    async fn turns(connection: &mut Following<()>) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
            assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut *connection).poll(cx))).await.is_pending());
        }
    }

    /// hyper does not read what is behind the last reply of a stop. The close of a socket with unread bytes is a reset.
    #[tokio::test]
    async fn a_stop_does_not_cut_a_reply_for_a_request_behind_that_came_before_its_end() {
        let drain = Drain::default();
        let (mut connection, mut client, stops) = connect(&drain, false).await;
        let Following::Http(http) = &connection else { unreachable!() };
        let (peer, socket) = (Arc::clone(&http.peer), http.socket());
        client.write_all(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        poll_fn(|cx| {
            assert!(Pin::new(&mut connection).poll(cx).is_pending());
            if peer.is_busy() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drain.advance(Stage::Draining);
        assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut connection).poll(cx))).await.is_pending());
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        while !has_unread((*socket).as_ref()) {
            tokio::task::yield_now().await;
        }
        stops.announce_last();
        drop(socket);
        let text = rest(connection, client).await;
        assert_eq!(text.matches('#').count(), HELD, "and no reset");
    }

    #[tokio::test]
    async fn a_late_head_with_many_fields_is_the_last_of_its_connection() {
        let drain = Drain::default();
        let (connection, mut client, _) = connect(&drain, true).await;
        let mut head = "GET / HTTP/1.1\r\nhost: a\r\n".to_owned();
        for at in 0..150 {
            let _ = write!(head, "a{at}:\r\n");
        }
        client.write_all((head + "\r\n").as_bytes()).await.unwrap();
        let text = rest(connection, client).await;
        assert!(text.contains("connection: close\r\n") && text.ends_with("\r\n\r\nsmall"), "{text}");
    }
}
