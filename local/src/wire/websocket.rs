//! The server's side of a WebSocket that fc-local itself answers: handshake and frames.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

const KEY: &str = "sec-websocket-key";
const VERSION: &str = "sec-websocket-version";
const ACCEPT: &str = "sec-websocket-accept";

/// What a key is joined with, by RFC 6455.
const JOINED: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The largest message of a client, in bytes.
const MESSAGE_MAX: usize = 1024 * 1024;

const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Data(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// The client breaks the protocol, or sends too much at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// The frames of a client, as their bytes come in.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

/// The headers that accept a handshake, beside those of the upgrade. `None` if the request is none of version 13.
pub(crate) fn accept(headers: &HeaderMap) -> Option<(&'static str, HeaderValue)> {
    let key = headers.get(KEY)?.to_str().ok()?;
    if headers.get(VERSION)? != "13" || STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{JOINED}").as_bytes());
    Some((ACCEPT, HeaderValue::from_str(&STANDARD.encode(hash)).ok()?))
}

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame. A message in several frames is given frame by frame.
    pub(crate) fn take(&mut self) -> Result<Option<Frame>, Broken> {
        let [first, second, rest @ ..] = self.bytes.as_slice() else { return Ok(None) };
        let (is_reserved, opcode) = (first & 0x70 != 0, first & 0x0f);
        // A client masks each of its frames.
        if is_reserved || second & 0x80 == 0 {
            return Err(Broken);
        }
        let wide = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some((wide, rest)) = rest.split_at_checked(wide) else { return Ok(None) };
        let length = match wide {
            [] => usize::from(second & 0x7f),
            wide => {
                let length = wide.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
                usize::try_from(length).map_err(|_| Broken)?
            }
        };
        if length > MESSAGE_MAX {
            return Err(Broken);
        }
        let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let payload: Vec<u8> =
            payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        let whole = 2 + wide.len() + mask.len() + length;
        self.bytes.drain(..whole);
        Ok(Some(match opcode {
            0..=2 => Frame::Data(payload),
            CLOSE => Frame::Close,
            PING => Frame::Ping(payload),
            PONG => Frame::Pong,
            _ => return Err(Broken),
        }))
    }
}

/// A whole message of bytes.
pub(crate) fn binary(payload: &[u8]) -> Vec<u8> {
    frame(BINARY, payload)
}

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PONG, payload)
}

/// The end of the WebSocket.
pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client sends it.
    fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = frame(opcode, payload);
        let head = bytes.len() - payload.len();
        bytes[1] |= 0x80;
        let mask = [1, 2, 3, 4];
        let payload: Vec<u8> =
            payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        [&bytes[..head], &mask, &payload].concat()
    }

    #[test]
    fn frames_are_read_however_they_come() {
        let long = vec![b'x'; 70_000];
        let sent =
            [masked(1, b"ls\n"), masked(PING, b"?"), masked(BINARY, &long), masked(CLOSE, b"")].concat();
        for size in [1, 7, 100_000] {
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            for piece in sent.chunks(size) {
                frames.push(piece);
                while let Some(frame) = frames.take().unwrap() {
                    seen.push(frame);
                }
            }
            assert_eq!(
                seen,
                [
                    Frame::Data(b"ls\n".to_vec()),
                    Frame::Ping(b"?".to_vec()),
                    Frame::Data(long.clone()),
                    Frame::Close
                ]
            );
        }
        // Without a mask, with reserved bits, or too long.
        for wrong in [&frame(BINARY, b"x")[..], &[0xf2, 0x80], &[0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0]] {
            let mut frames = Frames::default();
            frames.push(wrong);
            assert_eq!(frames.take(), Err(Broken), "{wrong:?}");
        }
    }

    #[test]
    fn the_handshake_is_that_of_the_rfc() {
        let mut headers = HeaderMap::new();
        assert_eq!(accept(&headers), None);
        headers.insert(KEY, HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        headers.insert(VERSION, HeaderValue::from_static("13"));
        assert_eq!(
            accept(&headers),
            Some((ACCEPT, HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")))
        );
        headers.insert(VERSION, HeaderValue::from_static("8"));
        assert_eq!(accept(&headers), None);
    }
}
