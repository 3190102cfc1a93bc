//! A connection of HTTP/2: many requests at once, each a task of its own.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::task::TaskTracker;

use super::body::{Cut, Outgoing};
use super::entry::Front;
use super::listen::Clients;
use super::rpc;
use super::streamed::Current;
use super::target::Door;
use super::under_way::{Ongoing, Remaining};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Outflow, Piece, STALL_MAX, Stream, WhenWoken, keep_from_table};

/// The most requests at once on a connection, the highest concurrency of an instance.
const STREAMS_MAX: u32 = 200;

/// What a client may send on a stream that is not read, in bytes.
const WINDOW: u32 = 128 * 1024;

/// What a client may send on all streams: a stream that is not read must not stop the others.
const CONNECTION_WINDOW: u32 = STREAMS_MAX * WINDOW;

/// The unsent bytes of a stream, beyond which the function's stream is not read.
const SEND_BUFFER: usize = 64 * 1024;

/// The largest head that is read, in bytes as HTTP/2 counts them. The platform's smaller limits are checked afterwards.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// How long a stop waits for a connection without requests. The client may still have to read a reply.
const QUIET_MAX: Duration = Duration::from_secs(3);

/// The state that the streams of one connection share.
#[derive(Debug)]
struct Shared {
    front: Arc<Front>,
    door: Door,
    peer: Peer,
    /// For the rests of bodies that are not read.
    tasks: TaskTracker,
    /// The streams so far.
    begun: AtomicUsize,
    /// Told once the connection has had as many streams as it may have.
    full: Notify,
    /// Whether the connection is cut at a stop.
    is_cut: AtomicBool,
    /// The streams in flight, which a stop names.
    streams: Mutex<Vec<Arc<Current>>>,
    /// The stream whose task starts next.
    next: Mutex<Option<Arc<Current>>>,
}

impl Shared {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        current: Arc<Current>,
        is_first: bool,
    ) -> Result<Response<Flowing>, Cut> {
        // The client of a gRPC call stops once it has its status, and expects the reset of its stream.
        let drains = (!rpc::is_call(&request)).then(|| self.tasks.clone());
        let (mut head, body) = request.into_parts();
        if !head.headers.contains_key(header::HOST)
            && let Some(authority) = head.uri.authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            head.headers.insert(header::HOST, host);
        }
        join_cookies(&mut head.headers);
        let body = ClientBody::of_stream(body, &head.headers, drains);
        let request = Box::new(Request::from_parts(head, body));
        let mut response = self.front.serve(&self.door, &self.peer, request, &current.under_way).await;
        keep_from_table(response.headers_mut(), is_first);
        let mut outflow = None;
        if let Some(streamed) = response.body().as_streamed() {
            let own = Arc::clone(outflow.insert(Arc::<Outflow>::default()));
            streamed.flow_out(async move { own.sent().await });
            current.set(streamed);
        }
        response.body_mut().count_pieces(&current);
        Ok(response.map(|body| Flowing { body, outflow }))
    }

    fn streams(&self) -> MutexGuard<'_, Vec<Arc<Current>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the connection has had no stream for a while.
    async fn idle(&self, length: Duration) {
        loop {
            let before = self.begun.load(Ordering::Relaxed);
            sleep(length).await;
            let is_new = self.begun.load(Ordering::Relaxed) != before;
            if !is_new && self.streams().is_empty() {
                return;
            }
        }
    }
}

/// A body whose pieces are known to be sent or not.
#[derive(Debug)]
struct Flowing {
    body: Outgoing,
    /// Of a stream, which may fail.
    outflow: Option<Arc<Outflow>>,
}

impl Body for Flowing {
    type Data = Piece;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Cut>>> {
        let Flowing { body, outflow } = &mut *self;
        let frame = ready!(Pin::new(body).poll_frame(context));
        let flowing = |frame: Frame<Bytes>| frame.map_data(|data| Piece::new(data, outflow.as_ref()));
        Poll::Ready(frame.map(|frame| frame.map(flowing)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Ongoing for Shared {
    fn remaining(&self) -> Vec<Remaining> {
        self.streams().iter().filter_map(|stream| stream.under_way.remaining()).collect()
    }
}

/// HTTP/2 may split a cookie header, which no other version does.
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// Starts the task of each stream.
#[derive(Debug, Clone)]
struct Streams {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let shared = Arc::clone(&self.shared);
        // hyper hands the stream over right after the service was called for it.
        let current = shared.next.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let active = Active::begin(shared, Arc::clone(&current));
        self.tasks.spawn(async move {
            let mut stream = pin!(stream);
            let mut stall = Stall::after(STALL_MAX);
            std::future::poll_fn(|context| {
                if active.shared.is_cut.load(Ordering::Relaxed) {
                    current.break_off();
                    return Poll::Ready(());
                }
                if stream.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                if stall.poll(current.pieces(), context).is_ready() {
                    return Poll::Ready(());
                }
                // hyper does not look at a body while its client takes nothing of it.
                current.poll_cut(context)
            })
            .await;
        });
    }
}

/// Ends the wait for a client that takes nothing of a whole reply.
struct Stall {
    patience: Duration,
    /// The pieces that were taken, and the end of the wait for the next one.
    wait: Option<(usize, Pin<Box<Sleep>>)>,
}

impl Stall {
    fn after(patience: Duration) -> Self {
        Stall { patience, wait: None }
    }

    /// Ready once `pieces` has not changed for too long. Zero is no whole reply.
    fn poll(&mut self, pieces: usize, context: &mut Context<'_>) -> Poll<()> {
        if pieces == 0 {
            return Poll::Pending;
        }
        let patience = self.patience;
        let (before, end) = self.wait.get_or_insert_with(|| (pieces, Box::pin(sleep(patience))));
        if *before != pieces {
            *before = pieces;
            end.as_mut().reset(Instant::now() + patience);
        }
        end.as_mut().poll(context)
    }
}

/// Lists a stream while it is in flight.
struct Active {
    shared: Arc<Shared>,
    stream: Arc<Current>,
}

impl Active {
    fn begin(shared: Arc<Shared>, stream: Arc<Current>) -> Self {
        shared.begun.fetch_add(1, Ordering::Relaxed);
        shared.streams().push(Arc::clone(&stream));
        Active { shared, stream }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut streams = self.shared.streams();
        // The streams that began last are mostly the first to end.
        if let Some(at) = streams.iter().rposition(|other| Arc::ptr_eq(other, &self.stream)) {
            streams.swap_remove(at);
        }
    }
}

/// Serves a connection to its end, or to the end of its streams after a stop.
pub(super) async fn serve(clients: Clients, (stream, peer): (Stream, Peer)) {
    let (streams_max, (idle, _)) = (clients.requests_max(true), clients.patience());
    let Clients { front, door, stop, tasks, .. } = clients;
    let shared = Arc::new(Shared {
        front,
        door,
        peer,
        tasks: tasks.clone(),
        streams: Mutex::default(),
        begun: AtomicUsize::new(0),
        full: Notify::new(),
        is_cut: AtomicBool::new(false),
        next: Mutex::default(),
    });
    let own = Arc::clone(&shared);
    let service = service_fn(move |request| {
        let current = Arc::<Current>::default();
        let begun = own.begun.load(Ordering::Relaxed);
        if begun + 1 >= streams_max {
            own.full.notify_one();
        }
        *own.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&current));
        // On the heap: hyper, the executor and the task's end would each move all of it.
        Box::pin(Arc::clone(&own).answer(request, current, begun == 0))
    });
    let connection = http2::Builder::new(Streams { shared: Arc::clone(&shared), tasks })
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS_MAX)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let news = async {
        tokio::select! {
            () = shared.idle(idle) => {}
            () = shared.full.notified() => {}
            () = stop.begun.cancelled() => stop.keep(&shared),
        }
    };
    // Errors of a connection concern its client alone. Each request has its own record.
    tokio::select! {
        biased;
        _ = &mut connection => return,
        () = WhenWoken::new(news) => {}
    }
    // GOAWAY: the client begins no stream, and those that it has begun are served.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = &mut connection => {}
        () = shared.idle(QUIET_MAX) => {}
        () = stop.cut.cancelled() => shared.is_cut.store(true, Ordering::Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_if_no_further_piece_is_taken() {
        let mut stall = Stall::after(Duration::from_millis(20));
        // Each piece begins the wait anew, and what is no whole reply is waited for.
        for pieces in [0, 1, 2, 0] {
            let polled = std::future::poll_fn(|context| Poll::Ready(stall.poll(pieces, context))).await;
            assert!(polled.is_pending(), "{pieces}");
            sleep(Duration::from_millis(30)).await;
        }
        std::future::poll_fn(|context| stall.poll(2, context)).await;
    }

    #[test]
    fn the_parts_of_a_cookie_header_are_one() {
        let mut headers = HeaderMap::new();
        join_cookies(&mut headers);
        assert!(headers.is_empty());
        for cookie in ["a=1", "b=2", "c=3"] {
            headers.append(header::COOKIE, HeaderValue::from_static(cookie));
        }
        join_cookies(&mut headers);
        let cookies: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }
}
