//! Listeners and the connections they accept.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::alb::Port;
use super::connection;
use super::entry::Front;
use super::http2;
use super::opening::{self, Protocol};
use super::target::Door;
use super::under_way::{Ongoing, Remaining};
use crate::event;
use crate::process::holder;
use crate::wire::headers::Peer;
use crate::wire::{Hangup, Ticks, has_unread};

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
/// for each request, so this is not set to what could at all fit into them. Usually hyper has room for a hundred.
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

    /// The stop of one listener, which also comes with this one.
    pub(crate) fn child(&self) -> Self {
        Stop { begun: self.begun.child_token(), cut: self.cut.clone(), open: Arc::clone(&self.open) }
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

    /// Accepts connections until `stop`. This, and each connection, is a task of `tasks`. The port is free again once the
    /// task of the handle has ended.
    pub(crate) fn listen(
        self,
        front: Arc<Front>,
        door: Door,
        stop: Stop,
        tasks: &TaskTracker,
    ) -> JoinHandle<()> {
        front.note_port(&door, self.address);
        let clients = Clients { front, door, stop, ticks: Ticks::new(tasks.clone()), tasks: tasks.clone() };
        tasks.spawn(accept(self.listener, clients))
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

/// What the connections of one port share.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    pub(super) front: Arc<Front>,
    pub(super) door: Door,
    pub(super) stop: Stop,
    pub(super) ticks: Arc<Ticks>,
    pub(super) tasks: TaskTracker,
}

impl Clients {
    /// How long a connection may be without a request, and how long a request's head may take.
    pub(super) fn patience(&self) -> (Duration, Duration) {
        match self.port() {
            Some(port) => (port.listener().idle_timeout, port.listener().request_timeout),
            None => (HEAD_MAX, HEAD_MAX),
        }
    }

    /// The most requests of a connection. Only load balancers have a limit.
    pub(super) fn requests_max(&self, is_http2: bool) -> usize {
        match (&self.door, is_http2) {
            (Door::Alb(_), false) => 100,
            (Door::Alb(_), true) => 1000,
            _ => usize::MAX,
        }
    }

    /// The listener of a load balancer.
    pub(super) fn port(&self) -> Option<Arc<Port>> {
        if let Door::Alb(key) = &self.door { self.front.balancers.port(key) } else { None }
    }
}

/// Accepts connections. After `stop` those that the kernel has accepted, and whose requests are there, are served too: a
/// closed listener resets them.
async fn accept(listener: TcpListener, clients: Clients) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = clients.stop.begun.cancelled() => break,
        };
        match accepted {
            Ok(client) => drop(clients.tasks.spawn(serve(clients.clone(), client))),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..REST_MAX {
        let Ok((stream, peer)) = listener.accept() else { break };
        let has_request = stream.set_nonblocking(true).is_ok() && has_unread(&stream);
        if has_request && let Ok(stream) = TcpStream::from_std(stream) {
            clients.tasks.spawn(serve(clients.clone(), (stream, peer)));
        }
    }
}

async fn serve(clients: Clients, (stream, peer): (TcpStream, SocketAddr)) {
    // A connection that cannot be set up has already ended.
    let Ok(hangup) = set_up(&stream) else { return };
    let Clients { front, door, stop, .. } = &clients;
    let Some((stream, protocol)) = opening::open(stream, front, door, stop).await else { return };
    let certificate = stream.client_certificate();
    let Some(peer) = Peer::new(peer, stream.is_tls()) else { return };
    let peer = peer.with_certificate(certificate);
    match protocol {
        Protocol::Http1 => connection::serve(clients, (stream, peer), hangup).await,
        Protocol::Http2 => {
            drop(hangup);
            Box::pin(http2::serve(clients, (stream, peer))).await;
        }
    }
}

fn set_up(stream: &TcpStream) -> io::Result<Arc<Hangup>> {
    stream.set_nodelay(true)?;
    Ok(Arc::new(Hangup::prepare(stream)))
}
