//! Spans to a collector: which, when, and what becomes of them without one. What they say is decoded in
//! `tests/interop/telemetry.rs`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use testkit::{Ask, until};

use crate::support::Server;
use crate::support::server::Launch;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

/// A collector that keeps the requests that it gets, head and body.
struct Collector {
    port: u16,
    got: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn open(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (socket, kept) = (socket.unwrap(), Arc::clone(&kept));
                thread::spawn(move || serve(socket, answer, &kept));
            }
        });
        Self { port, got }
    }

    fn launch(&self) -> Launch {
        otel().var("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{}/", self.port))
    }

    fn got(&self) -> Vec<Vec<u8>> {
        self.got.lock().unwrap().clone()
    }

    /// Whether an export has these bytes.
    fn has(&self, part: &[u8]) -> bool {
        self.got().iter().any(|got| got.windows(part.len()).any(|own| own == part))
    }
}

/// Requests on one connection, each answered at once.
fn serve(mut socket: TcpStream, answer: &str, kept: &Mutex<Vec<Vec<u8>>>) {
    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = socket.read(&mut piece) {
        read.extend_from_slice(&piece[..length]);
        let Some(end) = read.windows(4).position(|own| own == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let whole = end + 4 + length.parse::<usize>().unwrap();
        if read.len() >= whole {
            kept.lock().unwrap().push(read.drain(..whole).collect());
            socket.write_all(answer.as_bytes()).unwrap();
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn otel() -> Launch {
    Launch::app("telemetry").var("FC_INSTANCE_ID", "c-1").var("FC_FUNCTION_NAME", "shop").var("IT_OTEL", "1")
}

fn bytes_of(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// When the client has the whole reply, the collector has its spans: the platform may freeze the instance now.
#[test]
fn spans_are_sent_before_a_reply_ends() {
    let collector = Collector::open(OK);
    let server = collector.launch().start();
    for (at, path) in ["/orders/7", "/stream", "/nothing", "/fails", "/said"].into_iter().enumerate() {
        let trace = format!("{at}{}", &TRACE[1..]);
        let answer = server.ask(&Ask::get(path).header("traceparent", &format!("00-{trace}-{SPAN}-01")));
        assert!(!answer.text().is_empty());
        assert!(collector.has(&bytes_of(&trace)), "{path}");
    }
    let event = Ask::post("/invoke", "x").header("x-fc-control-path", "/invoke");
    server.ask(&event.header("traceparent", &format!("00-{TRACE}-{SPAN}-01"))).assert_status(200);
    assert!(collector.has(&bytes_of(TRACE)));
    let first = String::from_utf8_lossy(&collector.got()[0]).into_owned();
    assert!(first.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{first}");
    for part in ["content-type: application/x-protobuf", "GET /orders/{id}", "pay", "alibaba_cloud", "c-1"] {
        assert!(first.contains(part), "{part} in {first}");
    }
}

/// As collectors behind some proxies do. The next export needs a new connection.
#[test]
fn a_collector_that_ends_each_connection_gets_every_span() {
    let closing = Collector::open("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
    let server = closing.launch().start();
    for path in ["/orders/7", "/orders/8", "/orders/9"] {
        server.ask(&Ask::get(path)).assert_status(200);
        assert!(closing.has(path.as_bytes()), "{path}");
    }
}

#[test]
fn traces_that_nobody_records_are_not_sent() {
    let collector = Collector::open(OK);
    let server = collector.launch().var("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hush").start();
    server.ask(&Ask::get("/orders/1").header("traceparent", &format!("00-{TRACE}-{SPAN}-00")));
    server.ask(&Ask::get("/orders/2").header("b3", "0"));
    server.ask(&Ask::get("/orders/3"));
    assert!(collector.has(b"/orders/3") && !collector.has(b"/orders/1") && !collector.has(b"/orders/2"));
    assert!(collector.has(b"authorization: Bearer hush"));
    let quiet = Collector::open(OK);
    quiet
        .launch()
        .var("OTEL_TRACES_SAMPLER", "always_off")
        .start()
        .ask(&Ask::get("/orders/4"))
        .assert_status(200);
    quiet.launch().var("OTEL_SDK_DISABLED", "true").start().ask(&Ask::get("/orders/5")).assert_status(200);
    let share = quiet
        .launch()
        .var("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        .var("OTEL_TRACES_SAMPLER_ARG", "0");
    share.start().ask(&Ask::get("/orders/6")).assert_status(200);
    assert!(quiet.got().is_empty());
}

/// The context that is handed on names the request's own span.
#[test]
fn others_are_given_the_requests_own_span() {
    let collector = Collector::open(OK);
    let mut server = collector.launch().start();
    let ask = Ask::get("/onwards").header("traceparent", &format!("00-{TRACE}-{SPAN}-01"));
    let text = server.ask(&ask.header("x-fc-request-id", "1-own")).text();
    let own = text
        .strip_prefix(&format!("traceparent: 00-{TRACE}-"))
        .unwrap()
        .strip_suffix("-01")
        .unwrap()
        .to_owned();
    assert_ne!(own, SPAN);
    let mut ids = bytes_of(&own);
    ids.extend([0x22, 8]);
    ids.extend(bytes_of(SPAN));
    assert!(collector.has(&ids), "the span, and its parent behind it");
    let lines = server.stop();
    assert!(
        lines.iter().any(|line| line["request_id"] == "1-own" && line["span_id"] == own.as_str()),
        "{lines:?}"
    );
}

/// A collector that does not answer delays one reply, and is then left alone.
#[test]
fn a_collector_that_fails_stops_nothing() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |port: u16| otel().var("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{port}"));
    let server = at(deaf.local_addr().unwrap().port()).start();
    for _ in 0..3 {
        server.ask(&Ask::get("/orders/7")).assert_status(200);
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = at(closed).start();
    for _ in 0..3 {
        server.ask(&Ask::get("/orders/7")).assert_status(200);
    }
    let said = |lines: &[serde_json::Value]| {
        lines.iter().filter(|line| line["message"].as_str().unwrap().contains("spans are lost")).count()
    };
    assert_eq!(said(&server.stop()), 1);
    let refusing = Collector::open("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n");
    let mut server = refusing.launch().start();
    server.ask(&Ask::get("/orders/7")).assert_status(200);
    until("the collector to be asked", || (refusing.got().len() == 1).then_some(()));
    server.ask(&Ask::get("/orders/7")).assert_status(200);
    assert_eq!(said(&server.stop()), 1);
}

#[test]
fn wrong_settings_are_said_and_requests_are_served() {
    for (name, value, part) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector", "https needs Otel::with_transport"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "is no URL with http"),
        ("OTEL_TRACES_SAMPLER", "often", "names no sampler"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hush", "has a name or value that HTTP forbids"),
    ] {
        let mut server = otel().var(name, value).start();
        server.ask(&Ask::get("/orders/7")).assert_status(200);
        let lines = server.stop();
        let text = format!("{lines:?}");
        assert!(
            text.contains("no spans are sent") && text.contains(part) && !text.contains("hush"),
            "{text}"
        );
    }
}

/// What is still queued when the process stops is sent by then.
#[test]
fn a_stop_sends_what_is_left() {
    let collector = Collector::open(OK);
    let mut server: Server = collector.launch().start();
    let mut conn = server.connect();
    conn.ask(&Ask::get("/stream")).assert_status(200);
    server.stop();
    assert!(collector.has(b"GET /stream"));
}
