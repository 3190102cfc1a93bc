//! What passes a proxy while both sides are well: events, sockets, gRPC-Web, bodies, and how connections are used again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::BOUND;
use super::front::Front;
use crate::support::h1::{self, Conn};
use crate::support::{Ask, Server, ws};
use testkit::ws::masked;

/// The head passes before there is an event, and each event before the next one is made.
#[track_caller]
pub fn events(server: &Server, front: &Front) -> String {
    let mut conn = Conn::open(front.port);
    conn.send(&h1::bytes(&Ask::get("/feed")));
    server.until_counter("in_flight", 2);
    let is_open = conn.comes_within(BOUND);
    if is_open {
        conn.answer_head().assert_status(200).assert_header("content-type", "text/event-stream");
        // The comment with which a silent stream opens.
        conn.until_text(":\n");
    }
    let mut at_once = true;
    for text in ["one", "two", "three"] {
        publish(server, text, "1");
        at_once &= conn.comes_within(BOUND);
        if at_once {
            if text == "one" && !is_open {
                conn.answer_head().assert_status(200).assert_header("content-type", "text/event-stream");
            }
            conn.until_text(&format!("data: {text}\n\n"));
        }
    }
    if !at_once {
        return "held back".to_owned();
    }
    drop(conn);
    // A proxy that does not look at its clients finds out by an event that this one has left.
    testkit::eventually("the stream to be over", || {
        server.counter("in_flight") == 1 || {
            server.ask(&Ask::post("/publish", "nobody listens"));
            false
        }
    });
    if is_open { "at once" } else { "head with the first event" }.to_owned()
}

#[track_caller]
fn publish(server: &Server, text: &str, clients: &str) {
    server.ask(&Ask::post("/publish", text)).assert_status(200).assert_text(clients);
}

/// The handshake, messages of every size of length, a ping, and the code of a close.
#[track_caller]
pub fn socket(front: &Front) -> String {
    let mut client = match open_socket(front, "handshake") {
        Ok(client) => client,
        Err(status) => return format!("no, {status}"),
    };
    for text in ["tea".to_owned(), "x".repeat(1000), "y".repeat(100_000)] {
        client.text(&text);
        client.assert_text(&text);
    }
    client.send(0x89, b"are you there");
    assert_eq!(client.frame(), (0x8a, b"are you there".to_vec()));
    client.conn.send(&masked(0x88, &4001_u16.to_be_bytes()));
    assert_eq!(client.frame(), (0x88, 4001_u16.to_be_bytes().to_vec()));
    "yes".to_owned()
}

/// A socket that has echoed something, or the status of the handshake that failed.
#[track_caller]
pub fn open_socket(front: &Front, id: &str) -> Result<ws::Client, u16> {
    let mut conn = Conn::open(front.port);
    conn.send(&h1::bytes(&ws::handshake("/ws").header("x-fc-request-id", id)));
    let answer = conn.answer_head();
    if answer.status != 101 {
        return Err(answer.status);
    }
    answer.assert_header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let mut client = ws::Client { conn };
    client.text("tea");
    client.assert_text("tea");
    Ok(client)
}

/// Messages and the status, which is the end of the body.
#[track_caller]
pub fn grpc_web(front: &Front) -> String {
    let ask = Ask::post("/greeter.Greeter/SayHellos", b"\x00\x00\x00\x00\x03\x0a\x012".to_vec());
    let mut conn = Conn::open(front.port);
    conn.send(&h1::bytes(&ask.header("content-type", "application/grpc-web+proto")));
    let text = conn.until_text("grpc-status");
    assert!(text.contains("Hello 2") && text.contains("grpc-status: 0"), "{text:?}");
    "yes".to_owned()
}

/// Whether a body reaches the function before the client has sent the rest, and what becomes of a reply that begins before.
#[track_caller]
pub fn upload(server: &Server, front: &Front) -> String {
    let length = upload_by(server, front, false);
    // One that is cut is cut in chunks too, and the function waits half a minute for its end.
    let chunks = if length == CUT { CUT } else { upload_by(server, front, true) };
    if length == chunks { length.to_owned() } else { format!("{length}; chunked: {chunks}") }
}

const CUT: &str = "streamed, cut by an early reply";

#[track_caller]
fn upload_by(server: &Server, front: &Front, chunked: bool) -> &'static str {
    let upload = Upload::begin(front, "/publish", "upload", chunked);
    let is_seen = super::comes_true(|| server.counter("in_flight") == 2);
    let reply = upload.finish(|reply| reply.contains("\r\n\r\n"));
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply:?}");
    if !is_seen {
        return "collected";
    }
    // The reply has a length where the proxy has collected it.
    let is_whole =
        |reply: &str| reply.contains(END) && (reply.ends_with("0\r\n\r\n") || reply.ends_with(END));
    let mut upload = Upload::begin(front, "/echo", "echo", chunked);
    let is_echoed = upload.conn.comes_within(BOUND);
    let mut are_whole = is_whole(&upload.finish(is_whole));
    // Whether such an exchange is cut may be a matter of luck.
    for _ in 0..ROUNDS {
        are_whole = are_whole && is_whole(&Upload::begin(front, "/echo", "echo", chunked).finish(is_whole));
    }
    server.until_idle();
    match (are_whole, is_echoed) {
        (true, true) => "streamed, both ways",
        (true, false) => "streamed",
        (false, _) => CUT,
    }
}

/// How often a reply is asked for that begins before its request has ended.
const ROUNDS: usize = 10;

/// The end of the body of an upload.
const END: &str = "the end";

/// A request of which half of the body is sent.
pub struct Upload {
    conn: Conn,
    rest: Vec<u8>,
}

impl Upload {
    /// Sends half of a body, more of it than a proxy collects before it looks.
    #[track_caller]
    pub fn begin(front: &Front, path: &str, id: &str, chunked: bool) -> Self {
        let body = "x".repeat(200_000) + END;
        let header = if chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            format!("content-length: {}", body.len())
        };
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nx-fc-request-id: {id}\r\n{header}\r\n\r\n");
        let [first, mut rest] = <[&str; 2]>::from(body.split_at(body.len() / 2))
            .map(|half| if chunked { format!("{:x}\r\n{half}\r\n", half.len()) } else { half.to_owned() });
        if chunked {
            rest += "0\r\n\r\n";
        }
        let mut conn = Conn::open(front.port);
        conn.send((head + &first).as_bytes());
        Self { conn, rest: rest.into_bytes() }
    }

    /// Sends the other half: what comes back until it is whole, or nothing comes any more. A proxy may have closed.
    fn finish(mut self, is_whole: impl Fn(&str) -> bool) -> String {
        // In pieces, between which the function answers.
        for piece in self.rest.chunks(self.rest.len().div_ceil(5)) {
            let _ = self.conn.try_send(piece);
            testkit::pause();
        }
        let mut reply = String::new();
        super::comes_true(|| {
            reply += &String::from_utf8_lossy(&self.conn.until_quiet(Duration::from_millis(20)));
            is_whole(&reply)
        });
        reply
    }
}

/// How many requests of one client, and of several, share a connection to the function.
#[track_caller]
pub fn reuse(server: &Server, front: &Front) -> String {
    // One whose reply does not begin before the request is read: a Go proxy cuts others now and then.
    let order =
        Ask::post("/orders", r#"{"item":"tea","quantity":1}"#).header("content-type", "application/json");
    let [get, post] =
        [(Ask::get("/json"), 200), (order, 201)].map(|(ask, status)| reuse_by(server, front, &ask, status));
    if get == post { get.to_owned() } else { format!("{get}; `POST`: {post}") }
}

#[track_caller]
fn reuse_by(server: &Server, front: &Front, ask: &Ask, status: u16) -> &'static str {
    const REQUESTS: usize = 10;
    let opened = |ask_all: &dyn Fn()| {
        let before = peers(server.port);
        ask_all();
        peers(server.port).difference(&before).count()
    };
    let of_one = opened(&|| {
        let mut conn = Conn::open(front.port);
        for _ in 0..REQUESTS {
            conn.ask(ask).assert_status(status);
        }
    });
    let of_several = opened(&|| {
        for _ in 0..REQUESTS {
            Conn::open(front.port).ask(ask).assert_status(status);
        }
    });
    match (of_one * 2 < REQUESTS, of_several * 2 < REQUESTS) {
        (true, true) => "yes",
        (true, false) => "of one client",
        (false, _) => "no",
    }
}

/// The ports that have, or had a moment ago, a connection to this port of this machine.
fn peers(port: u16) -> BTreeSet<u16> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port_of = |address: &str| u16::from_str_radix(address.split_once(':').unwrap().1, 16).unwrap();
    let ends = table.lines().skip(1).map(|line| {
        let mut words = line.split_whitespace().skip(1).map(port_of);
        (words.next().unwrap(), words.next().unwrap())
    });
    let other = ends.filter_map(|(local, remote)| match (local == port, remote == port) {
        (true, _) => Some(remote),
        (_, true) => Some(local),
        _ => None,
    });
    other.filter(|port| *port != 0).collect()
}
