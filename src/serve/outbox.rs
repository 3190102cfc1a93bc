//! The bytes of a reply that a connection sends without hyper: chunks that are small or ready together share a write, others
//! are sent from where they are.

use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::net::tcp::OwnedWriteHalf;

use crate::platform::limits::KIB;
use crate::reply::{CHUNK_END, Chunk, ChunkData, begin_chunk};

/// The largest chunk that is copied behind others, in bytes. The copy then costs less than a write of its own.
const COPIED_MAX: usize = 16 * KIB;

/// The size, in bytes, at which the copied chunks are sent although more are ready.
const COPIES_MAX: usize = 48 * KIB;

/// The end of a body in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A chunk that is not copied, and the end of the body.
const END_BEHIND: &[u8] = b"\r\n0\r\n\r\n";

/// What is not sent yet, in this order.
#[derive(Default)]
pub(crate) struct Outbox {
    /// The head of the reply, chunks that were copied, and the begin of the chunk in `data`. Sent up to `at`.
    copied: Vec<u8>,
    at: usize,
    /// One chunk as it is.
    data: Bytes,
    /// The rest of the frame around `data`.
    tail: &'static [u8],
    /// Whether chunks have frames: a body whose length stands in its head has none.
    is_framed: bool,
}

impl Outbox {
    /// An outbox with the head of a reply.
    pub(crate) fn new(head: Vec<u8>, is_framed: bool) -> Self {
        Self { copied: head, is_framed, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.copied.is_empty() && self.tail.is_empty()
    }

    /// Adds a chunk. True if it has to be sent before the next is added.
    pub(crate) fn add(&mut self, chunk: Chunk) -> bool {
        let is_small = chunk.len() <= COPIED_MAX;
        if !self.is_framed {
            let data = chunk.into_data();
            if is_small {
                self.copied.extend_from_slice(&data);
                return self.copied.len() >= COPIES_MAX;
            }
            self.data = data;
            return true;
        }
        match chunk.data {
            // One event for many clients.
            ChunkData::Framed(framed) if !is_small || (chunk.is_last_ready && self.copied.is_empty()) => {
                self.data = framed.into_wire();
                true
            }
            ChunkData::Bare(data) if !is_small => {
                begin_chunk(&mut self.copied, data.len());
                (self.data, self.tail) = (data, CHUNK_END);
                true
            }
            data => {
                Chunk { data, ..chunk }.copy_to(&mut self.copied);
                self.copied.len() >= COPIES_MAX
            }
        }
    }

    /// Adds the end of the body.
    pub(crate) fn end(&mut self) {
        if !self.is_framed {
            return;
        }
        match (self.data.is_empty(), self.tail.is_empty()) {
            (true, _) => self.copied.extend_from_slice(LAST_CHUNK),
            (false, true) => self.tail = LAST_CHUNK,
            (false, false) => self.tail = END_BEHIND,
        }
    }

    /// Writes as much as the socket takes.
    pub(crate) fn write(&self, half: &OwnedWriteHalf) -> io::Result<usize> {
        let copied = self.copied.get(self.at..).unwrap_or_default();
        let one: &[u8] = if copied.is_empty() { &self.data } else { copied };
        if self.tail.is_empty() && (copied.is_empty() || self.data.is_empty()) {
            half.try_write(one)
        } else {
            half.try_write_vectored(&[copied, &self.data, self.tail].map(IoSlice::new))
        }
    }

    /// Takes away what was written.
    pub(crate) fn advance(&mut self, mut length: usize) {
        if !self.copied.is_empty() {
            let here = length.min(self.copied.len() - self.at);
            (self.at, length) = (self.at + here, length - here);
            if self.at == self.copied.len() {
                // Its memory too: most streams wait from now on.
                (self.copied, self.at) = (Vec::new(), 0);
            }
        }
        let here = length.min(self.data.len());
        if here == self.data.len() {
            self.data = Bytes::new();
        } else {
            self.data.advance(here);
        }
        self.tail = self.tail.get(length - here..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(data: &[u8]) -> Chunk {
        Chunk::bare(Bytes::copy_from_slice(data))
    }

    /// Everything that waits, as the socket gets it in writes of so many bytes.
    fn sent(mut outbox: Outbox, at_a_time: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !outbox.is_empty() {
            let waiting = [&outbox.copied[outbox.at..], &outbox.data, outbox.tail].concat();
            let length = waiting.len().min(at_a_time);
            all.extend_from_slice(&waiting[..length]);
            outbox.advance(length);
        }
        all
    }

    #[test]
    fn chunks_come_in_order_whatever_is_copied_and_however_they_are_sent() {
        let long = vec![b'x'; COPIED_MAX + 1];
        for at_a_time in [1, 2, 3, 1000, usize::MAX] {
            let mut outbox = Outbox::new(b"head\r\n\r\n".to_vec(), true);
            assert!(!outbox.add(bare(b"tea")) && !outbox.add(bare(b"")) && outbox.add(bare(&long)));
            outbox.end();
            let expected = [b"head\r\n\r\n3\r\ntea\r\n4001\r\n", &long[..], b"\r\n0\r\n\r\n"].concat();
            assert_eq!(sent(outbox, at_a_time), expected, "{at_a_time} bytes at a time");
        }
    }

    #[test]
    fn small_chunks_share_a_write_up_to_a_bound() {
        let mut outbox = Outbox::new(Vec::new(), true);
        let added = (1..1000).find(|_| outbox.add(bare(&[b'x'; 1000])));
        assert_eq!(added, Some(49));
        outbox.end();
        assert!(sent(outbox, usize::MAX).ends_with(b"x\r\n0\r\n\r\n"));
    }

    #[test]
    fn a_body_of_known_length_has_no_frames() {
        let long = vec![b'x'; COPIED_MAX + 1];
        for at_a_time in [1, 1000, usize::MAX] {
            let mut outbox = Outbox::new(b"head\r\n\r\n".to_vec(), false);
            assert!(!outbox.add(bare(b"tea")) && outbox.add(bare(&long)));
            outbox.end();
            assert_eq!(sent(outbox, at_a_time), [b"head\r\n\r\ntea", &long[..]].concat());
        }
    }
}
