//! The close of a connection whose client may still send.

use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::platform::limits::KIB;
use crate::serve::places::Place;

/// How long, and how many bytes, are discarded.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_MAX: usize = 256 * KIB;

/// Closes this side, and discards the client's input until the client has read everything and closes too.
///
/// The kernel resets a connection that is closed with unread bytes, or to which bytes come later. The client may then lose
/// the end of the last reply. The connection keeps its place in `max_connections` meanwhile.
pub(super) async fn linger(socket: Arc<OwnedWriteHalf>, _place: Place) {
    let stream: &TcpStream = (*socket).as_ref();
    // An error means that the client is gone, which the first read notices too.
    let _ = SockRef::from(stream).shutdown(Shutdown::Write);
    let mut left = LINGER_MAX;
    let mut away = [0; 4 * KIB];
    let read_away = async {
        while left > 0 && stream.readable().await.is_ok() {
            match stream.try_read(&mut away) {
                Ok(0) => return,
                Ok(length) => left = left.saturating_sub(length),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, read_away).await;
}
