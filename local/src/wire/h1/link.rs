//! A connection to a server, and the one request that is under way on it.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, response};
use http_body::{Body, Frame, SizeHint};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_util::io::poll_read_buf;

use super::chunks::Decoded;
use super::reply::{self, Unreadable};
use super::request::{self, Lines, Unwritten};
use crate::wire::Payload;

/// Less room than this for what comes is made larger, in bytes.
const ROOM_MIN: usize = 1024;

/// How much room is made: the least, and the most for a body that comes faster than it is read.
const ROOM: (usize, usize) = (8 * 1024, 256 * 1024);

/// A connection to a server. Its owner polls it: nothing is written or read otherwise. The drop closes the connection.
pub(crate) struct Link(Box<State>);

/// Without the bytes, some of which are secrets.
impl fmt::Debug for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { stream, upload, framing, .. } = &*self.0;
        let mut out = out.debug_struct("Link");
        out.field("stream", stream).field("upload", upload).field("framing", framing).finish_non_exhaustive()
    }
}

struct State {
    stream: TcpStream,
    /// What came and is still to be read.
    read: BytesMut,
    room: usize,
    unwritten: Unwritten,
    payload: Payload,
    upload: Upload,
    request_framing: request::Framing,
    /// The trailers that the request announces.
    announced: Vec<HeaderName>,
    is_head: bool,
    framing: reply::Framing,
    /// Whether bytes of a reply to the request have come.
    has_begun: bool,
    /// Whether the server takes what is written. What it does not take is dropped: the server may have answered before it
    /// closed, and its reply is in the socket.
    takes_writes: bool,
}

/// How far the body of a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upload {
    Body,
    Over,
    /// The body cannot be read to its end. The place for its fault says why.
    Broken,
}

/// The head of a reply.
#[derive(Debug)]
pub(crate) enum Reply {
    /// An interim reply (1xx), such as 103. More heads follow.
    Interim(response::Parts),
    Final(response::Parts),
}

/// Why there is no reply, or no whole one.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The request's body cannot be passed on.
    Upload,
    /// The connection has ended. `has_begun` says whether bytes of the reply had come.
    Ended {
        has_begun: bool,
        error: io::Error,
    },
    HeadTooLarge,
    NotHttp,
    /// The chunks of the body cannot be read.
    Chunks(&'static str),
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Upload => out.write_str("the request's body broke off"),
            Broken::Ended { error, .. } => write!(out, "the connection has ended: {error}"),
            Broken::HeadTooLarge => out.write_str("the reply's headers are too large"),
            Broken::NotHttp => out.write_str("the reply is not HTTP"),
            Broken::Chunks(fault) => write!(out, "the chunks of the reply cannot be read: {fault}"),
        }
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Broken::Ended { error, .. } = self { Some(error) } else { None }
    }
}

/// A request whose head is being written.
pub(crate) struct Draft<'a>(&'a mut State);

impl Draft<'_> {
    pub(crate) fn header(&mut self, name: &HeaderName, value: &HeaderValue) {
        request::announced(name, value, &mut self.0.announced);
        self.0.unwritten.header(name, value);
    }

    /// Writes a header. `false` if `value` is no value of a header.
    pub(crate) fn text(&mut self, name: &HeaderName, value: &str) -> bool {
        // Without an early end the compiler looks at many bytes at once.
        let is_value = value.bytes().fold(true, |is_value, byte| is_value & (b' '..=b'~').contains(&byte));
        if is_value {
            self.0.unwritten.text_header(name, value);
        }
        is_value
    }

    pub(crate) fn number(&mut self, name: &HeaderName, value: u64) {
        self.0.unwritten.number_header(name, value);
    }

    /// Writes headers that are the same for many requests.
    pub(crate) fn lines(&mut self, lines: &Lines) {
        self.0.unwritten.lines(lines);
    }

    /// Ends the head. The body is sent while somebody waits for the reply.
    pub(crate) fn end(self, payload: Payload) {
        let state = self.0;
        let (length, is_over) = (payload.size_hint().exact(), payload.is_end_stream());
        state.unwritten.end_head(length, !is_over);
        let is_sized = is_over || length.is_some();
        state.request_framing = if is_sized { request::Framing::Length } else { request::Framing::Chunks };
        state.upload = if is_over { Upload::Over } else { Upload::Body };
        state.payload = if is_over { Payload::Empty } else { payload };
    }
}

impl Link {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Link(Box::new(State {
            stream,
            read: BytesMut::new(),
            room: ROOM.0,
            unwritten: Unwritten::default(),
            payload: Payload::Empty,
            upload: Upload::Over,
            request_framing: request::Framing::Length,
            announced: Vec::new(),
            is_head: false,
            framing: reply::Framing::Length(0),
            has_begun: false,
            takes_writes: true,
        }))
    }

    /// Whether a kept connection can take a request: it is open, and nothing has come that nobody asked for. Costs no
    /// system call while nothing has happened.
    pub(crate) fn is_open(&self) -> bool {
        let state = &*self.0;
        let nothing = state.stream.try_read(&mut [0; 1]);
        state.read.is_empty() && nothing.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Begins a request, behind a reply that was read to its end.
    pub(crate) fn begin(&mut self, method: &Method, target: &Uri) -> Draft<'_> {
        let state = &mut *self.0;
        state.unwritten.clear();
        state.unwritten.line(method, target);
        state.announced.clear();
        state.is_head = *method == Method::HEAD;
        (state.has_begun, state.room) = (false, ROOM.0);
        Draft(state)
    }

    /// Waits for the next head of a reply, and sends the request meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn reply(&mut self) -> Result<Reply, Broken> {
        std::future::poll_fn(|context| self.0.poll_reply(context)).await
    }

    /// Sends the request, while nobody asks for the reply. Ready once nothing more is to be sent.
    pub(crate) fn poll_upload(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_upload(context)
    }

    /// Whether the request was sent to its end. What a server does not take is not sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.0.upload == Upload::Over && self.0.unwritten.is_empty() && self.0.takes_writes
    }

    /// Whether the server may still read: it has not left HTTP, and no write has failed.
    pub(crate) fn is_lasting(&self) -> bool {
        self.0.takes_writes && !self.is_switched()
    }

    /// Whether the server has left HTTP.
    pub(crate) fn is_switched(&self) -> bool {
        self.0.framing == reply::Framing::Switched
    }

    /// The connection of a server that has left HTTP, and what was read behind the reply.
    pub(crate) fn into_parts(self) -> (TcpStream, Bytes) {
        let State { stream, read, .. } = *self.0;
        (stream, read.freeze())
    }
}

/// The body of the reply. While it is read, the request is sent.
impl Body for Link {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_frame(context)
    }

    fn size_hint(&self) -> SizeHint {
        match self.0.framing {
            reply::Framing::Length(left) => SizeHint::with_exact(left),
            _ => SizeHint::default(),
        }
    }
}

impl State {
    fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<Result<Reply, Broken>> {
        _ = self.poll_upload(context);
        loop {
            if self.upload == Upload::Broken {
                return Poll::Ready(Err(Broken::Upload));
            }
            match reply::take_head(&mut self.read, self.is_head) {
                Ok(None) => {}
                Ok(Some((parts, framing))) => {
                    self.framing = framing;
                    let is_interim =
                        parts.status.is_informational() && parts.status != StatusCode::SWITCHING_PROTOCOLS;
                    let reply = if is_interim { Reply::Interim(parts) } else { Reply::Final(parts) };
                    return Poll::Ready(Ok(reply));
                }
                Err(Unreadable::NotHttp) => return Poll::Ready(Err(Broken::NotHttp)),
                Err(Unreadable::TooLarge) => return Poll::Ready(Err(Broken::HeadTooLarge)),
            }
            ready!(self.poll_read(context))?;
        }
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        _ = self.poll_upload(context);
        loop {
            if self.upload == Upload::Broken {
                return Poll::Ready(Some(Err(Broken::Upload)));
            }
            match &mut self.framing {
                reply::Framing::Length(0) | reply::Framing::Switched => return Poll::Ready(None),
                reply::Framing::Length(left) if !self.read.is_empty() => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(self.read.len());
                    *left -= length as u64;
                    return data(self.read.split_to(length));
                }
                reply::Framing::Close if !self.read.is_empty() => return data(self.read.split()),
                reply::Framing::Chunks(chunks) => match chunks.decode(&mut self.read) {
                    Ok(Decoded::Nothing) => {}
                    Ok(Decoded::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(Decoded::Trailers(trailers)) => {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Ok(Decoded::Over) => return Poll::Ready(None),
                    Err(fault) => return Poll::Ready(Some(Err(Broken::Chunks(fault)))),
                },
                reply::Framing::Length(_) | reply::Framing::Close => {}
            }
            match ready!(self.poll_read(context)) {
                Ok(()) => {}
                // The end of the connection is the end of such a body. A reset is none.
                Err(Broken::Ended { error, .. })
                    if self.framing == reply::Framing::Close && error.kind() == ErrorKind::UnexpectedEof =>
                {
                    self.framing = reply::Framing::Length(0);
                    return Poll::Ready(None);
                }
                Err(broken) => return Poll::Ready(Some(Err(broken))),
            }
        }
    }

    /// Reads more. The end of the connection is an error.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.read.capacity() - self.read.len() < ROOM_MIN {
            self.read.reserve(self.room);
        }
        let room = self.read.capacity() - self.read.len();
        let length = ready!(poll_read_buf(Pin::new(&mut self.stream), context, &mut self.read));
        Poll::Ready(match length {
            Ok(0) => Err(self.ended(ErrorKind::UnexpectedEof.into())),
            Ok(length) => {
                if length == room {
                    self.room = (2 * self.room).min(ROOM.1);
                }
                self.has_begun = true;
                Ok(())
            }
            Err(error) => Err(self.ended(error)),
        })
    }

    fn ended(&self, error: io::Error) -> Broken {
        Broken::Ended { has_begun: self.has_begun, error }
    }

    /// Sends as much of the request as can be sent. Ready at its end.
    fn poll_upload(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // A small body goes along with its head.
            let mut is_waiting = false;
            while self.upload == Upload::Body && self.unwritten.has_room() && !is_waiting {
                match Pin::new(&mut self.payload).poll_frame(context) {
                    Poll::Ready(frame) => self.take(frame),
                    Poll::Pending => is_waiting = true,
                }
            }
            if self.unwritten.is_empty() {
                return if self.upload == Upload::Body { Poll::Pending } else { Poll::Ready(()) };
            }
            ready!(self.poll_write(context));
        }
    }

    fn take<E>(&mut self, frame: Option<Result<Frame<Bytes>, E>>) {
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => {
                self.unwritten.data(data, self.request_framing);
                if self.request_framing == request::Framing::Length && self.payload.is_end_stream() {
                    self.end_upload(None);
                }
            }
            Some(Ok(Err(frame))) => self.end_upload(frame.into_trailers().ok().as_ref()),
            None => self.end_upload(None),
            Some(Err(_)) => {
                self.payload = Payload::Empty;
                self.upload = Upload::Broken;
            }
        }
    }

    fn end_upload(&mut self, trailers: Option<&HeaderMap>) {
        self.unwritten.end(self.request_framing, trailers, &self.announced);
        self.payload = Payload::Empty;
        self.upload = Upload::Over;
    }

    /// Writes a part of what is unwritten.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.takes_writes {
            self.unwritten.clear();
            return Poll::Ready(());
        }
        let Unwritten { text, at, piece, tail } = &self.unwritten;
        let stream = Pin::new(&mut self.stream);
        let written = if piece.is_empty() && tail.is_empty() {
            ready!(stream.poll_write(context, &text[*at..]))
        } else {
            let slices = [IoSlice::new(&text[*at..]), IoSlice::new(piece), IoSlice::new(tail)];
            ready!(stream.poll_write_vectored(context, &slices))
        };
        match written {
            Ok(length) => self.unwritten.advance(length),
            // The side that reads finds out how the connection has ended.
            Err(_) => self.takes_writes = false,
        }
        Poll::Ready(())
    }
}

fn data(bytes: BytesMut) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
    Poll::Ready(Some(Ok(Frame::data(bytes.freeze()))))
}

#[cfg(test)]
mod tests;
