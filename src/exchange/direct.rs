//! A reply whose body its connection sends without hyper: a stream, or a large body.

use std::task::{Context, Poll};

use crate::error::BoxError;
use crate::reply::Chunk;

/// The body of a reply whose head hyper writes, with the record that ends with it.
pub(crate) trait DirectBody: Send {
    /// The number of bytes that are left, if the head says it. Others are sent in chunks.
    fn length(&self) -> Option<u64>;

    /// The next chunk of the body. After an error the reply is cut: it gets no last chunk.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BoxError>>>;

    /// Lets go of the parts of the request that nobody can ask for any more, and of the buffer that they keep in memory.
    fn lighten(&mut self);
}
