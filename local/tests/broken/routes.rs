//! The routes of docs/conform.md, and the platform's paths.

use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::conn::{Asked, Input, is_pause, plain, whole};
use crate::{BUSY, is, socket};

static SLEEPERS: AtomicUsize = AtomicUsize::new(0);
static BLOCKERS: AtomicUsize = AtomicUsize::new(0);
static INITIALIZED: AtomicUsize = AtomicUsize::new(0);
static IS_STOPPED: AtomicBool = AtomicBool::new(false);
static HELD_LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Counts while it lives.
struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(count: &'static AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

const ROUTES: &[&str] = &[
    "/",
    "/conform/block",
    "/conform/busy",
    "/conform/child",
    "/conform/echo",
    "/conform/fail",
    "/conform/headers",
    "/conform/health",
    "/conform/log",
    "/conform/sleep",
    "/conform/sse",
    "/conform/status",
    "/conform/stream",
    "/conform/upload",
    "/conform/ws",
    "/initialize",
    "/invoke",
    "/pre-freeze",
    "/pre-stop",
];

pub(crate) fn is_unknown(path: &str) -> bool {
    !ROUTES.contains(&path)
}

/// Answers a request. False ends the connection.
pub(crate) fn answer(input: &mut Input, to: &mut TcpStream, asked: &Asked) -> bool {
    if IS_STOPPED.load(Ordering::Relaxed) {
        return false;
    }
    match (asked.method.as_str(), asked.path.as_str()) {
        (method, "/") => return root(to, method),
        (_, "/conform/echo") => return echo(to, asked),
        (_, "/conform/upload") => plain(to, "200 OK", "", asked.body.len().to_string().as_bytes()),
        (_, "/conform/status") => return status(to, asked),
        (_, "/conform/headers") => headers(to, asked),
        (_, "/conform/busy") => plain(to, "200 OK", "", BUSY.load(Ordering::SeqCst).to_string().as_bytes()),
        (_, "/conform/sleep") => return sleep(input, to, asked),
        (_, "/conform/block") => {
            let _blocker = Counted::new(&BLOCKERS);
            std::thread::sleep(Duration::from_millis(asked.number("ms")));
            plain(to, "200 OK", "", b"blocked");
        }
        (_, "/conform/health") => health(to),
        (_, "/conform/stream") => return stream(to, asked, "text/plain", "", "\n"),
        (_, "/conform/sse") => {
            let kind = if is("stream-sse") { "text/plain" } else { "text/event-stream" };
            return stream(to, asked, kind, "data: ", "\n\n");
        }
        (_, "/conform/fail") => fail(to),
        (_, "/conform/log") => log(to, asked),
        (_, "/conform/child") => {
            if let Ok(mut child) = Command::new("true").stdout(Stdio::piped()).spawn() {
                // Its output ends with it. Its end is all that matters.
                _ = child.stdout.take().map(std::io::read_to_string);
                if !is("process-no-zombies") {
                    _ = child.wait();
                }
            }
            plain(to, "200 OK", "", b"");
        }
        (_, "/conform/ws") => return socket::serve(input, to, asked),
        ("POST", "/invoke") => return event(to, asked),
        ("POST", "/initialize") => {
            let before = INITIALIZED.fetch_add(1, Ordering::SeqCst);
            let is_refused =
                is("hook-initialize") && before == 0 || is("hook-initialize-again") && before > 0;
            plain(to, if is_refused { "500 Oh" } else { "200 OK" }, "", b"");
        }
        ("GET", "/pre-freeze") => plain(to, if is("hook-pre-freeze") { "500 Oh" } else { "200 OK" }, "", b""),
        ("GET", "/pre-stop") => {
            plain(to, if is("hook-pre-stop") { "500 Oh" } else { "200 OK" }, "", b"");
            IS_STOPPED.store(is("hook-pre-stop-serves"), Ordering::Relaxed);
        }
        _ => {
            let close = if is("keep-alive-after-error") { "connection: close\r\n" } else { "" };
            plain(to, "404 Not Found", close, b"no such route");
            return close.is_empty();
        }
    }
    true
}

fn root(to: &mut TcpStream, method: &str) -> bool {
    let mut more = String::new();
    if is("http-reply-head") {
        _ = write!(more, "x-large: {}\r\n", "v".repeat(9 * 1024));
    }
    if is("http-reserved-headers") {
        more += "x-fc-error-type: Oh\r\n";
    }
    if is("keep-alive-announced") {
        more += "keep-alive: timeout=5, max=100\r\n";
    }
    if is("keep-alive") {
        more += "connection: close\r\n";
    }
    match method {
        "HEAD" if !is("http-head") => {
            to.write_all(format!("HTTP/1.1 200 OK\r\n{more}content-length: 5\r\n\r\n").as_bytes()).is_ok()
        }
        "OPTIONS" if is("http-options") => whole(to, "500 Oh", &more, b""),
        _ => whole(to, "200 OK", &more, b"hello"),
    }
}

fn echo(to: &mut TcpStream, asked: &Asked) -> bool {
    if is("http-methods") && asked.method == "DELETE" {
        return whole(to, "405 Method Not Allowed", "allow: POST, PUT, PATCH\r\n", b"");
    }
    let mut body = asked.body.clone();
    if is("body-echo") {
        body.iter_mut().filter(|byte| **byte >= 0x80).for_each(|byte| *byte = b'?');
    }
    let kind = asked.header("content-type").unwrap_or("application/octet-stream");
    whole(to, "200 OK", &format!("content-type: {kind}\r\nx-conform-method: {}\r\n", asked.method), &body)
}

fn status(to: &mut TcpStream, asked: &Asked) -> bool {
    let code = asked.number("code");
    if is("http-framing") && code >= 400 {
        // The end of the connection is the end of the body.
        _ = to.write_all(format!("HTTP/1.1 {code} As Asked\r\n\r\nstatus").as_bytes());
        return false;
    }
    whole(to, &format!("{code} As Asked"), "", format!("status {code}").as_bytes())
}

fn headers(to: &mut TcpStream, asked: &Asked) {
    let pairs =
        asked.headers().filter(|(name, _)| !(is("http-platform-headers") && name.starts_with("x-fc-")));
    let pairs: serde_json::Map<_, _> =
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.into())).collect();
    plain(
        to,
        "200 OK",
        "content-type: application/json\r\n",
        serde_json::Value::from(pairs).to_string().as_bytes(),
    );
}

fn sleep(input: &Input, to: &mut TcpStream, asked: &Asked) -> bool {
    const TOGETHER: usize = 4;
    let _sleeper = Counted::new(&SLEEPERS);
    let busy = loop {
        let busy = Counted::new(&BUSY);
        if !is("load-concurrent") || BUSY.load(Ordering::SeqCst) <= TOGETHER {
            break busy;
        }
        drop(busy);
        std::thread::sleep(Duration::from_millis(10));
    };
    let end = Instant::now() + Duration::from_millis(asked.number("ms"));
    // Looks at the connection meanwhile: the client may leave.
    if input.stream.set_read_timeout(Some(Duration::from_millis(20))).is_err() {
        return false;
    }
    while Instant::now() < end {
        if is("departure-frees-call") {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        match input.stream.peek(&mut [0]) {
            Ok(0) => return false,
            Ok(_) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) if is_pause(&error) => {}
            Err(_) if is("departure-survives") => std::process::exit(1),
            Err(_) => return false,
        }
    }
    if input.stream.set_read_timeout(None).is_err() {
        return false;
    }
    let is_sent = whole(to, "200 OK", "", b"slept");
    drop(busy);
    is_sent
}

fn health(to: &mut TcpStream) {
    let waits = |count: &AtomicUsize| count.load(Ordering::SeqCst) > 0;
    while is("health-while-waiting") && waits(&SLEEPERS) || is("health-while-blocked") && waits(&BLOCKERS) {
        std::thread::sleep(Duration::from_millis(10));
    }
    plain(to, if is("health-status") { "500 Oh" } else { "200 OK" }, "", b"well");
}

fn stream(to: &mut TcpStream, asked: &Asked, kind: &str, before: &str, after: &str) -> bool {
    let (pieces, pause) = (asked.number("n"), Duration::from_millis(asked.number("ms")));
    let _busy = Counted::new(&BUSY);
    if is("stream-chunked") && pieces == 3 && pause.is_zero() {
        let piece = |body: String, at| body + &format!("{before}tick {at}{after}");
        let body = (0..pieces).fold(String::new(), piece);
        return whole(to, "200 OK", "", body.as_bytes());
    }
    let mut waiting =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes();
    let mut send = |waiting: &mut Vec<u8>| {
        let is_sent = to.write_all(waiting).is_ok();
        waiting.clear();
        // Broken: whether somebody listens does not matter.
        is_sent || is("departure-frees-stream")
    };
    if !is("stream-head-first") && !send(&mut waiting) {
        return false;
    }
    std::thread::sleep(Duration::from_millis(asked.number("first")));
    for at in 0..pieces {
        if at > 0 {
            std::thread::sleep(pause);
        }
        let piece = format!("{before}tick {at}{after}");
        if !(is("stream-whole") && at == 4321) {
            waiting.extend(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
        }
        let is_held = is("stream-unbuffered") && waiting.len() < 100 && kind == "text/plain";
        if !is_held && !send(&mut waiting) {
            return false;
        }
    }
    waiting.extend(b"0\r\n\r\n");
    send(&mut waiting) && !is("stream-keeps-connection")
}

fn fail(to: &mut TcpStream) {
    if !is("fail-is-logged") {
        eprintln!("the handler fails, as asked");
    }
    let word = if is("fail-x-fc-status") { "" } else { "x-fc-status: 404\r\n" };
    plain(to, if is("fail-500") { "200 OK" } else { "500 Internal Server Error" }, word, b"{}");
}

fn log(to: &mut TcpStream, asked: &Asked) {
    let text = asked.word("text").to_owned();
    if is("log-before-freeze") {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            println!("{text}");
        });
    } else if is("log-line") && text.ends_with('1') {
        // Broken: the line waits in a buffer.
        HELD_LINES.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    } else {
        println!("{text}");
    }
    plain(to, "200 OK", "", b"logged");
}

fn event(to: &mut TcpStream, asked: &Asked) -> bool {
    static FAILED: Mutex<Option<u16>> = Mutex::new(None);
    let id = asked.header("x-fc-request-id").unwrap_or_default();
    let mark = |word: &str| {
        if !is("log-marks") {
            println!("FC Invoke {word} RequestId: {id}");
        }
    };
    mark("Start");
    let peer = to.peer_addr().map(|peer| peer.port()).ok();
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    let is_spoilt = is("event-after-failure") && failed.is_some() && *failed == peer;
    let word = |word: &str| format!("x-fc-status: {word}\r\n");
    let is_sent = match asked.body.as_slice() {
        b"fail" => {
            *failed = peer;
            eprintln!("the event fails, as asked");
            let body: &[u8] = if is("event-error-body") {
                b"as asked"
            } else {
                b"{\"errorMessage\":\"as asked\",\"errorType\":\"Asked\"}"
            };
            if is("event-fails") {
                whole(to, "500 Internal Server Error", "", body)
            } else {
                whole(to, "404 Not Found", &word("404"), body)
            }
        }
        _ if is_spoilt => whole(to, "500 Internal Server Error", &word("404"), b"{}"),
        b"" if is("event-empty") => whole(to, "400 Bad Request", &word("404"), b"no event"),
        body => {
            let mut result = body.to_vec();
            if is("event-call") && body.starts_with(b"{") {
                // Broken: read as JSON, and written anew.
                result =
                    serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default().to_string().into();
            }
            if is("event-binary") {
                result = String::from_utf8_lossy(body).into_owned().into_bytes();
            }
            whole(to, "200 OK", &if is("event-status") { String::new() } else { word("200") }, &result)
        }
    };
    mark("End");
    is_sent
}
