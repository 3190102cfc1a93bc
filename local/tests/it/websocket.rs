//! A WebSocket through the HTTP trigger: handshakes, frames and messages. How one ends is in `websocket_ends`.

use testkit::Answer;
use testkit::events::{Event, kind, printed};
use testkit::h1::{self, Conn};
use testkit::ws::{Client, handshake, masked};

use crate::harness::{Local, f};

const MIB: usize = 1024 * 1024;
const MAX: usize = 6 * MIB;

fn open(local: &Local, target: &str) -> Client {
    Client::open(local.function_port("f"), target)
}

/// The record of a socket that has ended, with its status.
#[track_caller]
fn record(local: &Local, status: u16) -> Event {
    local.wait_for(kind("request").field("path", "/ws").status(status))
}

#[track_caller]
fn refused(local: &Local, bytes: &[u8]) -> Answer {
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(bytes);
    conn.answer("GET")
}

#[test]
fn messages_pass_both_ways_as_they_come() {
    let local = Local::scripted(f().timeout(60));
    let mut client = open(&local, "/ws");
    client.text("tea");
    client.assert_text("tea");
    client.send(0x82, b"\0\xff");
    assert_eq!(client.frame(), (0x82, b"\0\xff".to_vec()));
    client.send(0x81, b"");
    client.assert_text("");
    // Fragments stay fragments, and a ping may stand between them.
    client.send(0x01, b"in ");
    client.send(0x89, b"there?");
    client.send(0x00, b"three ");
    client.send(0x80, b"parts");
    for (first, payload) in [(0x01, "in "), (0x8a, "there?"), (0x00, "three "), (0x80, "parts")] {
        assert_eq!(client.frame(), (first, payload.as_bytes().to_vec()));
    }
    // Bits that an extension would have agreed on, and a code that nobody knows, are for the endpoints.
    client.send(0xc2, b"compressed?");
    assert_eq!(client.frame(), (0xc2, b"compressed?".to_vec()));
    client.send(0x8b, b"?");
    assert_eq!(client.frame(), (0x8b, b"?".to_vec()));
    client.close(1000);
    local.wait_for(printed("socket closed ").saying(" 1000"));
    let record = record(&local, 101);
    assert_eq!((&record["method"], &record["via"]), (&"GET".into(), &"http_trigger".into()));
    let socket = serde_json::json!({
        "messagesFromClient": 5, "bytesFromClient": 30, "messagesToClient": 5, "bytesToClient": 30,
    });
    assert_eq!(record["socket"], socket);
    assert_eq!(local.count(kind("call_cancelled").or(kind("call_failed"))), 0);
}

#[test]
fn frames_pass_one_byte_at_a_time_and_many_at_once() {
    let local = Local::scripted(f().timeout(60));
    let mut client = open(&local, "/ws");
    for byte in [masked(0x81, b"slowly"), masked(0x82, &[7; 300])].concat() {
        client.conn.send(&[byte]);
    }
    client.assert_text("slowly");
    assert_eq!(client.frame(), (0x82, vec![7; 300]));
    let many: Vec<u8> = (0..2000).flat_map(|at| masked(0x81, format!("message {at}").as_bytes())).collect();
    client.conn.send(&many);
    for at in 0..2000 {
        client.assert_text(&format!("message {at}"));
    }
    client.close(4000);
    local.wait_for(printed("socket closed ").saying(" 4000"));
}

#[test]
fn a_handshake_passes_with_the_platforms_headers_and_the_answer_with_the_functions() {
    let local = Local::scripted(f().timeout(60));
    let ask = handshake("/ws?a=1").header("Sec-WebSocket-Protocol", "other, echo").header("x-fc-own", "1");
    let mut client = Client { conn: Conn::open(local.main_port()) };
    client.conn.send(&h1::bytes(&ask.header("x-own", "passes")));
    let answer = client.greeted();
    answer.assert_header("sec-websocket-protocol", "echo").assert_header("x-own", "kept");
    answer.assert_no_header("x-fc-anything").assert_no_header("server");
    let id = answer.header("x-fc-request-id").unwrap().to_owned();
    local.wait_for(printed(&format!("socket open {id}")));
    client.close(1000);
    local.wait_for(kind("request").request(&id).status(101).field("path", "/ws"));
    // What the function sees of one, from a path that shows it.
    let mut conn = Conn::open(local.function_port("f"));
    let seen = conn.ask(&handshake("/seen").header("Origin", "https://a.example")).text().to_lowercase();
    for part in
        ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13", "x-fc-request-id: 1-"]
    {
        assert_eq!(seen.matches(part).count(), 1, "{part} in {seen}");
    }
    assert!(
        seen.contains("sec-websocket-key: dghlihnhbxbszsbub25jzq==") && !seen.contains("x-fc-own"),
        "{seen}"
    );
    assert!(
        seen.contains("x-forwarded-for: 127.0.0.1") && seen.contains("origin: https://a.example"),
        "{seen}"
    );
    // An ordinary answer to a handshake leaves the connection as it was.
    conn.ask(&handshake("/name")).assert_status(200);
}

#[test]
fn what_is_sent_right_behind_the_heads_is_not_lost() {
    let local = Local::scripted(f().timeout(60));
    let mut client = Client { conn: Conn::open(local.function_port("f")) };
    client.conn.send(&[h1::bytes(&handshake("/ws?greet=1")), masked(0x81, b"early")].concat());
    client.greeted();
    client.assert_text("hello");
    client.assert_text("early");
    client.close(1000);
}

#[test]
fn the_body_of_a_handshake_is_ignored() {
    let local = Local::scripted(f().timeout(60));
    let whole = format!("{}\u{1}\u{1}", "body".repeat(10_000));
    for framing in [format!("content-length: {}", whole.len()), "transfer-encoding: chunked".to_owned()] {
        let mut head = h1::bytes(&handshake("/ws"));
        head.truncate(head.len() - 2);
        let body = if framing.contains("chunked") {
            format!("5\r\nhello\r\n{:x}\r\n{whole}\r\n0\r\n\r\n", whole.len())
        } else {
            whole.clone()
        };
        let mut client = Client { conn: Conn::open(local.function_port("f")) };
        client.conn.send(
            &[&head[..], framing.as_bytes(), b"\r\n\r\n", body.as_bytes(), &masked(0x81, b"a frame")]
                .concat(),
        );
        client.greeted();
        client.assert_text("a frame");
        client.close(1000);
    }
}

#[test]
fn a_function_may_refuse_a_handshake() {
    let local = Local::scripted(f().timeout(60));
    // Key and version are for the function to judge.
    let bytes = String::from_utf8(h1::bytes(&handshake("/ws"))).unwrap();
    let reply = refused(&local, bytes.replace("dGhlIHNhbXBsZSBub25jZQ==", "short").as_bytes());
    reply.assert_status(426).assert_text("no key").assert_header("sec-websocket-version", "13");
    assert!(reply.header("x-fc-error-type").is_none());
    local.wait_for(kind("request").status(426).request(&reply.id()));
    let mut conn = Conn::open(local.function_port("f"));
    conn.ask(&handshake("/status?code=403")).assert_status(403).assert_text("as asked");
    assert_eq!(local.count(kind("call_failed")), 0);
}

#[test]
fn what_is_not_a_handshake_is_an_ordinary_request() {
    let local = Local::scripted(f().timeout(60));
    let ask = String::from_utf8(h1::bytes(&handshake("/seen"))).unwrap();
    let without = |part: &str| {
        let lines = ask.split_inclusive("\r\n").filter(|line| !line.to_lowercase().starts_with(part));
        lines.collect::<String>()
    };
    for request in [
        without("connection"),
        without("upgrade"),
        ask.replace("websocket\r\n", "h2c\r\n"),
        ask.replace("GET", "POST").replacen("\r\n", "\r\ncontent-length: 0\r\n", 1),
    ] {
        let mut conn = Conn::open(local.function_port("f"));
        conn.send(request.as_bytes());
        let answer = conn.answer_head();
        let seen = conn.until_text("\r\n\r\n").to_lowercase();
        assert_eq!(answer.status, 200, "{request}");
        assert!(!seen.contains("\nupgrade:") && !seen.contains("\nconnection:"), "{seen}");
    }
    // A client that speaks HTTP/1.0 cannot upgrade.
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(ask.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    let seen = String::from_utf8(conn.rest()).unwrap().to_lowercase();
    assert!(seen.starts_with("http/1.0 200") && !seen.contains("\nupgrade:"), "{seen}");
}

#[test]
fn the_gateway_refuses_a_handshake_as_it_does_any_request() {
    let local = Local::scripted(f().methods(&["POST"]));
    refused(&local, &h1::bytes(&handshake("/ws"))).assert_platform_error(
        403,
        "FcCommonError",
        "AccessDenied",
        "GET",
    );
    let local = Local::scripted(f().timeout(60));
    let invalid =
        |reply: Answer| reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "allowed");
    invalid(refused(&local, &h1::bytes(&handshake("/ws").header("x-big", &"v".repeat(8 * 1024)))));
    invalid(refused(&local, &h1::bytes(&handshake(&format!("/ws?{}", "q".repeat(4 * 1024))))));
    assert_eq!(local.count(printed("socket open ")), 0);
}

#[test]
fn an_agreement_that_the_platform_does_not_pass_is_a_bad_response() {
    let local = Local::scripted(f().timeout(60));
    let bad = |ask: &[u8], text: &str| {
        let reply = refused(&local, ask);
        reply.assert_platform_error(502, "UnhandledInvocationError", "BadResponse", text);
        local.wait_for(kind("call_failed").request(&reply.id()).field("failure", "bad_response"));
    };
    // Its head is too large.
    bad(&h1::bytes(&handshake("/ws?head=9000")), "8192 are allowed");
    local.wait_for(printed("socket broken "));
    // It agrees to something else.
    bad(&h1::bytes(&handshake("/ws?upgrade=h2c")), "which the gateway did not ask for");
    // Nobody asked.
    bad(&h1::request("GET", "/status?code=101", "", b""), "which the gateway did not ask for");
    let accepted = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    bad(&h1::request("GET", "/ws", accepted, b""), "which the gateway did not ask for");
    open(&local, "/ws").close(1000);
}

#[test]
fn a_message_may_have_6_mib_either_way() {
    let local = Local::scripted(f().timeout(60).memory(1024));
    let mut client = open(&local, "/ws");
    client.send(0x82, &vec![b'x'; MAX]);
    assert_eq!(client.frame(), (0x82, vec![b'x'; MAX]));
    // In fragments too; the next message begins at nothing.
    for _ in 0..2 {
        client.send(0x02, &vec![b'x'; MAX - 1]);
        assert_eq!(client.frame().1.len(), MAX - 1);
        client.send(0x80, b"y");
        assert_eq!(client.frame(), (0x80, b"y".to_vec()));
    }
    client.close(1000);
    assert_eq!(record(&local, 101)["socket"]["bytesToClient"], 3 * MAX);
}

#[test]
fn a_larger_message_of_the_client_ends_the_socket_with_1009() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let whole = vec![masked(0x82, &vec![b'x'; MAX + 1])];
    let fragments = vec![masked(0x01, &vec![b'x'; MAX]), masked(0x00, b""), masked(0x80, b"y")];
    for (nth, frames) in [whole, fragments].into_iter().enumerate() {
        let mut client = open(&local, "/ws");
        client.text("before");
        client.assert_text("before");
        for frame in &frames {
            // The gateway may not read all of it.
            _ = client.conn.try_send(frame);
        }
        while let (0x01 | 0x00, _) = client_peek(&mut client) {}
        let failure = kind("call_failed").field("failure", "entity_too_large");
        let failed = local.wait_for_nth(nth + 1, failure);
        local.wait_for(kind("request").request(failed.request()).status(101));
        // The function sees a client that went away, and nothing of the frame.
        local.wait_for(printed(&format!("socket broken {}", failed.request())));
    }
}

/// Reads a frame: one of the echo, or the close that says why the socket ends.
#[track_caller]
fn client_peek(client: &mut Client) -> (u8, Vec<u8>) {
    let (first, payload) = client.frame();
    if first == 0x88 {
        assert_eq!(payload[..2], 1009_u16.to_be_bytes());
        assert_eq!(client.conn.rest(), b"");
    }
    (first, payload)
}

#[test]
fn a_larger_message_of_the_function_ends_the_socket() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let mut client = open(&local, "/ws");
    client.text("before");
    client.assert_text("before");
    client.text(&format!("send {}", MAX + 1));
    // Nothing of it comes, and no close: to the client the code is 1006.
    assert_eq!(client.conn.rest(), b"");
    let failed = local.wait_for(kind("call_failed").field("failure", "bad_response"));
    local.wait_for(kind("request").request(failed.request()).status(101));
    // The function is told. It reads that after it has sent the message.
    local.wait_for(printed(&format!("socket closed {} 1009", failed.request())));
}
