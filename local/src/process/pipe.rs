//! A pipe whose every poll asks the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;

/// The reading end of a process's pipe. Each poll asks the kernel. The executor learns of bytes only at its next turn,
/// which may come after the reply that was written behind the bytes.
#[derive(Debug)]
pub(super) struct KernelPipe(Receiver);

impl KernelPipe {
    /// # Errors
    ///
    /// `end` is not a pipe, or cannot be watched.
    pub(super) fn new(end: OwnedFd) -> io::Result<Self> {
        Receiver::from_owned_fd(end).map(KernelPipe)
    }
}

impl AsyncRead for KernelPipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match rustix::io::read(&self.0, into.initialize_unfilled()) {
                Ok(length) => {
                    into.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(Errno::AGAIN) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            ready!(self.0.poll_read_ready(context))?;
            // The executor's readiness may be older than the read above. `try_read` then reports that there is nothing.
            match self.0.try_read(into.initialize_unfilled()) {
                Ok(length) => {
                    into.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}
