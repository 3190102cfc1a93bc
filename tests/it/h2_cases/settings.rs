//! RFC 9113, section 6.5: SETTINGS.

use super::{ACK, End, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, H2_SAYS, PROTOCOL_ERROR, Row, SETTINGS, check};
use crate::support::{Server, h2};

const GOES_WRONG: &[End] = &[End::Goaway(PROTOCOL_ERROR)];
const TOO_LONG: &[End] = &[End::Goaway(FRAME_SIZE_ERROR), H2_SAYS];
const PASSES: &[End] = &[End::Nothing];

const ROWS: &[Row] = &[
    ("6.5: SETTINGS on a stream", |c| c.frame(SETTINGS, 0, 1, b"\0\x03\0\0\0\x64"), GOES_WRONG),
    ("6.5: an acknowledgement with a payload", |c| c.frame(SETTINGS, ACK, 0, b"\0\x03\0\0\0\x64"), TOO_LONG),
    ("6.5: SETTINGS of 3 octets", |c| c.frame(SETTINGS, 0, 0, b"\0\x03\0"), TOO_LONG),
    ("6.5: SETTINGS of 7 octets", |c| c.frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\x64\0"), TOO_LONG),
    ("6.5: SETTINGS with nothing in them", |c| c.frame(SETTINGS, 0, 0, b""), PASSES),
    ("6.5.2: ENABLE_PUSH of 2", |c| c.frame(SETTINGS, 0, 0, b"\0\x02\0\0\0\x02"), GOES_WRONG),
    (
        "6.5.2: INITIAL_WINDOW_SIZE of 2^31",
        |c| c.frame(SETTINGS, 0, 0, b"\0\x04\x80\0\0\0"),
        &[End::Goaway(FLOW_CONTROL_ERROR), H2_SAYS],
    ),
    ("6.5.2: INITIAL_WINDOW_SIZE of 2^31-1", |c| c.frame(SETTINGS, 0, 0, b"\0\x04\x7f\xff\xff\xff"), PASSES),
    ("6.5.2: MAX_FRAME_SIZE of 16383", |c| c.frame(SETTINGS, 0, 0, b"\0\x05\0\0\x3f\xff"), GOES_WRONG),
    ("6.5.2: MAX_FRAME_SIZE of 16384", |c| c.frame(SETTINGS, 0, 0, b"\0\x05\0\0\x40\0"), PASSES),
    ("6.5.2: MAX_FRAME_SIZE of 2^24-1", |c| c.frame(SETTINGS, 0, 0, b"\0\x05\0\xff\xff\xff"), PASSES),
    ("6.5.2: MAX_FRAME_SIZE of 2^24", |c| c.frame(SETTINGS, 0, 0, b"\0\x05\x01\0\0\0"), GOES_WRONG),
    ("6.5.2: an unknown setting", |c| c.frame(SETTINGS, 0, 0, b"\0\xff\0\0\0\x01"), PASSES),
    (
        "6.5.2: MAX_CONCURRENT_STREAMS of 0, which is about pushes",
        |c| {
            c.frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\0");
            c.get(1);
        },
        &[End::Answer(200)],
    ),
    (
        "6.5.2: a table of 0 and then of 4096 octets",
        |c| {
            c.frame(SETTINGS, 0, 0, b"\0\x01\0\0\x10\0\0\x01\0\0\0\0");
            c.get(1);
        },
        &[End::Answer(200)],
    ),
];

#[test]
fn values() {
    check(ROWS);
}

/// 6.5.3: each SETTINGS is acknowledged, in their order with what comes between them.
#[test]
fn each_is_acknowledged() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    for _ in 0..3 {
        conn.frame(SETTINGS, 0, 0, b"\0\x04\0\x01\0\0");
    }
    // Those of the preface too.
    let mut acknowledged = 0;
    while acknowledged < 4 {
        let frame = conn.read();
        if frame.kind == SETTINGS && frame.flags & ACK != 0 {
            assert_eq!((frame.stream, frame.payload.len()), (0, 0));
            acknowledged += 1;
        }
    }
}
