//! RFC 9113, sections 4.3 and 6.10: header blocks in several frames, which nothing may interrupt.

use super::{
    CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, End, HEADERS, PING, PRIORITY, PROTOCOL_ERROR,
    RST_STREAM, Row, SETTINGS, WINDOW_UPDATE, check, request,
};

const GOES_WRONG: &[End] = &[End::Goaway(PROTOCOL_ERROR)];

/// The first half of a request's block, in a HEADERS frame; the second half is given back.
fn begin(client: &mut Client) -> Vec<u8> {
    let block = request("GET", "/plaintext", &[]);
    let (first, second) = block.split_at(block.len() / 2);
    client.frame(HEADERS, END_STREAM, 1, first);
    second.to_vec()
}

/// The request again, with a frame in its middle.
fn interrupted(client: &mut Client, kind: u8, stream: u32, payload: &[u8]) {
    let rest = begin(client);
    client.frame(kind, 0, stream, payload);
    client.frame(CONTINUATION, END_HEADERS, 1, &rest);
}

const ROWS: &[Row] = &[
    (
        "6.10: a block in three frames",
        |c| {
            let rest = begin(c);
            c.frame(CONTINUATION, 0, 1, &rest[..5]);
            c.frame(CONTINUATION, END_HEADERS, 1, &rest[5..]);
        },
        &[End::Answer(200)],
    ),
    (
        "6.10: a block in many frames",
        |c| {
            let rest = begin(c);
            for piece in rest.chunks(9) {
                c.frame(CONTINUATION, 0, 1, piece);
            }
            c.frame(CONTINUATION, END_HEADERS, 1, b"");
        },
        &[End::Answer(200)],
    ),
    (
        "6.10: a block that begins with nothing",
        |c| {
            c.frame(HEADERS, END_STREAM, 1, b"");
            c.frame(CONTINUATION, END_HEADERS, 1, &request("GET", "/plaintext", &[]));
        },
        &[End::Answer(200)],
    ),
    ("6.10: CONTINUATION on stream 0", |c| interrupted(c, CONTINUATION, 0, b""), GOES_WRONG),
    ("6.10: CONTINUATION of another stream", |c| interrupted(c, CONTINUATION, 3, b""), GOES_WRONG),
    (
        "6.10: CONTINUATION behind a whole block",
        |c| {
            c.post(1, &[]);
            c.frame(CONTINUATION, END_HEADERS, 1, b"");
        },
        GOES_WRONG,
    ),
    (
        "6.10: CONTINUATION behind the last one",
        |c| {
            // Of a request whose answer does not come before the fault.
            c.frame(HEADERS, END_STREAM, 1, &[]);
            c.frame(CONTINUATION, END_HEADERS, 1, &request("GET", "/slow?ms=600000", &[]));
            c.frame(CONTINUATION, END_HEADERS, 1, b"");
        },
        &[End::Goaway(PROTOCOL_ERROR), End::Goaway(super::STREAM_CLOSED)],
    ),
    (
        "6.10: CONTINUATION behind DATA",
        |c| {
            c.post(1, &[]);
            c.frame(DATA, 0, 1, b"tea");
            c.frame(CONTINUATION, END_HEADERS, 1, b"");
        },
        GOES_WRONG,
    ),
    ("4.3: DATA within a block", |c| interrupted(c, DATA, 1, b"tea"), GOES_WRONG),
    ("4.3: PRIORITY within a block", |c| interrupted(c, PRIORITY, 1, b"\0\0\0\0\x10"), GOES_WRONG),
    ("4.3: RST_STREAM within a block", |c| interrupted(c, RST_STREAM, 1, b"\0\0\0\x08"), GOES_WRONG),
    ("4.3: SETTINGS within a block", |c| interrupted(c, SETTINGS, 0, b""), GOES_WRONG),
    ("4.3: PING within a block", |c| interrupted(c, PING, 0, b"whatever"), GOES_WRONG),
    ("4.3: WINDOW_UPDATE within a block", |c| interrupted(c, WINDOW_UPDATE, 0, b"\0\0\0\x01"), GOES_WRONG),
    (
        "4.3: HEADERS of the same stream within a block",
        |c| {
            begin(c);
            begin(c);
        },
        GOES_WRONG,
    ),
    (
        "4.3: HEADERS of another stream within a block",
        |c| {
            begin(c);
            c.get(3);
        },
        GOES_WRONG,
    ),
    ("5.5: a frame of an unknown type within a block", |c| interrupted(c, 0x16, 1, b"whatever"), GOES_WRONG),
];

#[test]
fn blocks_in_several_frames() {
    check(ROWS);
}
