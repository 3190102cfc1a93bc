//! A client of HTTP/1.1 that shows what is on the wire.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::ask::Ask;
use super::case::{Finding, Outcome, seen};

/// The largest head that is read, in bytes.
const HEAD_MAX: usize = 256 * 1024;

/// The largest body that is read, in bytes.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// How many times the time for a first byte a whole body or message may take.
const WHOLE_PATIENCE: u32 = 3;

/// The most headers that are read.
const HEADERS_MAX: usize = 512;

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    reader: Reader,
    writer: OwnedWriteHalf,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    /// By the end of the connection, which the platform cannot use again.
    Close,
}

/// A reply, with as much of its body as was read.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// 1 of HTTP/1.1.
    pub(super) minor: u8,
    /// Names in small letters.
    pub(super) headers: Vec<(String, String)>,
    /// The bytes of the head.
    pub(super) head_bytes: usize,
    pub(super) framing: Framing,
    pub(super) body: Vec<u8>,
    /// The statuses from 100 to 199 before it, but for 101.
    pub(super) interim: Vec<u16>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether a list of words has `word`.
    pub(super) fn has_word(&self, name: &str, word: &str) -> bool {
        let values = self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value);
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The reply of a route that the program has.
    pub(super) fn offered(self, route: &str) -> Outcome<Self> {
        if matches!(self.status, 404 | 405 | 501) && self.header("x-fc-status").is_none() {
            let text = format!("the program has no {route}: it answers {}", self.status);
            return Err(Finding::Absent(text));
        }
        Ok(self)
    }

    /// The reply, if it has this status.
    pub(super) fn expect(self, status: u16) -> Outcome<Self> {
        if self.status == status {
            return Ok(self);
        }
        let text: String = self.text().chars().take(60).collect();
        seen(format!("the status is {}, not {status}; the body begins {text:?}", self.status))
    }
}

impl Conn {
    pub(super) async fn open(port: u16, patience: Duration) -> Outcome<Self> {
        let stream = timeout(patience, TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await;
        let stream = match stream {
            Ok(stream) => stream.map_err(|error| Finding::Failed(format!("no connection: {error}")))?,
            Err(_) => return seen(format!("no connection within {} s", patience.as_secs())),
        };
        stream.set_nodelay(true)?;
        let (half, writer) = stream.into_split();
        Ok(Conn { reader: Reader { half, bytes: Vec::new(), patience }, writer })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Outcome {
        match timeout(self.reader.patience, self.writer.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => seen(format!("the request cannot be sent: {error}")),
            Err(_) => seen("the request is not read"),
        }
    }

    /// Sends the request and reads the whole reply, at the same time: either may be longer than the sockets hold.
    pub(super) async fn ask(&mut self, ask: &Ask) -> Outcome<Reply> {
        self.exchange(ask.method, &ask.bytes()).await
    }

    pub(super) async fn exchange(&mut self, method: &str, bytes: &[u8]) -> Outcome<Reply> {
        let Conn { reader, writer } = self;
        let reply = reader.reply(method);
        let mut reply = std::pin::pin!(reply);
        tokio::select! {
            biased;
            reply = &mut reply => reply,
            // A broken pipe: the reply may say why.
            _ = writer.write_all(bytes) => reply.await,
        }
    }

    /// The next reply, whole.
    pub(super) async fn reply(&mut self, method: &str) -> Outcome<Reply> {
        self.reader.reply(method).await
    }

    /// The head of the next reply.
    pub(super) async fn head(&mut self, method: &str) -> Outcome<Reply> {
        self.reader.head(method).await
    }

    /// The next piece of a body whose head was read: a chunk, or what there is. `None` at the end.
    pub(super) async fn piece(&mut self, reply: &mut Reply) -> Outcome<Option<Vec<u8>>> {
        self.reader.piece(&mut reply.framing).await
    }

    /// The rest of a body whose head was read.
    pub(super) async fn rest(&mut self, reply: &mut Reply) -> Outcome<Vec<u8>> {
        self.reader.rest(&mut reply.framing).await
    }

    /// Both halves, for those who read and write at a time.
    pub(super) fn halves(&mut self) -> (&mut Reader, &mut OwnedWriteHalf) {
        (&mut self.reader, &mut self.writer)
    }

    /// What the program sent unasked, and whether it has closed, at the end of `pause`.
    pub(super) async fn watched(&mut self, pause: Duration) -> (usize, bool) {
        let before = self.reader.bytes.len();
        let closed = timeout(pause, self.closed()).await;
        (self.reader.bytes.len() - before, closed.is_ok())
    }

    /// Whether the program sends anything within `limit`.
    pub(super) async fn has_bytes(&mut self, limit: Duration) -> bool {
        !self.reader.bytes.is_empty() || matches!(timeout(limit, self.reader.more()).await, Ok(Ok(1..)))
    }

    /// Waits until the program closes the connection. Of what it sends meanwhile the begin is kept.
    pub(super) async fn closed(&mut self) {
        while matches!(self.reader.more().await, Ok(1..)) {
            self.reader.bytes.truncate(HEAD_MAX);
        }
    }

    /// Ends the connection as a client that leaves at once.
    pub(super) fn reset(self) {
        // With an unread byte or a linger of zero the kernel sends a reset; which of both does not matter here.
        if let Ok(stream) = self.writer.reunite(self.reader.half) {
            _ = stream.set_zero_linger();
        }
    }
}

/// The half of a connection that is read, with what was read ahead.
#[derive(Debug)]
pub(super) struct Reader {
    half: OwnedReadHalf,
    bytes: Vec<u8>,
    patience: Duration,
}

impl Reader {
    /// Reads once more. 0 is the end.
    async fn more(&mut self) -> io::Result<usize> {
        self.bytes.reserve(16 * 1024);
        self.half.read_buf(&mut self.bytes).await
    }

    async fn more_within(&mut self, what: &str) -> Outcome {
        match timeout(self.patience, self.more()).await {
            Ok(Ok(0)) => seen(format!("the connection ends before {what}")),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => seen(format!("the connection breaks before {what}: {error}")),
            Err(_) => {
                seen(format!("nothing for {} s, where there should be {what}", self.patience.as_secs()))
            }
        }
    }

    /// How long a body or a message may take.
    pub(super) fn whole_patience(&self) -> Duration {
        self.patience * WHOLE_PATIENCE
    }

    /// Exactly so many bytes.
    pub(super) async fn take(&mut self, length: usize) -> Outcome<Vec<u8>> {
        if length > BODY_MAX {
            return seen(format!("{length} bytes are announced"));
        }
        while self.bytes.len() < length {
            self.more_within("the rest of it").await?;
        }
        let rest = self.bytes.split_off(length);
        Ok(std::mem::replace(&mut self.bytes, rest))
    }

    async fn line(&mut self) -> Outcome<Vec<u8>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.bytes) {
                let mut line = self.take(end + 1).await?;
                line.truncate(end);
                line.pop_if(|byte| *byte == b'\r');
                return Ok(line);
            }
            if self.bytes.len() > HEAD_MAX {
                return seen("a line does not end");
            }
            self.more_within("the end of a line").await?;
        }
    }

    async fn reply(&mut self, method: &str) -> Outcome<Reply> {
        let mut reply = self.head(method).await?;
        reply.body = self.rest(&mut reply.framing).await?;
        Ok(reply)
    }

    /// The rest of a body. A stream that sends a byte now and then is always about to go on, so there is a limit for all of it.
    async fn rest(&mut self, framing: &mut Framing) -> Outcome<Vec<u8>> {
        let limit = self.whole_patience();
        let mut body = Vec::new();
        let whole = async {
            while let Some(piece) = self.piece(framing).await? {
                body.extend(piece);
                if body.len() > BODY_MAX {
                    return seen(format!("the body does not end within {} MiB", BODY_MAX >> 20));
                }
            }
            Ok(())
        };
        match timeout(limit, whole).await {
            Ok(read) => read.map(|()| body),
            Err(_) => seen(format!("the body does not end within {} s", limit.as_secs())),
        }
    }

    async fn head(&mut self, method: &str) -> Outcome<Reply> {
        let mut interim = Vec::new();
        loop {
            if let Some(mut reply) = parse(&self.bytes, method)? {
                self.bytes.drain(..reply.head_bytes);
                if (100..200).contains(&reply.status) && reply.status != 101 {
                    interim.push(reply.status);
                    continue;
                }
                reply.interim = interim;
                return Ok(reply);
            }
            if self.bytes.len() > HEAD_MAX {
                return seen("the head of the reply does not end");
            }
            self.more_within("a whole head of a reply").await?;
        }
    }

    async fn piece(&mut self, framing: &mut Framing) -> Outcome<Option<Vec<u8>>> {
        match *framing {
            Framing::Nothing | Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                if self.bytes.is_empty() {
                    self.more_within("the rest of the body").await?;
                }
                let length = left.min(self.bytes.len());
                *framing = Framing::Length(left - length);
                Ok(Some(self.take(length).await?))
            }
            Framing::Close => {
                if self.bytes.is_empty() {
                    match timeout(self.patience, self.more()).await {
                        Ok(Ok(0)) => return Ok(None),
                        Ok(read) => drop(read?),
                        Err(_) => return seen("the body does not end"),
                    }
                }
                Ok(Some(std::mem::take(&mut self.bytes)))
            }
            Framing::Chunked => {
                let line = self.line().await?;
                let text = String::from_utf8_lossy(&line);
                let size = text.split(';').next().unwrap_or_default().trim();
                let Ok(size) = usize::from_str_radix(size, 16) else {
                    return seen(format!("a chunk begins with {text:?}, which is no size"));
                };
                if size == 0 {
                    // Trailers are skipped.
                    while !self.line().await?.is_empty() {}
                    *framing = Framing::Nothing;
                    return Ok(None);
                }
                let chunk = self.take(size).await?;
                let end = self.take(2).await?;
                if end != b"\r\n" {
                    return seen("a chunk does not end with a line");
                }
                Ok(Some(chunk))
            }
        }
    }
}

/// The head at the begin of `bytes`, if it is whole.
fn parse(bytes: &[u8], method: &str) -> Outcome<Option<Reply>> {
    let mut space = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut space);
    let head_bytes = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => {
            let begin: String = String::from_utf8_lossy(bytes).chars().take(60).collect();
            return seen(format!("the reply is no HTTP/1: {error}; it begins: {begin:?}"));
        }
    };
    let headers = parsed.headers.iter();
    let headers = headers.map(|header| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).trim().to_owned())
    });
    let mut reply = Reply {
        status: parsed.code.unwrap_or_default(),
        minor: parsed.version.unwrap_or_default(),
        headers: headers.collect(),
        head_bytes,
        framing: Framing::Nothing,
        body: Vec::new(),
        interim: Vec::new(),
    };
    reply.framing = framing(&reply, method)?;
    Ok(Some(reply))
}

fn framing(reply: &Reply, method: &str) -> Outcome<Framing> {
    if method == "HEAD" || matches!(reply.status, 100..200 | 204 | 304) {
        return Ok(Framing::Nothing);
    }
    if reply.has_word("transfer-encoding", "chunked") {
        return Ok(Framing::Chunked);
    }
    match reply.header("content-length").map(str::parse) {
        Some(Ok(length)) => Ok(Framing::Length(length)),
        Some(Err(_)) => seen("the length of the body is no number"),
        None => Ok(Framing::Close),
    }
}

#[cfg(test)]
mod tests;
