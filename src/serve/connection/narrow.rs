//! A pair of sockets for tests, whose client takes little before it reads.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

/// The client, the server's socket, and the server's address.
pub(super) async fn pair() -> io::Result<(TcpStream, TcpStream, SocketAddr)> {
    let (listener, client) = (TcpSocket::new_v4()?, TcpSocket::new_v4()?);
    listener.bind(([127, 0, 0, 1], 0).into())?;
    client.set_recv_buffer_size(1)?;
    let listener = listener.listen(1)?;
    let address = listener.local_addr()?;
    let (client, accepted) = tokio::join!(client.connect(address), listener.accept());
    Ok((client?, accepted?.0, address))
}
