//! Notices a client that leaves while hyper is not looking.
//!
//! hyper reads a connection only when it wants more of a request. While a body stands unread, or a byte of
//! the next request has come, it does not see the end of the connection. This watch asks the kernel.

use std::io;
use std::os::fd::AsFd;

use tokio::io::Interest;
use tokio::net::TcpStream;

/// Watches one connection.
#[derive(Debug)]
pub(crate) struct Hangup {
    socket: TcpStream,
}

impl Hangup {
    /// Watches `stream` through a handle of its own, so that hyper's readiness is not touched.
    pub(crate) fn watch(stream: &TcpStream) -> io::Result<Self> {
        let socket = std::net::TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        Ok(Hangup { socket: TcpStream::from_std(socket)? })
    }

    /// Waits until the client has closed its side. A client that closes only its sending side counts as gone.
    pub(crate) async fn gone(&self) {
        loop {
            // An error of the watch means that there is no connection to watch.
            let Ok(ready) = self.socket.ready(Interest::READABLE).await else { return };
            if ready.is_read_closed() {
                return;
            }
            // What has come is hyper's to read. Saying "would block" makes the next wait one for more.
            let nothing: io::Result<()> =
                self.socket.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
            drop(nothing);
        }
    }
}
