//! Connections to one instance, kept open and used again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use crate::payload::Payload;

/// Where instances are called. Another loopback address than 127.0.0.1, so that a program which listens on
/// that one alone is out of reach, as it is on the platform.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A connection within one machine is there at once or not at all.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// One connection that is ready for a request.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Payload>,
    /// Whether it has carried a request before.
    pub(crate) is_reused: bool,
}

/// The open connections of one instance.
#[derive(Debug)]
pub(crate) struct Connections {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Payload>>>,
    tasks: TaskTracker,
}

impl Connections {
    pub(crate) fn new(port: u16, tasks: TaskTracker) -> Self {
        Connections { address: SocketAddr::from((ADDRESS, port)), idle: Mutex::default(), tasks }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// An idle connection that is still open, or a new one.
    pub(crate) async fn take(&self) -> io::Result<Connection> {
        loop {
            let Some(mut sender) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                return self.open().await;
            };
            if sender.ready().await.is_ok() {
                return Ok(Connection { sender, is_reused: true });
            }
        }
    }

    /// A new connection.
    pub(crate) async fn open(&self) -> io::Result<Connection> {
        let connect = TcpStream::connect(self.address);
        let stream =
            tokio::time::timeout(CONNECT_MAX, connect).await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            Builder::new().handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        self.tasks.spawn(async move {
            // Its failure reaches the request that is under way, and nobody else is concerned.
            drop(connection.await);
        });
        Ok(Connection { sender, is_reused: false })
    }

    /// Keeps a connection whose reply was read to its end.
    pub(crate) fn give_back(&self, sender: SendRequest<Payload>) {
        if !sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
    }

    /// Closes the idle connections.
    pub(crate) fn clear(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
