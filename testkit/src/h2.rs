//! A client that writes HTTP/2 frames with prior knowledge, and reads the server's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::{Answer, Ask, PATIENCE, hpack};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
/// The type of a frame that resets a stream.
pub const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// The type of a frame that gives the peer room to send.
pub const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The first bytes of a client. SETTINGS follow.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const WINDOW: i64 = 65_535;
const PIECE: usize = 16_384;

/// One connection.
#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    next: u32,
    /// How much the server takes, on the connection and on the stream.
    room: (i64, i64),
    initial: i64,
}

/// A frame as it came.
#[derive(Debug)]
pub struct Frame {
    /// The type, by its number.
    pub kind: u8,
    /// The flags.
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Conn {
    /// Connects to a port of this machine and says the preface.
    #[track_caller]
    pub fn open(port: u16) -> Self {
        let mut conn = Self::silent(port);
        conn.stream.write_all(PREFACE).unwrap();
        // SETTINGS_HEADER_TABLE_SIZE 0, SETTINGS_ENABLE_PUSH 0.
        conn.frame(SETTINGS, 0, 0, b"\0\x01\0\0\0\0\0\x02\0\0\0\0");
        conn
    }

    /// Connects without a preface, which the caller sends.
    #[track_caller]
    pub fn silent(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, next: 1, room: (WINDOW, WINDOW), initial: WINDOW }
    }

    /// Sends a request and reads its reply.
    #[track_caller]
    pub fn ask(&mut self, ask: &Ask) -> Answer {
        let id = self.send(ask);
        self.answer(id)
    }

    /// Sends a request; the stream's id.
    #[track_caller]
    pub fn send(&mut self, ask: &Ask) -> u32 {
        let id = self.send_head(ask);
        if let Some(body) = &ask.body {
            self.send_body(id, body);
        }
        id
    }

    /// Sends the head of a request; a body, if there is one, may follow.
    #[track_caller]
    pub fn send_head(&mut self, ask: &Ask) -> u32 {
        let id = self.next;
        self.next += 2;
        let mut block = Vec::new();
        let authority = "21.0.0.1".to_owned();
        let pseudo = [
            (":method", ask.method),
            (":scheme", "http"),
            (":path", &ask.target),
            (":authority", &authority),
        ];
        for (name, value) in pseudo {
            hpack::write(name, value, &mut block);
        }
        for (name, value) in &ask.headers {
            hpack::write(&name.to_ascii_lowercase(), value, &mut block);
        }
        if let Some(body) = ask.body.as_ref().filter(|_| !ask.chunked) {
            hpack::write("content-length", &body.len().to_string(), &mut block);
        }
        let last = if ask.body.is_none() { END_STREAM } else { 0 };
        let mut pieces = block.chunks(PIECE).peekable();
        let mut kind = (HEADERS, last);
        while let Some(piece) = pieces.next() {
            let end = if pieces.peek().is_none() { END_HEADERS } else { 0 };
            self.frame(kind.0, kind.1 | end, id, piece);
            kind = (CONTINUATION, 0);
        }
        self.room.1 = self.initial;
        id
    }

    /// Sends a part of a body, once the connection has room for all of it. False if the server closes.
    pub fn send_part(&mut self, id: u32, part: &[u8]) -> bool {
        let length = i64::try_from(part.len()).expect("a part");
        while self.room.0 < length {
            if self.try_read().is_none() {
                return false;
            }
        }
        self.room.0 -= length;
        part.chunks(PIECE).all(|piece| self.try_frame(DATA, 0, id, piece).is_ok())
    }

    #[track_caller]
    fn send_body(&mut self, id: u32, body: &[u8]) {
        let mut rest = body;
        loop {
            while !rest.is_empty() && self.room.0.min(self.room.1) <= 0 {
                let frame = self.read();
                assert!(frame.kind == SETTINGS || frame.kind == WINDOW_UPDATE, "refused early: {frame:?}");
            }
            let room = usize::try_from(self.room.0.min(self.room.1)).unwrap_or(0);
            let (now, later) = rest.split_at(rest.len().min(room).min(PIECE));
            let sent = i64::try_from(now.len()).expect("a piece");
            self.room = (self.room.0 - sent, self.room.1 - sent);
            self.frame(DATA, if later.is_empty() { END_STREAM } else { 0 }, id, now);
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Reads until this stream's answer is whole. Frames of other streams are passed over.
    #[track_caller]
    pub fn answer(&mut self, id: u32) -> Answer {
        self.read_answer(id, false, false)
    }

    /// As `answer`, of a stream that may be reset: the answer is cut then.
    #[track_caller]
    pub fn answer_or_reset(&mut self, id: u32) -> Answer {
        self.read_answer(id, false, true)
    }

    /// As `answer`, from a server that is about to close and says so.
    #[track_caller]
    pub fn answer_through_goaway(&mut self, id: u32) -> Answer {
        self.read_answer(id, true, false)
    }

    #[track_caller]
    fn read_answer(&mut self, id: u32, may_end: bool, may_be_reset: bool) -> Answer {
        let mut answer = Answer::default();
        let mut block = Vec::new();
        let mut ended = false;
        loop {
            let frame = self.read();
            assert!(may_end || frame.kind != GOAWAY, "the connection ends: {frame:?}");
            if frame.stream != id {
                continue;
            }
            ended |= matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
            match frame.kind {
                DATA => {
                    answer.body.extend_from_slice(&frame.payload);
                    let read = u32::try_from(frame.payload.len()).expect("a frame").to_be_bytes();
                    // Nor does a server that stops wait for room that it does not need.
                    if !frame.payload.is_empty() {
                        let _ = self.try_frame(WINDOW_UPDATE, 0, 0, &read);
                    }
                    if !frame.payload.is_empty() && !ended {
                        let _ = self.try_frame(WINDOW_UPDATE, 0, id, &read);
                    }
                }
                HEADERS | CONTINUATION => {
                    block.extend_from_slice(&frame.payload);
                    if frame.flags & END_HEADERS != 0 {
                        let fields = hpack::read(&std::mem::take(&mut block));
                        let behind = fields.iter().all(|(name, _)| name != ":status");
                        for (name, value) in fields {
                            if name == ":status" {
                                answer.status = value.parse().expect("a status");
                            } else if behind {
                                answer.trailers.push((name, value));
                            } else {
                                answer.headers.push((name, value));
                            }
                        }
                    }
                }
                RST_STREAM if may_be_reset => return Answer { is_cut: true, ..answer },
                RST_STREAM => panic!("stream {id} was reset: {:?}, after {answer:?}", frame.payload),
                _ => {}
            }
            if ended && block.is_empty() {
                return answer;
            }
        }
    }

    /// The next data of this stream, whose window is opened again; empty when it ends.
    #[track_caller]
    pub fn data(&mut self, id: u32) -> Vec<u8> {
        loop {
            let frame = self.read();
            assert!(frame.kind != RST_STREAM || frame.stream != id, "stream {id} was reset");
            if frame.kind == DATA && frame.stream == id {
                let read = u32::try_from(frame.payload.len()).expect("a frame").to_be_bytes();
                if !frame.payload.is_empty() {
                    // A server that stops may be gone by now.
                    let _ = self.try_frame(WINDOW_UPDATE, 0, 0, &read);
                    let _ = self.try_frame(WINDOW_UPDATE, 0, id, &read);
                }
                return frame.payload;
            }
        }
    }

    /// How many of these streams have ended, once there are so many.
    #[track_caller]
    pub fn count_ended(&mut self, streams: &[u32], least: usize) -> usize {
        let mut ended = 0;
        while ended < least {
            let frame = self.read();
            let ends = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
            ended += usize::from(ends && streams.contains(&frame.stream));
        }
        ended
    }

    /// Reads until so many replies have begun, or the server closes.
    pub fn wait_for_heads(&mut self, mut left: usize) {
        while left > 0 {
            let Some(frame) = self.try_read() else { return };
            left -= usize::from(frame.kind == HEADERS);
        }
    }

    /// Reads until the server closes: whether it said `GOAWAY` before.
    pub fn is_told_to_go(&mut self) -> bool {
        let mut told = false;
        while let Some(frame) = self.try_read() {
            told |= frame.kind == GOAWAY;
        }
        told
    }

    /// Reads until the server closes. Gives all bytes, whether or not they are frames.
    #[track_caller]
    pub fn read_to_close(&mut self) -> Vec<u8> {
        let mut came = Vec::new();
        match self.stream.read_to_end(&mut came) {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the server does not close: {error}"),
            Ok(_) => {}
        }
        came
    }

    /// Ends a stream before its answer: `RST_STREAM` with `CANCEL`.
    #[track_caller]
    pub fn cancel(&mut self, id: u32) {
        self.frame(RST_STREAM, 0, id, b"\x00\x00\x00\x08");
    }

    /// Leaves with a reset of the connection instead of an orderly close.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// Bytes as they are, right or wrong.
    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends one frame.
    #[track_caller]
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_frame(kind, flags, stream, payload).expect("the server reads");
    }

    fn try_frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend_from_slice(&[kind, flags]);
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(payload);
        self.stream.write_all(&bytes)
    }

    /// Gives the server room on a stream, and on the connection.
    pub fn open_window(&mut self, id: u32, bytes: u32) {
        for stream in [0, id] {
            // A server that stops may be gone by now.
            let _ = self.try_frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
        }
    }

    /// Whether nothing comes for so long.
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        peeked.is_err()
    }

    /// The next frame. What every client has to answer is answered here.
    #[track_caller]
    pub fn read(&mut self) -> Frame {
        self.try_read().expect("a frame")
    }

    /// As [`read`](Self::read); `None` where the server has closed.
    #[track_caller]
    pub fn try_read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let mut payload =
            vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        self.stream.read_exact(&mut payload).expect("a whole frame");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        let frame = Frame { kind: head[3], flags: head[4], stream, payload };
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                for setting in frame.payload.chunks_exact(6) {
                    if setting[..2] == [0, 4] {
                        let initial = i64::from(number(&setting[2..]));
                        self.room.1 += initial - self.initial;
                        self.initial = initial;
                    }
                }
                let _ = self.try_frame(SETTINGS, ACK, 0, b"");
            }
            // A server that stops does not wait for ever for the answer, and what it said before can still be read.
            PING if frame.flags & ACK == 0 => {
                let _ = self.try_frame(PING, ACK, 0, &frame.payload);
            }
            WINDOW_UPDATE => {
                let more = i64::from(number(&frame.payload));
                if frame.stream == 0 {
                    self.room.0 += more;
                } else if frame.stream + 2 == self.next {
                    self.room.1 += more;
                }
            }
            _ => {}
        }
        Some(frame)
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
