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

/// The limit of a connection attempt. Within one machine an attempt succeeds or fails at once.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long the rest of a request may take to be sent after a whole reply.
const READY_MAX: Duration = Duration::from_millis(100);

/// One connection that is ready for a request.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) link: Link,
    /// Whether the connection has carried a request before.
    pub(crate) is_reused: bool,
    /// How long the connection was kept without a call.
    pub(crate) idle_for: Duration,
}

/// Whether a reply announces the end of its connection.
pub(crate) fn is_last(head: &response::Parts) -> bool {
    let says = |word: &str| {
        let mut values = head.headers.get_all(header::CONNECTION).iter();
        values.any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .any(|own| own.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        })
    };
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
        let (link, closed) = self.idle();
        let connection = match link {
            Some((link, idle_for)) => Connection { link, is_reused: true, idle_for },
            None => self.open().await?,
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

    /// A kept connection with the time it was idle, and how long one that the program has closed was kept at most.
    fn idle(&self) -> (Option<(Link, Duration)>, Option<Duration>) {
        let mut idle = self.lock();
        let mut closed = None;
        while let Some((link, since)) = idle.pop() {
            if link.is_open() {
                return (Some((link, since.elapsed())), closed);
            }
            closed.get_or_insert_with(|| since.elapsed());
        }
        (None, closed)
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
        Ok(Connection { link: Link::new(stream), is_reused: false, idle_for: Duration::ZERO })
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
