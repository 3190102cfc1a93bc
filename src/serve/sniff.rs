//! Which protocol a client speaks, told by its first bytes.

use std::io;

use tokio::io::Interest;
use tokio::net::TcpStream;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// HTTP/2 with prior knowledge: the preface `PRI * HTTP/2.0` came first. hyper checks the rest of it.
    Http2,
    /// The client left without a word.
    Nothing,
}

/// Looks at the first bytes and leaves them in the socket, so that nothing has to be kept for replay.
///
/// Three bytes decide: no method of HTTP/1 begins with `PRI`.
pub(crate) async fn sniff(stream: &TcpStream) -> io::Result<Protocol> {
    const PREFACE: &[u8; 3] = b"PRI";
    let mut head = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut head).await?;
        if length == 0 {
            return Ok(Protocol::Nothing);
        }
        if head[..length] != PREFACE[..length] {
            return Ok(Protocol::Http1);
        }
        if length == PREFACE.len() {
            return Ok(Protocol::Http2);
        }
        // Too little to tell. Saying that a read would block makes the next look wait for more.
        let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
}
