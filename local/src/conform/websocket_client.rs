//! A client of WebSockets that writes frames as bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Finding, Outcome, check, seen};
use super::h1::{Conn, Reader, Reply};

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// The bit of the last frame of a message.
pub(super) const LAST: u8 = 0x80;

/// The bit of a frame with a mask.
const MASKED: u8 = 0x80;

/// The words for a length of two and of eight bytes behind the head.
const LENGTH_16: u8 = 0x7e;
const LENGTH_64: u8 = 0x7f;

/// What RFC 6455 adds to a key.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Any mask will do: no proxy stands between.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The largest message that is read, in bytes.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    conn: Conn,
}

/// A frame, or a whole message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The code of a close.
    pub(super) fn code(&self) -> Option<u16> {
        Some(u16::from_be_bytes([*self.payload.first()?, *self.payload.get(1)?]))
    }
}

/// A handshake with a key of its own.
pub(super) fn handshake(ask: Ask, key: &str) -> Ask {
    ask.header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", key)
}

/// What accepts a key.
pub(super) fn accept(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{MAGIC}").as_bytes()))
}

impl Socket {
    /// Opens a socket for what comes behind the handshake, which is a case of its own.
    pub(super) async fn open(bench: &mut Bench) -> Outcome<Self> {
        match Socket::shake_hands(bench).await {
            Ok((socket, _)) => Ok(socket),
            Err(Finding::Failed(_)) => Err(Finding::Absent("no socket opens: see ws-handshake".to_owned())),
            Err(absent) => Err(absent),
        }
    }

    /// Opens a socket at the route of the tests, with the reply to the handshake.
    pub(super) async fn shake_hands(bench: &mut Bench) -> Outcome<(Self, Reply)> {
        // Sixteen bytes, as the protocol wants.
        let key = STANDARD.encode(b"conform-key-0001");
        let program = bench.program().await?;
        let mut conn = program.connect().await?;
        conn.send(&handshake(Ask::get(program, "/conform/ws"), &key).bytes()).await?;
        let reply = conn.head("GET").await?.offered("GET /conform/ws")?;
        if reply.status != 101 {
            return seen(format!("the handshake is answered with {}", reply.status));
        }
        let told = reply.header("sec-websocket-accept").unwrap_or_default().to_owned();
        check(told == accept(&key), || format!("Sec-WebSocket-Accept is {told:?}, not {:?}", accept(&key)))?;
        Ok((Socket { conn }, reply))
    }

    /// Sends a frame, whose first byte is given.
    pub(super) async fn send(&mut self, first: u8, payload: &[u8]) -> Outcome {
        self.conn.send(&masked(first, payload)).await
    }

    /// Sends bytes as they are.
    pub(super) async fn send_raw(&mut self, bytes: &[u8]) -> Outcome {
        self.conn.send(bytes).await
    }

    /// Sends a message and reads the next one, at the same time.
    pub(super) async fn echo(&mut self, opcode: u8, payload: &[u8]) -> Outcome<Frame> {
        let bytes = masked(LAST | opcode, payload);
        let (reader, writer) = self.conn.halves();
        let mut message = std::pin::pin!(next_message(reader));
        tokio::select! {
            biased;
            // A program that refuses a message need not read it to its end, nor keep the connection.
            message = &mut message => message,
            _ = tokio::io::AsyncWriteExt::write_all(writer, &bytes) => message.await,
        }
    }

    /// The next message, or control frame.
    pub(super) async fn next(&mut self) -> Outcome<Frame> {
        next_message(self.conn.halves().0).await
    }

    /// Whether the program closes the connection in time.
    pub(super) async fn is_closed(&mut self, limit: std::time::Duration) -> bool {
        self.conn.watched(limit).await.1
    }

    pub(super) fn reset(self) {
        self.conn.reset();
    }
}

/// A frame as a client sends it.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => frame.push(MASKED | short),
        (_, Ok(medium)) => {
            frame.push(MASKED | LENGTH_16);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(MASKED | LENGTH_64);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Frames of a message are joined. Control frames between them are left out, and the program's own pings.
async fn next_message(reader: &mut Reader) -> Outcome<Frame> {
    // Pings and fragments may come for ever.
    let limit = reader.whole_patience();
    let joined = tokio::time::timeout(limit, join_frames(reader)).await;
    joined.unwrap_or_else(|_| seen(format!("no whole message within {} s", limit.as_secs())))
}

async fn join_frames(reader: &mut Reader) -> Outcome<Frame> {
    let mut message: Option<Frame> = None;
    loop {
        let (first, payload) = next_frame(reader).await?;
        let opcode = first & 0x0f;
        if opcode >= CLOSE {
            if message.is_none() && opcode != PING {
                return Ok(Frame { opcode, payload });
            }
            continue;
        }
        let whole = message.get_or_insert_with(|| Frame { opcode, payload: Vec::new() });
        whole.payload.extend(payload);
        let length = whole.payload.len();
        check(length <= MESSAGE_MAX, || format!("a message goes on behind {length} bytes"))?;
        if first & LAST != 0 {
            return message.map_or_else(|| seen("a frame belongs to no message"), Ok);
        }
    }
}

async fn next_frame(reader: &mut Reader) -> Outcome<(u8, Vec<u8>)> {
    let head = reader.take(2).await?;
    if head[1] & MASKED != 0 {
        return seen("a frame of the program is masked");
    }
    let number = |bytes: Vec<u8>| bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let length = match head[1] {
        LENGTH_16 => number(reader.take(2).await?),
        LENGTH_64 => number(reader.take(8).await?),
        length => usize::from(length),
    };
    check(length <= MESSAGE_MAX, || format!("a frame announces {length} bytes"))?;
    Ok((head[0], reader.take(length).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    /// The other side of a connection, and what it answers to the messages of a client.
    async fn answered(answer: Vec<u8>, payload: usize) -> Outcome<Frame> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let conn = Conn::open(port, std::time::Duration::from_millis(100)).await?;
        let (mut program, _) = listener.accept().await?;
        tokio::io::AsyncWriteExt::write_all(&mut program, &answer).await?;
        Socket { conn }.echo(BINARY, &vec![0; payload]).await
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_is_not_waited_for() {
        // More than the sockets hold.
        let large = 64 * 1024 * 1024;
        let closed = answered(vec![0x88, 2, 0x03, 0xf1], large).await.unwrap();
        assert_eq!((closed.opcode, closed.code()), (CLOSE, Some(1009)));
        let silent = answered(Vec::new(), large).await.unwrap_err();
        assert!(matches!(&silent, Finding::Failed(text) if text.starts_with("nothing for")), "{silent:?}");
        // A ping of the program's own is no answer, and half a message is none either.
        let echo = answered(vec![0x89, 0, 0x02, 1, b'a', 0x80, 1, b'b'], 2).await.unwrap();
        assert_eq!(echo, Frame { opcode: BINARY, payload: b"ab".to_vec() });
    }

    #[test]
    fn frames_say_their_length_in_the_shortest_form() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(masked(0x82, &vec![0; length]).len(), head + 4 + length, "{length}");
        }
    }
}
