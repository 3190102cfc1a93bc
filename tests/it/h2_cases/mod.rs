//! HTTP/2 by its frames: what RFC 9113 and RFC 7541 demand of a server, one demand a row, as the conformance suites ask
//! for it. The rows are our own words for the sections they name.
//!
//! A row that h2 0.4.20 answers otherwise says so by `H2_SAYS` and its neighbours; docs/grpc.md lists them.

mod continuations;
mod fields;
mod frames;
mod headers;
mod hpack;
mod preface;
mod settings;
mod streams;
mod windows;

use crate::support::{Server, h2, hpack as coding};

// Types of frames.
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

// Flags.
pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const PRIORITIZED: u8 = 0x20;

// Codes of errors.
pub const PROTOCOL_ERROR: u32 = 1;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const STREAM_CLOSED: u32 = 5;
pub const FRAME_SIZE_ERROR: u32 = 6;
pub const REFUSED_STREAM: u32 = 7;
pub const COMPRESSION_ERROR: u32 = 9;

/// h2 0.4.20 ends a connection with `PROTOCOL_ERROR` where the RFC has a code of its own.
pub const H2_SAYS: End = End::Goaway(PROTOCOL_ERROR);
/// h2 0.4.20 ends the connection where only a stream has to end. RFC 9113, section 5.4.1, allows it.
pub const H2_ENDS_ALL: End = End::Goaway(PROTOCOL_ERROR);
/// h2 0.4.20 does not look at what the RFC calls malformed, and the request is answered.
pub const H2_PASSES: End = End::Answer(200);

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The connection ends with GOAWAY of this code.
    Goaway(u32),
    /// The stream is reset with this code; the connection goes on.
    Reset(u32),
    /// The stream is answered with this status; the connection goes on.
    Answer(u16),
    /// Nothing: the connection goes on.
    Nothing,
    /// The connection is closed, and nothing was said before.
    Closed,
}

/// A row: the section with what is sent, how it is sent, and what the server may make of it.
pub type Row = (&'static str, fn(&mut Client), &'static [End]);

/// A connection, and the stream that a row is about.
pub struct Client {
    pub conn: h2::Conn,
    pub stream: u32,
    status: Option<u16>,
}

impl Client {
    fn open(server: &Server) -> Self {
        Self { conn: h2::Conn::open(server.port), stream: 1, status: None }
    }

    /// Sends a frame. A server that has seen enough may have closed by then.
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let _ = self.conn.send_raw(&frame(kind, flags, stream, payload));
    }

    /// A whole request for a page that is there.
    pub fn get(&mut self, stream: u32) {
        self.frame(HEADERS, END_HEADERS | END_STREAM, stream, &request("GET", "/plaintext", &[]));
    }

    /// A request whose answer does not come while a row lasts: its stream is half closed.
    pub fn wait(&mut self, stream: u32) {
        self.frame(HEADERS, END_HEADERS | END_STREAM, stream, &request("GET", "/slow?ms=600000", &[]));
    }

    /// The head of a request whose body may follow. It is given back as it comes.
    pub fn post(&mut self, stream: u32, more: &[(&str, &str)]) {
        self.frame(HEADERS, END_HEADERS, stream, &request("POST", "/echo", more));
    }

    /// Reads until it is known what became of the stream and the connection.
    fn end(&mut self, waits_for_answer: bool) -> End {
        // Frames are read in their order. Once three questions were answered, one behind the other, nothing else comes.
        let mut questions = 3;
        self.frame(PING, 0, 0, b"question");
        while let Some(got) = self.conn.try_read() {
            let is_own = got.stream == self.stream;
            match got.kind {
                GOAWAY => return End::Goaway(number(&got.payload[4..])),
                RST_STREAM if is_own => return End::Reset(number(&got.payload)),
                HEADERS if is_own && self.status.is_none() => {
                    let fields = coding::read(&got.payload);
                    let status = fields.iter().find(|(name, _)| name == ":status").expect("a status");
                    self.status = status.1.parse().ok();
                }
                PING if got.flags & ACK != 0 && got.payload == b"question" && !waits_for_answer => {
                    questions -= 1;
                    if questions == 0 {
                        return End::Nothing;
                    }
                    self.frame(PING, 0, 0, b"question");
                }
                _ => {}
            }
            if is_own && matches!(got.kind, HEADERS | DATA) && got.flags & END_STREAM != 0 {
                return End::Answer(self.status.expect("a head"));
            }
        }
        End::Closed
    }

    /// A stream that failed, or frames without a meaning, leave the connection as it was.
    #[track_caller]
    fn goes_on(&mut self, what: &str) {
        const NEXT: u32 = 0x1001;
        self.frame(WINDOW_UPDATE, 0, 0, &60_000_u32.to_be_bytes());
        self.frame(SETTINGS, 0, 0, &[&[0, 4][..], &65_535_u32.to_be_bytes()].concat());
        self.get(NEXT);
        (self.stream, self.status) = (NEXT, None);
        assert_eq!(self.end(true), End::Answer(200), "{what}: the connection goes on");
    }
}

/// Runs all rows against one server, each on a connection of its own, and tells of all that end otherwise.
#[track_caller]
pub fn check(rows: &[Row]) {
    let server = Server::contract();
    let mut wrong = Vec::new();
    for (what, send, expected) in rows {
        let mut client = Client::open(&server);
        send(&mut client);
        let end = client.end(expected.iter().any(|end| matches!(end, End::Answer(_))));
        if !expected.contains(&end) {
            wrong.push(format!("{what}: {end:?}, not {expected:?}"));
            continue;
        }
        match end {
            End::Goaway(_) => drop(client.conn.read_to_close()),
            End::Closed => {}
            _ => client.goes_on(what),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // What waits there is over with its connections.
    server.until_idle();
}

/// The header block of a request.
pub fn request(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let own = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")];
    block(&[&own[..], more].concat())
}

/// A header block.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        coding::write(name, value, &mut block);
    }
    block
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
