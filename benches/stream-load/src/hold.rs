//! Clients that stay: idle after one message, or not reading at all. They say `ready`, and leave when stdin ends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::frames::{connect, get, masked, plain, upgrade};
use crate::grpc::{Connection, hello};

const BINARY: u8 = 0x82;

/// A client that waits for its second event for longer than any measurement takes.
pub(crate) fn sse(port: u16, count: u64) -> Outcome {
    let request = get("/feed", "accept: text/event-stream\r\n");
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut stream = connect(port)?;
        stream.write_all(&request)?;
        crate::frames::head(&mut stream)?;
        clients.push(stream);
    }
    let mut publisher = connect(port)?;
    publisher.write_all(
        b"POST /publish HTTP/1.1\r\nhost: localhost:9000\r\ncontent-type: text/plain\r\n\
          content-length: 4\r\n\r\ntea!",
    )?;
    for stream in &mut clients {
        let mut byte = [0];
        while byte[0] != b'!' {
            stream.read_exact(&mut byte)?;
        }
    }
    wait(&clients)
}

pub(crate) fn ws(port: u16, count: u64) -> Outcome {
    let payload = [b'x'; 64];
    let (question, mut answer) = (masked(BINARY, &payload), plain(BINARY, &payload));
    let mut clients = Vec::new();
    for _ in 0..count {
        let (mut stream, _) = upgrade(port)?;
        stream.write_all(&question)?;
        stream.read_exact(&mut answer)?;
        clients.push(stream);
    }
    wait(&clients)
}

/// An endless stream of ready events that nobody reads.
pub(crate) fn stall_sse(port: u16, count: u64) -> Outcome {
    let request = get("/sse?n=4000000000&ms=0", "accept: text/event-stream\r\n");
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut stream = connect(port)?;
        stream.write_all(&request)?;
        clients.push(stream);
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
        let (stream, _) = upgrade(port)?;
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
