//! A client that writes WebSocket frames as bytes.

use crate::h1::{self, Conn};
use crate::{Answer, Ask};

/// A connection that has become a socket.
#[derive(Debug)]
pub struct Client {
    /// The connection below the frames.
    pub conn: Conn,
}

/// The mask of every frame that this client sends.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The handshake of RFC 6455, section 1.3, but for its subprotocols.
pub fn handshake(target: &str) -> Ask {
    Ask::get(target)
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
}

/// A frame as a client sends it: the first byte says what it is.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len());
    frame[1] |= 0x80;
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The same frame from a server, without a mask.
pub fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len());
    frame.extend_from_slice(payload);
    frame
}

fn head(first: u8, length: usize) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => vec![first, short],
        (_, Ok(medium)) => [&[first, 126], &medium.to_be_bytes()[..]].concat(),
        _ => [&[first, 127], &(length as u64).to_be_bytes()[..]].concat(),
    }
}

impl Client {
    /// Opens a socket at a port of this machine.
    #[track_caller]
    pub fn open(port: impl Into<u16>, target: &str) -> Self {
        Self::ask(port, &handshake(target))
    }

    /// Opens a socket with a handshake of the test's own.
    #[track_caller]
    pub fn ask(port: impl Into<u16>, ask: &Ask) -> Self {
        let mut conn = Conn::open(port.into());
        conn.send(&h1::bytes(ask));
        let mut client = Self { conn };
        client.greeted();
        client
    }

    /// The answer to the handshake.
    #[track_caller]
    pub fn greeted(&mut self) -> Answer {
        let answer = self.conn.answer_head();
        answer.assert_status(101);
        answer.assert_header("upgrade", "websocket").assert_header("connection", "upgrade");
        answer.assert_header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        answer.assert_no_header("content-length").assert_no_header("sec-websocket-extensions");
        answer
    }

    /// Sends a frame: its first byte, and the payload, which is masked.
    #[track_caller]
    pub fn send(&mut self, first: u8, payload: &[u8]) {
        self.conn.send(&masked(first, payload));
    }

    /// Sends a message of text.
    #[track_caller]
    pub fn text(&mut self, text: &str) {
        self.send(0x81, text.as_bytes());
    }

    /// The first byte and the payload of the next frame.
    #[track_caller]
    pub fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.conn.bytes(2);
        let length = match head[1] {
            126 => self.conn.bytes(2).iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
            127 => self.conn.bytes(8).iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
            length => {
                assert!(length < 126, "a server does not mask");
                usize::from(length)
            }
        };
        (head[0], self.conn.bytes(length))
    }

    /// The next frame is this text.
    #[track_caller]
    pub fn assert_text(&mut self, text: &str) {
        let (first, payload) = self.frame();
        assert_eq!((first, String::from_utf8_lossy(&payload).as_ref()), (0x81, text));
    }

    /// A close with this code comes, is answered, and the connection ends; the reason.
    #[track_caller]
    pub fn assert_closed(&mut self, code: u16) -> String {
        let (first, payload) = self.frame();
        assert_eq!(first, 0x88, "a close: {}", String::from_utf8_lossy(&payload));
        assert_eq!(
            u16::from_be_bytes([payload[0], payload[1]]),
            code,
            "{}",
            String::from_utf8_lossy(&payload)
        );
        // It may have closed already, after what cannot be understood.
        let _ = self.conn.try_send(&masked(0x88, &code.to_be_bytes()));
        assert_eq!(self.conn.rest(), b"");
        String::from_utf8(payload[2..].to_vec()).expect("a reason is text")
    }

    /// Says goodbye and waits for the answer.
    #[track_caller]
    pub fn close(mut self, code: u16) {
        self.send(0x88, &code.to_be_bytes());
        assert_eq!(self.frame(), (0x88, code.to_be_bytes().to_vec()));
        assert_eq!(self.conn.rest(), b"");
    }
}
