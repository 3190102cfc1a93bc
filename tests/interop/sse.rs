//! Server-sent events with those who read them: a browser's `EventSource`, curl, and nginx between.

use crate::apps::live::PAGE;
use crate::browser::{browse, serve_page};
use crate::nginx::{proxy, proxy_buffering};
use crate::support::{Ask, Launch, Server, h1};
use testkit::{Program, until, until_settled};

/// A curl that prints what it gets as it gets it.
struct Curl {
    program: Program,
    /// How many of its lines were looked at.
    seen: usize,
}

impl Curl {
    #[track_caller]
    fn start(port: u16, target: &str, more: &[&str]) -> Self {
        let curl = testkit::Launch::new("curl");
        let curl = curl.args(["--silent", "--show-error", "--no-buffer", "--max-time", "60"]);
        let curl = curl.args(more.iter().copied()).args([format!("http://127.0.0.1:{port}{target}")]);
        Self { program: curl.start(), seen: 0 }
    }

    /// The next lines, as many as are expected.
    #[track_caller]
    fn expect(&mut self, lines: &[&str]) {
        let expected = self.seen..self.seen + lines.len();
        self.seen = expected.end;
        let found =
            until("curl's lines", || self.program.out().all().get(expected.clone()).map(<[_]>::to_vec));
        assert_eq!(found, lines);
    }

    #[track_caller]
    fn expect_end(&mut self) {
        let (status, lines) = self.program.ended();
        assert_eq!(lines.len(), self.seen, "{lines:?}");
        assert!(status.success(), "the end was an orderly one");
    }
}

#[track_caller]
fn publish(server: &Server, text: &str, clients: &str) {
    server.ask(&Ask::post("/publish", text)).assert_status(200).assert_text(clients);
}

#[track_caller]
fn until_subscribed(server: &Server) {
    // The one that subscribes and the one that asks.
    server.until_counter("in_flight", 2);
}

/// Each event is there before the next is published.
#[track_caller]
fn check_one_by_one(server: &Server, port: u16, more: &[&str]) {
    let mut curl = Curl::start(port, "/feed", more);
    until_subscribed(server);
    // The comment that opens a stream without an event.
    curl.expect(&[":"]);
    for text in ["one", "two", "three"] {
        publish(server, text, "1");
        curl.expect(&[&format!("data: {text}"), ""]);
    }
    drop(curl);
    server.until_counter("cancelled", 1);
    publish(server, "nobody listens", "0");
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn curl_gets_each_event_at_once() {
    for protocol in ["--http1.1", "--http2-prior-knowledge"] {
        let server = Server::contract();
        check_one_by_one(&server, server.port, &[protocol]);
    }
}

#[test]
#[ignore = "needs curl and nginx: .ci/run runs it with --ignored"]
fn events_pass_nginx_whatever_it_is_set_to() {
    for buffering in ["on", "off"] {
        let server = Server::contract();
        let proxy = proxy_buffering(server.port, buffering);
        check_one_by_one(&server, proxy.port, &["--http1.1"]);
        let mut curl = Curl::start(proxy.port, "/sse?n=2&ms=1", &["--header", "Last-Event-ID: 0"]);
        curl.expect(&[":", "data: tick 1", "id: 1", ""]);
        curl.expect_end();
    }
}

/// As it is installed nginx takes in a gigabyte for a client that does not read; the reply tells it not to.
#[test]
#[ignore = "needs nginx: .ci/run runs it with --ignored"]
fn a_client_behind_nginx_that_does_not_read_stops_the_producer() {
    let server = Server::app("live");
    let proxy = proxy_buffering(server.port, "on");
    let mut conn = h1::Conn::open(proxy.port);
    conn.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    conn.answer_head().assert_status(200);
    let produced = || server.ask(&Ask::get("/seen")).json()["produced"].as_u64().unwrap();
    let bound = until_settled("the producer", produced);
    assert!(bound < 40_000, "{bound} events of 1 000 bytes");
}

#[test]
#[ignore = "needs curl and nginx: .ci/run runs it with --ignored"]
fn a_drain_ends_the_streams_through_nginx() {
    let mut server = Server::contract();
    let proxy = proxy(server.port);
    let mut curl = Curl::start(proxy.port, "/feed", &[]);
    until_subscribed(&server);
    server.signal("TERM");
    curl.expect(&[":", ": going away"]);
    curl.expect_end();
    assert_eq!(server.ended().0.code(), Some(0));
}

/// Two events to each connection, five in all, and then 204: the browser comes back with the last id, twice.
#[test]
#[ignore = "needs chromium and nginx: .ci/run runs it with --ignored"]
fn a_browser_comes_back_with_the_last_id() {
    let page = serve_page(PAGE);
    let (own, other) = (format!("http://127.0.0.1:{page}"), format!("http://localhost:{page}"));
    let server = Launch::app("live").var("IT_ORIGINS", &own).start();
    // From an origin that may read, and from one that may not.
    assert_eq!(browse(&own, server.port), "0 1 2 3 4 closed");
    assert_eq!(server.ask(&Ask::get("/came-with")).text(), "none, 1, 3, 4");
    assert_eq!(browse(&other, server.port), "closed");
    // From the function's own page, behind a proxy too.
    let proxy = proxy(server.port);
    for port in [server.port, proxy.port] {
        assert_eq!(browse(&format!("http://localhost:{port}"), port), "0 1 2 3 4 closed");
    }
}
