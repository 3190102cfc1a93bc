//! RFC 9113, sections 8.1 to 8.3: which requests are malformed by their fields and bodies. Such a stream is reset, or
//! answered with 400; the connection goes on.

use super::{
    CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, End, H2_ENDS_ALL, H2_PASSES, HEADERS,
    PROTOCOL_ERROR, Row, block, check, request,
};

const MALFORMED: &[End] = &[End::Reset(PROTOCOL_ERROR), End::Answer(400)];
/// As `MALFORMED`, where h2 finds the fault while it decodes the block.
const MALFORMED_TO_H2: &[End] = &[End::Reset(PROTOCOL_ERROR), End::Answer(400), H2_ENDS_ALL];
const FINE: &[End] = &[End::Answer(200)];

/// A request without a body that has these fields and no others.
fn only(client: &mut Client, fields: &[(&str, &str)]) {
    client.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(fields));
}

/// A good request with these fields besides.
fn with(client: &mut Client, more: &[(&str, &str)]) {
    client.frame(HEADERS, END_HEADERS | END_STREAM, 1, &request("GET", "/plaintext", more));
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/plaintext");
const AUTHORITY: (&str, &str) = (":authority", "a");

const NAMES: &[Row] = &[
    ("8.2.1: an upper-case letter in a name", |c| with(c, &[("X-Upper", "x")]), MALFORMED_TO_H2),
    ("8.2.1: a space in a name", |c| with(c, &[("x y", "x")]), MALFORMED_TO_H2),
    ("8.2.1: a control character in a name", |c| with(c, &[("x\u{1}y", "x")]), MALFORMED_TO_H2),
    ("8.2.1: a letter of no ASCII in a name", |c| with(c, &[("x\u{e9}", "x")]), MALFORMED_TO_H2),
    ("8.2.1: a colon in a name", |c| with(c, &[("x:y", "x")]), MALFORMED_TO_H2),
    ("8.2.1: an empty name", |c| with(c, &[("", "x")]), MALFORMED_TO_H2),
    ("8.2.1: a NUL in a value", |c| with(c, &[("x-y", "a\0b")]), MALFORMED_TO_H2),
    ("8.2.1: a CR in a value", |c| with(c, &[("x-y", "a\rb")]), MALFORMED_TO_H2),
    ("8.2.1: an LF in a value", |c| with(c, &[("x-y", "a\nb")]), MALFORMED_TO_H2),
    // RFC 9113 calls these malformed; the http crate, and with it hyper 1.12, lets them pass, and no line is split by them.
    (
        "8.2.1: a space before a value",
        |c| with(c, &[("x-y", " a")]),
        &[End::Answer(200), End::Reset(PROTOCOL_ERROR), End::Answer(400)],
    ),
    (
        "8.2.1: a tab behind a value",
        |c| with(c, &[("x-y", "a\t")]),
        &[End::Answer(200), End::Reset(PROTOCOL_ERROR), End::Answer(400)],
    ),
    ("8.2.1: an empty value", |c| with(c, &[("x-y", "")]), FINE),
    ("8.2.1: octets of no ASCII in a value", |c| with(c, &[("x-y", "\u{e9}")]), FINE),
];

#[test]
fn names_and_values() {
    check(NAMES);
}

const CONNECTION: &[Row] = &[
    ("8.2.2: connection", |c| with(c, &[("connection", "keep-alive")]), MALFORMED),
    ("8.2.2: proxy-connection", |c| with(c, &[("proxy-connection", "keep-alive")]), MALFORMED),
    ("8.2.2: keep-alive", |c| with(c, &[("keep-alive", "timeout=5")]), MALFORMED),
    ("8.2.2: transfer-encoding", |c| with(c, &[("transfer-encoding", "chunked")]), MALFORMED),
    ("8.2.2: upgrade", |c| with(c, &[("upgrade", "h2c")]), MALFORMED),
    ("8.2.2: te with another word than trailers", |c| with(c, &[("te", "trailers, deflate")]), MALFORMED),
    ("8.2.2: te with a coding", |c| with(c, &[("te", "gzip")]), MALFORMED),
    ("8.2.2: te: trailers", |c| with(c, &[("te", "trailers")]), FINE),
    ("8.2.3: cookies in several fields", |c| with(c, &[("cookie", "a=b"), ("cookie", "c=d")]), FINE),
];

#[test]
fn fields_of_a_connection() {
    check(CONNECTION);
}

const PSEUDO: &[Row] = &[
    (
        "8.3: an unknown pseudo-header",
        |c| only(c, &[METHOD, SCHEME, PATH, AUTHORITY, (":test", "x")]),
        MALFORMED_TO_H2,
    ),
    ("8.3: one of replies", |c| only(c, &[METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")]), MALFORMED),
    ("8.3: one behind a field", |c| only(c, &[METHOD, SCHEME, AUTHORITY, ("x-y", "z"), PATH]), MALFORMED),
    ("8.3.1: no :method", |c| only(c, &[SCHEME, PATH, AUTHORITY]), MALFORMED),
    ("8.3.1: no :scheme", |c| only(c, &[METHOD, PATH, AUTHORITY]), MALFORMED),
    ("8.3.1: no :path", |c| only(c, &[METHOD, SCHEME, AUTHORITY]), MALFORMED),
    ("8.3.1: an empty :path", |c| only(c, &[METHOD, SCHEME, AUTHORITY, (":path", "")]), MALFORMED),
    (
        "8.3.1: a :path without a slash",
        |c| only(c, &[METHOD, SCHEME, AUTHORITY, (":path", "plaintext")]),
        MALFORMED,
    ),
    ("8.3.1: an empty :method", |c| only(c, &[(":method", ""), SCHEME, PATH, AUTHORITY]), MALFORMED_TO_H2),
    ("8.3.1: :method twice", |c| only(c, &[METHOD, METHOD, SCHEME, PATH, AUTHORITY]), MALFORMED),
    ("8.3.1: :scheme twice", |c| only(c, &[METHOD, SCHEME, SCHEME, PATH, AUTHORITY]), MALFORMED),
    ("8.3.1: :path twice", |c| only(c, &[METHOD, SCHEME, PATH, PATH, AUTHORITY]), MALFORMED),
    ("8.3.1: :authority twice", |c| only(c, &[METHOD, SCHEME, PATH, AUTHORITY, AUTHORITY]), MALFORMED),
    (
        "8.3.1: :authority with a user",
        |c| only(c, &[METHOD, SCHEME, PATH, (":authority", "user@a")]),
        MALFORMED,
    ),
    ("8.3.1: neither :authority nor host", |c| only(c, &[METHOD, SCHEME, PATH]), MALFORMED),
    ("8.3.1: host in place of :authority", |c| only(c, &[METHOD, SCHEME, PATH, ("host", "a")]), FINE),
    ("8.3.1: host beside :authority", |c| only(c, &[METHOD, SCHEME, PATH, AUTHORITY, ("host", "a")]), FINE),
    (
        "8.3.1: another host beside :authority",
        |c| only(c, &[METHOD, SCHEME, PATH, AUTHORITY, ("host", "b")]),
        MALFORMED,
    ),
    (
        "8.3.1: OPTIONS of everything",
        |c| only(c, &[(":method", "OPTIONS"), SCHEME, (":path", "*"), AUTHORITY]),
        &[End::Answer(204)],
    ),
    ("8.5: CONNECT with a :path", |c| only(c, &[(":method", "CONNECT"), SCHEME, PATH, AUTHORITY]), MALFORMED),
    (
        "8.5: CONNECT, which is for proxies",
        |c| only(c, &[(":method", "CONNECT"), (":authority", "a:80")]),
        MALFORMED,
    ),
    // An extension (RFC 8441) that SETTINGS do not offer.
    (
        "8.3: :protocol",
        |c| only(c, &[(":method", "CONNECT"), SCHEME, PATH, AUTHORITY, (":protocol", "websocket")]),
        MALFORMED,
    ),
];

#[test]
fn pseudo_headers() {
    check(PSEUDO);
}

/// The head of a request with a body of this length, and then these pieces.
fn body(client: &mut Client, length: &str, pieces: &[&[u8]]) {
    client.post(1, &[("content-length", length)]);
    for (at, piece) in pieces.iter().enumerate() {
        client.frame(DATA, if at + 1 == pieces.len() { END_STREAM } else { 0 }, 1, piece);
    }
}

/// The request's body, and then trailers with this flag and these fields.
fn trailed(client: &mut Client, flags: u8, fields: &[(&str, &str)]) {
    client.post(1, &[]);
    client.frame(DATA, 0, 1, b"tea");
    client.frame(HEADERS, END_HEADERS | flags, 1, &block(fields));
}

const BODIES: &[Row] = &[
    ("8.1.1: a body of its length", |c| body(c, "7", &[b"tea", b"salt"]), FINE),
    ("8.1.1: a body longer than its length", |c| body(c, "3", &[b"salt"]), MALFORMED),
    ("8.1.1: pieces longer than the length", |c| body(c, "6", &[b"tea", b"salt"]), MALFORMED),
    ("8.1.1: a body shorter than its length", |c| body(c, "8", &[b"tea", b"salt"]), MALFORMED),
    (
        "8.1.1: a length and no body",
        |c| {
            c.frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &request("POST", "/echo", &[("content-length", "1")]),
            );
        },
        MALFORMED,
    ),
    ("8.1.1: a length that is no number", |c| body(c, "tea", &[b"tea"]), MALFORMED),
    (
        "8.1.1: two lengths that differ",
        |c| {
            c.post(1, &[("content-length", "3"), ("content-length", "4")]);
            c.frame(DATA, END_STREAM, 1, b"tea");
        },
        MALFORMED,
    ),
    ("8.1: trailers", |c| trailed(c, END_STREAM, &[("x-sum", "1")]), FINE),
    (
        "8.1: trailers in two frames",
        |c| {
            c.post(1, &[]);
            let end = block(&[("x-sum", "1")]);
            c.frame(HEADERS, END_STREAM, 1, &end[..4]);
            c.frame(CONTINUATION, END_HEADERS, 1, &end[4..]);
        },
        FINE,
    ),
    (
        "8.1: a second head without the end of the stream",
        |c| trailed(c, 0, &[("x-sum", "1")]),
        &[End::Reset(PROTOCOL_ERROR), End::Answer(400), H2_ENDS_ALL],
    ),
    (
        "8.1: a pseudo-header in trailers",
        |c| trailed(c, END_STREAM, &[(":method", "GET")]),
        &[End::Reset(PROTOCOL_ERROR), End::Answer(400), H2_PASSES],
    ),
    (
        "8.2.2: a connection's field in trailers",
        |c| trailed(c, END_STREAM, &[("connection", "close")]),
        MALFORMED,
    ),
    (
        "8.2.1: an upper-case letter in trailers",
        |c| trailed(c, END_STREAM, &[("X-Sum", "1")]),
        MALFORMED_TO_H2,
    ),
];

#[test]
fn bodies_and_trailers() {
    check(BODIES);
}
