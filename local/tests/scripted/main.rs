//! A function for tests: a small HTTP server that does what each request asks for.
//!
//! It uses nothing but sockets, so that a test sees the bytes that fc-local sends. What it is asked by its
//! environment: `SCRIPT_START` (`exit:N`, `never`, `eat:MB`, `loopback`, `fixed:PORT`, `late:MS`, `daemon`,
//! `debugger`, `debugger:loopback`), `SCRIPT_NAME` (a word in every reply of `/name`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a function's log is its output, and its threads may wait"
)]

mod echo;
mod event;
mod websocket;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

static HEALTHY: AtomicBool = AtomicBool::new(true);
static REQUESTS: AtomicUsize = AtomicUsize::new(0);
static MEMORY: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn main() {
    let script = std::env::var("SCRIPT_START").unwrap_or_default();
    let given: u16 =
        std::env::var("FC_CUSTOM_LISTEN_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    let (address, port) = match script.split_once(':').unwrap_or((&script, "")) {
        ("exit", code) => {
            println!("going down");
            eprintln!("because the test wants it");
            std::process::exit(code.parse().unwrap_or(1));
        }
        ("never", _) => {
            println!("not listening");
            std::thread::park();
            return;
        }
        ("eat", mb) => {
            eat(mb.parse().unwrap_or(0));
            std::thread::park();
            return;
        }
        // Opens its port so many milliseconds late.
        ("late", pause) => {
            std::thread::sleep(Duration::from_millis(pause.parse().unwrap_or(0)));
            (Ipv4Addr::UNSPECIFIED, given)
        }
        ("loopback", _) => (Ipv4Addr::LOCALHOST, given),
        ("debugger", address) => {
            debugger();
            (if address == "loopback" { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED }, given)
        }
        ("fixed", port) => (Ipv4Addr::UNSPECIFIED, port.parse().unwrap_or(9000)),
        _ => (Ipv4Addr::UNSPECIFIED, given),
    };
    if script == "daemon" {
        // A process that leaves the group: it must not survive either.
        let started = Command::new("setsid").args(["sleep", "600"]).stdin(Stdio::null()).spawn();
        println!("daemon {}", started.map_or(0, |child| child.id()));
    }
    let listener = TcpListener::bind((address, port)).expect("the port is free");
    println!("pid {} listens on {port}", std::process::id());
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve(stream));
    }
}

/// Opens another port first, and waits there for somebody, as a program that is debugged from its start.
fn debugger() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    println!("debugger on {}", listener.local_addr().expect("an address").port());
    drop(listener.accept());
    // It stays open.
    std::mem::forget(listener);
}

struct Asked {
    head: String,
    method: String,
    path: String,
    query: String,
    body: Vec<u8>,
    /// The lines behind a chunked body.
    trailers: String,
}

impl Asked {
    fn word(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn number(&self, name: &str) -> u64 {
        self.word(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    fn size(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or(0)
    }

    fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values =
            lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned());
        values.next().unwrap_or_default()
    }
}

fn serve(stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let mut writer = stream;
    let mut on_this_connection = 0;
    while let Some(asked) = read_head(&mut reader) {
        on_this_connection += 1;
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        if asked.path == "/echo" {
            if !echo::answer(&mut reader, &mut writer, &asked) {
                return;
            }
            continue;
        }
        let unread = matches!(asked.path.as_str(), "/unread" | "/refused" | "/refused-closed");
        let asked = if unread { asked } else { read_body(&mut reader, asked) };
        if asked.path == "/ws" {
            return websocket::serve(&mut reader, &mut writer, &asked);
        }
        if !answer(&mut writer, &asked, on_this_connection) {
            return;
        }
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    Some(Asked { head, method, path, query, body: Vec::new(), trailers: String::new() })
}

fn read_body(reader: &mut BufReader<TcpStream>, mut asked: Asked) -> Asked {
    if asked.header("transfer-encoding").contains("chunked") {
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return asked;
            }
            let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            if size == 0 {
                asked.trailers = read_trailers(reader);
                return asked;
            }
            let mut chunk = vec![0; size + 2];
            if reader.read_exact(&mut chunk).is_err() {
                return asked;
            }
            asked.body.extend_from_slice(&chunk[..size]);
        }
    }
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    asked.body = vec![0; length];
    if reader.read_exact(&mut asked.body).is_err() {
        println!("broken body of {}", asked.path);
    }
    asked
}

fn read_trailers(reader: &mut BufReader<TcpStream>) -> String {
    let mut trailers = String::new();
    loop {
        let before = trailers.len();
        if reader.read_line(&mut trailers).unwrap_or(0) == 0 || trailers[before..].trim().is_empty() {
            return trailers.trim_end().to_owned();
        }
    }
}

/// Whether the connection goes on.
fn answer(out: &mut TcpStream, asked: &Asked, on_this_connection: usize) -> bool {
    let control = asked.header("x-fc-control-path");
    match (asked.path.as_str(), control.as_str()) {
        ("/initialize", "/initialize") => {
            println!("initialize {}", asked.header("x-fc-request-id"));
            reply(out, "200 OK", "", b"")
        }
        ("/pre-stop", "/pre-stop") => {
            println!("pre-stop");
            reply(out, "200 OK", "", b"")
        }
        ("/pre-freeze", "/pre-freeze") => {
            println!("pre-freeze");
            let fails = std::env::var("SCRIPT_PRE_FREEZE").is_ok_and(|how| how == "fails");
            reply(out, if fails { "500 Internal Server Error" } else { "200 OK" }, "", b"")
        }
        ("/invoke", "/invoke") => event::answer(out, asked),
        _ => plain(out, asked, on_this_connection),
    }
}

/// Writes the request's id and its body into the file `SCRIPT_NOTES`, as one line.
fn note(asked: &Asked) -> bool {
    let Ok(file) = std::env::var("SCRIPT_NOTES") else { return false };
    let body = asked.body.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let line = format!("{} {body}\n", asked.header("x-fc-request-id"));
    let notes = std::fs::OpenOptions::new().create(true).append(true).open(file);
    notes.is_ok_and(|mut notes| notes.write_all(line.as_bytes()).is_ok())
}

#[expect(clippy::too_many_lines, reason = "a line for each path")]
fn plain(out: &mut TcpStream, asked: &Asked, on_this_connection: usize) -> bool {
    match asked.path.as_str() {
        "/refused" => reply(out, "401 Unauthorized", "", b"no"),
        // With bytes unread, so that the system resets the connection.
        "/refused-closed" => {
            reply(out, "401 Unauthorized", "connection: close\r\n", b"no");
            false
        }
        "/seen" => {
            let seen = [asked.head.as_bytes(), &asked.body].concat();
            reply(out, "200 OK", "", &seen)
        }
        "/note" => note(asked) && reply(out, "200 OK", "", b"noted"),
        "/length" => reply(out, "200 OK", "", asked.body.len().to_string().as_bytes()),
        "/bytes" => {
            let sent = reply(out, "200 OK", "", &vec![b'x'; usize::try_from(asked.number("n")).unwrap_or(0)]);
            println!("sent {}", asked.header("x-fc-request-id"));
            sent
        }
        // A stream that fails behind its last piece.
        "/broken" => {
            let text = "x".repeat(asked.size("n"));
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            _ = out.write_all(format!("{head}{:x}\r\n{text}\r\n", text.len()).as_bytes());
            false
        }
        "/name" => reply(out, "200 OK", "", std::env::var("SCRIPT_NAME").unwrap_or_default().as_bytes()),
        // A file that the instance sees, by its path.
        "/file" => match std::fs::read(&asked.query) {
            Ok(bytes) => reply(out, "200 OK", "", &bytes),
            Err(error) => reply(out, "404 Not Found", "", error.to_string().as_bytes()),
        },
        "/pid" => reply(out, "200 OK", "", std::process::id().to_string().as_bytes()),
        "/count" => reply(out, "200 OK", "", REQUESTS.load(Ordering::Relaxed).to_string().as_bytes()),
        "/log" => {
            println!("a line of {}", asked.header("x-fc-request-id"));
            reply(out, "200 OK", "", b"")
        }
        // A line without its end.
        "/unended" => {
            print!("unended of {}", asked.header("x-fc-request-id"));
            std::io::stdout().flush().is_ok() && reply(out, "200 OK", "", b"")
        }
        "/say" => {
            println!("said {}", asked.query);
            reply(out, "200 OK", "", b"")
        }
        // The body as a line, or as one of the standard error.
        "/print" => {
            println!("{}", String::from_utf8_lossy(&asked.body));
            reply(out, "200 OK", "", b"")
        }
        "/complain" => {
            eprintln!("{}", String::from_utf8_lossy(&asked.body));
            reply(out, "200 OK", "", b"")
        }
        // A line that comes after the reply.
        "/late" => {
            let (pause, id) = (Duration::from_millis(asked.number("ms")), asked.header("x-fc-request-id"));
            std::thread::spawn(move || {
                std::thread::sleep(pause);
                println!("late of {id}");
            });
            reply(out, "200 OK", "", b"")
        }
        "/flood" => {
            let line = "x".repeat(asked.size("bytes"));
            for _ in 0..asked.number("lines") {
                println!("{line}");
            }
            reply(out, "200 OK", "", b"")
        }
        "/bad-chunk" => {
            let begin = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
            let is_sent = out.write_all(begin.as_bytes()).is_ok();
            std::thread::sleep(Duration::from_millis(asked.number("ms")));
            is_sent && out.write_all(b"zz\r\nx").is_ok()
        }
        "/garbage" => out.write_all(b"this is not HTTP\r\n\r\n").is_ok(),
        "/exit" => std::process::exit(i32::try_from(asked.number("code")).unwrap_or(1)),
        "/close" => false,
        // Closes a connection that would be kept, after a whole reply.
        "/closing" => {
            reply(out, "200 OK", "", b"bye");
            false
        }
        "/big" => reply(out, "200 OK", "", &vec![b'x'; asked.size("bytes")]),
        // Closes a connection that is used again, without a reply.
        "/close-reused" if on_this_connection > 1 => false,
        "/close-reused" => reply(out, "200 OK", "", b"fresh"),
        "/head" => reply(out, "200 OK", "content-length: 5\r\n", b""),
        "/sleep" | "/unread" => sleep(out, asked) && reply(out, "200 OK", "", b"slept"),
        "/chunks" => chunks(out, asked),
        "/sse" => events(out, asked),
        "/http10" => {
            let seen = [asked.head.as_bytes(), &asked.body].concat();
            let head = format!(
                "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\nx-connection: {on_this_connection}\r\n\
                 content-length: {}\r\n\r\n",
                seen.len()
            );
            out.write_all(&[head.as_bytes(), &seen].concat()).is_ok()
        }
        // Interim replies, and the reply once they were sent.
        "/early" => {
            let early = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nx-fc-own: 1\r\n\r\n";
            let continues = "HTTP/1.1 100 Continue\r\n\r\n";
            let sent = out.write_all([early, continues, early].concat().as_bytes()).is_ok();
            std::thread::sleep(Duration::from_millis(asked.number("ms")));
            sent && reply(out, "200 OK", "", b"late")
        }
        // Its body breaks off before the first chunk.
        "/cut-first" => {
            let sent = out.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_ok();
            if sent {
                std::thread::sleep(Duration::from_millis(asked.number("ms")));
            }
            false
        }
        "/memory" => {
            eat(asked.number("mb"));
            sleep(out, asked) && reply(out, "200 OK", "", b"still here")
        }
        "/child" => {
            let script = format!("eat:{}", asked.number("mb"));
            let started =
                Command::new("/proc/self/exe").env("SCRIPT_START", script).stdin(Stdio::null()).spawn();
            println!("child {}", started.map_or(0, |child| child.id()));
            sleep(out, asked) && reply(out, "200 OK", "", b"still here")
        }
        "/healthz" => {
            let status = if HEALTHY.load(Ordering::Relaxed) { "200 OK" } else { "500 X" };
            reply(out, status, "", b"")
        }
        "/set-health" => {
            HEALTHY.store(asked.number("ok") == 1, Ordering::Relaxed);
            reply(out, "200 OK", "", b"")
        }
        _ => with_headers(out, asked),
    }
}

/// Replies that are asked for their heads.
fn with_headers(out: &mut TcpStream, asked: &Asked) -> bool {
    match asked.path.as_str() {
        "/status" => reply(out, &format!("{} X", asked.number("code")), "", b"as asked"),
        "/reserved" => {
            let headers = "server: me\r\ndate: yesterday\r\nkeep-alive: timeout=5\r\nx-fc-anything: 1\r\n\
                           content-disposition: inline\r\nx-own: kept\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n";
            reply(out, "200 OK", headers, b"x")
        }
        "/apk" => {
            reply(out, "200 OK", "content-type: application/vnd.android.package-archive; x=y\r\n", b"PK")
        }
        "/cors" => reply(out, "200 OK", "access-control-allow-origin: https://mine\r\n", b"x"),
        "/cors-expose" => reply(out, "200 OK", "access-control-expose-headers: x-own\r\n", b"x"),
        "/big-headers" => {
            let value = "v".repeat(asked.size("bytes"));
            reply(out, "200 OK", &format!("x-big: {value}\r\n"), b"x")
        }
        "/trailers" => {
            let head = "HTTP/1.1 200 OK\r\ntrailer: x-sum, x-fc-own\r\ntransfer-encoding: chunked\r\n\r\n";
            out.write_all(format!("{head}5\r\nwhole\r\n0\r\nx-sum: 1\r\nx-fc-own: 1\r\n\r\n").as_bytes())
                .is_ok()
        }
        "/trailed" => {
            println!("te: {}", asked.header("te"));
            let body = format!("{} then {:?}", String::from_utf8_lossy(&asked.body), asked.trailers);
            reply(out, "200 OK", "", body.as_bytes())
        }
        "/coding" | "/codings" => {
            let coding = if asked.path == "/coding" {
                "gzip, chunked"
            } else {
                "chunked\r\ntransfer-encoding: chunked"
            };
            let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n");
            out.write_all(format!("{head}1\r\nx\r\n0\r\n\r\n").as_bytes()).is_ok()
        }
        "/many-headers" => {
            let headers: Vec<String> = (0..asked.number("n")).map(|at| format!("a{at}: b\r\n")).collect();
            reply(out, "200 OK", &headers.concat(), b"x")
        }
        _ => reply(out, "200 OK", "content-type: text/plain\r\n", asked.method.as_bytes()),
    }
}

fn eat(mb: u64) {
    let bytes = usize::try_from(mb).unwrap_or(0) * 1024 * 1024;
    // Written to, so that it is resident.
    *MEMORY.lock().expect("no panic before") = vec![1; bytes];
}

fn reply(out: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> bool {
    let length = if headers.contains("content-length") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let head = format!("HTTP/1.1 {status}\r\n{headers}{length}\r\n");
    out.write_all(&[head.as_bytes(), body].concat()).is_ok()
}

/// Waits as long as asked, and says so if the peer leaves before.
fn sleep(stream: &TcpStream, asked: &Asked) -> bool {
    let end = Instant::now() + Duration::from_millis(asked.number("ms"));
    println!("asleep {}", asked.header("x-fc-request-id"));
    while Instant::now() < end {
        if has_left(stream) {
            println!("cancelled {}", asked.header("x-fc-request-id"));
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn has_left(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    // What has come is thrown away: a body that nobody reads stands before the end of the connection.
    let mut junk = [0; 8 * 1024];
    let gone = loop {
        match (&*stream).read(&mut junk) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) => break error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    stream.set_nonblocking(false).expect("a socket");
    gone
}

fn events(out: &mut TcpStream, asked: &Asked) -> bool {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
                connection: keep-alive\r\nkeep-alive: timeout=600\r\ntransfer-encoding: chunked\r\n\r\n";
    if out.write_all(head.as_bytes()).is_err() {
        return false;
    }
    for number in 0..asked.number("n") {
        let text = format!("id: {number}\ndata: tick {number}\n\n");
        if out.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).is_err() || !sleep(out, asked)
        {
            return false;
        }
    }
    out.write_all(b"0\r\n\r\n").is_ok()
}

fn chunks(out: &mut TcpStream, asked: &Asked) -> bool {
    if out.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err() {
        return false;
    }
    for number in 0..asked.number("n") {
        let text = format!("chunk {number}\n");
        if out.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).is_err() || has_left(out) {
            println!("cancelled {}", asked.header("x-fc-request-id"));
            return false;
        }
        std::thread::sleep(Duration::from_millis(asked.number("ms")));
    }
    out.write_all(b"0\r\n\r\n").is_ok()
}
