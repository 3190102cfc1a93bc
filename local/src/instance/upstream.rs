//! The socket to a function, which is read to the end even when writes fail.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::wire::gather;

/// A connection to a function.
///
/// A server may answer before it has read the request, and close. hyper ends a connection at the first failed write,
/// and leaves the reply unread in the socket. So a failed write drops its bytes and succeeds, and the reading side
/// reports how the connection ended.
#[derive(Debug)]
pub(crate) struct Upstream {
    stream: TcpStream,
    takes_writes: bool,
}

impl Upstream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Upstream { stream, takes_writes: true }
    }

    /// The connection for use without hyper: writes fail as usual.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// The result of a write of `length` bytes. The write succeeds if the other side has closed.
    fn written(&mut self, length: usize, result: io::Result<usize>) -> io::Result<usize> {
        match result {
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                self.takes_writes = false;
                Ok(length)
            }
            result => result,
        }
    }
}

impl AsyncRead for Upstream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Upstream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.takes_writes {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes).map(|result| self.written(bytes.len(), result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if !self.takes_writes {
            return Poll::Ready(Ok(length));
        }
        let written = gather::write(Pin::new(&mut self.stream), context, slices);
        written.map(|result| self.written(length, result))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
