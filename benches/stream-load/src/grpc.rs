//! gRPC on a connection of raw HTTP/2 frames, with windows that never close. As a client library does, the head of the
//! first call puts its fields into the server's table and the later ones name them by their index. The tests' client of
//! HTTP/2 forbids the table and opens its windows piece by piece, which no client library does.

use std::io::{Read, Write};
use std::net::TcpStream;

use testkit::h1::Conn;

use crate::Outcome;
use crate::cpu::Meter;

pub(crate) fn calls(port: u16, pid: u32, count: u64) -> Outcome {
    let mut connection = Connection::open(port, "/greeter.Greeter/SayHello", WINDOW_MAX)?;
    let message = hello("world");
    let meter = Meter::start(pid)?;
    for _ in 0..count {
        let stream = connection.begin(&message, true)?;
        if connection.messages_until_end(stream)? != 1 {
            return Err("no reply".into());
        }
    }
    meter.stop(count)
}

pub(crate) fn hellos(port: u16, pid: u32, messages: u64, times: u64) -> Outcome {
    let mut connection = Connection::open(port, "/greeter.Greeter/SayHellos", WINDOW_MAX)?;
    let message = hello(&messages.to_string());
    let meter = Meter::start(pid)?;
    for _ in 0..times {
        let stream = connection.begin(&message, true)?;
        let came = connection.messages_until_end(stream)?;
        if came != messages {
            return Err(format!("{came} messages came").into());
        }
    }
    meter.stop(messages * times)
}

pub(crate) fn chat(port: u16, pid: u32, messages: u64) -> Outcome {
    let mut connection = Connection::open(port, "/greeter.Greeter/Chat", WINDOW_MAX)?;
    let message = hello("world");
    let stream = connection.begin(&message, false)?;
    connection.next_message(stream)?;
    let meter = Meter::start(pid)?;
    for _ in 0..messages {
        connection.send(stream, &message, false)?;
        connection.next_message(stream)?;
    }
    meter.stop(messages)
}

/// What a window may be at most.
pub(crate) const WINDOW_MAX: u32 = i32::MAX as u32;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A gRPC frame with `HelloRequest { name }`.
pub(crate) fn hello(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let mut message = vec![0, 0, 0, 0, length + 2, 0x0a, length];
    message.extend_from_slice(&name.as_bytes()[..usize::from(length)]);
    message
}

pub(crate) struct Connection {
    stream: TcpStream,
    first_head: Vec<u8>,
    later_head: Vec<u8>,
    next_stream: u32,
    inbound: Vec<u8>,
    /// Up to where `inbound` is read.
    at: usize,
    /// What is left of the message whose bytes are coming, and how much of its prefix has come.
    message: Message,
}

#[derive(Default)]
struct Message {
    prefix: Vec<u8>,
    left: usize,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    /// Messages that ended in it.
    messages: u64,
}

impl Connection {
    pub(crate) fn open(port: u16, path: &str, window: u32) -> Outcome<Self> {
        let mut stream = Conn::open(port).into_stream();
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE
        let setting = [&[0, 4], &window.to_be_bytes()[..]].concat();
        put(&mut hello, SETTINGS, 0, 0, &setting);
        if window == WINDOW_MAX {
            put(&mut hello, WINDOW_UPDATE, 0, 0, &(WINDOW_MAX - 65_535).to_be_bytes());
        }
        stream.write_all(&hello)?;
        let (first_head, later_head) = heads(path);
        Ok(Self {
            stream,
            first_head,
            later_head,
            next_stream: 1,
            inbound: Vec::new(),
            at: 0,
            message: Message::default(),
        })
    }

    /// A call with its first message.
    pub(crate) fn begin(&mut self, message: &[u8], is_last: bool) -> Outcome<u32> {
        let stream = self.next_stream;
        self.next_stream += 2;
        let head = if stream == 1 { &self.first_head } else { &self.later_head };
        let mut wire = Vec::with_capacity(256);
        put(&mut wire, HEADERS, END_HEADERS, stream, head);
        put(&mut wire, DATA, u8::from(is_last) * END_STREAM, stream, message);
        self.stream.write_all(&wire)?;
        Ok(stream)
    }

    fn send(&mut self, stream: u32, message: &[u8], is_last: bool) -> Outcome {
        let mut wire = Vec::with_capacity(256);
        put(&mut wire, DATA, u8::from(is_last) * END_STREAM, stream, message);
        Ok(self.stream.write_all(&wire)?)
    }

    fn messages_until_end(&mut self, stream: u32) -> Outcome<u64> {
        let mut messages = 0;
        loop {
            let frame = self.frame(stream)?;
            messages += frame.messages;
            if frame.stream == stream && frame.flags & END_STREAM != 0 && frame.kind <= HEADERS {
                return Ok(messages);
            }
        }
    }

    fn next_message(&mut self, stream: u32) -> Outcome {
        while self.frame(stream)?.messages == 0 {}
        Ok(())
    }

    /// The next frame; what the connection itself needs is answered here.
    fn frame(&mut self, expected: u32) -> Outcome<Frame> {
        while self.inbound.len() - self.at < 9 {
            self.fill()?;
        }
        let head = &self.inbound[self.at..];
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        while self.inbound.len() - self.at < 9 + length {
            self.fill()?;
        }
        let payload = &self.inbound[self.at + 9..self.at + 9 + length];
        self.at += 9 + length;
        let mut frame = Frame { kind, flags, stream, messages: 0 };
        let mut reply = Vec::new();
        match kind {
            DATA => frame.messages = self.message.take(payload),
            SETTINGS if flags & ACK == 0 => put(&mut reply, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => put(&mut reply, PING, ACK, 0, payload),
            GOAWAY => return Err("the server said goodbye".into()),
            RST_STREAM if stream == expected => return Err("the server reset the stream".into()),
            _ => {}
        }
        if !reply.is_empty() {
            self.stream.write_all(&reply)?;
        }
        Ok(frame)
    }

    fn fill(&mut self) -> Outcome {
        self.inbound.drain(..self.at);
        self.at = 0;
        let length = self.inbound.len();
        self.inbound.resize(length + 256 * 1024, 0);
        let read = self.stream.read(&mut self.inbound[length..])?;
        self.inbound.truncate(length + read);
        if read == 0 { Err("the server closed the connection".into()) } else { Ok(()) }
    }
}

impl Message {
    /// How many messages end in these bytes of one stream.
    fn take(&mut self, mut bytes: &[u8]) -> u64 {
        let mut messages = 0;
        while !bytes.is_empty() {
            if self.prefix.len() < 5 {
                self.prefix.push(bytes[0]);
                bytes = &bytes[1..];
                if let [_, length @ ..] = &self.prefix[..]
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.left = u32::from_be_bytes(length) as usize;
                } else {
                    continue;
                }
            }
            let here = self.left.min(bytes.len());
            bytes = &bytes[here..];
            self.left -= here;
            if self.left == 0 {
                messages += 1;
                self.prefix.clear();
            }
        }
        messages
    }
}

fn put(wire: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or_default();
    wire.extend_from_slice(&length.to_be_bytes()[1..]);
    wire.extend_from_slice(&[kind, flags]);
    wire.extend_from_slice(&stream.to_be_bytes());
    wire.extend_from_slice(payload);
}

/// The header block of a connection's first call, and of every later one.
fn heads(path: &str) -> (Vec<u8>, Vec<u8>) {
    /// `:method POST` and `:scheme http`, which are in the static table.
    const STATIC: [u8; 2] = [0x83, 0x86];
    /// The first index of the table that the calls fill.
    const DYNAMIC: u8 = 62;
    // The index of the name in the static table, or 0 and the name.
    let fields: [(u8, &str, &str); 6] = [
        (4, "", path),
        (1, "", "localhost:9000"),
        (31, "", "application/grpc"),
        (58, "", "grpc-c++/1.60.0 grpc-c/37.0.0 (linux; chttp2)"),
        (0, "te", "trailers"),
        (0, "grpc-accept-encoding", "identity, deflate, gzip"),
    ];
    let (mut first, mut later) = (STATIC.to_vec(), STATIC.to_vec());
    for (at, (index, name, value)) in (0_u8..).zip(fields) {
        // Literal with incremental indexing.
        first.push(0x40 | index);
        for text in [name, value] {
            if !text.is_empty() {
                first.push(u8::try_from(text.len()).unwrap_or_default());
                first.extend_from_slice(text.as_bytes());
            }
        }
        // The newest field has the lowest index.
        later.push(0x80 | (DYNAMIC + 5 - at));
    }
    (first, later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_they_come() {
        let wire = [hello("tea"), hello(""), hello("coffee")].concat();
        for piece in 1..wire.len() {
            let mut message = Message::default();
            let count: u64 = wire.chunks(piece).map(|part| message.take(part)).sum();
            assert_eq!(count, 3, "in pieces of {piece}");
        }
    }
}
