//! Load for the queue of `fc-local`, and the same load for redis: blocking connections, one request at a time on each.
//!
//! `queue-load accept PORT CONNECTIONS COUNT` lets `fc-local` accept asynchronous calls of 1 KiB that are due in an hour.
//! `queue-load drain …` lets it accept calls that are due at once. `queue-load lpush …` pushes values of 1 KiB to redis.
//! `queue-load sync …` makes synchronous calls. Each prints one line: the rate, and the times of a request.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BODY: usize = 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, port, connections, count] = arguments.as_slice() else {
        panic!("queue-load accept|drain|lpush|sync PORT CONNECTIONS COUNT");
    };
    let port: u16 = port.parse().expect("a port");
    let connections: usize = connections.parse().expect("a number of connections");
    let count: usize = count.parse().expect("a number of requests");
    let request = request(mode, port);
    let left = AtomicUsize::new(count);
    let begin = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| client(port, &request, mode, &left))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    let took = begin.elapsed();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 1000).min(times.len() - 1)];
    println!(
        "{mode}: {:.0} /s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {} requests in {:.2} s",
        times.len() as f64 / took.as_secs_f64(),
        millis(at(500)),
        millis(at(990)),
        millis(at(1000)),
        times.len(),
        took.as_secs_f64(),
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn request(mode: &str, port: u16) -> Vec<u8> {
    let body = "x".repeat(BODY);
    let post = |headers: &str| {
        let path = "/2023-03-30/functions/f/invocations";
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-length: {BODY}\r\n\
             x-fc-invocation-type: Async\r\n{headers}\r\n{body}"
        )
    };
    match mode {
        "accept" => post("x-fc-async-delay: 3600\r\n"),
        "drain" => post(""),
        "lpush" => format!("*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n${BODY}\r\n{body}\r\n"),
        "sync" => format!("GET /name HTTP/1.1\r\nhost: f.localhost:{port}\r\n\r\n"),
        other => panic!("there is no mode {other}"),
    }
    .into_bytes()
}

fn client(port: u16, request: &[u8], mode: &str, left: &AtomicUsize) -> Vec<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    stream.set_nodelay(true).expect("a socket");
    let mut times = Vec::new();
    let mut buffer = Vec::new();
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let begin = Instant::now();
        stream.write_all(request).expect("sent");
        buffer.clear();
        while !is_whole(&buffer, mode) {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).expect("a reply");
            assert!(read > 0, "the server closed the connection");
            buffer.extend_from_slice(&piece[..read]);
        }
        times.push(begin.elapsed());
    }
    times
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
