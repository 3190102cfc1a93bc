//! The protocol: tungstenite's state machine, fed with what a wire that does not block has brought.
//!
//! The wire is read into the stack and not into the engine's own buffer, which it fills with zeros before each read: so
//! that buffer can be small, one read takes all there is, and a read in vain costs nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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

/// The engine's own buffer, and how much it takes at a time.
const BUFFER: usize = KIB;

/// The most that is read at a time.
const READ_MAX: usize = 64 * KIB;

/// What a socket that is used may keep of the memory of large messages. One that is silent keeps nothing.
const KEPT_MAX: usize = 64 * KIB;

/// Replies that may wait before they have to be sent.
const REPLIES_MAX: usize = 4 * KIB;

pub(super) struct Engine {
    context: WebSocketContext,
    boundary: Boundary,
    max_message: usize,
    /// What was read and not taken yet: the next messages of a batch.
    ahead: Ahead,
    /// Whether the engine has nothing more to give of what it took.
    is_drained: bool,
    /// Frames of the protocol's own, to be sent: pongs and a close.
    pub(super) replies: Vec<u8>,
    /// Whether something came since somebody asked.
    pub(super) moved: bool,
}

impl Engine {
    /// `ahead` came behind the handshake.
    pub(super) fn new(max_message: usize, ahead: &[u8]) -> Self {
        let mut boundary = Boundary::default();
        boundary.pass(ahead);
        let ahead = Ahead { bytes: ahead.to_vec(), taken: 0 };
        let context = WebSocketContext::new(Role::Server, Some(configuration(max_message)));
        let (is_drained, replies, moved) = (true, Vec::new(), false);
        Self { context, boundary, max_message, ahead, is_drained, replies, moved }
    }

    /// The next of what comes. Pings are answered on the way.
    pub(super) fn poll_read(&mut self, wire: &mut dyn Wire, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            if let Some(incoming) = self.take_ahead() {
                return Poll::Ready(incoming);
            }
            if let Some(incoming) = ready!(self.poll_wire(wire, cx)) {
                return Poll::Ready(incoming);
            }
        }
    }

    fn take_ahead(&mut self) -> Option<Incoming> {
        if self.ahead.is_empty() && self.is_drained {
            return None;
        }
        let mut ahead = std::mem::take(&mut self.ahead);
        let mut rest = &ahead.bytes[ahead.taken..];
        let incoming = self.take(&mut rest);
        if !rest.is_empty() {
            ahead.taken = ahead.bytes.len() - rest.len();
            self.ahead = ahead;
        }
        incoming
    }

    #[allow(clippy::large_stack_arrays, reason = "nothing is written there but what the kernel brings")]
    fn poll_wire(&mut self, wire: &mut dyn Wire, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let mut space = [MaybeUninit::uninit(); READ_MAX];
        let mut read = ReadBuf::uninit(&mut space);
        let outcome = Pin::new(wire).poll_read(cx, &mut read);
        if outcome.is_pending() {
            // All that came was taken.
            if self.boundary.largest() > KEPT_MAX {
                self.renew();
            }
            return Poll::Pending;
        }
        let mut rest = read.filled();
        if rest.is_empty() {
            return Poll::Ready(Some(Incoming::Gone));
        }
        self.moved = true;
        let was_between = self.boundary.is_between_messages();
        let frames = self.boundary.pass(rest);
        let incoming = self.take(&mut rest);
        // One message by itself, as most are: it was all there is, and the engine need not be asked.
        self.is_drained |= was_between && frames == 1 && self.boundary.is_between_messages();
        self.ahead = Ahead { bytes: rest.to_vec(), taken: 0 };
        Poll::Ready(incoming)
    }

    /// What the engine makes of these bytes, as far as it takes them; `None` when it needs more.
    fn take(&mut self, bytes: &mut &[u8]) -> Option<Incoming> {
        self.is_drained = false;
        loop {
            return Some(match self.context.read(&mut Source { bytes, replies: &mut self.replies }) {
                Ok(ws::Message::Text(text)) => Incoming::Message(Message::Text(Text(text))),
                Ok(ws::Message::Binary(bytes)) => Incoming::Message(Message::Binary(bytes)),
                Ok(ws::Message::Close(frame)) => {
                    self.reply();
                    let close =
                        |frame: CloseFrame| Close { code: frame.code.into(), reason: Text(frame.reason) };
                    Incoming::Close(frame.map(close))
                }
                Ok(_) => {
                    self.reply();
                    if self.replies.len() < REPLIES_MAX {
                        continue;
                    }
                    Incoming::Replies
                }
                Err(ws::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_drained = true;
                    return None;
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

    /// Puts the answer to a ping or a close among the replies.
    fn reply(&mut self) {
        // After a close this says that the connection is over, which we know.
        let _ = self.context.flush(&mut Source { bytes: &mut &[][..], replies: &mut self.replies });
    }

    /// Says goodbye. What the client still sends before its answer may be read.
    pub(super) fn close(&mut self, close: &Close) {
        let frame = CloseFrame { code: CloseCode::from(close.code), reason: close.reason.0.clone() };
        let mut nothing = Source { bytes: &mut &[][..], replies: &mut self.replies };
        // An error says that it was closed before.
        let _ = self.context.close(&mut nothing, Some(frame));
    }

    /// Asks a silent client whether it is there. Nobody needs large buffers in a silence.
    pub(super) fn ping(&mut self) {
        if self.boundary.largest() > BUFFER {
            self.renew();
        }
        let mut nothing = Source { bytes: &mut &[][..], replies: &mut self.replies };
        let _ = self.context.write(&mut nothing, ws::Message::Ping(Bytes::new()));
    }

    /// Between messages an engine has nothing to remember, so a new one can take its place, without the memory of what
    /// the one before has seen.
    fn renew(&mut self) {
        if self.ahead.is_empty()
            && self.is_drained
            && self.boundary.is_between_messages()
            && self.context.can_write()
        {
            self.boundary = Boundary::default();
            self.context = WebSocketContext::new(Role::Server, Some(configuration(self.max_message)));
        }
    }
}

/// Bytes of which some were taken.
#[derive(Default)]
struct Ahead {
    bytes: Vec<u8>,
    taken: usize,
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.bytes.len() == self.taken
    }
}

fn configuration(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        // What it writes goes to memory of ours.
        .write_buffer_size(0)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// What the engine reads from and writes to.
struct Source<'s, 'b> {
    bytes: &'s mut &'b [u8],
    replies: &'s mut Vec<u8>,
}

impl Read for Source<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.bytes.read(into)
    }
}

impl Write for Source<'_, '_> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.replies.write(frames)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
