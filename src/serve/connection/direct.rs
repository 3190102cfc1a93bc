//! A stream or a large body that its connection sends without hyper: in a task of its own, so that the memory of hyper, and of the task
//! before, can be freed. After the stream's end the connection goes back to HTTP.
//!
//! hyper writes the head, which is kept, and gives the socket back. From then on a chunk costs one poll and one write.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::net::TcpStream;

use crate::exchange::direct::DirectBody;
use crate::reply::StreamWaker;
use crate::serve::connection::following::Following;
use crate::serve::connection::http1::Http1;
use crate::serve::connection::linger::linger;
use crate::serve::connection::spawn_http1;
use crate::serve::departure::{departure, has_unread};
use crate::serve::drain::Stage;
use crate::serve::io::Socket;
use crate::serve::outbox::Outbox;
use crate::task::BoxFuture;

/// The most writes before the task yields its thread.
const TURNS: usize = 16;

/// What hyper says in the head of the last reply of a connection.
const CLOSE: &[u8] = b"\r\nconnection: close\r\n";

/// A connection that sends a stream.
pub(super) struct Direct<S: Send + Sync + 'static> {
    /// `None` when the stream has ended. Dropped first, as the record ends before the connection does.
    body: Option<Box<dyn DirectBody>>,
    /// The number of bytes that are to come, if the head says it.
    left: Option<u64>,
    outbox: Outbox,
    departed: Departed,
    /// Whether the connection closes behind this reply.
    is_last: bool,
    /// The bytes that hyper had read behind the request.
    read_buf: Bytes,
    /// `None` when the reply is sent.
    connection: Option<(Socket, Http1<S>)>,
}

/// The client's leaving. It is polled only when the socket has news.
struct Departed {
    future: BoxFuture<()>,
    waker: Option<StreamWaker>,
}

impl Departed {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let waker = self.waker.get_or_insert_with(|| StreamWaker::new(cx.waker()));
        if !waker.take_wake(cx.waker()) {
            return Poll::Pending;
        }
        self.future.as_mut().poll(&mut Context::from_waker(waker.waker()))
    }
}

impl<S: Send + Sync + 'static> Direct<S> {
    /// `head` is the head of the reply, as hyper wrote it.
    pub(super) fn new(
        http: Http1<S>,
        socket: Socket,
        read_buf: &[u8],
        mut body: Box<dyn DirectBody>,
        head: Vec<u8>,
    ) -> Self {
        http.peer.goes_on_directly();
        body.lighten();
        let handle = socket.handle();
        let stream: &TcpStream = (*handle).as_ref();
        // The executor would keep the task before as long as it has that task's waker.
        let _ = stream.poll_read_ready(&mut Context::from_waker(Waker::noop()));
        let left = body.length();
        Self {
            left,
            body: Some(body),
            is_last: head.windows(CLOSE.len()).any(|part| part == CLOSE),
            outbox: Outbox::new(head, left.is_none()),
            departed: Departed { future: Box::pin(departure(handle)), waker: None },
            // A copy, because the bytes keep hyper's buffer in memory.
            read_buf: Bytes::copy_from_slice(read_buf),
            connection: Some((socket, http)),
        }
    }
}

impl<S: Send + Sync + 'static> Future for Direct<S> {
    type Output = ();

    /// When this is ready, what was not sent is dropped. Its record then tells a client that left from a shutdown that cut
    /// it.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.connection.as_mut().is_none_or(|(_, http)| http.drain.stage(cx) == Stage::Cutting) {
            return Poll::Ready(());
        }
        // Before the client's leaving: what is ready is sent to one that has closed its half.
        match this.poll_stream(cx) {
            Poll::Ready(true) => this.follow(),
            Poll::Ready(false) => {}
            Poll::Pending => ready!(this.departed.poll(cx)),
        }
        Poll::Ready(())
    }
}

impl<S: Send + Sync + 'static> Direct<S> {
    /// True when the reply is sent, as far as its stream went. False if it cannot be.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut is_waiting = false;
        for _ in 0..TURNS {
            let Some((socket, _)) = &self.connection else { return Poll::Ready(false) };
            if !self.outbox.is_empty() {
                if ready!(socket.poll_send(cx, &mut self.outbox)).is_err() {
                    return Poll::Ready(false);
                }
                if !self.outbox.is_empty() {
                    continue;
                }
            }
            if self.body.is_none() {
                return Poll::Ready(true);
            }
            if is_waiting {
                return Poll::Pending;
            }
            is_waiting = self.fill(cx);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes the chunks that are ready. True if the stream waits for more.
    fn fill(&mut self, cx: &mut Context<'_>) -> bool {
        while let Some(body) = &mut self.body {
            match body.poll_chunk(cx) {
                Poll::Pending => return true,
                Poll::Ready(Some(Ok(chunk))) => {
                    if let Some(left) = &mut self.left {
                        let Some(rest) = left.checked_sub(chunk.len() as u64) else { return self.cut() };
                        *left = rest;
                    }
                    let is_last_ready = chunk.is_last_ready;
                    if self.outbox.add(chunk) || is_last_ready {
                        return is_last_ready;
                    }
                }
                Poll::Ready(Some(Err(_))) => return self.cut(),
                Poll::Ready(None) if self.left.is_some_and(|left| left > 0) => return self.cut(),
                Poll::Ready(None) => {
                    self.outbox.end();
                    self.body = None;
                }
            }
        }
        false
    }

    /// Ends the body before its end: it gets no last chunk, or fewer bytes than its head says, and the connection closes. So
    /// the client sees that there should be more.
    fn cut(&mut self) -> bool {
        self.is_last = true;
        self.body = None;
        false
    }

    /// What follows a reply: the next request, or the end of the connection.
    #[cold]
    fn follow(&mut self) {
        let Some((socket, http)) = self.connection.take() else { return };
        let (engines, handle) = (Arc::clone(&http.engines), socket.handle());
        http.peer.flushed();
        // At a stop too: a request that has come is answered as the last.
        let next = if !self.is_last {
            Following::Http(http.again(socket, std::mem::take(&mut self.read_buf)))
        } else if !self.read_buf.is_empty() || has_unread((*handle).as_ref()) {
            // For example a request behind the last reply of its connection.
            Following::Lingering(Box::pin(linger(Arc::clone(&handle), http.place)))
        } else {
            return;
        };
        spawn_http1(&engines.app, next, handle);
    }
}
