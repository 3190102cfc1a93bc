//! The engines of one app: those that wait for a connection, and the look at those that have one.
//!
//! A connection that was not used between two looks is told to give its engine up, and takes one again when its client
//! sends. So what an idle connection keeps is its socket and its task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use bytes::Bytes;

use crate::sealed::Sealed;
use crate::serve::connection::engine::{Engine, Make};
use crate::serve::connection::unread::Unread;
use crate::serve::io::Socket;
use crate::serve::link::Link;
use crate::serve::looks::Looks;

/// The engines of one app.
pub(crate) struct Engines<S: Send + Sync + 'static> {
    pub(super) app: Arc<Sealed<S>>,
    looks: Arc<Looks>,
    /// The last one that came is the first one that goes, because its memory is the likeliest to be in the processor's
    /// cache.
    waiting: Mutex<Waiting<S>>,
    /// Of all engines. Those that are gone are taken out at the next look, or when there is no room for another.
    links: Mutex<Vec<Weak<Link>>>,
}

struct Waiting<S: Send + Sync + 'static> {
    #[allow(clippy::vec_box, reason = "they come and go in their boxes")]
    all: Vec<Box<Engine<S>>>,
    /// The fewest that waited since the last trim: nobody needed these.
    fewest: usize,
    /// The number of looks since then.
    looks: u8,
}

/// The most engines that wait, some 18 KiB each.
const WAITING_MAX: usize = 64;

/// The number of looks after which engines go that nobody needed: a second.
const TRIM_EVERY: u8 = 20;

impl<S: Send + Sync + 'static> Engines<S> {
    pub(crate) fn new(app: Arc<Sealed<S>>, looks: Arc<Looks>) -> Arc<Self> {
        let waiting = Mutex::new(Waiting { all: Vec::new(), fewest: 0, looks: 0 });
        Arc::new(Self { app, looks, waiting, links: Mutex::default() })
    }

    /// An engine for a socket. It wakes `task` to have itself given up. `late` is for the last request of a connection.
    pub(super) fn take(&self, socket: Socket, late: bool, task: &Waker) -> Box<Engine<S>> {
        let waiting = if late { None } else { self.waiting().take() };
        let engine = waiting.unwrap_or_else(|| self.make(Make::of(late), Bytes::new(), None));
        engine.couple(socket, task);
        engine
    }

    /// As [`take`](Self::take), for a client that has sent `ahead` already: a part of a head, or more.
    pub(super) fn take_behind(
        &self,
        ahead: Bytes,
        socket: Socket,
        late: bool,
        task: &Waker,
    ) -> Box<Engine<S>> {
        let engine = self.make(Make::of(late), ahead, None);
        engine.couple(socket, task);
        engine.link.stay();
        engine
    }

    /// An engine without a socket.
    pub(super) fn make(&self, make: Make, ahead: Bytes, unread: Option<Box<Unread>>) -> Box<Engine<S>> {
        let engine = Engine::new(Arc::clone(&self.app), Arc::clone(&self.looks), make, ahead, unread);
        let mut links = lock(&self.links);
        // Looks, which leave those out that have gone, are rare where few connections are in use.
        if links.len() == links.capacity() {
            links.retain(|link| link.strong_count() > 0);
        }
        links.push(Arc::downgrade(&engine.link));
        drop(links);
        engine
    }

    /// Takes an engine and the socket that it has given back, and gives the socket.
    pub(super) fn put(&self, mut engine: Box<Engine<S>>) -> Option<Socket> {
        let is_as_new = engine.is_as_new();
        let socket = engine.uncouple();
        if is_as_new {
            let mut waiting = self.waiting();
            if waiting.all.len() < WAITING_MAX {
                waiting.all.push(engine);
            }
        }
        socket
    }

    /// Looks at all engines once, and has idle connections give up those that are too many.
    pub(crate) fn look(&self) {
        let (surplus, mut asked) = (self.looks.surplus(), 0);
        lock(&self.links).retain(|link| {
            let link = link.upgrade();
            asked += usize::from(link.as_ref().is_some_and(|link| link.look(asked < surplus)));
            link.is_some()
        });
        if asked < surplus {
            self.looks.want();
        }
        // Dropped when the lock is released.
        let unneeded = self.waiting().trim();
        drop(unneeded);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<S>> {
        lock(&self.waiting)
    }
}

impl<S: Send + Sync + 'static> Waiting<S> {
    fn take(&mut self) -> Option<Box<Engine<S>>> {
        let engine = self.all.pop();
        self.fewest = self.fewest.min(self.all.len());
        engine
    }

    /// Now and then half of those that nobody needed, those that have waited longest.
    #[allow(clippy::vec_box, reason = "they come and go in their boxes")]
    fn trim(&mut self) -> Vec<Box<Engine<S>>> {
        self.looks = (self.looks + 1) % TRIM_EVERY;
        if self.looks != 0 {
            return Vec::new();
        }
        let unneeded = self.fewest / 2;
        self.fewest = self.all.len() - unneeded;
        self.all.drain(..unneeded).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections that give their engines up and take engines again, whenever bytes come.
#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;
    use crate::app::App;
    use crate::exchange::Peer;
    use crate::log::AccessLog;
    use crate::platform::Instance;
    use crate::serve::connection::following::Following;
    use crate::serve::connection::http1::Http1;
    use crate::serve::departure::has_unread;
    use crate::serve::drain::{Drain, Stage};
    use crate::serve::places::Places;

    const GET: &str = "GET /is/one HTTP/1.1\r\nhost: a\r\n\r\n";
    const WITH_BODY: &str = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    const UNREAD: &str = "POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    const CHUNKED: &str =
        "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

    /// An app with its engines. No idle connection keeps one.
    struct Server {
        engines: Arc<Engines<()>>,
        drain: Drain,
        places: Arc<Places>,
    }

    struct Pair {
        connection: Following<()>,
        client: TcpStream,
    }

    impl Server {
        async fn new() -> Self {
            let app = App::new()
                .access_log(AccessLog::Off)
                .get("/is/{what}", async |ex| Ok(ex.param::<String>("what")?))
                .get("/large", async |_| "#".repeat(20_000))
                .post("/length", async |ex| Ok(ex.bytes().await?.len().to_string()))
                .post("/unread", async |_| "unread");
            let app: Arc<Sealed<()>> = Box::new(app).seal(Instance::from_vars([("", ""); 0])).await.unwrap();
            let engines = Engines::new(app, Looks::new(0, Waker::noop().clone()));
            Self { engines, drain: Drain::default(), places: Places::new(100) }
        }

        async fn connect(&self) -> Pair {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (client, (stream, address)) = (client.unwrap(), accepted.unwrap());
            client.set_nodelay(true).unwrap();
            let peer = Arc::new(Peer::with_current(address, self.engines.app.shared.budget.clone()));
            let (drain, place) = (self.drain.observers().observe(), self.places.try_take().unwrap());
            let http = Http1::new(&self.engines, stream, peer, drain, place, false);
            Pair { connection: Following::Http(http), client }
        }

        /// The number of engines, with a connection and without one.
        fn count(&self) -> (usize, usize) {
            let all = lock(&self.engines.links).iter().filter(|link| link.strong_count() > 0).count();
            let waiting = self.engines.waiting().all.len();
            (all - waiting, waiting)
        }
    }

    impl Pair {
        fn http(&self) -> &Http1<()> {
            let Following::Http(http) = &self.connection else { panic!("the connection has ended") };
            http
        }

        fn is_parked(&self) -> bool {
            self.http().is_parked()
        }

        fn has_unread(&self) -> bool {
            has_unread((*self.http().socket()).as_ref())
        }

        async fn poll(&mut self) -> Poll<()> {
            poll_fn(|cx| Poll::Ready(Pin::new(&mut self.connection).poll(cx))).await
        }

        /// Looks at the connection, which is polled if anything could have woken it.
        async fn look(&mut self, server: &Server) {
            server.engines.looks.begin_one();
            server.engines.look();
            if !self.is_parked() || self.has_unread() {
                assert!(self.poll().await.is_pending(), "the connection has ended");
            }
        }

        async fn park(&mut self, server: &Server) {
            for _ in 0..3 {
                self.look(server).await;
            }
            assert!(self.is_parked());
        }

        async fn send(&mut self, bytes: &str) {
            self.client.write_all(bytes.as_bytes()).await.unwrap();
            while !bytes.is_empty() && !self.has_unread() {
                tokio::task::yield_now().await;
            }
        }

        /// The replies until one ends in `end`.
        async fn replies(&mut self, end: &str) -> String {
            let mut text = String::new();
            let reading = async {
                while !text.ends_with(end) {
                    let mut piece = [0; 4096];
                    tokio::select! {
                        biased;
                        read = self.client.read(&mut piece) => {
                            let length = read.unwrap();
                            assert!(length > 0, "the connection ended after {text:?}");
                            text.push_str(std::str::from_utf8(&piece[..length]).unwrap());
                        }
                        () = &mut self.connection => panic!("the connection ended after {text:?}"),
                    }
                }
            };
            timeout(Duration::from_secs(20), reading).await.unwrap();
            text
        }

        #[track_caller]
        fn check(text: &str, replies: usize) {
            assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), replies, "{text:?}");
        }

        async fn ask(&mut self, request: &str, end: &str) {
            self.send(request).await;
            Self::check(&self.replies(end).await, 1);
        }
    }

    #[tokio::test]
    async fn an_idle_connection_keeps_no_engine_and_goes_on() {
        let server = Server::new().await;
        let mut pair = server.connect().await;
        assert!(pair.is_parked(), "no engine before the first bytes are read");
        for _ in 0..3 {
            pair.ask(GET, "one").await;
            assert_eq!(server.count(), (1, 0));
            pair.park(&server).await;
            assert_eq!(server.count(), (0, 1));
        }
    }

    #[tokio::test]
    async fn one_engine_serves_many_connections() {
        let server = Server::new().await;
        let mut pairs = Vec::new();
        for at in 0..10 {
            let mut pair = server.connect().await;
            pair.ask(&GET.replace("one", &format!("first-{at}")), &format!("first-{at}")).await;
            pair.park(&server).await;
            pairs.push(pair);
        }
        for (at, pair) in pairs.iter_mut().enumerate() {
            pair.ask(&GET.replace("one", &format!("second-{at}")), &format!("second-{at}")).await;
            pair.park(&server).await;
        }
        assert_eq!(server.count(), (0, 1));
    }

    #[tokio::test]
    async fn engines_that_have_gone_leave_nothing() {
        let server = Server::new().await;
        for _ in 0..1000 {
            drop(server.engines.make(Make::Plain, Bytes::new(), None));
        }
        assert!(lock(&server.engines.links).len() < 10);
    }

    /// The first bytes of a request come, the connection is looked at, and the rest comes: for each number of first bytes, and
    /// for looks before, in between and after.
    #[tokio::test]
    async fn no_byte_is_lost_at_any_moment_of_parking() {
        let server = Server::new().await;
        let mut pair = server.connect().await;
        pair.ask(GET, "one").await;
        let mut parked = 0;
        for (request, end) in [(GET, "one"), (WITH_BODY, "5"), (CHUNKED, "5"), (UNREAD, "unread")] {
            for first in 0..=request.len() {
                for (before, after) in [(0, 0), (0, 1), (0, 3), (1, 0), (1, 2), (2, 0), (2, 1), (3, 3)] {
                    for _ in 0..before {
                        pair.look(&server).await;
                    }
                    parked += usize::from(pair.is_parked());
                    // Also between the look that asks for the engine and the poll that gives it.
                    server.engines.look();
                    pair.send(&request[..first]).await;
                    assert!(pair.poll().await.is_pending());
                    for _ in 0..after {
                        pair.look(&server).await;
                    }
                    pair.send(&request[first..]).await;
                    let text = pair.replies(end).await;
                    Pair::check(&text, 1);
                    assert_eq!(text.matches("HTTP/").count(), 1, "{text:?}");
                }
            }
        }
        assert!(parked > 100);
    }

    /// A part of the next head comes with the request before: hyper has it, and it must not stay with the engine.
    #[tokio::test]
    async fn a_part_of_the_next_head_stays_with_its_connection() {
        let server = Server::new().await;
        for request in [GET, WITH_BODY, CHUNKED] {
            for first in 1..GET.len() {
                let mut pair = server.connect().await;
                pair.send(&format!("{request}{}", &GET[..first])).await;
                Pair::check(&pair.replies(if request == GET { "one" } else { "5" }).await, 1);
                for _ in 0..4 {
                    pair.look(&server).await;
                }
                let mut other = server.connect().await;
                other.ask(&GET.replace("one", "other"), "other").await;
                pair.send(&GET[first..]).await;
                Pair::check(&pair.replies("one").await, 1);
                pair.ask(GET, "one").await;
            }
        }
    }

    #[tokio::test]
    async fn requests_that_come_together_are_answered_all() {
        let server = Server::new().await;
        let mut pair = server.connect().await;
        for _ in 0..3 {
            let text = format!("{GET}{CHUNKED}{WITH_BODY}{}", GET.replace("one", "last"));
            pair.send(&text).await;
            Pair::check(&pair.replies("last").await, 4);
            pair.park(&server).await;
        }
    }

    /// What is not used again: large buffers, many fields, a body that ended hyper's last read.
    #[tokio::test]
    async fn an_engine_that_grew_is_not_used_again() {
        let server = Server::new().await;
        let mut fields = "GET /is/one HTTP/1.1\r\nhost: a\r\n".to_owned();
        for at in 0..150 {
            let _ = write!(fields, "a{at}:\r\n");
        }
        fields.push_str("\r\n");
        let large = "GET /large HTTP/1.1\r\nhost: a\r\n\r\n".to_owned();
        for (request, end) in [(large, "###"), (fields, "one"), (WITH_BODY.to_owned(), "5")] {
            let mut pair = server.connect().await;
            pair.send(&request).await;
            let mut text = pair.replies(end).await;
            while end == "###" && text.matches('#').count() < 20_000 {
                text += &pair.replies(end).await;
            }
            pair.park(&server).await;
            assert_eq!(server.count(), (0, 0), "{end}");
            pair.ask(GET, "one").await;
        }
    }

    /// While a request is in progress, a look changes nothing, however long it takes.
    #[tokio::test]
    async fn a_request_in_progress_keeps_its_engine() {
        let server = Server::new().await;
        let mut pair = server.connect().await;
        pair.send(&WITH_BODY[..WITH_BODY.len() - 1]).await;
        for _ in 0..10 {
            pair.look(&server).await;
            assert!(!pair.is_parked());
        }
        pair.send(&WITH_BODY[WITH_BODY.len() - 1..]).await;
        Pair::check(&pair.replies("5").await, 1);
        pair.park(&server).await;
    }

    #[tokio::test]
    async fn a_stop_ends_those_that_wait_and_answers_what_has_come() {
        let server = Server::new().await;
        let (mut idle, mut asking) = (server.connect().await, server.connect().await);
        for pair in [&mut idle, &mut asking] {
            pair.ask(GET, "one").await;
            pair.park(&server).await;
        }
        asking.send(GET).await;
        server.drain.advance(Stage::Draining);
        assert!(idle.poll().await.is_ready());
        let Pair { connection, mut client } = asking;
        let mut text = String::new();
        let (read, ()) = tokio::join!(client.read_to_string(&mut text), connection);
        read.unwrap();
        assert!(text.contains("connection: close\r\n") && text.ends_with("one"), "{text:?}");
        assert_eq!(idle.client.read(&mut [0]).await.unwrap(), 0);
    }

    /// A crowd that leaves costs no engines: those that wait are enough.
    #[tokio::test]
    async fn clients_that_leave_while_they_wait_use_no_engine_up() {
        let server = Server::new().await;
        for _ in 0..5 {
            let mut pair = server.connect().await;
            pair.ask(GET, "one").await;
            pair.park(&server).await;
            let Pair { connection, client } = pair;
            drop(client);
            timeout(Duration::from_secs(20), connection).await.unwrap();
        }
        assert_eq!(server.count(), (0, 1));
        let mut pair = server.connect().await;
        pair.ask(GET, "one").await;
    }

    /// The places of connections that wait are known by their peers.
    #[tokio::test]
    async fn nothing_keeps_a_connection_that_has_ended() {
        let server = Server::new().await;
        let mut pair = server.connect().await;
        pair.ask(GET, "one").await;
        let peer = Arc::downgrade(&pair.http().peer());
        pair.park(&server).await;
        drop(pair);
        assert_eq!((peer.strong_count(), server.count()), (0, (0, 1)));
    }

    #[tokio::test]
    async fn few_connections_keep_their_engines() {
        let mut server = Server::new().await;
        server.engines = Engines::new(Arc::clone(&server.engines.app), Looks::new(2, Waker::noop().clone()));
        let mut pairs = [server.connect().await, server.connect().await, server.connect().await];
        for pair in &mut pairs {
            pair.ask(GET, "one").await;
        }
        for _ in 0..5 {
            for pair in &mut pairs {
                pair.look(&server).await;
            }
        }
        assert_eq!(pairs.iter().filter(|pair| pair.is_parked()).count(), 1);
        assert!(!server.engines.looks.are_wanted());
    }
}
