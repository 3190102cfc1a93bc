//! The outgoing frames of a socket. Small frames are joined, so that a batch is one write. A large payload is written
//! from its own buffer.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::exchange::upgrade::UpgradedIo;
use crate::platform::limits::KIB;
use crate::websocket::Message;
use crate::websocket::frames::put_head;

/// The largest payload that is copied, in bytes.
const COPIED_MAX: usize = 4 * KIB;

/// The number of unsent bytes at which senders wait.
const FULL: usize = 16 * KIB;

/// The largest empty buffer that is kept for the next frame, in bytes. Most sockets are idle.
const KEPT_MAX: usize = KIB;

#[derive(Default)]
pub(super) struct Outbox {
    /// Complete frames. The last may be the head of the frame whose payload is in `payload`.
    frames: Vec<u8>,
    written: usize,
    payload: Bytes,
    /// Frames that were queued while `payload` was not sent.
    late: Vec<u8>,
    /// Bytes sent in all.
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

    /// Queues complete frames of the protocol itself.
    pub(super) fn push_frames(&mut self, frames: &[u8]) {
        self.open().extend_from_slice(frames);
    }

    /// The buffer for the next frame.
    fn open(&mut self) -> &mut Vec<u8> {
        if self.payload.is_empty() { &mut self.frames } else { &mut self.late }
    }

    pub(super) fn is_full(&self) -> bool {
        !self.payload.is_empty() || self.frames.len() - self.written >= FULL
    }

    /// Whether a client that sends without reading has caused too many replies.
    pub(super) fn is_flooded(&self) -> bool {
        self.frames.len() - self.written + self.late.len() >= 4 * FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.len() == self.written && self.payload.is_empty()
    }

    /// Bytes that the kernel has taken.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Ready when every frame is sent.
    pub(super) fn poll_flush(
        &mut self,
        io: &mut dyn UpgradedIo,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.payload.is_empty() {
            return self.poll_flush_small(io, cx);
        }
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

    /// The same without a large payload, as nearly always.
    fn poll_flush_small(&mut self, io: &mut dyn UpgradedIo, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.frames.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while let Some(frames @ [_, ..]) = self.frames.get(self.written..) {
            let length = ready!(Pin::new(&mut *io).poll_write(cx, frames))?;
            if length == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += length as u64;
            self.written += length;
        }
        self.written = 0;
        if self.frames.capacity() <= KEPT_MAX {
            self.frames.clear();
        } else {
            self.frames = Vec::new();
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
            // Free the payload, because it is sent.
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
