//! A chunk of a streamed body of HTTP/1.1, for a connection that sends the body without hyper.

use bytes::Bytes;
use http_body::Frame;

/// Bytes in the frame of a chunk: their length before them, a line end behind them. It is made once for all clients.
#[derive(Debug, Clone)]
pub(crate) struct Framed {
    wire: Bytes,
    /// The length of the frame's begin, in bytes.
    begin: u8,
}

/// The end of every chunk.
pub(crate) const CHUNK_END: &[u8] = b"\r\n";

/// The longest begin of a frame, in bytes: the digits of the largest length, and a line end.
const BEGIN_MAX: usize = 2 * size_of::<usize>() + CHUNK_END.len();

impl Framed {
    pub(crate) fn of(data: &[u8]) -> Self {
        let mut wire = Vec::with_capacity(BEGIN_MAX + data.len() + CHUNK_END.len());
        begin_chunk(&mut wire, data.len());
        let begin = u8::try_from(wire.len()).unwrap_or(u8::MAX);
        add(&mut wire, data);
        add(&mut wire, CHUNK_END);
        Self { wire: wire.into(), begin }
    }

    /// The bytes without their frame.
    pub(crate) fn data(&self) -> &[u8] {
        &self.wire[usize::from(self.begin)..self.wire.len() - CHUNK_END.len()]
    }

    /// The whole, as it is on the wire.
    pub(crate) fn into_wire(self) -> Bytes {
        self.wire
    }

    /// The bytes without their frame. They share the memory of the whole.
    pub(crate) fn into_data(self) -> Bytes {
        self.wire.slice(usize::from(self.begin)..self.wire.len() - CHUNK_END.len())
    }
}

/// Writes the begin of a chunk of so many bytes.
pub(crate) fn begin_chunk(out: &mut Vec<u8>, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    for at in (0..digits).rev() {
        out.push(DIGITS[length >> (4 * at) & 0xf]);
    }
    add(out, CHUNK_END);
}

/// Out of line: the growth of the buffer would be in the binary for each of the parts of a frame.
#[inline(never)]
fn add(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

/// The bytes of a [`Chunk`].
#[derive(Debug)]
pub(crate) enum ChunkData {
    Bare(Bytes),
    Framed(Framed),
}

/// What a stream gives at once.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) data: ChunkData,
    /// Whether the stream waits for a wake now. It need not be polled behind this chunk.
    pub(crate) is_last_ready: bool,
}

impl Chunk {
    /// A chunk behind which more may be ready.
    pub(crate) fn bare(data: Bytes) -> Self {
        Self { data: ChunkData::Bare(data), is_last_ready: false }
    }

    /// The data of a frame, which has no trailers.
    pub(crate) fn of_frame(frame: Frame<Bytes>) -> Self {
        Self::bare(frame.into_data().unwrap_or_default())
    }

    pub(crate) fn len(&self) -> usize {
        match &self.data {
            ChunkData::Bare(data) => data.len(),
            ChunkData::Framed(framed) => framed.data().len(),
        }
    }

    /// The bytes without a frame.
    pub(crate) fn into_data(self) -> Bytes {
        match self.data {
            ChunkData::Bare(data) => data,
            ChunkData::Framed(framed) => framed.into_data(),
        }
    }

    /// Adds the chunk as it is on the wire. An empty one would end the body, and is left out.
    pub(crate) fn copy_to(&self, out: &mut Vec<u8>) {
        match &self.data {
            ChunkData::Framed(framed) => add(out, &framed.wire),
            ChunkData::Bare(data) if data.is_empty() => {}
            ChunkData::Bare(data) => {
                begin_chunk(out, data.len());
                add(out, data);
                add(out, CHUNK_END);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &[u8], wire: &[u8]) {
        let framed = Framed::of(data);
        assert_eq!(framed.data(), data);
        assert_eq!(framed.clone().into_data(), data);
        assert_eq!(framed.into_wire(), wire);
        let mut bare = b"before".to_vec();
        Chunk::bare(Bytes::copy_from_slice(data)).copy_to(&mut bare);
        assert_eq!(bare.strip_prefix(b"before"), Some(wire));
    }

    #[test]
    fn a_chunk_is_the_same_framed_before_and_when_it_is_sent() {
        check(b"x", b"1\r\nx\r\n");
        check(b"0123456789abcdef", b"10\r\n0123456789abcdef\r\n");
        check(b"data: tea and salt\n\n", b"14\r\ndata: tea and salt\n\n\r\n");
        let long = vec![b'x'; 70_000];
        check(&long, &[b"11170\r\n", &long[..], b"\r\n"].concat());
    }

    #[test]
    fn an_empty_chunk_does_not_end_the_body() {
        let mut out = Vec::new();
        Chunk::bare(Bytes::new()).copy_to(&mut out);
        assert!(out.is_empty());
    }
}
