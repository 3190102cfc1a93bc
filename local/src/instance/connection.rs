//! Connections to one instance, kept open and used again.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Version, header, response};
use tokio::time::Instant;

use super::generation::Generation;
use super::network::Reach;
use crate::event::{Kind, Source};
use crate::wire::h1::Link;
use crate::wire::headers;

/// The limit of a connection attempt. Within one machine an attempt succeeds or fails at once.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long the rest of a request may take to be sent after a whole reply.
const READY_MAX: Duration = Duration::from_millis(100);

/// One connection that is ready for a request.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) link: Link,
    /// The end of its last request. `None` if the connection has carried none before.
    pub(crate) kept_since: Option<Instant>,
}

/// Whether a reply announces the end of its connection.
pub(crate) fn is_last(head: &response::Parts) -> bool {
    let says = |word| headers::names(&head.headers, &header::CONNECTION, word);
    says("close") || head.version == Version::HTTP_10 && !says("keep-alive")
}

/// The open connections of one instance.
#[derive(Debug)]
pub(crate) struct Connections {
    reach: Reach,
    /// The kept connections, each with the end of its last call.
    idle: Mutex<Vec<(Link, Instant)>>,
    /// Whether a reply was HTTP/1.0. An HTTP/1.0 server may not understand chunked requests.
    is_http_1_0: AtomicBool,
    generation: Arc<Generation>,
    source: Source,
}

impl Connections {
    pub(crate) fn new(reach: Reach, generation: Arc<Generation>, source: Source) -> Self {
        Connections { reach, idle: Mutex::default(), is_http_1_0: AtomicBool::new(false), generation, source }
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(crate) fn port(&self) -> u16 {
        self.reach.port
    }

    /// Remembers the HTTP version of the instance's replies.
    pub(crate) fn heard(&self, version: Version) {
        if version == Version::HTTP_10 && !self.is_http_1_0.swap(true, Ordering::AcqRel) {
            self.generation.emit_once(
                &self.generation.told.speaks_http_1_0,
                &self.source,
                Kind::AnswersHttp10,
            );
        }
    }

    /// Whether a body of unknown length may be sent.
    pub(crate) fn may_send_chunks(&self) -> bool {
        !self.is_http_1_0.load(Ordering::Acquire)
    }

    /// An idle connection that is still open, or a new one.
    pub(crate) async fn take(&self) -> io::Result<Connection> {
        let (link, closed) = take_open(&mut self.lock());
        let connection = match link {
            Some((link, since)) => Connection { link, kept_since: Some(since) },
            None => Box::pin(self.open()).await?,
        };
        // The program still listens, so its end is not why the connection was closed.
        if let Some(within) = closed {
            self.closed_early(within);
        }
        Ok(connection)
    }

    /// Says once that the program closes connections that the platform keeps.
    pub(crate) fn closed_early(&self, within: Duration) {
        let kind = Kind::ConnectionClosedEarly { within };
        self.generation.emit_once(&self.generation.told.closes_early, &self.source, kind);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Link, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection.
    pub(crate) async fn open(&self) -> io::Result<Connection> {
        let connect = self.reach.connect();
        let stream =
            tokio::time::timeout(CONNECT_MAX, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Connection { link: Link::new(stream), kept_since: None })
    }

    /// Keeps a connection whose reply was read to its end.
    ///
    /// A function may answer before it has read the request. While the rest of the request is being sent, no other call
    /// can use the connection. After `READY_MAX` the connection is closed.
    ///
    /// `is_last` says whether the reply announced the end of the connection. One that ends unannounced is kept all the
    /// same, so that the next call notices.
    pub(crate) fn give_back(self: &Arc<Self>, mut link: Link, is_last: bool) {
        if is_last || !link.is_lasting() {
            return;
        }
        if link.is_sent() {
            self.lock().push((link, Instant::now()));
            return;
        }
        let own = Arc::clone(self);
        self.generation.tasks.spawn(async move {
            let sent = std::future::poll_fn(|context| link.poll_upload(context));
            if tokio::time::timeout(READY_MAX, sent).await.is_ok() && link.is_sent() {
                own.lock().push((link, Instant::now()));
            }
        });
    }

    /// Closes the idle connections.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }
}

/// A kept connection with the end of its last call, and how long one that the program has closed was kept at most.
fn take_open(idle: &mut Vec<(Link, Instant)>) -> (Option<(Link, Instant)>, Option<Duration>) {
    let mut closed = None;
    while let Some((link, since)) = idle.pop() {
        if link.is_open() {
            // The program closes those first that were kept longest. Each holds a file until it is dropped.
            let ended = idle.iter().take_while(|(link, _)| !link.is_open()).count();
            idle.drain(..ended);
            return (Some((link, since)), closed);
        }
        closed.get_or_insert_with(|| since.elapsed());
    }
    (None, closed)
}

#[cfg(test)]
mod tests {
    use testkit::eventually;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn connections_that_the_program_has_closed_are_dropped() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (mut idle, mut servers) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            idle.push((Link::new(client), Instant::now()));
            servers.push(listener.accept().await.unwrap().0);
        }
        let count = |idle: &[(Link, Instant)]| idle.iter().filter(|(link, _)| link.is_open()).count();
        assert_eq!(count(&idle), 5);
        // The two that were kept longest, and the latest.
        drop([servers.remove(4), servers.remove(1), servers.remove(0)]);
        eventually("three are closed", || count(&idle) == 2);
        let (link, closed) = take_open(&mut idle);
        assert!(link.is_some() && closed.is_some());
        assert_eq!(idle.len(), 1, "the closed ones are gone");
        drop(servers);
        eventually("all are closed", || count(&idle) == 0);
        let (link, closed) = take_open(&mut idle);
        assert!(link.is_none() && closed.is_some() && idle.is_empty());
    }
}
