//! Listeners and the connections they accept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Cut;
use super::entry::Front;
use super::target::Door;
use super::unread::{self, InTurn};
use crate::event::{Kind, Source, not_bound};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Hangup, Socket, Turns};

/// How long a client may take to send a request's head, and how long a connection may be idle.
const HEAD_MAX: Duration = Duration::from_secs(75);

/// The pause after a failed accept, for example without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The most headers that are read. The platform's limit is in bytes, but room for every header is made anew
/// for each request, so this is not set to what could at all fit into them.
pub(super) const HEADERS_MAX: usize = 1024;

/// The largest head that is read at all; the platform's limits are checked on it.
pub(super) const HEAD_BYTES_MAX: usize = 256 * 1024;

/// The refusal of HTTP/2: empty SETTINGS, then GOAWAY with `HTTP_1_1_REQUIRED`.
const NO_HTTP2: [u8; 26] =
    [0, 0, 0, 4, 0, 0, 0, 0, 0, /* */ 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];

/// An open port.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    /// The address, with the port that the system chose if the setting was 0.
    pub(crate) address: SocketAddr,
}

impl Listener {
    /// Listens at `address`.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, NotBound> {
        let failed = |error| NotBound { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Listener { listener, address })
    }

    /// Accepts connections until `stop`. This, and each connection, is a task of `tasks`.
    pub(crate) fn listen(self, front: Arc<Front>, door: Door, stop: CancellationToken, tasks: &TaskTracker) {
        tasks.spawn(accept(front, self.listener, door, stop, tasks.clone()));
    }
}

/// A port that cannot be listened on.
#[derive(Debug)]
pub(crate) struct NotBound {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
}

impl From<NotBound> for io::Error {
    fn from(NotBound { address, error }: NotBound) -> Self {
        io::Error::new(error.kind(), not_bound(address, &error))
    }
}

async fn accept(
    front: Arc<Front>,
    listener: TcpListener,
    door: Door,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok(client) => {
                let connection = serve(Arc::clone(&front), client, door.clone(), stop.clone(), tasks.clone());
                tasks.spawn(connection);
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(
    front: Arc<Front>,
    (stream, peer): (TcpStream, SocketAddr),
    door: Door,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    // A connection that cannot be set up has already ended.
    let (Ok(hangup), Some(peer)) = (set_up(&stream), Peer::new(peer)) else { return };
    let hangup = Arc::new(hangup);
    let entrance = Arc::new((front, door, peer, tasks));
    let (log, watch) = (entrance.0.log.clone(), Arc::clone(&hangup));
    let turns = Arc::new(Turns::default());
    let (socket, own_turns) = (Socket::new(stream, &turns), Arc::clone(&turns));
    let service = service_fn(move |request: Request<Incoming>| {
        let (entrance, hangup) = (Arc::clone(&entrance), Arc::clone(&hangup));
        let turn = own_turns.begin();
        async move {
            let (front, door, peer, tasks) = &*entrance;
            let (head, body) = request.into_parts();
            let body = ClientBody::new(body, &head.headers, tasks);
            let request = Request::from_parts(head, body);
            tokio::select! {
                biased;
                mut response = front.serve(door, peer, request) => {
                    if let Some(tunnel) = response.body_mut().take_tunnel() {
                        // The WebSocket outlives the HTTP connection, whose memory is freed.
                        tasks.spawn(tunnel.carry());
                    }
                    Ok(response.map(|body| InTurn { body: body.watched(&hangup), _turn: turn }))
                }
                // Dropping the other future tells every part of the front that the client left.
                () = hangup.gone() => Err(Cut),
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    // Errors of a connection concern its client alone. Each request has its own record.
    tokio::select! {
        outcome = &mut connection => {
            if outcome.is_err_and(|error| error.is_parse_version_h2()) {
                watch.say(&NO_HTTP2);
                log.emit(&Source::default(), Kind::Http2Refused);
            }
        }
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            drop((&mut connection).await);
        }
    }
    if let Some(status) = turns.unread() {
        let Some(parts) = connection.into_parts() else { return };
        unread::answer(&log, status, &parts.read_buf, parts.io.into_inner()).await;
    }
}

fn set_up(stream: &TcpStream) -> io::Result<Hangup> {
    stream.set_nodelay(true)?;
    Hangup::prepare(stream)
}
