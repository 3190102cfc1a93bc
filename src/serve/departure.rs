//! Seeing a client leave, for hyper too: also while a body is unread, or another request waits behind.

use std::sync::Arc;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// Ends when the peer has closed or reset the connection. Data that nobody reads does not wake it.
///
/// What it cannot see is a `FIN` that waits behind data in a full window: the kernel does not know of it either.
pub(crate) async fn departure(half: Arc<OwnedWriteHalf>) {
    let stream: &TcpStream = (*half).as_ref();
    while let Ok(ready) = stream.ready(Interest::PRIORITY | Interest::ERROR).await {
        if ready.is_read_closed() || ready.is_error() || ready.is_write_closed() {
            return;
        }
        // Urgent data says nothing about leaving. Saying that it was not there makes the next wait a wait.
        let _ = stream.try_io(Interest::PRIORITY, || Err::<(), _>(std::io::ErrorKind::WouldBlock.into()));
    }
}
