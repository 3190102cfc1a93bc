//! The other side, in a thread of its own. It allocates nothing between steps: what is counted is the server's.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::Orders;

/// One thing to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// So many requests, one after another, on one connection that stays for the next step.
    Requests(u16),
    /// So many new connections, each of which asks once, with 2 KiB of headers, and stays.
    Connections(u16),
}

/// How long connections are idle before they are counted: a server may give up what an idle one does not need.
const IDLE: Duration = Duration::from_millis(500);

/// More than are ever open.
const CONNECTIONS_MAX: usize = 1000;

const HEAD: &str = "GET /users/42 HTTP/1.1\r\n\
    host: localhost:9000\r\n\
    user-agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
    accept: application/json, text/plain, */*\r\n\
    accept-encoding: gzip, deflate, br\r\n\
    accept-language: en-GB,en;q=0.8\r\n";

/// Works until no more is ordered.
pub(crate) fn run(server: SocketAddr, orders: &Orders) -> io::Result<()> {
    let small = format!("{HEAD}\r\n");
    let large = format!("{HEAD}cookie: session={}\r\n\r\n", "0123456789abcdef".repeat(115));
    let mut first = connect(server)?;
    let mut idle = Vec::with_capacity(CONNECTIONS_MAX);
    while let Ok((step, done)) = orders.recv() {
        match step {
            Step::Requests(times) => {
                for _ in 0..times {
                    ask(&mut first, &small)?;
                }
            }
            Step::Connections(more) => {
                for _ in 0..more {
                    let mut connection = connect(server)?;
                    ask(&mut connection, &large)?;
                    idle.push(connection);
                }
                thread::sleep(IDLE);
            }
        }
        let _ = done.send(());
    }
    Ok(())
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    // A hang has to end.
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// The reply is small and sent in one piece: the id is its end.
fn ask(stream: &mut TcpStream, request: &str) -> io::Result<()> {
    stream.write_all(request.as_bytes())?;
    let mut reply = [0; 2048];
    let mut length = 0;
    while !reply[..length].ends_with(b"\r\n\r\n42") {
        match stream.read(&mut reply[length..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => length += read,
        }
    }
    Ok(())
}
