//! The WebSocket of `/conform/ws`: an echo.

use std::io::Write;
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::conn::{Asked, Input, whole};
use crate::is;

const CLOSE: u8 = 8;
const PING: u8 = 9;

/// Answers a handshake and talks until either side is done.
pub(crate) fn serve(input: &mut Input, to: &mut TcpStream, asked: &Asked) -> bool {
    let Some(key) = asked.header("sec-websocket-key") else {
        let status = if is("ws-plain-request") { "500 Oh" } else { "426 Upgrade Required" };
        return whole(to, status, "upgrade: websocket\r\n", b"");
    };
    let key = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()));
    let connection = if is("ws-handshake") { "" } else { "connection: upgrade\r\n" };
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\n{connection}upgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    if to.write_all(head.as_bytes()).is_ok() {
        // `None` is the end, whatever it was.
        _ = talk(input, to);
    }
    false
}

fn talk(input: &mut Input, to: &mut TcpStream) -> Option<()> {
    let mut message: Option<(u8, Vec<u8>)> = None;
    loop {
        // Between two frames a client may leave.
        while input.bytes.is_empty() {
            input.more()?;
        }
        let (first, payload) = match frame(input) {
            Some(Frame::Whole(first, payload)) => (first, payload),
            Some(Frame::Wrong) => {
                to.write_all(&[0x88, 2, 0x03, 0xea]).ok()?;
                return None;
            }
            None if is("ws-departure") => std::process::exit(1),
            None => return None,
        };
        match first & 0x0f {
            CLOSE => {
                to.write_all(&bytes(0x88, &payload)).ok()?;
                if is("ws-close") {
                    // Broken: it waits for the client to close.
                    while input.more().is_some() {}
                }
                return None;
            }
            PING => to.write_all(&bytes(0x8a, if is("ws-ping") { b"" } else { &payload })).ok()?,
            opcode => {
                let (kind, mut whole) = message.take().unwrap_or((opcode, Vec::new()));
                whole.extend(payload);
                if first & 0x80 == 0 && !is("ws-fragments") {
                    message = Some((kind, whole));
                    continue;
                }
                echo(to, kind, whole)?;
            }
        }
    }
}

fn echo(to: &mut TcpStream, kind: u8, mut message: Vec<u8>) -> Option<()> {
    if message == b"close 4001" {
        return if is("ws-close-code") { None } else { to.write_all(&bytes(0x88, b"\x0f\xa1")).ok() };
    }
    if is("ws-6-mib") && message.len() > 1 << 20 {
        to.write_all(&bytes(0x88, &1009_u16.to_be_bytes())).ok()?;
        return None;
    }
    if is("ws-text") && message.is_empty() {
        message = b"nothing".to_vec();
    }
    if is("ws-binary") && (60_000..1 << 20).contains(&message.len()) {
        message.truncate(60_000);
    }
    to.write_all(&bytes(0x80 | kind, &message)).ok()
}

enum Frame {
    /// The first byte, and the payload without its mask.
    Whole(u8, Vec<u8>),
    /// Without a mask.
    Wrong,
}

fn frame(input: &mut Input) -> Option<Frame> {
    let head = input.take(2)?;
    let number = |bytes: Vec<u8>| bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let length = match head[1] & 0x7f {
        126 => number(input.take(2)?),
        127 => number(input.take(8)?),
        length => usize::from(length),
    };
    if head[1] & 0x80 == 0 {
        let payload = input.take(length)?;
        return Some(if is("ws-protocol-error") { Frame::Whole(head[0], payload) } else { Frame::Wrong });
    }
    let mask = input.take(4)?;
    let mut payload = input.take(length)?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some(Frame::Whole(head[0], payload))
}

fn bytes(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}
