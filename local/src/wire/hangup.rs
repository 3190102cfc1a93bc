//! Notices a client that leaves while hyper does not read its connection.
//!
//! hyper reads a connection only when it needs more of a request. While a request is answered, hyper does not see the end of
//! the connection. So this watch asks the kernel.

use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Whether the kernel has unread bytes of a non-blocking socket.
pub(crate) fn has_unread(socket: &std::net::TcpStream) -> bool {
    socket.peek(&mut [0; 1]).is_ok_and(|length| length > 0)
}

/// Watches one connection.
#[derive(Debug)]
pub(crate) struct Hangup {
    /// `None` without a free file descriptor.
    handle: Option<std::net::TcpStream>,
    watched: OnceLock<Option<TcpStream>>,
    told: Notify,
}

impl Hangup {
    /// Prepares to watch `stream` through a second handle, so that hyper's readiness does not change.
    pub(crate) fn prepare(stream: &TcpStream) -> Self {
        let handle = stream.as_fd().try_clone_to_owned().ok().map(Into::into);
        Hangup { handle, watched: OnceLock::new(), told: Notify::new() }
    }

    /// Whether the kernel has bytes that hyper has not read.
    pub(crate) fn has_unread(&self) -> bool {
        self.handle.as_ref().is_some_and(has_unread)
    }

    /// Says that hyper has read the end of the connection in the middle of a body.
    pub(crate) fn tell(&self) {
        self.told.notify_one();
    }

    /// Waits until the client has closed its side. A client that closes only its sending side counts as gone. The first
    /// watch of a connection costs system calls, so it should not begin at once.
    pub(crate) async fn gone(&self) {
        tokio::select! {
            biased;
            () = self.told.notified() => {}
            () = self.closed() => {}
        }
    }

    /// Waits until the kernel has the end of the connection.
    async fn closed(&self) {
        let watch = || TcpStream::from_std(self.handle.as_ref()?.try_clone().ok()?).ok();
        // Without file descriptors there is no watch. hyper still notices most clients that leave.
        let Some(socket) = self.watched.get_or_init(watch) else { return std::future::pending().await };
        loop {
            // An error of the watch means that there is no connection to watch.
            let Ok(ready) = socket.ready(Interest::READABLE).await else { return };
            if ready.is_read_closed() {
                return;
            }
            // The bytes are hyper's to read. "Would block" clears the readiness, so that the next wait is for more
            // bytes.
            let nothing: io::Result<()> =
                socket.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
            drop(nothing);
        }
    }
}
