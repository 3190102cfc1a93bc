//! RFC 9113, sections 4, 5.5 and 6: sizes, flags, types and streams of frames; DATA, PRIORITY, `RST_STREAM`, PING, GOAWAY.

use super::{
    ACK, DATA, END_HEADERS, END_STREAM, End, FRAME_SIZE_ERROR, GOAWAY, H2_SAYS, HEADERS, PADDED, PING,
    PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, Row, WINDOW_UPDATE, check, request,
};

const GOES_WRONG: &[End] = &[End::Goaway(PROTOCOL_ERROR)];
/// A frame longer than its type or SETTINGS allow, or shorter.
const TOO_LONG: &[End] = &[End::Goaway(FRAME_SIZE_ERROR), H2_SAYS];
const PASSES: &[End] = &[End::Nothing];

/// Of a type that nobody has defined.
const UNKNOWN: u8 = 0x16;

const FORMAT: &[Row] = &[
    ("4.1: a frame of an unknown type", |c| c.frame(UNKNOWN, 0, 0, b"whatever"), PASSES),
    ("4.1: one on an idle stream", |c| c.frame(UNKNOWN, 0xff, 1, b""), PASSES),
    (
        "4.1: one on a stream in use",
        |c| {
            c.post(1, &[]);
            c.frame(UNKNOWN, 0, 1, b"whatever");
            c.frame(DATA, END_STREAM, 1, b"tea");
        },
        &[End::Answer(200)],
    ),
    ("4.1: flags that a PING does not have", |c| c.frame(PING, 0xfe, 0, b"whatever"), PASSES),
    (
        "4.1: flags that a DATA does not have",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, 0xf6 | END_STREAM, 1, b"tea");
        },
        &[End::Answer(200)],
    ),
    ("4.1: the reserved bit of a stream's number", |c| c.frame(PING, 0, 0x8000_0000, b"whatever"), PASSES),
    (
        "4.2: DATA of 16384 octets",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, END_STREAM, 1, &[b'x'; 16_384]);
        },
        &[End::Answer(200)],
    ),
    (
        "4.2: DATA of 16385 octets",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, END_STREAM, 1, &[b'x'; 16_385]);
        },
        TOO_LONG,
    ),
    (
        "4.2: HEADERS of almost 16384 octets",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &request("GET", "/plaintext", &[("x-filler", &"x".repeat(16_310))])[..],
            );
        },
        &[End::Answer(200)],
    ),
    (
        "4.2: HEADERS that are longer",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &request("GET", "/plaintext", &[("x-filler", &"x".repeat(16_400))])[..],
            );
        },
        TOO_LONG,
    ),
    ("4.2: a frame of an unknown type that is longer", |c| c.frame(UNKNOWN, 0, 0, &[0; 16_385]), TOO_LONG),
];

#[test]
fn format() {
    check(FORMAT);
}

const TYPES: &[Row] = &[
    ("6.1: DATA on stream 0", |c| c.frame(DATA, END_STREAM, 0, b"tea"), GOES_WRONG),
    (
        "6.1: padding of the whole payload",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, PADDED | END_STREAM, 1, b"\x03\0\0\0");
        },
        &[End::Answer(200)],
    ),
    (
        "6.1: padding longer than the payload",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, PADDED | END_STREAM, 1, b"\x04\0\0\0");
        },
        GOES_WRONG,
    ),
    (
        "6.1: padding without its length",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, PADDED | END_STREAM, 1, b"");
        },
        &[End::Goaway(PROTOCOL_ERROR), End::Goaway(FRAME_SIZE_ERROR)],
    ),
    (
        "6.1: DATA with nothing in it",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, 0, 1, b"");
            c.frame(DATA, END_STREAM, 1, b"tea");
        },
        &[End::Answer(200)],
    ),
    ("6.3: PRIORITY on stream 0", |c| c.frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"), GOES_WRONG),
    ("6.3: PRIORITY on an idle stream", |c| c.frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), PASSES),
    (
        "6.3: PRIORITY of 4 octets",
        |c| {
            c.wait(1);
            c.frame(PRIORITY, 0, 1, b"\0\0\0\0");
        },
        &[End::Reset(FRAME_SIZE_ERROR), End::Goaway(FRAME_SIZE_ERROR), H2_SAYS],
    ),
    (
        "6.3: PRIORITY of 6 octets",
        |c| {
            c.wait(1);
            c.frame(PRIORITY, 0, 1, b"\0\0\0\0\x10\0");
        },
        &[End::Reset(FRAME_SIZE_ERROR), End::Goaway(FRAME_SIZE_ERROR), H2_SAYS],
    ),
    // RFC 9113 has given up priorities; by RFC 7540 this was an error of the stream.
    (
        "5.3.2: PRIORITY of a stream that depends on itself",
        |c| {
            c.wait(1);
            c.frame(PRIORITY, 0, 1, b"\0\0\0\x01\x10");
        },
        &[End::Nothing, End::Reset(PROTOCOL_ERROR), End::Goaway(PROTOCOL_ERROR)],
    ),
    ("6.4: RST_STREAM on stream 0", |c| c.frame(RST_STREAM, 0, 0, b"\0\0\0\x08"), GOES_WRONG),
    ("6.4: RST_STREAM on an idle stream", |c| c.frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), GOES_WRONG),
    (
        "6.4: RST_STREAM of 3 octets",
        |c| {
            c.wait(1);
            c.frame(RST_STREAM, 0, 1, b"\0\0\0");
        },
        TOO_LONG,
    ),
    (
        "6.4: RST_STREAM of 5 octets",
        |c| {
            c.wait(1);
            c.frame(RST_STREAM, 0, 1, b"\0\0\0\x08\0");
        },
        TOO_LONG,
    ),
    (
        "7: RST_STREAM with an unknown code",
        |c| {
            c.wait(1);
            c.frame(RST_STREAM, 0, 1, b"\0\0\0\xff");
        },
        PASSES,
    ),
    (
        "6.6: PUSH_PROMISE from a client",
        |c| {
            c.wait(1);
            c.frame(PUSH_PROMISE, END_HEADERS, 1, &[&b"\0\0\0\x02"[..], &request("GET", "/", &[])].concat());
        },
        GOES_WRONG,
    ),
    ("6.7: PING on a stream", |c| c.frame(PING, 0, 1, b"whatever"), GOES_WRONG),
    ("6.7: PING of 7 octets", |c| c.frame(PING, 0, 0, b"whateve"), TOO_LONG),
    ("6.7: PING of 9 octets", |c| c.frame(PING, 0, 0, b"whatever?"), TOO_LONG),
    ("6.7: an answer to a PING that was never sent", |c| c.frame(PING, ACK, 0, b"whatever"), PASSES),
    ("6.8: GOAWAY on a stream", |c| c.frame(GOAWAY, 0, 1, b"\0\0\0\0\0\0\0\0"), GOES_WRONG),
    ("6.8: GOAWAY of 7 octets", |c| c.frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0"), TOO_LONG),
    ("6.9: WINDOW_UPDATE of 3 octets", |c| c.frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01"), TOO_LONG),
    ("6.9: WINDOW_UPDATE of 5 octets", |c| c.frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01\0"), TOO_LONG),
    (
        "6.9: WINDOW_UPDATE of 3 octets on a stream",
        |c| {
            c.wait(1);
            c.frame(WINDOW_UPDATE, 0, 1, b"\0\0\x01");
        },
        TOO_LONG,
    ),
];

#[test]
fn types() {
    check(TYPES);
}

/// 6.7: a PING is answered with the octets that came, and its answer is no question.
#[test]
fn a_ping_is_answered_in_kind() {
    let server = crate::support::Server::contract();
    let mut conn = crate::support::h2::Conn::open(server.port);
    for opaque in [b"whatever", b"\0\0\0\0\0\0\0\0", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"] {
        conn.frame(PING, 0, 0, opaque);
        let answer = std::iter::repeat_with(|| conn.read()).find(|frame| frame.kind == PING).unwrap();
        assert_eq!((answer.flags, answer.stream, &answer.payload[..]), (ACK, 0, &opaque[..]));
    }
}

/// 6.8: a client that says goodbye gets what it has asked for before.
#[test]
fn a_goodbye_leaves_what_was_asked() {
    let server = crate::support::Server::contract();
    for code in [0_u32, 0xff] {
        let mut conn = crate::support::h2::Conn::open(server.port);
        let stream = conn.send_head(&crate::support::Ask::post("/echo", "tea"));
        conn.frame(GOAWAY, 0, 0, &[&[0; 4][..], &code.to_be_bytes()].concat());
        conn.frame(DATA, END_STREAM, stream, b"tea");
        assert_eq!(conn.answer_through_goaway(stream).assert_status(200).body, b"tea");
        conn.read_to_close();
    }
}

#[test]
fn padding_and_priority_of_a_head() {
    check(HEADS);
}

const HEADS: &[Row] = &[
    (
        "6.2: HEADERS on stream 0",
        |c| c.frame(HEADERS, END_HEADERS | END_STREAM, 0, &request("GET", "/plaintext", &[])),
        GOES_WRONG,
    ),
    (
        "6.2: HEADERS with padding",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM | PADDED,
                1,
                &[&[2][..], &request("GET", "/plaintext", &[]), &[0, 0]].concat(),
            );
        },
        &[End::Answer(200)],
    ),
    (
        "6.2: HEADERS with padding longer than the payload",
        |c| c.frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x08\x82\x84\x86"),
        GOES_WRONG,
    ),
    (
        "6.2: HEADERS with a priority",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM | super::PRIORITIZED,
                1,
                &[&b"\x80\0\0\0\xff"[..], &request("GET", "/plaintext", &[])].concat(),
            );
        },
        &[End::Answer(200)],
    ),
    (
        "6.2: HEADERS with padding and a priority",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM | PADDED | super::PRIORITIZED,
                1,
                &[&b"\x01\0\0\0\x03\xff"[..], &request("GET", "/plaintext", &[]), &[0]].concat(),
            );
        },
        &[End::Answer(200)],
    ),
    (
        "6.2: HEADERS with a priority that is cut short",
        |c| c.frame(HEADERS, END_HEADERS | END_STREAM | super::PRIORITIZED, 1, b"\0\0"),
        &[End::Goaway(FRAME_SIZE_ERROR), End::Goaway(PROTOCOL_ERROR)],
    ),
    // RFC 9113 has given up priorities; by RFC 7540 this was an error of the stream.
    (
        "5.3.2: HEADERS of a stream that depends on itself",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM | super::PRIORITIZED,
                1,
                &[&b"\0\0\0\x01\xff"[..], &request("GET", "/plaintext", &[])].concat(),
            );
        },
        &[End::Answer(200), End::Reset(PROTOCOL_ERROR), End::Goaway(PROTOCOL_ERROR)],
    ),
];
