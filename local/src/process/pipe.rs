//! A pipe that asks the kernel on request.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::io::Errno;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;

use super::runner::Printed;

/// The reading end of a process's pipe.
///
/// The executor tells of bytes at its next turn. A poll without such news costs no system call. A poll after
/// [`ask`](Printed::ask) asks the kernel.
#[derive(Debug)]
pub(super) struct KernelPipe {
    receiver: Receiver,
    is_asked: bool,
}

impl KernelPipe {
    /// # Errors
    ///
    /// `end` is not a pipe, or cannot be watched.
    pub(super) fn new(end: OwnedFd) -> io::Result<Self> {
        let receiver = Receiver::from_owned_fd(end)?;
        Ok(KernelPipe { receiver, is_asked: false })
    }
}

impl Printed for KernelPipe {
    fn ask(&mut self) {
        self.is_asked = true;
    }
}

impl AsyncRead for KernelPipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while std::mem::take(&mut self.is_asked) {
            match rustix::io::read(&self.receiver, into.initialize_unfilled()) {
                Ok(length) => {
                    into.advance(length);
                    // A full buffer may not be all.
                    self.is_asked = into.remaining() == 0;
                    return Poll::Ready(Ok(()));
                }
                Err(Errno::INTR) => self.is_asked = true,
                // The executor's way waits for more.
                Err(Errno::AGAIN) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Pin::new(&mut self.receiver).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn read(pipe: &mut KernelPipe) -> Poll<usize> {
        let mut bytes = [0; 16];
        let mut into = ReadBuf::new(&mut bytes);
        let context = &mut Context::from_waker(Waker::noop());
        Pin::new(pipe).poll_read(context, &mut into).map(|read| read.map(|()| into.filled().len()).unwrap())
    }

    /// No turn of the executor comes between the polls of this test.
    #[tokio::test]
    async fn what_the_executor_was_not_told_of_is_read_on_request() {
        let (sender, receiver) = tokio::net::unix::pipe::pipe().unwrap();
        let sender = sender.into_blocking_fd().unwrap();
        let mut pipe = KernelPipe::new(receiver.into_nonblocking_fd().unwrap()).unwrap();
        assert!(read(&mut pipe).is_pending());
        rustix::io::write(&sender, b"a line that is long").unwrap();
        assert!(read(&mut pipe).is_pending());
        pipe.ask();
        assert_eq!([read(&mut pipe), read(&mut pipe)], [16, 3].map(Poll::Ready));
        assert!(read(&mut pipe).is_pending());
        drop(sender);
        pipe.ask();
        assert_eq!(read(&mut pipe), Poll::Ready(0));
    }
}
