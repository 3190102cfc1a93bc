//! RFC 9113, sections 5.2 and 6.9: windows of flow control, in both directions.

use super::{
    Client, DATA, END_STREAM, End, FLOW_CONTROL_ERROR, HEADERS, PROTOCOL_ERROR, RST_STREAM, Row, SETTINGS,
    WINDOW_UPDATE, check,
};
use crate::support::{Ask, Server, h2};

const ROWS: &[Row] = &[
    (
        "6.9: an increment of 0 for the connection",
        |c| c.frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0"),
        &[End::Goaway(PROTOCOL_ERROR)],
    ),
    (
        "6.9: an increment of 0 for a stream",
        |c| {
            c.wait(1);
            c.frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\0");
        },
        &[End::Reset(PROTOCOL_ERROR), End::Goaway(PROTOCOL_ERROR)],
    ),
    (
        "6.9: the reserved bit of an increment",
        |c| {
            c.frame(WINDOW_UPDATE, 0, 0, b"\x80\0\0\x01");
            c.get(1);
        },
        &[End::Answer(200)],
    ),
    (
        "6.9.1: a window of the connection beyond 2^31-1",
        |c| {
            for _ in 0..2 {
                c.frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff");
            }
        },
        &[End::Goaway(FLOW_CONTROL_ERROR)],
    ),
    (
        "6.9.1: a window of a stream beyond 2^31-1",
        |c| {
            c.wait(1);
            for _ in 0..2 {
                c.frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\xff\xff");
            }
        },
        &[End::Reset(FLOW_CONTROL_ERROR), End::Goaway(FLOW_CONTROL_ERROR)],
    ),
    (
        "6.9.2: an initial window that makes a stream's go beyond 2^31-1",
        |c| {
            c.wait(1);
            c.frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\0\0");
            c.frame(SETTINGS, 0, 0, b"\0\x04\x7f\xff\xff\xff");
        },
        &[End::Goaway(FLOW_CONTROL_ERROR)],
    ),
    (
        "6.9.1: more than the window of a stream",
        flood,
        &[End::Reset(FLOW_CONTROL_ERROR), End::Goaway(FLOW_CONTROL_ERROR)],
    ),
];

/// 257 pieces of 1 KiB for a window of 256 KiB, to a handler that reads nothing.
fn flood(client: &mut Client) {
    let head = super::request("POST", "/slow?ms=600000", &[]);
    client.frame(HEADERS, super::END_HEADERS, 1, &head);
    for _ in 0..257 {
        client.frame(DATA, 0, 1, &[b'x'; 1024]);
    }
}

#[test]
fn increments() {
    check(ROWS);
}

/// The sizes of the DATA frames of a stream, until so many octets have come.
#[track_caller]
fn pieces(conn: &mut h2::Conn, stream: u32, mut octets: usize) -> Vec<usize> {
    let mut pieces = Vec::new();
    while octets > 0 {
        let frame = conn.read();
        assert!(frame.kind != RST_STREAM, "reset");
        if frame.kind == DATA && frame.stream == stream {
            octets = octets.checked_sub(frame.payload.len()).expect("no more than the window");
            pieces.push(frame.payload.len());
        }
    }
    pieces
}

/// Asks a question and reads until it is answered: no DATA is among what comes before.
#[track_caller]
fn nothing_comes(conn: &mut h2::Conn) {
    for _ in 0..3 {
        conn.frame(super::PING, 0, 0, b"question");
        loop {
            let frame = conn.read();
            assert!(frame.kind != DATA || frame.payload.is_empty(), "{frame:?}");
            if frame.kind == super::PING && frame.flags == super::ACK {
                break;
            }
        }
    }
}

/// 6.9.1 and 6.9.2: no more is sent than the stream's window has, however it changes.
#[test]
fn a_window_holds() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let initial = |conn: &mut h2::Conn, size: u32| {
        conn.frame(SETTINGS, 0, 0, &[&[0, 4][..], &size.to_be_bytes()].concat());
    };
    initial(&mut conn, 1);
    let stream = conn.send(&Ask::get("/plaintext"));
    assert_eq!(pieces(&mut conn, stream, 1), [1]);
    nothing_comes(&mut conn);
    // The change counts for streams that are there: two more.
    initial(&mut conn, 3);
    pieces(&mut conn, stream, 2);
    nothing_comes(&mut conn);
    // Three were sent: the window is -2, and an increment of 2 makes it 0.
    initial(&mut conn, 1);
    conn.frame(WINDOW_UPDATE, 0, stream, &2_u32.to_be_bytes());
    nothing_comes(&mut conn);
    conn.frame(WINDOW_UPDATE, 0, stream, &4_u32.to_be_bytes());
    pieces(&mut conn, stream, 4);
    nothing_comes(&mut conn);
    // The last of several values counts.
    conn.frame(SETTINGS, 0, 0, b"\0\x04\0\0\0\x02\0\x04\0\0\0\x07");
    pieces(&mut conn, stream, 6);
}

/// The connection's window holds for all its streams together.
#[test]
fn the_connections_window_holds() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let first = conn.send(&Ask::get("/large?bytes=65535"));
    pieces(&mut conn, first, 65_535);
    let second = conn.send(&Ask::get("/plaintext"));
    nothing_comes(&mut conn);
    conn.frame(WINDOW_UPDATE, 0, 0, &5_u32.to_be_bytes());
    pieces(&mut conn, second, 5);
    nothing_comes(&mut conn);
    // What has no body needs no window.
    let id = conn.send(&Ask::new("HEAD", "/plaintext"));
    loop {
        let frame = conn.read();
        if frame.kind == HEADERS && frame.stream == id {
            assert!(frame.flags & END_STREAM != 0);
            break;
        }
    }
    conn.frame(WINDOW_UPDATE, 0, 0, &1000_u32.to_be_bytes());
    pieces(&mut conn, second, 8);
}
