//! Tests of connections that give their engines up, and take engines again: at every moment at which bytes may come.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::app::App;
use crate::log::AccessLog;
use crate::platform::Instance;
use crate::sealed::Sealed;
use crate::serve::drain::Drain;
use crate::serve::looks::Looks;
use crate::serve::places::Places;

const HEAD: &str = "GET /one HTTP/1.1\r\nhost: a\r\n\r\n";
const WITH_BODY: &str = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
const CHUNKED: &str =
    "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/// An app with its engines, of which none is kept by an idle connection.
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
            .get("/one", async |_| "one")
            .get("/of/{who}", async |ex| Ok(ex.param::<String>("who")?))
            .get("/large", async |_| "#".repeat(20_000))
            .post("/length", async |ex| Ok(ex.bytes().await?.len().to_string()));
        let app: Arc<Sealed<()>> = app.seal(Instance::from_vars([("", ""); 0])).await.unwrap();
        Self { engines: Engines::new(app, Looks::new(0)), drain: Drain::default(), places: Places::new(100) }
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
}

impl Pair {
    fn http(&self) -> &Http1<()> {
        let Following::Http(http) = &self.connection else { panic!("the connection has ended") };
        http
    }

    fn is_parked(&self) -> bool {
        matches!(self.http().driver, Driver::Parked(_))
    }

    /// Polls the connection until all of its news has come. True if it is over.
    async fn turn(&mut self) -> bool {
        for _ in 0..4 {
            tokio::task::yield_now().await;
            if poll_fn(|cx| Poll::Ready(Pin::new(&mut self.connection).poll(cx))).await.is_ready() {
                return true;
            }
        }
        false
    }

    /// Looks so often that an idle connection gives its engine up.
    async fn park(&mut self, server: &Server) {
        for _ in 0..3 {
            server.engines.look();
            self.poll_once().await;
        }
    }

    async fn poll_once(&mut self) {
        // A parked connection is polled when it is woken, and no test wakes one for nothing.
        if !self.is_parked() || has_unread((*self.http().socket).as_ref()) {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut self.connection).poll(cx))).await;
            assert!(polled.is_pending(), "the connection has ended");
        }
    }

    async fn send(&mut self, bytes: &str) {
        self.client.write_all(bytes.as_bytes()).await.unwrap();
        let socket = self.http().socket();
        while !bytes.is_empty() && !has_unread((*socket).as_ref()) {
            tokio::task::yield_now().await;
        }
    }

    /// The replies, of which the last one ends in `end`.
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

    async fn ask(&mut self, request: &str, end: &str) -> String {
        self.send(request).await;
        let text = self.replies(end).await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text:?}");
        text
    }
}

#[tokio::test]
async fn an_idle_connection_waits_without_an_engine_and_goes_on() {
    let server = Server::new().await;
    let mut pair = server.connect().await;
    assert!(pair.is_parked(), "none before the first bytes are read");
    for _ in 0..3 {
        pair.ask(HEAD, "one").await;
        assert!(!pair.is_parked());
        pair.park(&server).await;
        assert!(pair.is_parked());
    }
    assert_eq!(server.engines.count(), 1);
}

/// The first bytes of a request come, the connection is looked at, and the rest comes: for each number of first bytes and
/// each number of looks before and after them.
#[tokio::test]
async fn no_byte_is_lost_at_any_moment_of_parking() {
    let server = Server::new().await;
    let mut pair = server.connect().await;
    pair.ask(HEAD, "one").await;
    for (request, end) in [(HEAD, "one"), (WITH_BODY, "5"), (CHUNKED, "5")] {
        for first in 0..=request.len() {
            for (before, after) in [(0, 0), (0, 1), (0, 3), (1, 0), (1, 2), (2, 0), (2, 1), (3, 3)] {
                for _ in 0..before {
                    server.engines.look();
                    pair.poll_once().await;
                }
                // Also between a look that asks for the engine and the poll that gives it.
                server.engines.look();
                pair.send(&request[..first]).await;
                pair.poll_once().await;
                for _ in 0..after {
                    server.engines.look();
                    pair.poll_once().await;
                }
                pair.send(&request[first..]).await;
                let text = pair.replies(end).await;
                assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text:?}");
                assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text:?}");
            }
        }
    }
}
