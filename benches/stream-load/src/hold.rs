//! Clients that stay: idle after one message, or not reading at all. They say `ready`, and leave when stdin ends.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use testkit::h1::{self, Conn};
use testkit::ws::{masked, plain};

use crate::Outcome;
use crate::frames::{begin, events, publish, upgrade};
use crate::grpc::{Connection, hello};

const BINARY: u8 = 0x82;

/// A client that waits for its second event for longer than any measurement takes.
pub(crate) fn sse(port: u16, count: u64) -> Outcome {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut conn = Conn::open(port);
        begin(&mut conn, &events("/feed"), 200);
        clients.push(conn);
    }
    publish(&mut Conn::open(port), "tea!");
    for conn in &mut clients {
        conn.until_text("!");
    }
    wait(&clients)
}

pub(crate) fn ws(port: u16, count: u64) -> Outcome {
    let payload = [b'x'; 64];
    let (question, expected) = (masked(BINARY, &payload), plain(BINARY, &payload));
    let mut clients = Vec::new();
    for _ in 0..count {
        let (mut conn, _) = upgrade(port);
        conn.send(&question);
        if conn.bytes(expected.len()) != expected {
            return Err("the echo is not what was sent".into());
        }
        clients.push(conn);
    }
    wait(&clients)
}

/// An endless stream of ready events that nobody reads.
pub(crate) fn stall_sse(port: u16, count: u64) -> Outcome {
    let request = h1::bytes(&events("/sse?n=4000000000&ms=0"));
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut conn = Conn::open(port);
        conn.send(&request);
        clients.push(conn);
    }
    settle();
    wait(&clients)
}

/// Every client sends until nothing more is taken, and reads no echo.
pub(crate) fn stall_ws(port: u16, count: u64) -> Outcome {
    const PATIENCE: Duration = Duration::from_secs(2);
    let frame = masked(BINARY, &[b'x'; 16 * 1024]);
    let mut clients: Vec<(TcpStream, usize)> = Vec::new();
    for _ in 0..count {
        let stream = upgrade(port).0.into_stream();
        stream.set_nonblocking(true)?;
        clients.push((stream, 0));
    }
    let mut last_taken = Instant::now();
    while last_taken.elapsed() < PATIENCE {
        for (stream, sent) in &mut clients {
            match stream.write(&frame[*sent..]) {
                Ok(written) => {
                    *sent = (*sent + written) % frame.len();
                    last_taken = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    wait(&clients)
}

/// Server streams whose windows stay as small as they begin.
pub(crate) fn stall_grpc(port: u16, count: u64) -> Outcome {
    const WINDOW: u32 = 65_535;
    let message = hello("1000000000");
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut connection = Connection::open(port, "/greeter.Greeter/SayHellos", WINDOW)?;
        connection.begin(&message, true)?;
        clients.push(connection);
    }
    settle();
    wait(&clients)
}

/// Long enough for a server to fill every buffer there is.
fn settle() {
    std::thread::sleep(Duration::from_secs(2));
}

/// `clients` are only kept.
fn wait<T>(clients: &[T]) -> Outcome {
    println!("ready {}", clients.len());
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
