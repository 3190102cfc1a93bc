//! The scripted function's WebSocket: an echo of frames as they come, and what certain texts ask for.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::Asked;

/// The key of RFC 6455's example, with which the tests' client asks, and what accepts it. The standard library has no SHA-1.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const CLOSE: u8 = 8;
const PING: u8 = 9;

/// Answers a handshake and talks until either side is done.
pub(crate) fn serve(from: &mut impl Read, to: &mut TcpStream, asked: &Asked) {
    let id = asked.header("x-fc-request-id");
    let key = asked.header("sec-websocket-key");
    if key != KEY {
        let head = "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
        _ = to.write_all(format!("{head}content-length: 6\r\n\r\nno key").as_bytes());
        return;
    }
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {}\r\nsec-websocket-accept: {ACCEPT}\r\n\
         x-own: kept\r\nx-fc-anything: 1\r\nserver: me\r\n",
        asked.word("upgrade").unwrap_or("websocket"),
    );
    if asked.header("sec-websocket-protocol").contains("echo") {
        head += "sec-websocket-protocol: echo\r\n";
    }
    head.extend([&*format!("x-big: {}\r\n\r\n", "v".repeat(asked.size("head")))]);
    let mut first = head.into_bytes();
    if asked.number("greet") == 1 {
        first.extend(frame(0x81, b"hello"));
    }
    println!("socket open {id}");
    if to.write_all(&first).is_ok() && talk(from, to, asked).is_none() {
        println!("socket broken {id}");
    }
}

/// `None` if the connection ends without a close.
fn talk(from: &mut impl Read, to: &mut TcpStream, asked: &Asked) -> Option<()> {
    let id = asked.header("x-fc-request-id");
    loop {
        let (first, payload) = read_frame(from)?;
        match (first & 0x0f, payload.as_slice()) {
            (CLOSE, _) => {
                let code = payload.get(..2).map_or(0, |code| u16::from_be_bytes([code[0], code[1]]));
                println!("socket closed {id} {code}");
                if asked.number("deaf") == 1 {
                    // It neither answers nor closes.
                    std::thread::park();
                }
                return to.write_all(&frame(first, &payload)).ok();
            }
            (PING, _) => to.write_all(&frame(0x8a, &payload)).ok()?,
            (_, b"pid") => to.write_all(&frame(0x81, std::process::id().to_string().as_bytes())).ok()?,
            (_, b"exit") => std::process::exit(3),
            (_, b"vanish") => return Some(()),
            (_, b"close") => to.write_all(&frame(0x88, b"\x0f\xa1done")).ok()?,
            (_, b"sleep") => {
                println!("socket sleeps {id}");
                std::thread::park();
            }
            // More than any reader that stands still takes.
            (_, b"flood") => {
                let large = vec![b'x'; 1024 * 1024];
                for _ in 0..64 {
                    to.write_all(&frame(0x82, &large)).ok()?;
                }
                println!("socket flooded {id}");
            }
            (_, text) if text.starts_with(b"send ") => {
                let size = std::str::from_utf8(&text[5..]).ok()?.parse().ok()?;
                to.write_all(&frame(0x82, &vec![b'x'; size])).ok()?;
            }
            _ => to.write_all(&frame(first, &payload)).ok()?,
        }
    }
}

/// The first byte and the payload, without its mask.
fn read_frame(from: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut read = |length: usize| {
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let head = read(2)?;
    let number = |bytes: Vec<u8>| bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let length = match head[1] & 0x7f {
        126 => number(read(2)?),
        127 => number(read(8)?),
        length => usize::from(length),
    };
    assert!(head[1] & 0x80 != 0, "a client masks");
    let mask = read(4)?;
    let payload = read(length)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((head[0], payload))
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(u8::try_from(length).unwrap_or(0)),
        length @ ..65_536 => {
            frame.push(126);
            frame.extend(u16::try_from(length).unwrap_or(0).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}
