//! HTTP/1.1 on one connection.

use std::cell::Cell;
use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::counters::InRoll;
use crate::exchange::Peer;
use crate::exchange::attached::NextProtocol;
use crate::serve::connection::direct::Direct;
use crate::serve::connection::engine::{Engine, Make};
use crate::serve::connection::engines::Engines;
use crate::serve::connection::following::Following;
use crate::serve::connection::linger::linger;
use crate::serve::connection::unread::Unread;
use crate::serve::connection::{FAREWELL, is_over};
use crate::serve::departure::{departure, has_unread};
use crate::serve::drain::{DrainObserver, Stage};
use crate::serve::io::Socket;
use crate::serve::link::Given;
use crate::serve::places::Place;
#[cfg(any(feature = "tower", feature = "websocket"))]
use crate::serve::upgrade::spawn_upgraded;
use crate::task::Kind;

/// An HTTP/1.1 connection, without an idle time-out and a cap on requests. The platform reuses connections, and answers
/// 502 to a `POST` on a closed one. So this side sends `Connection: close` only at a stop, or after a head that was
/// refused or late.
///
/// The future is written by hand, as is everything that an idle connection keeps. An `async` block would hold its
/// arguments beside the values made from them.
pub(super) struct Http1<S: Send + Sync + 'static> {
    driver: Driver<S>,
    pub(super) engines: Arc<Engines<S>>,
    pub(super) peer: Arc<Peer>,
    pub(super) drain: DrainObserver,
    /// Whether the door has waited for the first head, and in vain. The connection ends with that request.
    late: bool,
    socket: Arc<OwnedWriteHalf>,
    pub(super) place: Place,
    _in_roll: InRoll,
}

/// What drives the socket. Each driver gives the socket up before the next one takes it.
enum Driver<S: Send + Sync + 'static> {
    /// hyper, while the connection is in use.
    Engine(Box<Engine<S>>),
    /// The connection waits for its client, without hyper and its buffers.
    Parked(Socket),
    /// The same, with bytes that the client has sent.
    Ahead(Box<(Socket, Bytes)>),
    /// The connection ends, or sends a reply without a driver.
    None,
}

/// The status for a head that was not complete within the limit.
const REQUEST_TIMEOUT: u16 = 408;

impl<S: Send + Sync + 'static> Http1<S> {
    /// `late`: the head of the first request was not complete within the limit.
    pub(super) fn new(
        engines: &Arc<Engines<S>>,
        stream: TcpStream,
        peer: Arc<Peer>,
        drain: DrainObserver,
        place: Place,
        late: bool,
    ) -> Self {
        let in_roll = InRoll::enter(&engines.app.shared.counts, Arc::clone(&peer) as _);
        let parked = Socket::new(stream, Arc::clone(&peer));
        let socket = parked.handle();
        place.serve(&socket, &peer);
        Self {
            driver: Driver::Parked(parked),
            engines: Arc::clone(engines),
            peer,
            drain,
            late,
            socket,
            place,
            _in_roll: in_roll,
        }
    }

    /// The handle for watching the socket.
    pub(super) fn socket(&self) -> Arc<OwnedWriteHalf> {
        Arc::clone(&self.socket)
    }

    /// Polls hyper, and the watches beside hyper. Ready when the connection is over.
    #[allow(clippy::inline_always, reason = "every poll does it; the other copy is for what few polls do")]
    #[inline(always)]
    fn poll_engine(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Driver::Engine(engine) = &mut self.driver else { return Poll::Ready(()) };
        let engine = &mut **engine;
        let (is_new, expects_request) = (Cell::new(false), Cell::new(false));
        let leave = || is_new.set(self.peer.leave());
        let may_stop = || {
            let idle = !self.peer.is_busy();
            expects_request.set(idle && (self.peer.is_mid_head() || has_unread((*self.socket).as_ref())));
            !expects_request.get()
        };
        let stop = (leave, may_stop, http1::Connection::graceful_shutdown);
        let (hyper, asked) = engine.hyper();
        if is_over(hyper, &mut self.drain, asked, stop, cx) {
            return Poll::Ready(());
        }
        let head_limit = || if self.late { Duration::ZERO } else { self.engines.app.settings.head_limit };
        if expects_request.get() {
            if is_new.get() {
                // `slow_head` may run with the longer limit from before the stop.
                engine.slow_head.stop();
            }
            // hyper does not read on before the client has taken the reply before. The drain's deadline decides there.
            if !self.peer.is_stuck() {
                let is_mid_head = self.peer.is_mid_head();
                return engine.slow_head.poll(cx, FAREWELL.min(head_limit())).map(|()| {
                    if is_mid_head {
                        self.peer.set_unread(REQUEST_TIMEOUT);
                    }
                });
            }
        }
        // hyper is polled first: a request that was sent before the client left is answered if it can be at once. An
        // error from hyper concerns this client only, and the records of its requests are complete.
        if self.peer.is_busy() || self.peer.is_stuck() {
            if self.peer.is_head_only() {
                return Poll::Ready(());
            }
            // The next head may have begun when this branch is left.
            engine.slow_head.stop();
            let departed =
                engine.departed.get_or_insert_with(|| Box::pin(departure(Arc::clone(&self.socket))));
            return departed.as_mut().poll(cx);
        }
        if self.peer.has_heard() {
            return engine.slow_head.poll(cx, head_limit()).map(|()| self.peer.set_unread(REQUEST_TIMEOUT));
        }
        engine.slow_head.stop();
        Poll::Pending
    }

    /// The same for a connection that changes its driver: it was parked, or is asked to give its engine up.
    #[cold]
    #[inline(never)]
    fn poll_loose(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Driver::Parked(_) | Driver::Ahead(_) = self.driver {
            self.unpark(cx);
        }
        if let Driver::Engine(engine) = &self.driver {
            engine.prepare_to_give(&self.peer);
        }
        if self.poll_engine(cx).is_ready() {
            return Poll::Ready(());
        }
        match &self.driver {
            Driver::Engine(engine) if engine.link.has_given() => self.take_back(cx.waker()),
            _ => Poll::Pending,
        }
    }

    #[cfg(test)]
    pub(super) fn is_parked(&self) -> bool {
        matches!(self.driver, Driver::Parked(_))
    }

    #[cfg(test)]
    pub(super) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    /// Takes the socket back from an engine that was asked to give it. Ready if the client has left.
    fn take_back(&mut self, task: &Waker) -> Poll<()> {
        let Driver::Engine(engine) = replace(&mut self.driver, Driver::None) else { return Poll::Ready(()) };
        let (socket, is_over) = match engine.link.given() {
            given @ (Given::Back | Given::Left) => (self.engines.put(engine), given == Given::Left),
            Given::Unsure => {
                let (socket, read_buf, _) = engine.into_parts();
                match socket {
                    // A part of the next head came with the request before.
                    Some(socket) if !read_buf.is_empty() => {
                        let engine = self.engines.take_behind(read_buf, socket, self.late, task);
                        self.driver = Driver::Engine(engine);
                        // Polled at once, as each driver that is new to its socket.
                        task.wake_by_ref();
                        return Poll::Pending;
                    }
                    socket => (socket, false),
                }
            }
        };
        match socket {
            // The engine's last read has registered the task, which its client now wakes.
            Some(socket) if !is_over => {
                self.driver = Driver::Parked(socket);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Gives a connection that waits for its client an engine, when it is woken: by its client, or by a stop. The
    /// connection has no driver if it is over.
    fn unpark(&mut self, cx: &Context<'_>) {
        let (stage, task) = (self.drain.stage(cx), cx.waker());
        let has_unread = || has_unread((*self.socket).as_ref());
        self.driver = match replace(&mut self.driver, Driver::None) {
            Driver::Parked(socket) if stage == Stage::Serving || stage == Stage::Draining && has_unread() => {
                Driver::Engine(self.engines.take(socket, self.late, task))
            }
            Driver::Ahead(ahead) if stage != Stage::Cutting => {
                let (socket, ahead) = *ahead;
                Driver::Engine(self.engines.take_behind(ahead, socket, self.late, task))
            }
            _ => Driver::None,
        };
    }

    /// The same connection, which has no driver and gets its socket back.
    pub(super) fn again(mut self, socket: Socket, read_buf: Bytes) -> Self {
        // Blank lines may stand between requests, and are no beginning of one.
        self.driver = if read_buf.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            Driver::Parked(socket)
        } else {
            // Not idle, since it has bytes of the next request.
            self.peer.hear(&read_buf);
            Driver::Ahead(Box::new((socket, read_buf)))
        };
        self
    }

    /// What follows when the drivers have ended: an upgrade in a task of its own, the refusal of a head that was not
    /// parsed, or the end of the client's input.
    #[cold]
    #[inline(never)]
    pub(super) fn follow(mut self, task: &Waker) -> Following<S> {
        let next = self.peer.next.take();
        let Driver::Engine(engine) = replace(&mut self.driver, Driver::None) else { return Following::Over };
        let has_room = engine.has_room();
        let (Some(socket), read_buf, unread) = engine.into_parts() else { return Following::Over };
        let tracker = &self.engines.app.shared.tracker;
        match next {
            // Without a head hyper has ended by an error of the connection.
            Some(NextProtocol::Direct(_, head)) if head.is_empty() => return Following::Over,
            Some(NextProtocol::Direct(body, head)) => {
                let tracker = tracker.clone();
                tracker.spawn(Kind::Connection, Direct::new(self, socket, &read_buf, body, head));
                return Following::Over;
            }
            #[cfg(any(feature = "tower", feature = "websocket"))]
            Some(NextProtocol::Upgrade(on_upgrade)) => {
                self.peer.upgraded();
                spawn_upgraded(on_upgrade, (socket, read_buf), (self.drain, self.place), tracker);
                return Following::Over;
            }
            None => {}
        }
        let status = self.peer.take_unread();
        if unread.is_some() {
            return Following::Lingering(Box::pin(linger(self.socket, self.place)));
        }
        if status == 0 {
            // For example a request behind the last reply of a stop.
            let has_more = !read_buf.is_empty() || has_unread((*self.socket).as_ref());
            drop(socket);
            return if has_more {
                Following::Lingering(Box::pin(linger(self.socket, self.place)))
            } else {
                Following::Over
            };
        }
        let unread = Unread::new(status, read_buf);
        let (ahead, unread) = if !has_room && unread.has_many_fields() {
            (unread.into_start(), None)
        } else {
            (unread.stand_in(), Some(Box::new(unread)))
        };
        let engine = self.engines.make(Make::Roomy { last: self.late }, ahead, unread);
        engine.couple(socket, task);
        self.driver = Driver::Engine(engine);
        Following::Http(self)
    }
}

impl<S: Send + Sync + 'static> Future for Http1<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.driver {
            Driver::Engine(engine) if !engine.link.is_loose() => self.poll_engine(cx),
            _ => self.poll_loose(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::future::poll_fn;
    use std::time::Duration;

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
    use crate::serve::looks::Looks;
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
        let app = Box::new(app).seal(Instance::from_vars([("", ""); 0])).await.unwrap();
        let (client, stream, address) = narrow::pair().await.unwrap();
        SockRef::from(&stream).set_send_buffer_size(1).unwrap();
        let peer = Arc::new(Peer::with_current(address, app.shared.budget.clone()));
        let place = Places::new(1).try_take().unwrap();
        let stops = app.shared.stops.clone();
        let engines = Engines::new(app, Looks::new(0, Waker::noop().clone()));
        let http = Http1::new(&engines, stream, peer, drain.observers().observe(), place, late);
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

    /// The pieces before the error wait for the client, and so does the cut: whether hyper sends them or the connection.
    #[tokio::test(start_paused = true)]
    async fn a_stream_that_fails_is_sent_up_to_its_error_to_a_slow_client() {
        for version in ["1.0", "1.1"] {
            let drain = Drain::default();
            let (mut connection, mut client, _) = connect(&drain, false).await;
            let request = format!("GET /failing HTTP/{version}\r\nhost: a\r\n\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            for _ in 0..2 {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                    // Over when the stream has left for a task of its own.
                    let is_over =
                        poll_fn(|cx| Poll::Ready(Pin::new(&mut connection).poll(cx))).await.is_ready();
                    assert!(!is_over || version == "1.1");
                }
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            assert_eq!(matches!(connection, Following::Over), version == "1.1");
            tokio::time::resume();
            let text = rest(connection, client).await;
            assert_eq!(text.matches('#').count(), LARGE, "HTTP/{version}");
            assert!(!text.ends_with("0\r\n\r\n"), "and is cut");
            tokio::time::pause();
        }
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
