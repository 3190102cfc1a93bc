//! A pipe that is asked, not remembered.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;

/// The end of a pipe that a process writes to. Each poll asks the kernel: the executor knows of bytes only after its next
/// look, and that may come after the reply that was written behind them.
#[derive(Debug)]
pub(super) struct KernelPipe(Receiver);

impl KernelPipe {
    /// # Errors
    ///
    /// It is no pipe, or it cannot be watched.
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
            // The executor's news may be older than the read above. If so, this says that there is nothing.
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
