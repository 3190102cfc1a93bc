//! The same look at a connection's first bytes as the library takes.

use std::io;

use tokio::io::Interest;
use tokio::net::TcpStream;

/// Whether HTTP/1 is spoken. HTTP/2 is recognised and refused: the peers serve HTTP/1.
pub(crate) async fn is_http1(stream: &TcpStream) -> io::Result<bool> {
    const PREFACE: &[u8; 3] = b"PRI";
    let mut head = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut head).await?;
        if length == 0 || length == PREFACE.len() && head == *PREFACE {
            return Ok(false);
        }
        if head[..length] != PREFACE[..length] {
            return Ok(true);
        }
        let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
}
