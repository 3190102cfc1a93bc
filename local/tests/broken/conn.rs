//! One connection: requests are read, answered, and read again.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{OPEN, grpc, is, routes};

/// How long an unused connection stays open where the server is broken so.
const IDLE: Duration = Duration::from_millis(600);

/// How often a connection that waits looks at the clock.
const LOOK: Duration = Duration::from_millis(50);

static REQUESTS: AtomicUsize = AtomicUsize::new(0);
static HEADS: Mutex<()> = Mutex::new(());

/// A request.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    query: String,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": "))
    }

    pub(crate) fn word(&self, name: &str) -> &str {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.word(name).parse().unwrap_or(0)
    }
}

/// The bytes that were read and belong to nothing yet.
pub(crate) struct Input {
    pub(crate) stream: TcpStream,
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// Reads once more. `None` is the end.
    pub(crate) fn more(&mut self) -> Option<usize> {
        let mut chunk = vec![0; 64 * 1024];
        let length = self.stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        self.bytes.extend_from_slice(&chunk[..length]);
        Some(length)
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.bytes.len() < length {
            self.more()?;
        }
        let rest = self.bytes.split_off(length);
        Some(std::mem::replace(&mut self.bytes, rest))
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|two| two == b"\r\n") {
                let line = self.take(end + 2)?;
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more()?;
        }
    }

    /// Waits for the first byte of a request. `None` if the connection is to be closed.
    fn wait(&self, freezes: usize, is_used: bool) -> Option<()> {
        let begin = Instant::now();
        self.stream.set_read_timeout(Some(LOOK)).ok()?;
        let mut byte = [0];
        loop {
            let peeked = self.stream.peek(&mut byte);
            let is_late = is("keep-alive-idle") && is_used && begin.elapsed() > IDLE;
            if is_late || is("freeze-keeps-connections") && crate::freezes() > freezes {
                return None;
            }
            match peeked {
                Ok(0) => return None,
                Ok(_) => break,
                Err(error) if is_pause(&error) => {}
                Err(_) => return None,
            }
        }
        self.stream.set_read_timeout(None).ok()
    }
}

/// Whether a wait has only been too short, or a freeze has cut it.
pub(crate) fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

pub(crate) fn serve(stream: TcpStream) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut first = [0; 4];
    if grpc::is_preface(&stream, &mut first) {
        return grpc::serve(stream);
    }
    if is("grpc-beside-http1") && grpc::OPEN.load(Ordering::Relaxed) > 0 {
        return;
    }
    let Ok(mut output) = stream.try_clone() else { return };
    let mut input = Input { stream, bytes: Vec::new() };
    let freezes = crate::freezes();
    let mut on_this_connection = 0;
    loop {
        if input.bytes.is_empty() && input.wait(freezes, on_this_connection > 0).is_none() {
            return;
        }
        let Some(asked) = read(&mut input, &mut output) else { return };
        on_this_connection += 1;
        if is("log-no-credentials") {
            println!("{}", asked.head.replace("\r\n", " "));
        }
        let is_first = REQUESTS.fetch_add(1, Ordering::Relaxed) == 0;
        if is("start-first-request") && is_first {
            plain(&mut output, "503 Service Unavailable", "", b"too early");
            continue;
        }
        if is("keep-alive-200") && OPEN.load(Ordering::Relaxed) > 150 {
            return plain(&mut output, "503 Service Unavailable", "connection: close\r\n", b"");
        }
        if !routes::answer(&mut input, &mut output, &asked) {
            return;
        }
        if is("keep-alive") || is("keep-alive-many") && on_this_connection >= 100 {
            return;
        }
        if is("http-pipelining") {
            input.bytes.clear();
        }
    }
}

/// The next request with its body. `None` ends the connection.
fn read(input: &mut Input, output: &mut TcpStream) -> Option<Asked> {
    let alone = is("http-half-head").then(|| HEADS.lock().unwrap_or_else(PoisonError::into_inner));
    let mut reads = 0;
    let end = loop {
        if let Some(end) = input.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if is("http-split-head") && reads == 1 && input.bytes.len() < 2048 {
            plain(output, "400 Bad Request", "connection: close\r\n", b"");
            return None;
        }
        input.more()?;
        reads += 1;
    };
    drop(alone);
    let head = String::from_utf8_lossy(&input.take(end)?).into_owned();
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    // No method is longer than OPTIONS.
    let method = words.next().filter(|method| method.len() <= 7);
    let (Some(method), Some(target), Some("HTTP/1.1")) = (method, words.next(), words.next()) else {
        if is("http-garbage") {
            eprintln!("what is this?");
            std::process::exit(1);
        }
        plain(output, "400 Bad Request", "connection: close\r\n", b"");
        return None;
    };
    if let Some(status) = refusal(&head, target) {
        plain(output, status, "connection: close\r\n", b"");
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    let mut asked = Asked { method, path, query, head, body: Vec::new() };
    let length: usize = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    if length > 8 << 20 && is("body-32-mib")
        || length > 4 << 20 && is("event-large") && asked.path == "/invoke"
    {
        plain(output, "413 Payload Too Large", "connection: close\r\n", b"");
        return None;
    }
    if asked.header("expect").is_some() && !is("body-expect") {
        output.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    if asked.header("transfer-encoding").is_some() {
        asked.body = chunks(input, output)?;
    } else if !(is("body-unread") && routes::is_unknown(&asked.path)) {
        asked.body = match input.take(length) {
            Some(body) => body,
            None if is("body-lying-length") => std::process::exit(1),
            None => return None,
        };
    }
    Some(asked)
}

fn refusal(head: &str, target: &str) -> Option<&'static str> {
    let is_large = is("http-large-head") && head.len() > 10 * 1024;
    if is_large || is("http-many-headers") && head.lines().count() > 100 {
        return Some("431 Request Header Fields Too Large");
    }
    if is("http-long-target") && target.len() > 4000 {
        return Some("414 URI Too Long");
    }
    (is("http-host-address") && head.contains("Host: 21.0.3.7:9000")).then_some("400 Bad Request")
}

fn chunks(input: &mut Input, output: &mut TcpStream) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = input.line()?;
        if is("body-chunked-trailers") && line.contains(';') {
            plain(output, "400 Bad Request", "connection: close\r\n", b"");
            return None;
        }
        let size = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
        if size == 0 {
            while !input.line()?.is_empty() {}
            return Some(body);
        }
        let chunk = input.take(size)?;
        input.take(2)?;
        // Broken: the first chunk is taken for the body.
        if body.is_empty() || !is("body-chunked") {
            body.extend(chunk);
        }
    }
}

/// Writes a whole reply.
pub(crate) fn plain(output: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    whole(output, status, headers, body);
}

/// Writes a whole reply, and says whether there was somebody to take it.
pub(crate) fn whole(output: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> bool {
    let version = if is("http-version") { "HTTP/1.0" } else { "HTTP/1.1" };
    let mut bytes =
        format!("{version} {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    output.write_all(&bytes).is_ok()
}
