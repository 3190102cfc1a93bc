//! Looks at a socket beside hyper: whether the client has left, also while its body is unread or another request waits, and
//! whether bytes wait.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::sync::Arc;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// Ends when the peer has closed or reset the connection. Unread data does not wake it.
///
/// A `FIN` behind data in a full receive window is not seen, because the kernel has not received it.
pub(crate) async fn departure(half: Arc<OwnedWriteHalf>) {
    let stream: &TcpStream = (*half).as_ref();
    while let Ok(ready) = stream.ready(Interest::PRIORITY | Interest::ERROR).await {
        if ready.is_read_closed() || ready.is_error() || ready.is_write_closed() {
            return;
        }
        // Urgent data is not a sign of leaving. `WouldBlock` clears the readiness, so that the next wait blocks.
        let _ = stream.try_io(Interest::PRIORITY, || Err::<(), _>(std::io::ErrorKind::WouldBlock.into()));
    }
}

/// Whether the kernel has bytes that nobody has read. Tokio's readiness is as old as the driver's last turn.
pub(crate) fn has_unread(socket: &impl AsFd) -> bool {
    SockRef::from(socket).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0)
}
