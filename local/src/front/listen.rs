//! Listeners and the connections they accept.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Cut;
use super::entry::Front;
use super::http2;
use super::opening::{self, Protocol};
use super::streamed::{Current, Guarded};
use super::target::Door;
use super::under_way::{Ongoing, Remaining};
use super::unread::{self, InTurn};
use crate::event;
use crate::process::holder;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Hangup, Socket, Turn, Turns, has_unread};

/// How long a client may take to send a request's head, and how long a connection may be idle.
pub(super) const HEAD_MAX: Duration = Duration::from_secs(75);

/// How long a stop waits for the rest of a head.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

/// The connections that may wait in the kernel's queue. The default of 128 would hold a client beyond them up for a second.
const BACKLOG: u32 = 1024;

/// The most connections that a stop accepts from the kernel: more than the kernel's queue holds.
const REST_MAX: usize = 4096;

/// The pause after a failed accept, for example without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The most headers that are read. The platform's limit is in bytes, but room for every header is made anew
/// for each request, so this is not set to what could at all fit into them.
pub(super) const HEADERS_MAX: usize = 1024;

/// The largest head that hyper reads, in bytes. The platform's smaller limits are checked afterwards.
pub(super) const HEAD_BYTES_MAX: usize = 256 * 1024;

/// How connections are told of a stop.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    /// No connection is taken any more, and each one ends with the request under way.
    pub(crate) begun: CancellationToken,
    /// The connections that are left are cut, such as those of clients that do not read.
    pub(crate) cut: CancellationToken,
    /// The connections and WebSockets that were open at the stop.
    open: Arc<Mutex<Vec<Weak<dyn Ongoing>>>>,
}

impl Stop {
    /// The requests of the connections that are still open, the oldest first. Empty before the stop.
    pub(crate) fn remaining(&self) -> Vec<Remaining> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = open.iter().filter_map(Weak::upgrade).flat_map(|open| open.remaining());
        let mut remaining: Vec<Remaining> = requests.collect();
        drop(open);
        remaining.sort_by_key(|request| std::cmp::Reverse(request.age));
        remaining
    }

    /// Remembers what is still open when the stop begins.
    pub(super) fn keep<T: Ongoing + 'static>(&self, ongoing: &Arc<T>) {
        let ongoing: Weak<T> = Arc::downgrade(ongoing);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(ongoing);
    }
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Stop").field("begun", &self.begun).field("cut", &self.cut).finish_non_exhaustive()
    }
}

/// An open port.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    /// The address, with the port that the system chose if the setting was 0.
    pub(crate) address: SocketAddr,
}

impl Listener {
    /// Listens at `address`. Needs a runtime.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, NotBound> {
        let failed = |error| NotBound { address, error };
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let listener = socket.and_then(|socket| {
            // A restart must not wait for connections of the process before.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        });
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Listener { listener, address })
    }

    /// Accepts connections until `stop`. This, and each connection, is a task of `tasks`.
    pub(crate) fn listen(self, front: Arc<Front>, door: Door, stop: Stop, tasks: &TaskTracker) {
        front.note_port(&door, self.address);
        tasks.spawn(accept(front, self.listener, door, stop, tasks.clone()));
    }
}

/// A port that cannot be listened on.
#[derive(Debug)]
pub(crate) struct NotBound {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
}

impl NotBound {
    /// Why not: who listens there, if that can be seen.
    pub(crate) fn reason(&self) -> String {
        let is_taken = self.error.kind() == io::ErrorKind::AddrInUse;
        match is_taken.then(|| holder(self.address.port())).flatten() {
            Some(holder) => format!("`{}` (process {}) listens there", holder.program, holder.process_id),
            None => self.error.to_string(),
        }
    }
}

impl From<NotBound> for io::Error {
    fn from(not_bound: NotBound) -> Self {
        io::Error::new(not_bound.error.kind(), event::not_bound(not_bound.address, not_bound.reason()))
    }
}

/// The address by which a client of this machine reaches a port. The address of all interfaces is none.
pub(crate) fn reachable(bound: SocketAddr) -> SocketAddr {
    match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, bound.port())),
        _ => bound,
    }
}

/// Accepts connections. After `stop` those that the kernel has accepted, and whose requests are there, are served too: a
/// closed listener resets them.
async fn accept(front: Arc<Front>, listener: TcpListener, door: Door, stop: Stop, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.begun.cancelled() => break,
        };
        match accepted {
            Ok(client) => {
                let connection = serve(Arc::clone(&front), client, door.clone(), stop.clone(), tasks.clone());
                tasks.spawn(connection);
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..REST_MAX {
        let Ok((stream, peer)) = listener.accept() else { break };
        let has_request = stream.set_nonblocking(true).is_ok() && has_unread(&stream);
        if has_request && let Ok(stream) = TcpStream::from_std(stream) {
            let client = (stream, peer);
            tasks.spawn(serve(Arc::clone(&front), client, door.clone(), stop.clone(), tasks.clone()));
        }
    }
}

/// The state that the requests of one connection share.
#[derive(Debug)]
struct Entrance {
    front: Arc<Front>,
    door: Door,
    peer: Peer,
    tasks: TaskTracker,
    hangup: Arc<Hangup>,
    /// Outlives the connection if it becomes a WebSocket.
    current: Arc<Current>,
    stop: Stop,
    /// Whether a request has ever begun.
    has_begun: AtomicBool,
    /// Whether the next reply is the last reply.
    is_closing: AtomicBool,
    /// A request has begun after the connection began to close.
    begun: Notify,
}

impl Entrance {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        mut turn: Turn,
    ) -> Result<Response<InTurn>, Cut> {
        self.has_begun.store(true, Ordering::Relaxed);
        if self.is_closing.load(Ordering::Relaxed) {
            self.begun.notify_one();
        }
        self.current.under_way.begin(&request);
        let (head, body) = request.into_parts();
        let body = ClientBody::new(body, &head.headers, &self.tasks, &self.hangup);
        let request = Request::from_parts(head, body);
        let mut response = tokio::select! {
            biased;
            response = self.front.serve(&self.door, &self.peer, request, &self.current.under_way) => response,
            // The drop of the other future tells every part of the front that the client left.
            () = self.hangup.gone() => return Err(Cut),
        };
        if let Some(tunnel) = response.body_mut().take_tunnel() {
            turn.begin_socket();
            // The WebSocket outlives the HTTP connection, whose memory is freed here.
            let (current, stop) = (Arc::clone(&self.current), self.stop.clone());
            self.tasks.spawn(async move {
                let mut carried = Box::pin(tunnel.carry());
                tokio::select! {
                    biased;
                    () = &mut carried => return,
                    () = stop.begun.cancelled() => stop.keep(&current),
                }
                carried.await;
            });
        }
        if let Some(streamed) = response.body().as_streamed() {
            turn.begin_stream();
            streamed.watch(&self.hangup);
            self.current.set(streamed);
        }
        let mut response = response.map(|body| InTurn { body, _turn: turn });
        if self.is_closing.load(Ordering::Relaxed) && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Ends the connection at a stop: serves the requests that have come, and closes in order. `has_part` says whether
    /// a part of a head has come.
    async fn end<C: Future + Unpin>(
        &self,
        has_part: bool,
        connection: &mut C,
        shut_down: impl FnOnce(&mut C),
    ) {
        // hyper does not see bytes that the executor has not been told of, and would close over a request. Between two
        // requests hyper would close over a part of a head too.
        let mut has_waited = false;
        if has_part || self.hangup.has_unread() {
            match self.is_over(connection).await {
                Some(true) => return,
                Some(false) => {}
                None => has_waited = true,
            }
        }
        shut_down(connection);
        // A connection without a request has at most half a head.
        if !self.has_begun.load(Ordering::Relaxed)
            && (has_waited || self.is_over(connection).await != Some(false))
        {
            return;
        }
        connection.await;
    }

    /// Waits a moment for the next request (`false`) or the end of the connection (`true`). `None` if neither comes.
    async fn is_over<C: Future + Unpin>(&self, connection: &mut C) -> Option<bool> {
        tokio::select! {
            biased;
            _ = connection => Some(true),
            () = self.begun.notified() => Some(false),
            () = tokio::time::sleep(FAREWELL) => None,
        }
    }
}

async fn serve(
    front: Arc<Front>,
    (stream, peer): (TcpStream, SocketAddr),
    door: Door,
    stop: Stop,
    tasks: TaskTracker,
) {
    // A connection that cannot be set up has already ended.
    let Ok(hangup) = set_up(&stream) else { return };
    let Some((stream, protocol)) = opening::open(stream, &front, &door, &stop).await else { return };
    let Some(peer) = Peer::new(peer, stream.is_tls()) else { return };
    if protocol == Protocol::Http2 {
        drop(hangup);
        return Box::pin(http2::serve(front, (stream, peer), door, stop, tasks)).await;
    }
    let turns = Arc::new(Turns::default());
    let socket = Socket::new(stream, &turns);
    let (has_begun, is_closing) = (AtomicBool::new(false), AtomicBool::new(false));
    let (current, begun) = (Arc::<Current>::default(), Notify::new());
    let told = stop.clone();
    let entrance =
        Entrance { front, door, peer, tasks, hangup, current, stop: told, has_begun, is_closing, begun };
    let entrance = Arc::new(entrance);
    let (own, own_turns) = (Arc::clone(&entrance), Arc::clone(&turns));
    let service = service_fn(move |request| Arc::clone(&own).answer(request, own_turns.begin()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = Guarded { connection, current: &entrance.current };
    // Errors of a connection concern its client alone. Each request has its own record.
    tokio::select! {
        _ = &mut connection => {}
        () = stop.begun.cancelled() => {
            entrance.is_closing.store(true, Ordering::Relaxed);
            stop.keep(&entrance.current);
            let end = entrance.end(turns.has_part(), &mut connection, |guarded| {
                Pin::new(&mut guarded.connection).graceful_shutdown();
            });
            tokio::select! {
                () = end => {}
                () = stop.cut.cancelled() => entrance.current.break_off(),
            }
        }
    }
    if let Some(status) = turns.unread() {
        let Some(parts) = connection.connection.into_parts() else { return };
        unread::answer(&entrance.front.log, status, &parts.read_buf, parts.io.into_inner()).await;
    }
}

fn set_up(stream: &TcpStream) -> io::Result<Arc<Hangup>> {
    stream.set_nodelay(true)?;
    Hangup::prepare(stream).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::auth::Gate;
    use crate::deploy::{Deployer, Project};
    use crate::event::Log;
    use crate::process::Processes;
    use crate::queue::{Queue, Trackers};
    use crate::registry::Registry;
    use crate::store::Place;

    #[tokio::test]
    async fn half_a_head_is_waited_for_once() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        client.write_all(b"GET / HT").await.unwrap();
        stream.readable().await.unwrap();
        let (log, _events) = Log::new();
        let registry = Arc::new(Registry::default());
        let folder = std::path::Path::new(".");
        let project =
            Project { folder, builds_code: false, drain: Duration::ZERO, edition: None, endpoint: address };
        let (registry_too, tasks) = (Arc::clone(&registry), TaskTracker::new());
        let deployer = Deployer::create(registry_too, log.clone(), tasks, project, Arc::new(Processes), &[]);
        let queue = Queue::new(Place::Memory, Arc::clone(&registry), log.clone(), Trackers::default());
        let entrance = Entrance {
            front: Front::new(
                registry,
                (Arc::new(deployer.await.unwrap()), queue),
                Gate::new(folder.into(), false),
                log,
                None,
            ),
            door: Door::Main,
            peer: Peer::new(address, false).unwrap(),
            tasks: TaskTracker::new(),
            hangup: Arc::new(Hangup::prepare(&stream).unwrap()),
            current: Arc::default(),
            stop: Stop::default(),
            has_begun: AtomicBool::new(false),
            is_closing: AtomicBool::new(true),
            begun: Notify::new(),
        };
        let is_shut_down = AtomicBool::new(false);
        let mut connection = std::future::poll_fn(|_| {
            assert!(!is_shut_down.load(Ordering::Relaxed), "it was waited for before");
            std::task::Poll::<()>::Pending
        });
        entrance.end(false, &mut connection, |_| is_shut_down.store(true, Ordering::Relaxed)).await;
        assert!(is_shut_down.load(Ordering::Relaxed));
    }
}
