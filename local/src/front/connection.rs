//! A connection of HTTP/1: one request after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;

use super::body::Cut;
use super::listen::{Clients, FAREWELL, HEAD_BYTES_MAX, HEADERS_MAX};
use super::streamed::{Current, Guarded};
use super::unread::{self, InTurn};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Early, Hangup, Socket, Stream, Turns, WhenWoken};

/// Serves a connection to its end.
pub(super) async fn serve(clients: Clients, (stream, peer): (Stream, Peer), hangup: Arc<Hangup>) {
    let entrance = Entrance::new(clients, peer, hangup);
    let socket = Socket::new(stream, &entrance.turns);
    let mut http = http1::Builder::new();
    // Of a client that leaves `gone` tells. hyper itself would read behind each request to find out, into a buffer of its own.
    http.max_buf_size(HEAD_BYTES_MAX).half_close(true);
    let mut unread = entrance.serve(&http, socket).await;
    if let Some(Unread { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, start, socket }) = unread {
        // hyper's room for a hundred headers costs nothing. A head with more is rare, and read once more.
        entrance.turns.retry();
        unread = entrance.serve(http.max_headers(HEADERS_MAX), socket.reading_again(start)).await;
    }
    if let Some(Unread { status, start, socket }) = unread {
        unread::answer(&entrance.clients, status.as_u16(), &start, socket).await;
    }
}

/// A head that hyper does not read.
struct Unread {
    /// hyper's own reply.
    status: StatusCode,
    /// What was read.
    start: Bytes,
    socket: Socket,
}

/// The state that the requests of one connection share.
#[derive(Debug)]
struct Entrance {
    clients: Clients,
    peer: Peer,
    hangup: Arc<Hangup>,
    turns: Arc<Turns>,
    /// Outlives the connection if it becomes a WebSocket.
    current: Arc<Current>,
    /// Whether a request has ever begun.
    has_begun: AtomicBool,
    /// Whether the next reply is the last reply.
    is_closing: AtomicBool,
    /// How many requests have begun.
    requests: AtomicUsize,
    requests_max: usize,
    /// A request has begun after the connection began to close.
    begun: Notify,
}

impl Entrance {
    fn new(clients: Clients, peer: Peer, hangup: Arc<Hangup>) -> Arc<Self> {
        let requests_max = clients.requests_max(false);
        Arc::new(Entrance {
            clients,
            peer,
            hangup,
            turns: Arc::default(),
            current: Arc::default(),
            has_begun: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            requests_max,
            begun: Notify::new(),
        })
    }

    /// Serves the connection to its end, or to a head that hyper does not read.
    async fn serve(self: &Arc<Self>, http: &http1::Builder, socket: Socket) -> Option<Unread> {
        let (own, stop) = (Arc::clone(self), &self.clients.stop);
        let service = service_fn(move |request| Arc::clone(&own).answer(request));
        let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
        let mut connection = Guarded { connection, current: &self.current };
        // hyper's own limit would arm a timer for each request. These two have news once in the life of a connection.
        let is_idle = async {
            tokio::select! {
                () = self.idle() => true,
                () = stop.begun.cancelled() => false,
            }
        };
        // Errors of a connection concern its client alone. Each request has its own record.
        tokio::select! {
            biased;
            _ = &mut connection => {}
            is_idle = WhenWoken::new(is_idle) => if is_idle {
                if self.turns.has_part() && self.clients.port().is_some() {
                    let parts = connection.connection.into_parts()?;
                    let (status, start) = (StatusCode::REQUEST_TIMEOUT, parts.read_buf);
                    return Some(Unread { status, start, socket: parts.io.into_inner() });
                }
            } else {
                self.is_closing.store(true, Ordering::Relaxed);
                stop.keep(&self.current);
                let end = self.end(self.turns.has_part(), &mut connection, |guarded| {
                    Pin::new(&mut guarded.connection).graceful_shutdown();
                });
                tokio::select! {
                    () = end => {}
                    () = stop.cut.cancelled() => self.current.break_off(),
                }
            }
        }
        let status = StatusCode::from_u16(self.turns.unread()?).ok()?;
        let parts = connection.connection.into_parts()?;
        Some(Unread { status, start: parts.read_buf, socket: parts.io.into_inner() })
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<InTurn>, Cut> {
        let mut turn = self.turns.begin();
        self.has_begun.store(true, Ordering::Relaxed);
        if self.is_closing.load(Ordering::Relaxed) {
            self.begun.notify_one();
        }
        let Clients { front, door, stop, tasks, .. } = &self.clients;
        let (head, body) = request.into_parts();
        let early = (head.version == Version::HTTP_11).then(|| Early::new(&self.turns));
        let body = ClientBody::new(body, &head.headers, tasks, &self.hangup).with_early(early);
        let request = Box::new(Request::from_parts(head, body));
        // On the heap only while there is a request: hyper keeps room for this future as long as the connection is open, and
        // moves it several times.
        let serving = Box::pin(front.serve(door, &self.peer, request, &self.current.under_way));
        let mut response = tokio::select! {
            biased;
            response = serving => response,
            // The drop of the other future tells every part of the front that the client left.
            () = self.gone() => return Err(Cut),
        };
        if let Some(tunnel) = response.body_mut().take_tunnel() {
            turn.begin_socket();
            // The WebSocket outlives the HTTP connection, whose memory is freed here.
            let (current, stop) = (Arc::clone(&self.current), stop.clone());
            tasks.spawn(async move {
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
            let own = Arc::clone(&self);
            streamed.watch(async move { own.gone().await });
            let turns = Arc::clone(&self.turns);
            streamed.flow_out(async move { turns.drained().await });
            self.current.set(streamed);
        }
        let mut response = response.map(|body| InTurn { body, _turn: turn });
        let is_last = self.requests.fetch_add(1, Ordering::Relaxed) + 1 >= self.requests_max;
        if (is_last || self.is_closing.load(Ordering::Relaxed))
            && response.status() != StatusCode::SWITCHING_PROTOCOLS
        {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Waits until the connection has been without a request for too long. A part of a head may take longer.
    async fn idle(&self) {
        let (idle, head) = self.clients.patience();
        loop {
            self.turns.idle(idle).await;
            if !self.turns.has_part() {
                return;
            }
            let before = self.requests.load(Ordering::Relaxed);
            self.turns.idle(head.saturating_sub(idle)).await;
            // The part may have become a request meanwhile, with a head of the next one behind.
            if self.requests.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    /// Waits until the client has left. A short request gets no watch.
    async fn gone(&self) {
        self.clients.ticks.period().await;
        self.hangup.gone().await;
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

#[cfg(test)]
mod tests {
    use std::sync::RwLock;
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::super::alb::{Balancers, Shared};
    use super::super::console::{Console, Shared as ConsoleShared};
    use super::super::entry::Front;
    use super::super::listen::Stop;
    use super::super::target::Door;
    use super::*;
    use crate::account::{Account, Place};
    use crate::auth::Gate;
    use crate::deploy::{Deployer, Project};
    use crate::event::Log;
    use crate::meter::Meters;
    use crate::process::Processes;
    use crate::queue::{Queue, Trackers};
    use crate::record::Records;
    use crate::registry::Registry;
    use crate::store::Place as StorePlace;
    use crate::wire::Ticks;

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
        let project = Project {
            state: folder,
            builds_code: false,
            drain: Duration::ZERO,
            edition: None,
            endpoint: address,
        };
        let (registry_too, tasks) = (Arc::clone(&registry), TaskTracker::new());
        let deployer =
            Deployer::create(registry_too, log.clone(), tasks, project, Arc::new(Processes), &[]).await;
        let deployer = Arc::new(deployer.unwrap());
        let queue = Queue::new(StorePlace::Memory, Arc::clone(&registry), log.clone(), Trackers::default());
        let tasks = TaskTracker::new();
        let gate = Arc::new(Gate::new(folder.into(), false));
        let balancers = Balancers::new(Shared {
            registry: Arc::clone(&registry),
            deployer: Arc::clone(&deployer),
            gate: Arc::clone(&gate),
            queue: Arc::clone(&queue),
            log: log.clone(),
            records: Records::default(),
            connections: tasks.clone(),
            tasks: tasks.clone(),
            stop: CancellationToken::new(),
        });
        let place = Place { region: String::new(), id: String::new(), endpoint: address };
        let account =
            Account::new((Arc::clone(&registry), Arc::clone(&deployer)), log.clone(), folder, place);
        let console = Console::new(ConsoleShared {
            registry: Arc::clone(&registry),
            queue: Arc::clone(&queue),
            log: log.clone(),
            records: Records::default(),
            meters: Meters::default(),
            stop: CancellationToken::new(),
            gate: Arc::clone(&gate),
            authority: None,
            project: String::new(),
            manifest: folder.join("s.yaml"),
            environment: None,
            redactor: RwLock::default(),
            effective: Vec::new(),
        });
        let clients = Clients {
            front: Front::new(
                registry,
                (deployer, queue, account),
                gate,
                log,
                None,
                (Arc::new(balancers), console),
                (Records::default(), Meters::default()),
            ),
            door: Door::Main,
            stop: Stop::default(),
            ticks: Ticks::new(tasks.clone()),
            tasks,
        };
        let hangup = Arc::new(Hangup::prepare(&stream).unwrap());
        let entrance = Entrance::new(clients, Peer::new(address, false).unwrap(), hangup);
        entrance.is_closing.store(true, Ordering::Relaxed);
        let is_shut_down = AtomicBool::new(false);
        let mut connection = std::future::poll_fn(|_| {
            assert!(!is_shut_down.load(Ordering::Relaxed), "it was waited for before");
            std::task::Poll::<()>::Pending
        });
        entrance.end(false, &mut connection, |_| is_shut_down.store(true, Ordering::Relaxed)).await;
        assert!(is_shut_down.load(Ordering::Relaxed));
    }
}
