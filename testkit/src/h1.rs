//! A client that writes HTTP/1.1 bytes and takes the reply's apart.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::{Answer, Ask, PATIENCE};

/// One connection.
#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    /// What came beyond the last reply.
    buffer: Vec<u8>,
    /// The bytes of the last reply, as they came.
    pub raw: Vec<u8>,
}

/// Why no whole reply came, with what had come of it.
struct Broken {
    why: String,
    answer: Option<Answer>,
}

impl Conn {
    /// Connects to a port of this machine.
    #[track_caller]
    pub fn open(port: u16) -> Self {
        Conn::try_open(port).expect("the port is open")
    }

    /// As [`open`](Self::open). `None` if nobody listens.
    pub fn try_open(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Some(Self { stream, buffer: Vec::new(), raw: Vec::new() })
    }

    /// The bytes behind the last reply or head.
    pub fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// The socket, for a loop that only counts bytes. Bytes that were already read are in
    /// [`take_unread`](Self::take_unread).
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The socket. Panics if unread bytes are left.
    #[track_caller]
    pub fn into_stream(self) -> TcpStream {
        assert!(self.buffer.is_empty(), "unread: {:?}", String::from_utf8_lossy(&self.buffer));
        self.stream
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends to a server that may have closed.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a request and reads its reply.
    #[track_caller]
    pub fn ask(&mut self, ask: &Ask) -> Answer {
        // A server may refuse a long body before it has been sent; its reply is what counts.
        let _ = self.stream.write_all(&bytes(ask));
        self.answer(ask.method)
    }

    /// Reads one reply to a request of this method. Its framing has to be right.
    #[track_caller]
    pub fn answer(&mut self, method: &str) -> Answer {
        let answer = self.read_answer(method, true).unwrap_or_else(|broken| panic!("{}", broken.why));
        let (length, chunked) = (answer.header("content-length"), answer.header("transfer-encoding"));
        assert!(length.is_none() || chunked.is_none(), "a length and chunks: {:?}", answer.headers);
        answer
    }

    /// Reads one reply, if there comes one. A body that is cut off is one too, and a reply that says nothing of its body
    /// has none.
    pub fn try_answer(&mut self, method: &str) -> Option<Answer> {
        let answer = self.read_answer(method, false);
        answer.or_else(|broken| broken.answer.ok_or(())).ok()
    }

    fn read_answer(&mut self, method: &str, needs_framing: bool) -> Result<Answer, Broken> {
        self.raw.clear();
        let mut answer = loop {
            let answer = self.head()?;
            if answer.status >= 200 {
                break answer;
            }
        };
        if method == "HEAD" || matches!(answer.status, 204 | 304) {
            return Ok(answer);
        }
        let mut body = Vec::new();
        let read = if answer.values("transfer-encoding").contains(&"chunked") {
            self.chunks(&mut body)
        } else {
            match answer.values("content-length").first() {
                Some(length) => match length.parse() {
                    Ok(length) => self.take_into(length, &mut body),
                    Err(_) => Err(format!("no length: {length}")),
                },
                None if needs_framing => Err(format!("a reply without framing: {:?}", answer.headers)),
                None => Ok(()),
            }
        };
        (answer.body, answer.is_cut) = (body, read.is_err());
        match read {
            Ok(()) => Ok(answer),
            Err(why) => Err(Broken { why, answer: Some(answer) }),
        }
    }

    fn head(&mut self) -> Result<Answer, Broken> {
        self.read_head().map_err(|why| Broken { why, answer: None })
    }

    fn read_head(&mut self) -> Result<Answer, String> {
        let status_line = self.line()?;
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|status| status.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| format!("no status line: {status_line:?}"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(Answer { status, headers, ..Answer::default() });
            }
            let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line:?}"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), String> {
        while self.chunk_into(body)? > 0 {}
        Ok(())
    }

    /// The length of the next chunk.
    fn chunk_into(&mut self, body: &mut Vec<u8>) -> Result<usize, String> {
        let line = self.line()?;
        let length = usize::from_str_radix(&line, 16).map_err(|_| format!("no chunk size: {line:?}"))?;
        self.take_into(length, body)?;
        match self.line()? {
            end if end.is_empty() => Ok(length),
            end => Err(format!("a chunk ends with a line break, not with {end:?}")),
        }
    }

    /// The next chunk; `None` for the last one.
    #[track_caller]
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut chunk = Vec::new();
        let length = self.chunk_into(&mut chunk).unwrap_or_else(|why| panic!("{why}"));
        (length > 0).then_some(chunk)
    }

    /// The status line and headers of a reply whose body is read piece by piece.
    #[track_caller]
    pub fn answer_head(&mut self) -> Answer {
        self.raw.clear();
        self.read_head().unwrap_or_else(|why| panic!("{why}"))
    }

    fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = Vec::new();
                self.take_into(end + 2, &mut line)?;
                line.truncate(end);
                return String::from_utf8(line).map_err(|error| format!("a head is text: {error}"));
            }
            self.fill()?;
        }
    }

    /// Takes so many bytes, or those that come before the end.
    fn take_into(&mut self, length: usize, into: &mut Vec<u8>) -> Result<(), String> {
        let mut filled = Ok(());
        while self.buffer.len() < length && filled.is_ok() {
            filled = self.fill();
        }
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.raw.extend_from_slice(&taken);
        into.extend_from_slice(&taken);
        filled
    }

    /// So many bytes of whatever comes.
    #[track_caller]
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.raw.clear();
        let mut bytes = Vec::new();
        self.take_into(length, &mut bytes).unwrap_or_else(|why| panic!("{why}"));
        bytes
    }

    /// Reads until `part` has come: all that came, which may be more.
    #[track_caller]
    pub fn until_text(&mut self, part: &str) -> String {
        let mut text = String::new();
        while !text.contains(part) {
            if self.buffer.is_empty() {
                self.fill().unwrap_or_else(|why| panic!("{why}, after {text:?}"));
            }
            text += &String::from_utf8_lossy(&std::mem::take(&mut self.buffer));
        }
        text
    }

    fn fill(&mut self) -> Result<(), String> {
        let mut piece = [0; 16 * 1024];
        let seen = |buffer: &[u8]| String::from_utf8_lossy(buffer).into_owned();
        // A read with a time limit may end by a signal, whatever handles the signal.
        let read = loop {
            match self.stream.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => Err(format!("closed after {:?}", seen(&self.buffer))),
            Ok(length) => {
                self.buffer.extend_from_slice(&piece[..length]);
                Ok(())
            }
            Err(error) => Err(format!("{error}, after {:?}", seen(&self.buffer))),
        }
    }

    /// Whether the connection stays open and silent for so long.
    #[track_caller]
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        assert!(self.buffer.is_empty(), "unread: {:?}", String::from_utf8_lossy(&self.buffer));
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// Whether more bytes come within `time`. The bytes stay unread.
    pub fn comes_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let comes = !self.buffer.is_empty() || matches!(self.stream.peek(&mut [0; 1]), Ok(1..));
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        comes
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
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        rest
    }

    /// Closes this end's way out: the server sees the end of what is sent.
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
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }

    /// Sends as much of it as goes within so long.
    pub fn try_send_for(&mut self, bytes: &[u8], time: Duration) {
        self.stream.set_write_timeout(Some(time)).unwrap();
        let _ = self.stream.write_all(bytes);
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }

    /// Sends one byte and waits so long for the server to close; whether it is still open.
    pub fn trickle(&mut self, byte: u8, pause: Duration) -> bool {
        if self.stream.write_all(&[byte]).is_err() {
            return false;
        }
        self.stream.set_read_timeout(Some(pause)).unwrap();
        let read = self.stream.peek(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
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
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
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

/// The bytes of a request with literal lines of headers, each ended by a line break.
pub fn request(method: &str, target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = if body.is_empty() && method == "GET" {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let head = format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n{length}{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends the bytes of a request on a connection of its own and reads one reply.
#[track_caller]
pub fn exchange(port: u16, bytes: &[u8]) -> Answer {
    let mut conn = Conn::open(port);
    // A server that refuses early may close while we still write.
    drop(conn.try_send(bytes));
    let method = if bytes.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
    conn.try_answer(method).expect("a reply")
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
