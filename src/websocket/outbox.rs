//! Frames on their way out: small ones are put behind each other, so that a batch is one write; a large payload is
//! sent from where it is.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::exchange::upgrade::UpgradedIo;
use crate::platform::limits::KIB;
use crate::websocket::Message;
use crate::websocket::frames::put_head;

/// A larger payload is not copied.
const COPIED_MAX: usize = 4 * KIB;

/// With so much waiting, whoever sends waits too.
const FULL: usize = 16 * KIB;

/// An empty buffer of this size is kept for the next frame: most sockets are idle.
const KEPT_MAX: usize = KIB;

#[derive(Default)]
pub(super) struct Outbox {
    /// Whole frames; perhaps the head of the one whose payload comes next.
    frames: Vec<u8>,
    written: usize,
    payload: Bytes,
    /// Frames that came while the payload was under way.
    late: Vec<u8>,
    /// In all.
    sent: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, message: Message) {
        let kind = match message {
            Message::Text(_) => Data::Text,
            Message::Binary(_) => Data::Binary,
        };
        let payload = message.into_bytes();
        let frames = self.open();
        put_head(OpCode::Data(kind), payload.len(), frames);
        if payload.len() <= COPIED_MAX {
            frames.extend_from_slice(&payload);
        } else {
            self.payload = payload;
        }
    }

    /// Frames of the protocol's own, each of them whole.
    pub(super) fn push_frames(&mut self, frames: &[u8]) {
        self.open().extend_from_slice(frames);
    }

    /// Where the next frame goes.
    fn open(&mut self) -> &mut Vec<u8> {
        if self.payload.is_empty() { &mut self.frames } else { &mut self.late }
    }

    pub(super) fn is_full(&self) -> bool {
        !self.payload.is_empty() || self.frames.len() - self.written >= FULL
    }

    /// Whether a client that sends and does not read has made us owe it more answers than it shall get.
    pub(super) fn is_flooded(&self) -> bool {
        self.frames.len() - self.written + self.late.len() >= 4 * FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.len() == self.written && self.payload.is_empty()
    }

    /// Bytes that the kernel took.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Ready when nothing waits any more.
    pub(super) fn poll_flush(
        &mut self,
        io: &mut dyn UpgradedIo,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let frames = &self.frames[self.written..];
            let io = Pin::new(&mut *io);
            let length = ready!(match (frames.is_empty(), self.payload.is_empty()) {
                (_, true) => io.poll_write(cx, frames),
                (true, false) => io.poll_write(cx, &self.payload),
                (false, false) =>
                    io.poll_write_vectored(cx, &[IoSlice::new(frames), IoSlice::new(&self.payload)]),
            })?;
            if length == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(length);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, length: usize) {
        self.sent += length as u64;
        let of_frames = length.min(self.frames.len() - self.written);
        self.written += of_frames;
        if self.written < self.frames.len() {
            return;
        }
        self.payload.advance(length - of_frames);
        if self.payload.is_empty() {
            // Nothing that was sent is held.
            self.payload = Bytes::new();
            self.written = 0;
            if self.late.is_empty() && self.frames.capacity() <= KEPT_MAX {
                self.frames.clear();
            } else {
                self.frames = std::mem::take(&mut self.late);
            }
        }
    }
}

impl Write for Outbox {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.push_frames(frames);
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
