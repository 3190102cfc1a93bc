//! gRPC calls: what passes between client and function, and what the platform says in the function's place.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fc_local::{Fault, Kind, Record, Via};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use serde_json::json;
use testkit::h2::Conn;
use testkit::manifest::Function;
use testkit::{Answer, Ask, eventually, until, until_settled};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fake::Program;
use crate::function::text;
use crate::harness::{Ring, f};

const MIB: usize = 1024 * 1024;

/// A call that reached the function.
struct Called {
    program: Program,
    request: Request<RecvStream>,
    /// Whether the request has ended, or was reset.
    is_over: bool,
    respond: SendResponse<Bytes>,
    /// The connection, from 1. One that only tries the port counts too.
    connection: usize,
}

impl Called {
    fn path(&self) -> String {
        self.request.uri().path().to_owned()
    }

    /// Sends the head of a reply.
    fn begin(&mut self) -> SendStream<Bytes> {
        self.respond.send_response(head().body(()).unwrap(), false).unwrap()
    }

    /// The next message; `None` at the end.
    async fn message(&mut self) -> Option<Result<Bytes, h2::Error>> {
        let data = self.request.body_mut().data().await.filter(|_| !self.is_over)?;
        // The stream would give the error again and again.
        self.is_over = data.is_err();
        if let Ok(data) = &data {
            self.request.body_mut().flow_control().release_capacity(data.len()).unwrap();
        }
        Some(data)
    }

    /// Reads the request to its end.
    async fn read(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(Ok(data)) = self.message().await {
            all.extend_from_slice(&data);
        }
        all
    }
}

fn head() -> http::response::Builder {
    Response::builder().header("content-type", "application/grpc")
}

fn status(code: &'static str) -> HeaderMap {
    HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())])
}

/// A message with its prefix.
fn message(length: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    bytes.resize(5 + length, b'm');
    bytes
}

/// A program that serves HTTP/2 with prior knowledge.
async fn serve<F>(program: Program, handler: impl Fn(Called) -> F + Clone + Send + 'static) -> i32
where
    F: Future<Output = ()> + Send + 'static,
{
    let port = program.given_port();
    program.listens_on(port);
    let Ok(listener) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await else { return 98 };
    let (mut connections, mut connection) = (JoinSet::new(), 0);
    while let Ok((stream, _)) = listener.accept().await {
        connection += 1;
        // As servers of gRPC do: else each update of a window may wait 40 ms for an acknowledgement.
        stream.set_nodelay(true).unwrap();
        let (program, handler) = (program.clone(), handler.clone());
        connections.spawn(async move {
            let Ok(mut calls) = h2::server::handshake(stream).await else { return };
            let mut running = JoinSet::new();
            while let Some(Ok((request, respond))) = calls.accept().await {
                running.spawn(handler(Called {
                    program: program.clone(),
                    request,
                    is_over: false,
                    respond,
                    connection,
                }));
            }
        });
    }
    0
}

fn ring<F>(function: Function, handler: impl Fn(Called) -> F + Clone + Send + Sync + 'static) -> Ring
where
    F: Future<Output = ()> + Send + 'static,
{
    Ring::running(function, move |program| serve(program, handler.clone()))
}

pub(crate) fn port(ring: &Ring) -> u16 {
    let event = ring.first("the port", |kind| matches!(kind, Kind::GrpcReady { .. }));
    let Kind::GrpcReady { address } = &event.kind else { panic!("{event:?}") };
    address.port()
}

/// A call whose messages are still to come.
fn call(path: &str) -> Ask {
    let ask = Ask::post(path, "").in_chunks();
    ask.header("content-type", "application/grpc").header("te", "trailers")
}

/// A call with one message.
pub(crate) fn unary(path: &str, length: usize) -> Ask {
    Ask { body: Some(message(length)), ..call(path) }
}

#[track_caller]
fn record(ring: &Ring, answer: &Answer) -> Record {
    ring.record(answer.header("x-fc-request-id").expect("an id"))
}

/// The reply is a status of the platform, in place of the function's reply.
#[track_caller]
fn assert_refused(ring: &Ring, answer: &Answer, code: u32, text: &str) {
    answer.assert_status(200).assert_header("content-type", "application/grpc");
    answer.assert_header("grpc-status", &code.to_string());
    assert!(answer.grpc_message().contains(text), "{}", answer.grpc_message());
    assert_eq!((answer.body.len(), answer.trailers.len()), (0, 0));
    assert_eq!(record(ring, answer).grpc_status, Some(code));
}

/// Begins a call, sends its message once the reply has begun, and gives the trailers.
#[track_caller]
fn trailers_of(conn: &mut Conn, path: &str) -> Vec<(String, String)> {
    let id = conn.send_head(&call(path));
    conn.wait_for_heads(1);
    conn.frame(0, 1, id, &message(1));
    loop {
        let frame = conn.read();
        assert!(frame.kind != 3, "{path} was reset: {frame:?}");
        if (frame.kind, frame.stream) == (1, id) {
            return testkit::hpack::read(&frame.payload);
        }
    }
}

/// The record of the only request to `path`.
#[track_caller]
fn record_of(ring: &Ring, path: &str) -> (String, Record) {
    until("the record", || {
        ring.all().iter().find_map(|event| match &event.kind {
            Kind::Request(record) if record.path == path => {
                Some((event.request.as_deref().unwrap().to_owned(), record.clone()))
            }
            _ => None,
        })
    })
}

#[test]
fn metadata_messages_and_trailers_pass() {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let kept = Arc::clone(&seen);
    let ring = ring(f(), move |mut called: Called| {
        let kept = Arc::clone(&kept);
        async move {
            *kept.lock().unwrap() = called.request.headers().clone();
            assert_eq!(called.request.uri().to_string(), "http://21.0.0.1/a.B/C");
            let body = called.read().await;
            let head = head().header("x-own", "1").header("x-fc-own", "2").header("server", "me");
            let mut out = called.respond.send_response(head.body(()).unwrap(), false).unwrap();
            out.send_data(body.into(), false).unwrap();
            let mut trailers = status("5");
            trailers.insert("x-fc-trailer", "passes".parse().unwrap());
            out.send_trailers(trailers).unwrap();
        }
    });
    let ask = unary("/a.B/C", 3).header("grpc-timeout", "5S").header("x-meta-bin", "AAE");
    let answer = Conn::open(port(&ring)).ask(&ask.header("x-fc-function-name", "forged"));
    answer.assert_trailers("5").assert_header("x-own", "1").assert_no_header("x-fc-own");
    answer.assert_no_header("server").assert_no_header("access-control-expose-headers");
    assert_eq!((answer.body.clone(), answer.trailer("x-fc-trailer")), (message(3), Some("passes")));
    let seen = seen.lock().unwrap();
    for (name, value) in [
        ("te", "trailers"),
        ("grpc-timeout", "5S"),
        ("x-meta-bin", "AAE"),
        ("x-fc-function-name", "f"),
        ("x-fc-control-path", "/http-invoke"),
        ("x-fc-request-id", answer.header("x-fc-request-id").unwrap()),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    assert!(!seen.contains_key("host") && !seen.contains_key("transfer-encoding"), "{seen:?}");
    let record = record(&ring, &answer);
    assert_eq!((record.status, record.grpc_status, record.via), (200, Some(5), Some(Via::HttpTrigger)));
}

#[test]
fn a_call_is_recorded_with_its_messages_and_its_status_and_is_sent_once_more() {
    let ring = ring(f(), |mut called: Called| async move {
        let body = called.read().await;
        let mut out = called.begin();
        out.send_data(body.into(), false).unwrap();
        out.send_trailers(status("13")).unwrap();
    });
    let answer = Conn::open(port(&ring)).ask(&unary("/a.B/C", 3).header("authorization", "Bearer t0p"));
    answer.assert_trailers("13");
    let id = answer.header("x-fc-request-id").unwrap();
    record(&ring, &answer);
    let call = ring.ask_local("GET", &format!("requests/{id}"));
    let body =
        json!({ "text": "\u{0}\u{0}\u{0}\u{0}\u{3}mmm", "bytes": 8, "leftOutBytes": 0, "whole": true });
    assert_eq!((&call["requestBody"], &call["replyBody"]), (&body, &body));
    assert_eq!((&call["grpcStatus"], &call["httpVersion"]), (&13.into(), &"HTTP/2.0".into()));
    let page = ring.ask_local("GET", "requests?error=true");
    assert_eq!(page["requests"][0]["requestId"], id, "{page}");
    // The status is that of the trailers, as of the first one.
    let reply = ring.ask_local("POST", &format!("requests/{id}/replay"));
    assert_eq!((&reply["status"], &reply["trailers"]), (&200.into(), &json!([["grpc-status", "13"]])));
    assert_eq!(reply["body"]["text"], body["text"]);
    let again = ring.ask_local("GET", &format!("requests/{}", reply["requestId"].as_str().unwrap()));
    assert_eq!((&again["replayOf"], &again["requestBody"]), (&id.into(), &body));
    let usage = ring.ask_local("GET", "usage");
    let of = &usage["functions"][0];
    assert_eq!(
        (&of["invocations"], &of["errors"], &of["bytesIn"]),
        (&2.into(), &2.into(), &16.into()),
        "{of}"
    );
}

#[test]
fn an_error_without_messages_stays_one_head() {
    let ring = ring(f(), |mut called: Called| async move {
        let head = head().header("grpc-status", "12").header("grpc-message", "nope");
        called.respond.send_response(head.body(()).unwrap(), true).unwrap();
    });
    let answer = Conn::open(port(&ring)).ask(&unary("/a.B/C", 3));
    answer.assert_trailers_only("12", "nope");
    assert_eq!(record(&ring, &answer).grpc_status, Some(12));
}

#[test]
fn messages_pass_one_by_one_both_ways_and_calls_share_a_connection() {
    let connections = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&connections);
    let ring = ring(f().concurrency(10), move |mut called: Called| {
        kept.lock().unwrap().push(called.connection);
        async move {
            let mut out = called.begin();
            while let Some(Ok(data)) = called.message().await {
                out.send_data(data, false).unwrap();
            }
            out.send_trailers(status("0")).unwrap();
        }
    });
    let mut conn = Conn::open(port(&ring));
    let calls: Vec<u32> = (0..10).map(|_| conn.send_head(&call("/echo"))).collect();
    for length in [1, 20_000] {
        for id in &calls {
            for piece in message(length).chunks(10_000) {
                conn.frame(0, 0, *id, piece);
                assert_eq!(conn.data(*id), piece);
            }
        }
    }
    for id in calls {
        conn.frame(0, 1, id, b"");
        assert_eq!(conn.answer(id).trailer("grpc-status"), Some("0"));
    }
    let connections = connections.lock().unwrap();
    assert_eq!(connections.len(), 10);
    assert!(connections.iter().all(|connection| *connection == connections[0]), "{connections:?}");
    assert_eq!(ring.instances().len(), 1);
}

#[test]
fn a_client_that_cancels_is_a_reset_for_the_function() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let ring = ring(f().concurrency(5), move |mut called: Called| {
        let kept = Arc::clone(&kept);
        async move {
            let path = called.path();
            if path == "/begun" {
                called.begin().send_data(Bytes::from_static(b"\0\0\0\0\0"), false).unwrap();
            }
            while let Some(message) = called.message().await {
                match message {
                    Ok(_) => kept.lock().unwrap().push(format!("{path} message")),
                    Err(error) => kept.lock().unwrap().push(format!("{path} {:?}", error.reason())),
                }
            }
            // The stream of replies is reset too, whether or not the client has sent all of its messages.
            let reason = std::future::poll_fn(|context| called.respond.poll_reset(context)).await;
            kept.lock().unwrap().push(format!("{path} reply {reason:?}"));
        }
    });
    let mut conn = Conn::open(port(&ring));
    for (nth, path) in ["/silent", "/begun"].into_iter().enumerate() {
        let id = conn.send_head(&call(path));
        conn.frame(0, 0, id, &message(1));
        eventually("the message", || seen.lock().unwrap().contains(&format!("{path} message")));
        if path == "/begun" {
            conn.wait_for_heads(1);
        }
        conn.cancel(id);
        let event = ring.nth(nth + 1, "a cancel", |kind| matches!(kind, Kind::CallCancelled { .. }));
        let record = ring.record(event.request.as_deref().unwrap());
        assert_eq!((record.status, record.grpc_status), (499, None));
        let reset = format!("{path} {:?}", Some(Reason::CANCEL));
        eventually("the reset", || seen.lock().unwrap().contains(&reset));
    }
    assert_eq!(ring.count(|kind| matches!(kind, Kind::CallFailed(_))), 0);
    // The connection of the client, and the one to the function, go on.
    let id = conn.send_head(&call("/silent"));
    conn.frame(0, 1, id, &message(1));
    conn.cancel(id);
    let end = format!("/silent reply {:?}", Ok::<_, ()>(Reason::CANCEL));
    eventually("the reset of the reply", || seen.lock().unwrap().contains(&end));
}

#[test]
fn a_client_that_vanishes_cancels_all_its_calls() {
    let resets = Arc::new(AtomicUsize::new(0));
    let kept = Arc::clone(&resets);
    let ring = ring(f().concurrency(5), move |mut called: Called| {
        let kept = Arc::clone(&kept);
        async move {
            let _out = called.begin();
            while let Some(Ok(_)) = called.message().await {}
            kept.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut conn = Conn::open(port(&ring));
    for _ in 0..3 {
        conn.send_head(&call("/"));
    }
    conn.wait_for_heads(3);
    drop(conn);
    ring.nth(3, "a cancel", |kind| matches!(kind, Kind::CallCancelled { .. }));
    eventually("resets", || resets.load(Ordering::Relaxed) == 3);
    assert_eq!(ring.instances().len(), 1, "none is replaced");
}

#[test]
fn what_goes_wrong_is_a_status_with_the_platforms_text() {
    let ring = ring(f().timeout(1).concurrency(2), |mut called: Called| async move {
        let path = called.path();
        let mut out = path.starts_with("/late").then(|| called.begin());
        called.read().await;
        match path.trim_start_matches("/late") {
            "/silence" => std::future::pending().await,
            "/exit" => called.program.exits(3).await,
            "/reset" => match &mut out {
                Some(out) => out.send_reset(Reason::ENHANCE_YOUR_CALM),
                None => called.respond.send_reset(Reason::ENHANCE_YOUR_CALM),
            },
            "/large" => {
                let out = out.as_mut().unwrap();
                out.send_data(message(6 * MIB + 1)[..100].to_vec().into(), false).unwrap();
                std::future::pending::<()>().await;
            }
            "/trailers" => {
                let mut trailers = status("0");
                trailers.insert("x-long", "x".repeat(9000).parse().unwrap());
                out.as_mut().unwrap().send_trailers(trailers).unwrap();
            }
            "/headers" => {
                let head = head().header("x-long", "x".repeat(9000)).body(()).unwrap();
                called.respond.send_response(head, true).unwrap();
            }
            _ => unreachable!(),
        }
    });
    let mut conn = Conn::open(port(&ring));
    for (path, code, text) in [
        ("/silence", 4, "Function time out after 1 seconds (duration: "),
        ("/exit", 14, "Process exited unexpectedly before completing request (duration: "),
        ("/reset", 14, "the function reset the stream: ENHANCE_YOUR_CALM"),
        ("/headers", 14, "the function's reply headers have 9"),
    ] {
        let answer = conn.ask(&unary(path, 1));
        assert_refused(&ring, &answer, code, text);
    }
    for (path, code, text) in [
        ("/late/silence", 4, "Function time out after 1 seconds (duration: "),
        ("/late/exit", 14, "Process exited unexpectedly before completing request (duration: "),
        ("/late/reset", 14, "the function reset the stream: ENHANCE_YOUR_CALM"),
        ("/late/large", 14, "the function sent a gRPC message of more than 6291456 bytes"),
        ("/late/trailers", 14, "the function's reply headers have 9"),
    ] {
        let trailers = trailers_of(&mut conn, path);
        let value = |name: &str| {
            trailers.iter().find(|(own, _)| own == name).map(|(_, value)| value.replace("%20", " "))
        };
        assert_eq!(value("grpc-status"), Some(code.to_string()), "{path}");
        assert!(value("grpc-message").is_some_and(|message| message.contains(text)), "{path}: {trailers:?}");
        let (id, record) = record_of(&ring, path);
        assert_eq!((record.status, record.grpc_status), (200, Some(code)), "{path}");
        let failure = if code == 4 {
            "timed_out"
        } else if path == "/late/exit" {
            "process_exited"
        } else {
            "bad_response"
        };
        assert_eq!(ring.failure(&id), failure, "{path}");
    }
}

#[test]
fn what_a_client_may_not_send_is_refused_and_never_passed_on() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let ring = ring(f().concurrency(5), move |mut called: Called| {
        let kept = Arc::clone(&kept);
        async move {
            let mut out = (called.path() == "/begun").then(|| called.begin());
            while let Some(message) = called.message().await {
                let came = message.map(|data| data.len()).map_err(|error| error.reason());
                kept.lock().unwrap().push(came);
            }
            if called.path() == "/whole" {
                called.begin().send_trailers(status("0")).unwrap();
            }
            drop(out.take());
        }
    });
    let mut conn = Conn::open(port(&ring));
    let large = unary("/headers", 1).header("x-long", &"x".repeat(9000));
    assert_refused(&ring, &conn.ask(&large), 13, "the request's headers have 9");
    for path in ["/silent", "/begun"] {
        let id = conn.send_head(&call(path));
        conn.frame(0, 0, id, &message(10));
        eventually("a message", || seen.lock().unwrap().contains(&Ok(15)));
        if path == "/begun" {
            conn.wait_for_heads(1);
        }
        conn.frame(0, 0, id, &message(6 * MIB + 1)[..5]);
        let reset = Err(Some(Reason::CANCEL));
        eventually("the reset", || seen.lock().unwrap().contains(&reset));
        assert_eq!(*seen.lock().unwrap(), [Ok(15), reset], "nothing of the message has passed");
        seen.lock().unwrap().clear();
        let event = ring.first("a failure", |kind| matches!(kind, Kind::CallFailed(_)));
        let Kind::CallFailed(cause) = &event.kind else { panic!("{event:?}") };
        assert_eq!(cause.failure, "entity_too_large");
        assert_eq!(cause.message, "payload size exceeds maximum allowed size (6291456 bytes)");
        assert_eq!(record_of(&ring, path).1.grpc_status, Some(8), "{path}");
    }
    // A message of the largest size passes.
    let mut conn = Conn::open(port(&ring));
    let answer = conn.ask(&unary("/whole", 6 * MIB));
    answer.assert_trailers("0");
    let came: usize = seen.lock().unwrap().iter().map(|came| came.unwrap()).sum();
    assert_eq!(came, 6 * MIB + 5);
}

#[test]
fn a_client_that_does_not_read_stops_the_function_and_nobody_else() {
    let sent = Arc::new(AtomicUsize::new(0));
    let kept = Arc::clone(&sent);
    let ring = ring(f().concurrency(3).timeout(60), move |mut called: Called| {
        let kept = Arc::clone(&kept);
        async move {
            let path = called.path();
            let mut out = called.begin();
            loop {
                if path != "/flood" {
                    break;
                }
                out.reserve_capacity(16 * 1024);
                let Some(Ok(room)) = std::future::poll_fn(|context| out.poll_capacity(context)).await else {
                    return;
                };
                // Within one large message.
                let piece = if kept.load(Ordering::Relaxed) == 0 {
                    message(6 * MIB)[..room].to_vec()
                } else {
                    vec![0; room]
                };
                out.send_data(piece.into(), false).unwrap();
                kept.fetch_add(room, Ordering::Relaxed);
            }
            out.send_trailers(status("0")).unwrap();
        }
    });
    let mut conn = Conn::open(port(&ring));
    conn.send(&unary("/flood", 1));
    eventually("the function sends", || sent.load(Ordering::Relaxed) > 65_535);
    let before = until_settled("the function to stop", || sent.load(Ordering::Relaxed) as u64);
    assert!(before < MIB as u64, "{before} bytes are held");
    // The client has used up its own window on this connection. Another client shares the connection to the function.
    Conn::open(port(&ring)).ask(&unary("/other", 1)).assert_trailers("0");
    assert_eq!(sent.load(Ordering::Relaxed) as u64, before);
}

/// Answers each message with the number of the program.
async fn numbered(mut called: Called) {
    let pid = called.program.pid().to_string();
    called.read().await;
    let reply = head().header("x-pid", pid).body(()).unwrap();
    let Ok(mut out) = called.respond.send_response(reply, false) else { return };
    if out.send_data(message(200).into(), false).is_ok() {
        _ = out.send_trailers(status("0"));
    }
}

#[test]
fn a_call_has_a_session() {
    let config = json!({"affinityHeaderFieldName": "my-session", "sessionConcurrencyPerInstance": 1});
    let affinity = f().prop("sessionAffinity", "HEADER_FIELD").prop("sessionAffinityConfig", config);
    let ring = ring(affinity, numbered);
    let mut conn = Conn::open(port(&ring));
    let first = conn.ask(&unary("/a.B/C", 1));
    let named = first.header("my-session").expect("the platform makes one").to_owned();
    let mut pid_of = |session: &str| {
        let answer = conn.ask(&unary("/a.B/C", 1).header("my-session", session));
        answer.assert_trailers("0");
        answer.header("x-pid").unwrap().to_owned()
    };
    let own = pid_of("own");
    assert_ne!(Some(&*own), first.header("x-pid"), "an instance takes one session");
    assert_eq!((Some(&*pid_of(&named)), pid_of("own")), (first.header("x-pid"), own));
}

#[test]
fn faults_are_injected_into_calls() {
    let ring =
        Ring::upset("5:upstream,leave,throttle", f().concurrency(10), |program| serve(program, numbered));
    let mut conn = Conn::open(port(&ring));
    // The status of each call; `None` for a stream that was reset.
    let ends: Vec<Option<String>> = (0..60)
        .map(|_| {
            let id = conn.send(&unary("/a.B/C", 1));
            loop {
                let frame = conn.read();
                match (frame.stream == id, frame.kind, frame.flags & 1) {
                    (true, 3, _) => return None,
                    (true, 1, 1) => {
                        let fields = testkit::hpack::read(&frame.payload);
                        return fields
                            .into_iter()
                            .find(|(name, _)| name == "grpc-status")
                            .map(|(_, code)| code);
                    }
                    _ => {}
                }
            }
        })
        .collect();
    let seen = ring.stop(testkit::PATIENCE);
    let count = |wanted: fn(Fault) -> bool| {
        seen.count(|kind| matches!(kind, Kind::FaultInjected { fault, .. } if wanted(*fault)))
    };
    let ended = |wanted: Option<&str>| ends.iter().filter(|end| end.as_deref() == wanted).count();
    let (left, exhausted) = (count(|f| matches!(f, Fault::Leave(_))), count(|f| f == Fault::Throttle(429)));
    let broken = count(|f| matches!(f, Fault::Upstream(_) | Fault::Throttle(503)));
    assert!(left > 0 && exhausted + broken > 0, "{ends:?}");
    assert_eq!((ended(None), ended(Some("8")), ended(Some("14"))), (left, exhausted, broken), "{ends:?}");
    assert_eq!(ended(Some("0")), ends.len() - left - exhausted - broken, "{ends:?}");
    assert_eq!(seen.count(|kind| matches!(kind, Kind::Request(record) if record.status == 499)), left);
}

#[test]
fn a_function_that_does_not_speak_http2_is_named() {
    let ring = Ring::serving(f(), |_| async { text("") });
    let answer = Conn::open(port(&ring)).ask(&unary("/a.B/C", 1));
    assert_refused(&ring, &answer, 14, "the function");
    assert_eq!(ring.failure(answer.header("x-fc-request-id").unwrap()), "bad_response");
    // It still answers by HTTP.
    ring.get("/").assert_status(200);
}

#[test]
fn a_connection_that_the_function_closed_is_opened_again() {
    let ring = Ring::running(f().concurrency(2), |program: Program| async move {
        let port = program.given_port();
        program.listens_on(port);
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut calls) = h2::server::handshake(stream).await else { continue };
            let Some(Ok((_, mut respond))) = calls.accept().await else { continue };
            let mut out = respond.send_response(head().body(()).unwrap(), false).unwrap();
            out.send_trailers(status("0")).unwrap();
            calls.graceful_shutdown();
            while calls.accept().await.is_some() {}
        }
        0
    });
    let mut conn = Conn::open(port(&ring));
    for _ in 0..3 {
        conn.ask(&unary("/a.B/C", 1)).assert_trailers("0");
    }
    assert_eq!(ring.instances().len(), 1);
}

#[test]
fn each_port_takes_its_own() {
    let ring = ring(f(), |mut called: Called| async move {
        called.begin().send_trailers(status("0")).unwrap();
    });
    let grpc = port(&ring);
    // The function's own port takes everything.
    Conn::open(ring.port()).ask(&unary("/a.B/C", 1)).assert_trailers("0");
    let answer = Conn::open(ring.main_port()).ask(&unary("/a.B/C", 1));
    assert_refused(&ring, &answer, 13, &format!("gRPC calls come in at port {grpc}"));
    let http = Ask::post("/a.B/C", "x").header("content-type", "application/json");
    let answer = Conn::open(grpc).ask(&http);
    answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", "this port takes gRPC calls alone");
    let answer = testkit::h1::exchange(grpc, &testkit::h1::request("GET", "/", "", b""));
    answer.assert_platform_error(400, "FcCommonError", "InvalidArgument", "this port takes gRPC calls alone");
    // The platform refuses plain text.
    assert_eq!(ring.count(|kind| matches!(kind, Kind::GrpcPlaintext)), 1);
}

#[test]
fn a_trigger_that_does_not_list_post_takes_no_calls() {
    let ring = ring(f().methods(&["GET"]), |_: Called| async {});
    let answer = Conn::open(port(&ring)).ask(&unary("/a.B/C", 1));
    assert_refused(&ring, &answer, 7, "the HTTP trigger does not allow method POST");
}

#[test]
fn a_stop_ends_streams_in_order_and_says_goaway() {
    let ring = ring(f().concurrency(2), |mut called: Called| async move {
        let _out = called.begin();
        std::future::pending::<()>().await;
    });
    let mut conn = Conn::open(port(&ring));
    let id = conn.send_head(&call("/stream"));
    // A second connection has nothing in flight.
    let mut idle = Conn::open(port(&ring));
    ring.nth(1, "an instance", |kind| matches!(kind, Kind::InstanceStarted { .. }));
    let answer = std::thread::spawn(move || (conn.answer_through_goaway(id), conn.is_told_to_go()));
    let idle = std::thread::spawn(move || idle.is_told_to_go());
    let seen = ring.stop(Duration::from_secs(20));
    let (answer, _) = answer.join().unwrap();
    answer.assert_trailers("14");
    assert!(idle.join().unwrap(), "GOAWAY comes before the end");
    let record = seen.record(answer.header("x-fc-request-id").unwrap());
    assert_eq!((record.status, record.grpc_status), (200, Some(14)));
}
