//! RFC 7541: fields in their codings, and blocks that cannot be decoded. Those end the connection (RFC 9113, section
//! 4.3), because the tables of both sides would differ from then on.

use super::{COMPRESSION_ERROR, Client, END_HEADERS, END_STREAM, End, H2_SAYS, HEADERS, Row, check, request};

const BROKEN: &[End] = &[End::Goaway(COMPRESSION_ERROR), H2_SAYS];
const FINE: &[End] = &[End::Answer(200)];

/// A good request on stream 1 with these octets at its end.
fn ends(client: &mut Client, octets: &[u8]) {
    let block = [&request("GET", "/plaintext", &[])[..], octets].concat();
    client.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
}

/// A good request with these octets at its beginning.
fn begins(client: &mut Client, octets: &[u8]) {
    let block = [octets, &request("GET", "/plaintext", &[])].concat();
    client.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
}

/// A request on a stream, from octets alone.
fn of(client: &mut Client, stream: u32, octets: &[u8]) {
    client.frame(HEADERS, END_HEADERS | END_STREAM, stream, octets);
}

/// `:method: GET`, `:scheme: http`, `:authority: a`, all but the path by the static table.
const HEAD: &[u8] = b"\x82\x86\x01\x01a";

/// `/plaintext` in Huffman's code (appendix B), which ends with an octet.
const PLAINTEXT: &[u8] = b"\x04\x87\x62\xba\x06\x6a\x92\x5f\x29";

const CODINGS: &[Row] = &[
    ("6.1: indexed fields", |c| of(c, 1, &[HEAD, b"\x04\x0a/plaintext"].concat()), FINE),
    (
        "6.2.1: a field that joins the table, and is used by its index",
        |c| {
            of(c, 1, &[HEAD, b"\x44\x0a/plaintext"].concat());
            of(c, 3, b"\x82\x86\x01\x01a\xbe");
            c.stream = 3;
        },
        FINE,
    ),
    (
        "6.2.1: a new name that joins the table, used for another value",
        |c| {
            of(c, 1, &[HEAD, b"\x04\x0a/plaintext\x40\x03x-y\x01z"].concat());
            of(c, 3, &[HEAD, b"\x04\x0a/plaintext\x7e\x01w\xbe\xbf"].concat());
            c.stream = 3;
        },
        FINE,
    ),
    ("6.2.3: a field that never joins a table", |c| ends(c, b"\x10\x03x-y\x01z"), FINE),
    ("5.2: a text in Huffman's code", |c| of(c, 1, &[HEAD, PLAINTEXT].concat()), FINE),
    (
        "5.2: padding of one bit, and of seven",
        |c| ends(c, b"\x00\x03x-y\x81\xf7\x00\x03x-z\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
        FINE,
    ),
    ("6.3: a smaller table at the beginning of a block", |c| begins(c, b"\x20"), FINE),
    ("6.3: two sizes at the beginning of a block", |c| begins(c, b"\x20\x3f\xe1\x1f"), FINE),
    (
        "4.2: a table made empty forgets its fields",
        |c| {
            of(c, 1, &[HEAD, b"\x44\x0a/plaintext"].concat());
            of(c, 3, b"\x20\x82\x86\x01\x01a\xbe");
            c.stream = 3;
        },
        BROKEN,
    ),
    (
        "4.4: a field larger than the table empties it",
        |c| {
            let long = [&b"\x40\x03x-y\x7f\xa1\x1f"[..], &[b'z'; 4128]].concat();
            of(c, 1, &[HEAD, b"\x04\x0a/plaintext", &long].concat());
            of(c, 3, &[HEAD, b"\x04\x0a/plaintext\xbe"].concat());
            c.stream = 3;
        },
        BROKEN,
    ),
];

#[test]
fn codings() {
    check(CODINGS);
}

const FAULTS: &[Row] = &[
    ("6.1: index 0", |c| ends(c, b"\x80"), BROKEN),
    ("2.3.3: an index beyond both tables", |c| ends(c, b"\xbe"), BROKEN),
    ("2.3.3: an index far beyond", |c| ends(c, b"\xff\xff\xff\xff\x0f"), BROKEN),
    ("2.3.3: a name's index beyond both tables", |c| ends(c, b"\x7e\x01z"), BROKEN),
    ("2.3.3: one of a field that joins no table", |c| ends(c, b"\x0f\x7f\x01z"), BROKEN),
    ("5.1: an integer without an end", |c| ends(c, b"\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), BROKEN),
    ("5.1: an integer that is cut short", |c| ends(c, b"\xff"), BROKEN),
    ("5.2: a name that is cut short", |c| ends(c, b"\x00\x08x-y"), BROKEN),
    ("5.2: a value that is cut short", |c| ends(c, b"\x00\x03x-y\x08z"), BROKEN),
    ("5.2: a value that is missing", |c| ends(c, b"\x00\x03x-y"), BROKEN),
    ("5.2: a length beyond all blocks", |c| ends(c, b"\x00\x03x-y\x7f\xff\xff\xff\x0f"), BROKEN),
    // `z` is 1111011, and one bit of padding follows.
    ("5.2: padding of a whole octet", |c| ends(c, b"\x00\x03x-y\x82\xf7\xff"), BROKEN),
    ("5.2: padding of zeros", |c| ends(c, b"\x00\x03x-y\x81\xf6"), BROKEN),
    ("5.2: the end of a text, coded", |c| ends(c, b"\x00\x03x-y\x84\xff\xff\xff\xff"), BROKEN),
    ("4.2: a size of the table behind a field", |c| ends(c, b"\x20"), BROKEN),
    ("6.3: a table larger than SETTINGS allow", |c| begins(c, b"\x3f\xe2\x1f"), BROKEN),
];

#[test]
fn faults() {
    check(FAULTS);
}
