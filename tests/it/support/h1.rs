//! A client that writes HTTP/1.1 bytes and takes the reply's apart.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::wait::BOUND;
use super::{Answer, Ask};

/// One connection.
#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    /// What came beyond the last reply.
    buffer: Vec<u8>,
    /// The bytes of the last reply, as they came.
    pub raw: Vec<u8>,
}

impl Conn {
    #[track_caller]
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.set_write_timeout(Some(BOUND)).unwrap();
        Self { stream, buffer: Vec::new(), raw: Vec::new() }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends to a server that may have closed.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    #[track_caller]
    pub fn ask(&mut self, ask: &Ask) -> Answer {
        // A server may refuse a long body before it has been sent; its reply is what counts.
        let _ = self.stream.write_all(&bytes(ask));
        self.answer(ask.method)
    }

    /// Reads one reply to a request of this method.
    #[track_caller]
    pub fn answer(&mut self, method: &str) -> Answer {
        self.raw.clear();
        let mut answer = loop {
            let answer = self.head();
            if answer.status >= 200 {
                break answer;
            }
        };
        let length = answer.header("content-length").map(|text| text.parse::<usize>().expect("a length"));
        let chunked = answer.header("transfer-encoding") == Some("chunked");
        assert!(!(chunked && length.is_some()), "a length and chunks: {:?}", answer.headers);
        answer.body = match (method, answer.status, length) {
            ("HEAD", ..) | (_, 204 | 304, _) => Vec::new(),
            (.., Some(length)) => self.take(length),
            _ if chunked => self.chunks(),
            _ => panic!("a reply without framing: {:?}", answer.headers),
        };
        answer
    }

    #[track_caller]
    fn head(&mut self) -> Answer {
        let status_line = self.line();
        let status = status_line.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("{status_line:?}"));
        let status = status[..3].parse().expect("a status");
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return Answer { status, headers, ..Answer::default() };
            }
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line:?}"));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    #[track_caller]
    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk() {
            body.extend_from_slice(&chunk);
        }
        body
    }

    /// The next chunk; `None` for the last one.
    #[track_caller]
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.line();
        let length = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("no chunk size: {line:?}"));
        let chunk = self.take(length);
        assert_eq!(self.line(), "", "a chunk ends with a line break");
        (length > 0).then_some(chunk)
    }

    /// The status line and headers of a reply whose body is read piece by piece.
    #[track_caller]
    pub fn answer_head(&mut self) -> Answer {
        self.raw.clear();
        self.head()
    }

    #[track_caller]
    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end + 2);
                return String::from_utf8(line[..end].to_vec()).expect("a head is text");
            }
            self.fill();
        }
    }

    #[track_caller]
    fn take(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            self.fill();
        }
        let rest = self.buffer.split_off(length);
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.raw.extend_from_slice(&taken);
        taken
    }

    /// So many bytes of whatever comes.
    #[track_caller]
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.raw.clear();
        self.take(length)
    }

    #[track_caller]
    fn fill(&mut self) {
        let mut piece = [0; 16 * 1024];
        let length = self.stream.read(&mut piece).unwrap_or_else(|error| {
            panic!("{error}, after {:?}", String::from_utf8_lossy(&self.buffer));
        });
        assert!(length > 0, "closed after {:?}", String::from_utf8_lossy(&self.buffer));
        self.buffer.extend_from_slice(&piece[..length]);
    }

    /// Whether the connection stays open and silent for so long.
    #[track_caller]
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        assert!(self.buffer.is_empty(), "unread: {:?}", String::from_utf8_lossy(&self.buffer));
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0; 1]);
        self.stream.set_read_timeout(Some(BOUND)).unwrap();
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// Everything until the server closes; a reset is a close too.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.buffer);
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = self.stream.read(&mut piece) {
            rest.extend_from_slice(&piece[..length]);
        }
        rest
    }

    /// Everything until the server closes, or is silent for so long.
    pub fn until_quiet(&mut self, quiet: Duration) -> Vec<u8> {
        self.stream.set_read_timeout(Some(quiet)).unwrap();
        let rest = self.rest();
        self.stream.set_read_timeout(Some(BOUND)).unwrap();
        rest
    }

    pub fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Leaves with a reset instead of an orderly close.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// Sends until neither kernel takes more, and the other end reads nothing.
    #[track_caller]
    pub fn send_until_full(&mut self) {
        self.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let piece = vec![b'x'; 64 * 1024];
        while self.stream.write(&piece).is_ok() {}
        self.stream.set_write_timeout(Some(BOUND)).unwrap();
    }

    /// Sends as much of it as goes within so long.
    pub fn try_send_for(&mut self, bytes: &[u8], time: Duration) {
        self.stream.set_write_timeout(Some(time)).unwrap();
        let _ = self.stream.write_all(bytes);
        self.stream.set_write_timeout(Some(BOUND)).unwrap();
    }

    /// Sends one byte and waits so long for the server to close; whether it is still open.
    pub fn trickle(&mut self, byte: u8, pause: Duration) -> bool {
        if self.stream.write_all(&[byte]).is_err() {
            return false;
        }
        self.stream.set_read_timeout(Some(pause)).unwrap();
        let read = self.stream.peek(&mut [0; 1]);
        self.stream.set_read_timeout(Some(BOUND)).unwrap();
        match read {
            Ok(length) => length > 0,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// Whether a request is answered at all, on a connection that may not be accepted yet.
    pub fn is_answered(&mut self, ask: &Ask) -> bool {
        self.is_answered_within(ask, Duration::from_millis(500))
    }

    /// Whether an answer, which has to be a good one, begins within so long.
    pub fn is_answered_within(&mut self, ask: &Ask, bound: Duration) -> bool {
        if self.stream.write_all(&bytes(ask)).is_err() {
            return false;
        }
        self.stream.set_read_timeout(Some(bound)).unwrap();
        let answered = matches!(self.stream.peek(&mut [0; 1]), Ok(1..));
        self.stream.set_read_timeout(Some(BOUND)).unwrap();
        if answered {
            self.answer(ask.method).assert_status(200);
        }
        answered
    }

    /// The port of this end.
    pub fn own_port(&self) -> u16 {
        self.stream.local_addr().expect("a socket").port()
    }
}

/// The request as bytes.
pub fn bytes(ask: &Ask) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\nHost: 21.0.0.1\r\n", ask.method, ask.target);
    for (name, value) in &ask.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    match &ask.body {
        None => head.push_str("\r\n"),
        Some(_) if ask.chunked => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        Some(body) => {
            let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        }
    }
    let mut bytes = head.into_bytes();
    match &ask.body {
        Some(body) if ask.chunked => {
            // Small pieces, but not so many that a debug build is still at them when its patience ends.
            for piece in body.chunks((body.len() / 2000).max(7)) {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        Some(body) => bytes.extend_from_slice(body),
        None => {}
    }
    bytes
}
