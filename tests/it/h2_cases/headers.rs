//! RFC 9113, section 4.3 and 10.5.1: header blocks that are too large, or no blocks.

use super::{COMPRESSION_ERROR, END_HEADERS, END_STREAM, End, H2_SAYS, HEADERS, Row, block, check, request};

const ROWS: &[Row] = &[
    (
        "4.3: octets that are no header block",
        |c| c.frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff"),
        &[End::Goaway(COMPRESSION_ERROR), H2_SAYS],
    ),
    (
        "4.3: a block that ends in a field",
        |c| {
            let block = request("GET", "/plaintext", &[("x-y", "z")]);
            c.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block[..block.len() - 1]);
        },
        &[End::Goaway(COMPRESSION_ERROR), H2_SAYS],
    ),
    (
        "10.5.1: more fields than SETTINGS allow",
        |c| {
            let pieces: Vec<_> = (0..3).map(|_| "x".repeat(12_000)).collect();
            let all = block(&pieces.iter().map(|piece| ("x-filler", &piece[..])).collect::<Vec<_>>());
            let head = [request("GET", "/plaintext", &[]), all].concat();
            c.frame(HEADERS, END_STREAM, 1, &head[..16_000]);
            c.frame(super::CONTINUATION, 0, 1, &head[16_000..32_000]);
            c.frame(super::CONTINUATION, END_HEADERS, 1, &head[32_000..]);
        },
        &[End::Answer(431)],
    ),
];

#[test]
fn blocks() {
    check(ROWS);
}
