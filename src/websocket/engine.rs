//! The protocol: tungstenite's state machine, fed from a wire that does not block, in a buffer of the right size.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::ReadBuf;
use tokio_tungstenite::tungstenite as ws;
use ws::error::ProtocolError;
use ws::protocol::frame::coding::CloseCode;
use ws::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};

use crate::exchange::Wire;
use crate::platform::limits::KIB;
use crate::websocket::boundary::Boundary;
use crate::websocket::message::{Close, Message, Text};

/// What came.
pub(super) enum Incoming {
    Message(Message),
    /// The client closes; the answer is among the replies. `None`: its close had no code.
    Close(Option<Close>),
    /// What came breaks the protocol, or is too large: this is what to close with.
    Broken(Close),
    /// The client is gone without a close.
    Gone,
    /// So many pings were answered that the answers should be sent first.
    Replies,
}

/// The buffer of a socket that is idle or has small messages.
const SMALL: usize = 4 * KIB;

/// The most that is read at a time. The engine fills its buffer with zeros first, so more is not faster.
const LARGE: usize = 64 * KIB;

/// Replies that may wait before they have to be sent.
const REPLIES_MAX: usize = 4 * KIB;

pub(super) struct Engine {
    context: WebSocketContext,
    boundary: Boundary,
    max_message: usize,
    /// The size of its buffer.
    size: usize,
    /// Frames of the protocol's own, to be sent: pongs and a close.
    pub(super) replies: Vec<u8>,
    /// Whether something came since somebody asked.
    pub(super) moved: bool,
}

impl Engine {
    pub(super) fn new(max_message: usize, ahead: &Bytes) -> Self {
        let mut boundary = Boundary::default();
        boundary.pass(ahead);
        let config = configuration(max_message, SMALL);
        let context = WebSocketContext::from_partially_read(ahead.to_vec(), Role::Server, Some(config));
        Self { context, boundary, max_message, size: SMALL, replies: Vec::new(), moved: false }
    }

    /// The next of what comes. Pings are answered on the way.
    pub(super) fn poll_read(&mut self, wire: &mut dyn Wire, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let Self { context, boundary, replies, moved, .. } = self;
            let read = context.read(&mut Turn { wire, cx, boundary, replies, moved });
            return Poll::Ready(match read {
                Ok(ws::Message::Text(text)) => Incoming::Message(Message::Text(Text(text))),
                Ok(ws::Message::Binary(bytes)) => Incoming::Message(Message::Binary(bytes)),
                Ok(ws::Message::Close(frame)) => {
                    // Brings the answer among the replies; it says that the connection is over, which we know.
                    let _ = self.context.flush(&mut Replies(&mut self.replies));
                    Incoming::Close(
                        frame.map(|frame| Close { code: frame.code.into(), reason: Text(frame.reason) }),
                    )
                }
                Ok(_) if self.replies.len() < REPLIES_MAX => continue,
                Ok(_) => Incoming::Replies,
                Err(ws::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.fit();
                    return Poll::Pending;
                }
                Err(ws::Error::Capacity(_)) => {
                    let reason = format!("a message may have {} bytes", self.max_message);
                    Incoming::Broken(Close::new(1009, &reason))
                }
                Err(ws::Error::Utf8(_)) => Incoming::Broken(Close::new(1007, "text has to be UTF-8")),
                Err(ws::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Incoming::Gone,
                Err(ws::Error::Protocol(error)) => Incoming::Broken(Close::new(1002, &error.to_string())),
                Err(_) => Incoming::Gone,
            });
        }
    }

    /// Says goodbye. What the client still sends before its answer may be read.
    pub(super) fn close(&mut self, close: &Close) {
        let frame = CloseFrame { code: CloseCode::from(close.code), reason: close.reason.0.clone() };
        // An error says that it was closed before.
        let _ = self.context.close(&mut Replies(&mut self.replies), Some(frame));
    }

    pub(super) fn ping(&mut self) {
        let _ = self.context.write(&mut Replies(&mut self.replies), ws::Message::Ping(Bytes::new()));
    }

    /// After a message that did not fit: a larger buffer in which the next one does, or at least not the memory of
    /// the one before.
    fn fit(&mut self) {
        let largest = self.boundary.largest();
        if largest > self.size {
            self.resize(largest.next_power_of_two().clamp(SMALL, LARGE));
        }
    }

    /// Gives memory back when little comes.
    pub(super) fn shrink(&mut self) {
        if self.size > SMALL {
            self.resize(SMALL);
        }
    }

    /// Between messages an engine has nothing to remember, so a new one can take its place.
    fn resize(&mut self, size: usize) {
        if self.boundary.is_between_messages() && self.context.can_write() {
            self.boundary = Boundary::default();
            self.size = size;
            self.context = WebSocketContext::new(Role::Server, Some(configuration(self.max_message, size)));
        }
    }
}

fn configuration(max_message: usize, buffer: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(buffer)
        // What it writes goes to memory of ours.
        .write_buffer_size(0)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// One poll's view of the wire, as something that can be read.
struct Turn<'t, 'c> {
    wire: &'t mut dyn Wire,
    cx: &'t mut Context<'c>,
    boundary: &'t mut Boundary,
    replies: &'t mut Vec<u8>,
    moved: &'t mut bool,
}

impl Read for Turn<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut into = ReadBuf::new(into);
        match Pin::new(&mut *self.wire).poll_read(self.cx, &mut into) {
            Poll::Ready(Ok(())) => {
                *self.moved = true;
                self.boundary.pass(into.filled());
                Ok(into.filled().len())
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Turn<'_, '_> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.replies.write(frames)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the engine writes when there is nothing to read.
struct Replies<'r>(&'r mut Vec<u8>);

impl Read for Replies<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for Replies<'_> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.0.write(frames)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
