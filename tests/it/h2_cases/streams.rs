//! RFC 9113, section 5.1: the states of a stream, and the numbers and the count of streams.

use super::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, End, H2_SAYS, HEADERS, PRIORITY, PROTOCOL_ERROR,
    REFUSED_STREAM, RST_STREAM, Row, STREAM_CLOSED, WINDOW_UPDATE, check, request,
};
use crate::support::{Ask, Server, h2};

const GOES_WRONG: &[End] = &[End::Goaway(PROTOCOL_ERROR)];
/// Of a stream whose client has said its last: an error of the stream, which may be one of the connection.
const IS_OVER: &[End] = &[End::Reset(STREAM_CLOSED), End::Goaway(STREAM_CLOSED), End::Goaway(PROTOCOL_ERROR)];
const CANCEL: &[u8] = b"\0\0\0\x08";

const IDLE: &[Row] = &[
    ("5.1: DATA on an idle stream", |c| c.frame(DATA, END_STREAM, 1, b"tea"), GOES_WRONG),
    ("5.1: RST_STREAM on an idle stream", |c| c.frame(RST_STREAM, 0, 1, CANCEL), GOES_WRONG),
    ("5.1: WINDOW_UPDATE on an idle stream", |c| c.frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x64"), GOES_WRONG),
    (
        "5.1: CONTINUATION on an idle stream",
        |c| c.frame(CONTINUATION, END_HEADERS, 1, &request("GET", "/plaintext", &[])),
        GOES_WRONG,
    ),
    (
        "5.1: PRIORITY on an idle stream, which is used later",
        |c| {
            c.frame(PRIORITY, 0, 3, b"\0\0\0\0\x10");
            c.get(1);
        },
        &[End::Answer(200)],
    ),
];

#[test]
fn idle() {
    check(IDLE);
}

const HALF_CLOSED: &[Row] = &[
    (
        "5.1: DATA behind the end of a request",
        |c| {
            c.wait(1);
            c.frame(DATA, END_STREAM, 1, b"tea");
        },
        IS_OVER,
    ),
    (
        "5.1: HEADERS behind the end of a request",
        |c| {
            c.wait(1);
            c.wait(1);
        },
        IS_OVER,
    ),
    (
        "5.1: CONTINUATION behind the end of a request",
        |c| {
            c.wait(1);
            c.frame(CONTINUATION, END_HEADERS, 1, &request("GET", "/", &[]));
        },
        &[End::Goaway(PROTOCOL_ERROR), End::Goaway(STREAM_CLOSED)],
    ),
    (
        "5.1: WINDOW_UPDATE behind the end of a request",
        |c| {
            c.wait(1);
            c.frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x64");
        },
        &[End::Nothing],
    ),
    (
        "5.1: PRIORITY behind the end of a request",
        |c| {
            c.wait(1);
            c.frame(PRIORITY, 0, 1, b"\0\0\0\0\x10");
        },
        &[End::Nothing],
    ),
    (
        "5.1: RST_STREAM behind the end of a request",
        |c| {
            c.wait(1);
            c.frame(RST_STREAM, 0, 1, CANCEL);
        },
        &[End::Nothing],
    ),
    (
        "5.1: DATA behind the end of a body",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, END_STREAM, 1, b"tea");
            c.frame(DATA, 0, 1, b"salt");
        },
        &[End::Answer(200), End::Reset(STREAM_CLOSED), End::Goaway(STREAM_CLOSED), H2_SAYS],
    ),
];

#[test]
fn half_closed() {
    check(HALF_CLOSED);
}

/// A stream that its client has reset. Frames that were on their way are passed over, or are an error.
const RESET: &[Row] = &[
    (
        "5.1: DATA on a stream that was reset",
        |c| {
            c.post(1, &[]);
            c.frame(RST_STREAM, 0, 1, CANCEL);
            c.frame(DATA, END_STREAM, 1, b"tea");
        },
        IS_OVER,
    ),
    (
        "5.1: HEADERS on a stream that was reset",
        |c| {
            c.post(1, &[]);
            c.frame(RST_STREAM, 0, 1, CANCEL);
            c.wait(1);
        },
        IS_OVER,
    ),
    (
        "5.1: CONTINUATION on a stream that was reset",
        |c| {
            c.post(1, &[]);
            c.frame(RST_STREAM, 0, 1, CANCEL);
            c.frame(CONTINUATION, END_HEADERS, 1, b"");
        },
        &[End::Goaway(PROTOCOL_ERROR), End::Goaway(STREAM_CLOSED)],
    ),
    (
        "5.1: WINDOW_UPDATE on a stream that was reset",
        |c| {
            c.post(1, &[]);
            c.frame(RST_STREAM, 0, 1, CANCEL);
            c.frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x64");
        },
        &[End::Nothing],
    ),
    (
        "5.1: PRIORITY on a stream that was reset",
        |c| {
            c.post(1, &[]);
            c.frame(RST_STREAM, 0, 1, CANCEL);
            c.frame(PRIORITY, 0, 1, b"\0\0\0\0\x10");
        },
        &[End::Nothing],
    ),
    (
        "5.1: RST_STREAM on a stream that was reset",
        |c| {
            c.post(1, &[]);
            c.frame(RST_STREAM, 0, 1, CANCEL);
            c.frame(RST_STREAM, 0, 1, CANCEL);
        },
        &[End::Nothing],
    ),
];

#[test]
fn reset() {
    check(RESET);
}

const NUMBERS: &[Row] = &[
    (
        "5.1.1: a stream with an even number",
        |c| {
            c.stream = 2;
            c.get(2);
        },
        GOES_WRONG,
    ),
    (
        "5.1.1: a stream with a lower number than another",
        |c| {
            c.wait(5);
            c.stream = 3;
            c.wait(3);
        },
        &[End::Goaway(PROTOCOL_ERROR), End::Goaway(STREAM_CLOSED), End::Reset(STREAM_CLOSED)],
    ),
    (
        "5.1.1: numbers that are left out",
        |c| {
            c.stream = 9;
            c.get(9);
        },
        &[End::Answer(200)],
    ),
    (
        "5.1.1: the highest number",
        |c| {
            c.stream = 0xfff;
            c.get(0xfff);
        },
        &[End::Answer(200)],
    ),
];

#[test]
fn numbers() {
    check(NUMBERS);
}

/// 5.1: streams that were answered in full are closed: what still comes for them is an error, or was on its way.
#[test]
fn closed() {
    let server = Server::contract();
    let pass = [(WINDOW_UPDATE, &b"\0\0\0\x64"[..]), (PRIORITY, b"\0\0\0\0\x10"), (RST_STREAM, CANCEL)];
    for (kind, payload) in pass {
        let mut conn = h2::Conn::open(server.port);
        let stream = conn.send(&Ask::get("/plaintext"));
        conn.answer(stream).assert_status(200);
        conn.frame(kind, 0, stream, payload);
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    let head = request("GET", "/plaintext", &[]);
    for (kind, flags, payload) in [
        (DATA, END_STREAM, &b"tea"[..]),
        (HEADERS, END_HEADERS | END_STREAM, &head),
        (CONTINUATION, END_HEADERS, &head),
    ] {
        let conn = h2::Conn::open(server.port);
        let mut client = super::Client { conn, stream: 1, status: None };
        client.conn.ask(&Ask::get("/plaintext")).assert_status(200);
        client.frame(kind, flags, 1, payload);
        let end = client.end(false);
        assert!(IS_OVER.contains(&end), "type {kind}: {end:?}");
    }
}

/// 5.1.2: beyond the limit that SETTINGS tell, a stream is refused, and the others go on.
#[test]
fn too_many() {
    let server = Server::contract();
    let mut client = super::Client::open(&server);
    for at in 0..256 {
        client.wait(2 * at + 1);
    }
    client.stream = 513;
    client.wait(513);
    let end = client.end(false);
    assert!([End::Reset(REFUSED_STREAM), End::Reset(PROTOCOL_ERROR)].contains(&end), "{end:?}");
    client.frame(RST_STREAM, 0, 1, CANCEL);
    client.goes_on("after a stream was refused");
    drop(client);
    server.until_idle();
}
