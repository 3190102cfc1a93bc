//! The clients: what they send, and how long they wait for each reply.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BODY: usize = 1024;

/// What is asked, how often, and by how many clients at a time.
pub(crate) struct Load {
    mode: String,
    port: u16,
    connections: u64,
    count: u64,
    request: Vec<u8>,
}

/// How long the requests took.
pub(crate) struct Figures {
    /// In order.
    times: Vec<Duration>,
    took: Duration,
}

impl Load {
    pub(crate) fn new(mode: &str, port: u64, connections: u64, count: u64) -> Self {
        let port = u16::try_from(port).expect("a port");
        Load { mode: mode.to_owned(), port, connections, count, request: request(mode, port) }
    }

    pub(crate) fn mode(&self) -> &str {
        &self.mode
    }

    pub(crate) fn run(&self) -> Figures {
        let left = AtomicU64::new(self.count);
        let begin = Instant::now();
        let mut times: Vec<Duration> = thread::scope(|scope| {
            let clients: Vec<_> = (0..self.connections).map(|_| scope.spawn(|| self.client(&left))).collect();
            clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
        });
        let took = begin.elapsed();
        times.sort_unstable();
        Figures { times, took }
    }

    fn client(&self, left: &AtomicU64) -> Vec<Duration> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a server");
        stream.set_nodelay(true).expect("a socket");
        let mut times = Vec::new();
        let mut buffer = Vec::new();
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            let begin = Instant::now();
            stream.write_all(&self.request).expect("sent");
            buffer.clear();
            while !is_whole(&buffer, &self.mode) {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).expect("a reply");
                assert!(read > 0, "the server closed the connection");
                buffer.extend_from_slice(&piece[..read]);
            }
            times.push(begin.elapsed());
        }
        times
    }
}

impl Figures {
    pub(crate) fn count(&self) -> f64 {
        f64::from(u32::try_from(self.times.len()).unwrap_or(u32::MAX))
    }

    pub(crate) fn rate(&self) -> f64 {
        self.count() / self.took.as_secs_f64()
    }

    /// The time of which so many of a thousand requests took less.
    pub(crate) fn millis(&self, share: usize) -> f64 {
        let at = (self.times.len() * share / 1000).min(self.times.len() - 1);
        self.times[at].as_secs_f64() * 1000.0
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:.0} /s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {} requests in {:.2} s",
            self.rate(),
            self.millis(500),
            self.millis(990),
            self.millis(1000),
            self.times.len(),
            self.took.as_secs_f64(),
        )
    }
}

fn request(mode: &str, port: u16) -> Vec<u8> {
    let body = "x".repeat(BODY);
    let submit = |headers: &str| {
        let path = "/2023-03-30/functions/f/invocations";
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-length: {BODY}\r\n\
             x-fc-invocation-type: Async\r\n{headers}\r\n{body}"
        )
    };
    match mode {
        "accept" => submit("x-fc-async-delay: 3600\r\n"),
        "drain" => submit(""),
        "lpush" => format!("*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n${BODY}\r\n{body}\r\n"),
        "sync" => format!("GET /name HTTP/1.1\r\nhost: f.localhost:{port}\r\n\r\n"),
        other => panic!("there is no mode {other}"),
    }
    .into_bytes()
}

/// Whether the reply has come to its end. Another reply than the expected one ends the program.
fn is_whole(buffer: &[u8], mode: &str) -> bool {
    if buffer.is_empty() {
        return false;
    }
    if mode == "lpush" {
        assert_eq!(buffer[0], b':', "{}", String::from_utf8_lossy(buffer));
        return buffer.ends_with(b"\r\n");
    }
    let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let expected = if mode == "sync" { "http/1.1 200" } else { "http/1.1 202" };
    assert!(text.starts_with(expected), "{}", String::from_utf8_lossy(buffer));
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    buffer.len() >= head + 4 + length.unwrap_or(0)
}
