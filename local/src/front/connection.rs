//! A connection of HTTP/1: one request after another.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;

use super::body::Cut;
use super::listen::{Clients, HEAD_BYTES_MAX, HEADERS_MAX};
use super::resting::Resting;
use super::streamed::{Current, Guarded};
use super::unread::{self, InTurn};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Early, Hangup, Socket, Stream, Turns, WhenWoken};

/// Serves a connection to its end.
pub(super) async fn serve(clients: Clients, (stream, peer): (Stream, Peer), hangup: Arc<Hangup>) {
    let mut entrance = Entrance::new(clients, peer, hangup, 0);
    let mut socket = Socket::new(stream, &entrance.turns);
    // hyper and its buffers are on the heap, and only while there are requests: most of a client's time is between two.
    while let Some(resting) = Box::pin(entrance.serve_until_rest(socket)).await {
        drop(entrance);
        let Some(again) = resting.wait().await else { return };
        (entrance, socket) = again.resume();
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

/// How hyper's part of a connection ends.
enum Ending {
    Over,
    Unread(Unread),
    Resting(Resting),
}

/// What is the matter with a connection that hyper serves.
enum News {
    /// It has been without a request for too long.
    Idle,
    /// It has been without a request for a moment, for so long at least.
    Rest(Duration),
    Stop,
}

/// The state that the requests of one connection share.
#[derive(Debug)]
pub(super) struct Entrance {
    clients: Clients,
    peer: Peer,
    pub(super) hangup: Arc<Hangup>,
    turns: Arc<Turns>,
    /// Outlives the connection if it becomes a WebSocket.
    current: Arc<Current>,
    /// Whether a request has begun since hyper has the connection: without one, hyper does not close over half a head.
    pub(super) has_begun: AtomicBool,
    /// Whether the next reply is the last reply.
    pub(super) is_closing: AtomicBool,
    /// How many requests have begun.
    requests: AtomicUsize,
    requests_max: usize,
    /// A request has begun after the connection began to close.
    pub(super) begun: Notify,
}

impl Entrance {
    /// For a connection with so many requests before.
    pub(super) fn new(clients: Clients, peer: Peer, hangup: Arc<Hangup>, requests: usize) -> Arc<Self> {
        let requests_max = clients.requests_max(false);
        Arc::new(Entrance {
            clients,
            peer,
            hangup,
            turns: Arc::default(),
            current: Arc::default(),
            has_begun: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            requests: AtomicUsize::new(requests),
            requests_max,
            begun: Notify::new(),
        })
    }

    pub(super) fn turns(&self) -> &Arc<Turns> {
        &self.turns
    }

    /// Serves the connection until its end, which is `None`, or until its client rests.
    async fn serve_until_rest(self: &Arc<Self>, socket: Socket) -> Option<Resting> {
        let mut http = http1::Builder::new();
        // Of a client that leaves `gone` tells. hyper itself would read behind each request to find out, into a buffer of its own.
        http.max_buf_size(HEAD_BYTES_MAX).half_close(true);
        let mut ending = self.serve(&http, socket).await;
        if let Ending::Unread(Unread { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, start, socket }) =
            ending
        {
            // hyper's room for a hundred headers costs nothing. A head with more is rare, and read once more.
            self.turns.retry();
            ending = self.serve(http.max_headers(HEADERS_MAX), socket.reading_again(start)).await;
        }
        match ending {
            Ending::Over => None,
            Ending::Unread(Unread { status, start, socket }) => {
                unread::answer(&self.clients, status.as_u16(), &start, socket).await;
                None
            }
            Ending::Resting(resting) => Some(resting),
        }
    }

    /// Serves the connection to its end, to a head that hyper does not read, or to a rest.
    async fn serve(self: &Arc<Self>, http: &http1::Builder, socket: Socket) -> Ending {
        let (own, stop) = (Arc::clone(self), &self.clients.stop);
        let service = service_fn(move |request| Arc::clone(&own).answer(request));
        let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
        let mut connection = Guarded { connection, current: &self.current };
        // hyper's own limit would arm a timer for each request. These have news once in the life of a connection.
        let news = async {
            tokio::select! {
                () = self.idle() => News::Idle,
                idle = self.rests() => News::Rest(idle),
                () = stop.begun.cancelled() => News::Stop,
            }
        };
        // Errors of a connection concern its client alone. Each request has its own record.
        let news = tokio::select! {
            biased;
            _ = &mut connection => None,
            news = WhenWoken::new(news) => Some(news),
        };
        let mut status = None;
        match news {
            Some(News::Rest(idle)) => {
                let Some(parts) = connection.connection.into_parts() else { return Ending::Over };
                let (socket, start) = (parts.io.into_inner(), parts.read_buf);
                return Ending::Resting(Resting {
                    clients: self.clients.clone(),
                    peer: self.peer.clone(),
                    stream: socket.into_stream(),
                    start,
                    requests: self.requests.load(Ordering::Relaxed),
                    idle,
                });
            }
            Some(News::Idle) if self.turns.has_part() && self.clients.port().is_some() => {
                status = Some(StatusCode::REQUEST_TIMEOUT);
            }
            None | Some(News::Idle) => {}
            Some(News::Stop) => {
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
        let status = status.or_else(|| StatusCode::from_u16(self.turns.unread()?).ok());
        match (status, connection.connection.into_parts()) {
            (Some(status), Some(parts)) => {
                Ending::Unread(Unread { status, start: parts.read_buf, socket: parts.io.into_inner() })
            }
            _ => Ending::Over,
        }
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

    /// Waits until the connection has been without a request for a moment, and hyper has nothing of one.
    async fn rests(&self) -> Duration {
        let (idle_max, _) = self.clients.patience();
        loop {
            let idle = self.turns.rests(idle_max).await;
            // A body that is still read has the hangup too. Once it has let go, hyper is polled before the connection is taken from it.
            if Arc::strong_count(&self.hangup) == 1 {
                tokio::task::yield_now().await;
                if self.turns.rest() {
                    return idle;
                }
            }
        }
    }

    /// Waits until the client has left. A short request gets no watch.
    async fn gone(&self) {
        self.clients.ticks.period().await;
        self.hangup.gone().await;
    }
}
