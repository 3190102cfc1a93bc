//! Clients that make a server hold what it lets them: they send, and read nothing. For the contract example.

use std::any::Any;
use std::time::Duration;

use testkit::{Ask, PATIENCE, h1, h2, hpack, ws};

/// A client that goes on until it is dropped.
pub type Kept = Box<dyn Any + Send>;

/// What one client does.
pub struct Greed {
    pub name: &'static str,
    pub open: fn(u16) -> Kept,
}

/// Each is bounded by another part of the server.
pub const ALL: &[Greed] = &[
    Greed { name: "250 streams of events over HTTP/2, windows open", open: |port| events(port, OPEN) },
    Greed { name: "250 streams of events over HTTP/2, windows closed", open: |port| events(port, 0) },
    Greed { name: "250 streams of gRPC", open: messages },
    Greed { name: "250 heads of 30 KiB over HTTP/2", open: large_heads },
    Greed { name: "250 heads of 7 KiB over HTTP/2", open: middling_heads },
    Greed { name: "250 small requests over HTTP/2", open: requests },
    Greed { name: "20 bodies of 60 KiB over HTTP/2, never complete", open: small_bodies },
    Greed { name: "20 gRPC messages of 60 KiB, never complete", open: half_messages },
    Greed { name: "1 MiB of bodies that no handler reads, over HTTP/2", open: unread_bodies },
    Greed { name: "50 replies over HTTP/1, pipelined", open: pipelined },
    Greed { name: "a head of 45 KiB over HTTP/1, never complete", open: half_a_head },
    Greed { name: "4 bodies of 1.9 MiB over HTTP/1, never complete", open: bodies },
    Greed { name: "4 WebSocket messages of 6 MiB, echoed", open: echoes },
    Greed { name: "half a WebSocket message of 6 MiB", open: half_a_message },
];

const STREAMS: u32 = 250;

/// The server closes on clients that open far more streams than they may.
const BODIES: usize = 20;

/// The largest window.
const OPEN: u32 = 0x7fff_ffff;

const MIB: usize = 1024 * 1024;

/// The largest message of a WebSocket.
const MESSAGE: usize = 6 * MIB;

/// How long a client tries to send what the server may not take.
const TRY: Duration = Duration::from_secs(2);

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection with this window for each stream, and the largest for all together.
pub fn windows(port: u16, window: u32) -> h2::Conn {
    let mut conn = h2::Conn::open(port);
    let settings = frame(4, 0, 0, &[&[0, 4][..], &window.to_be_bytes()].concat());
    let update = frame(8, 0, 0, &(OPEN - 65_535).to_be_bytes());
    conn.send_raw(&[settings, update].concat()).unwrap();
    conn
}

pub fn events(port: u16, window: u32) -> Kept {
    let mut conn = windows(port, window);
    for _ in 0..STREAMS {
        conn.send(&Ask::get("/sse?n=100000000"));
    }
    Box::new(conn)
}

fn messages(port: u16) -> Kept {
    let mut conn = windows(port, OPEN);
    for _ in 0..STREAMS {
        let ask = Ask {
            chunked: true,
            ..Ask::post("/greeter.Greeter/SayHellos", *b"\0\0\0\0\x0b\x0a\x09100000000")
        };
        conn.send(&ask.header("te", "trailers").header("content-type", "application/grpc"));
    }
    Box::new(conn)
}

/// Headers of 30 KiB.
pub fn large_head(target: &str) -> Ask {
    let filler = "x".repeat(1000);
    (0..30).fold(Ask::get(target), |ask, at| ask.header(&format!("x-filler-{at}"), &filler))
}

pub fn large_heads(port: u16) -> Kept {
    let mut conn = windows(port, OPEN);
    let ask = large_head("/slow?ms=600000");
    for _ in 0..STREAMS {
        conn.send(&ask);
    }
    Box::new(conn)
}

fn middling_heads(port: u16) -> Kept {
    let mut conn = windows(port, OPEN);
    let filler = "x".repeat(1000);
    let ask =
        (0..7).fold(Ask::get("/slow?ms=600000"), |ask, at| ask.header(&format!("x-filler-{at}"), &filler));
    for _ in 0..STREAMS {
        conn.send(&ask);
    }
    Box::new(conn)
}

/// Parts of so many bodies, as far as the server takes them.
pub fn parts(port: u16, ask: &Ask, piece: &[u8], bodies: usize) -> h2::Conn {
    let mut conn = windows(port, OPEN);
    // Behind an answer the server's windows are open.
    conn.ask(&Ask::get("/plaintext"));
    for _ in 0..bodies {
        let stream = conn.send_head(ask);
        if !conn.send_part(stream, piece) {
            break;
        }
    }
    conn
}

fn small_bodies(port: u16) -> Kept {
    let ask = Ask::post("/orders", vec![b' '; 61_000]).header("content-type", "application/json");
    Box::new(parts(port, &ask, &vec![b' '; 60_000], BODIES))
}

fn half_messages(port: u16) -> Kept {
    let ask = Ask { chunked: true, ..Ask::post("/greeter.Greeter/Collect", "") };
    let ask = ask.header("te", "trailers").header("content-type", "application/grpc");
    Box::new(parts(port, &ask, &[&[0, 0, 0, 0xf0, 0][..], &vec![b'x'; 60_000]].concat(), BODIES))
}

fn half_a_head(port: u16) -> Kept {
    let mut conn = h1::Conn::open(port);
    conn.send(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n");
    for at in 0..45 {
        conn.send(format!("x-filler-{at}: {}\r\n", "x".repeat(1000)).as_bytes());
    }
    Box::new(conn)
}

fn requests(port: u16) -> Kept {
    let mut conn = windows(port, OPEN);
    for _ in 0..STREAMS {
        conn.send(&Ask::get("/slow?ms=600000"));
    }
    Box::new(conn)
}

fn unread_bodies(port: u16) -> Kept {
    let mut conn = windows(port, OPEN);
    // Behind an answer the server's windows are open.
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut head = Vec::new();
    for (name, value) in
        [(":method", "POST"), (":scheme", "http"), (":path", "/slow?ms=600000"), (":authority", "a")]
    {
        hpack::write(name, value, &mut head);
    }
    for at in 1..=64 {
        conn.send_raw(&frame(1, 4, 2 * at + 1, &head)).unwrap();
        conn.send_raw(&frame(0, 0, 2 * at + 1, &[b'x'; 16_000])).unwrap();
    }
    Box::new(conn)
}

fn pipelined(port: u16) -> Kept {
    let mut conn = h1::Conn::open(port);
    conn.send(&h1::bytes(&Ask::get("/large?bytes=1000000000")).repeat(50));
    Box::new(conn)
}

/// A body that is `sent` of `length` bytes.
pub fn half_a_body(port: u16, length: usize, sent: usize) -> h1::Conn {
    let mut conn = h1::Conn::open(port);
    let head = "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    conn.send(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes());
    conn.try_send_for(&vec![b' '; sent], PATIENCE);
    conn
}

fn bodies(port: u16) -> Kept {
    Box::new([(); 4].map(|()| half_a_body(port, 2 * MIB, 19 * MIB / 10)))
}

fn echoes(port: u16) -> Kept {
    let mut client = ws::Client::open(port, "/ws");
    client.conn.try_send_for(&ws::masked(0x82, &vec![b'x'; MESSAGE]).repeat(4), TRY);
    Box::new(client)
}

fn half_a_message(port: u16) -> Kept {
    let mut client = ws::Client::open(port, "/ws");
    let message = ws::masked(0x82, &vec![b'x'; MESSAGE]);
    client.conn.try_send_for(&message[..message.len() - 1], TRY);
    Box::new(client)
}
