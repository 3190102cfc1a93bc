//! Large pieces of replies: every byte arrives once and in its place, however the client reads.

use crate::apps::bulk::pattern;
use crate::support::{Ask, Server, h1, h2};

/// Around the size from which pieces are sent from where they are (16 KiB), and that to which they are parted (64 KiB).
const SIZES: &str = "5,16383,16384,16385,1,1,65536,65537,40000,200000,7,16384,2,500000,30000,3";

/// More than the kernel holds for a client that does not read.
const HUGE: usize = 12 << 20;

fn total(sizes: &str) -> usize {
    sizes.split(',').map(|size| size.parse::<usize>().unwrap()).sum()
}

/// A client with a small buffer, so that the kernel takes a piece in many parts.
fn narrow(server: &Server) -> h1::Conn {
    let mut conn = server.connect();
    socket2::SockRef::from(&*conn.stream()).set_recv_buffer_size(48 * 1024).unwrap();
    conn
}

#[track_caller]
fn check(body: &[u8], length: usize) {
    assert_eq!(body.len(), length);
    let expected = pattern(0, length);
    let wrong = body.iter().zip(&expected).position(|(own, expected)| own != expected);
    assert_eq!(wrong, None, "the first wrong byte");
}

#[test]
fn whole_bodies_of_every_size() {
    let server = Server::app("bulk");
    let mut conn = narrow(&server);
    for length in [1, 16_383, 16_384, 65_536, 65_537, 1_000_000] {
        let answer = conn.ask(&Ask::get(format!("/whole?bytes={length}")));
        answer.assert_status(200).assert_header("content-length", &length.to_string());
        check(&answer.body, length);
    }
    check(&server.ask(&Ask::get(format!("/whole?bytes={HUGE}"))).body, HUGE);
}

#[test]
fn streams_of_pieces_of_every_size() {
    let server = Server::app("bulk");
    let mut conn = narrow(&server);
    for sizes in [SIZES, "16384", "65536,65536,65536", "20000,20000,20000,20000,1"] {
        let answer = conn.ask(&Ask::get(format!("/stream?of={sizes}")));
        answer.assert_status(200).assert_header("transfer-encoding", "chunked");
        check(&answer.body, total(sizes));
    }
}

/// The next request waits behind a reply that is on its way.
#[test]
fn replies_to_pipelined_requests_keep_apart() {
    let server = Server::app("bulk");
    let mut conn = narrow(&server);
    let whole = h1::bytes(&Ask::get("/whole?bytes=3000000"));
    let stream = h1::bytes(&Ask::get(format!("/stream?of={SIZES}")));
    let small = h1::bytes(&Ask::get("/small"));
    conn.send(&[&whole[..], &small, &stream, &whole, &small].concat());
    check(&conn.answer("GET").body, 3_000_000);
    conn.answer("GET").assert_text("small");
    check(&conn.answer("GET").body, total(SIZES));
    check(&conn.answer("GET").body, 3_000_000);
    conn.answer("GET").assert_text("small");
}

/// HTTP/1.0 has no chunks: the connection's end is that of the stream.
#[test]
fn streams_without_chunks() {
    let server = Server::app("bulk");
    let mut conn = narrow(&server);
    conn.send(format!("GET /stream?of={SIZES} HTTP/1.0\r\n\r\n").as_bytes());
    let rest = conn.rest();
    let head = rest.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    check(&rest[head + 4..], total(SIZES));
}

#[test]
fn a_head_alone_has_the_length() {
    let server = Server::app("bulk");
    let mut conn = narrow(&server);
    let answer = conn.ask(&Ask::new("HEAD", "/whole?bytes=3000000"));
    answer.assert_status(200).assert_header("content-length", "3000000");
    assert!(answer.body.is_empty());
    conn.ask(&Ask::get("/small")).assert_text("small");
}

/// What came before the error is sent, and the reply is cut.
#[test]
fn a_stream_that_fails_behind_a_large_piece() {
    let server = Server::app("bulk");
    let mut conn = narrow(&server);
    conn.send(&h1::bytes(&Ask::get("/failing?of=300000,20000")));
    conn.answer_head().assert_status(200);
    let (mut body, length) = (Vec::new(), 320_000);
    while body.len() < length {
        body.extend(conn.chunk().expect("a chunk before the error"));
    }
    check(&body, length);
    assert_eq!(conn.rest(), b"", "no end of the stream");
}

/// In and out at once: pieces as they are read.
#[test]
fn an_echo_of_what_is_still_sent() {
    let server = Server::contract();
    let mut conn = server.connect();
    let sent = pattern(0, HUGE);
    let mut sending = conn.stream().try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write as _;
            write!(sending, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {HUGE}\r\n\r\n").unwrap();
            sending.write_all(&sent).unwrap();
        });
        check(&conn.answer("POST").body, HUGE);
    });
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// A piece that its client does not take is given up with its connection.
#[test]
fn a_client_that_leaves_amid_a_piece() {
    let server = Server::app("bulk");
    for (at, target) in ["/whole?bytes=20000000", "/stream?of=20000000"].iter().enumerate() {
        let id = format!("left-{at}");
        let mut conn = narrow(&server);
        conn.send(&h1::bytes(&Ask::get(*target).header("x-fc-request-id", &id)));
        conn.answer_head().assert_status(200);
        conn.reset();
        // The record ends with the last bytes, and not before.
        assert_eq!(server.record(&id)["status"], 499, "{target}");
    }
    let mut conn = narrow(&server);
    check(&conn.ask(&Ask::get("/whole?bytes=100000")).body, 100_000);
}

/// HTTP/2 has its own frames.
#[test]
fn over_http2_too() {
    let server = Server::app("bulk");
    // A connection each: together they are more than its window.
    for (target, length) in [("/whole?bytes=60000", 60_000), ("/stream?of=20000,30000,10", 50_010)] {
        check(&h2::Conn::open(server.port).ask(&Ask::get(target)).body, length);
    }
}

#[test]
fn a_body_that_is_stored_as_it_comes() {
    let server = Server::contract();
    server.ask(&Ask::post("/store", pattern(0, 3_000_000))).assert_status(200).assert_text("3000000");
    server.ask(&Ask::post("/store", pattern(0, 100_000)).in_chunks()).assert_text("100000");
}
