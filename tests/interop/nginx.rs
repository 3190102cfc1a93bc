//! nginx as a reverse proxy in front, with connections that it keeps, as the platform's gateway does.

use std::process::Command;

use crate::curl;
use crate::support::{Ask, Server, h1, rows};
use testkit::proxy::{Config, Proxy};
use testkit::{Folder, until};

/// Each piece of a reply is passed on as it comes.
#[track_caller]
pub fn proxy(upstream: u16) -> Proxy {
    proxy_buffering(upstream, "off")
}

/// `on` is what nginx does unless it is told.
#[track_caller]
pub fn proxy_buffering(upstream: u16, buffering: &str) -> Proxy {
    let location = format!(
        "proxy_pass http://function;\nproxy_http_version 1.1;\nproxy_set_header Connection \"\";\n\
         proxy_buffering {buffering};\nproxy_read_timeout 600s;"
    );
    let http = "client_max_body_size 64m;\nlarge_client_header_buffers 8 64k;\nmerge_slashes off;";
    Proxy::start(upstream, &Config { http, location: &location, ..Config::default() })
}

/// nginx names itself, and passes no reply header on that is its own.
#[test]
#[ignore = "needs curl and nginx: .ci/run runs it with --ignored"]
fn all_rows_pass() {
    let server = Server::contract();
    let proxy = proxy(server.port);
    rows::check(|ask| {
        let mut answer = h1::Conn::open(proxy.port).ask(ask);
        answer.headers.retain(|(name, value)| name != "server" || !value.starts_with("nginx"));
        answer
    });
    proxy.assert_no_error();
}

/// The proxy reuses its connections: a `POST` on one that the function had closed would be a 502.
#[test]
#[ignore = "needs curl and nginx: .ci/run runs it with --ignored"]
fn many_posts_meet_no_closed_connection() {
    let server = Server::contract();
    let proxy = proxy(server.port);
    let mut conn = h1::Conn::open(proxy.port);
    for at in 0..300 {
        conn.ask(&Ask::post("/echo", at.to_string())).assert_status(200).assert_text(&at.to_string());
    }
}

/// nginx closes its connection to the function when its client leaves, as the platform is assumed to.
#[test]
#[ignore = "needs curl and nginx: .ci/run runs it with --ignored"]
fn a_client_that_leaves_is_499_on_both_sides() {
    let server = Server::contract();
    let proxy = proxy(server.port);
    let target = format!("http://127.0.0.1:{}/slow?ms=600000", proxy.port);
    let curl = Command::new("curl")
        .args(["--silent", "--max-time", "0.5", "--header", "x-fc-request-id: left", &target])
        .status()
        .expect("curl is installed");
    assert_eq!(curl.code(), Some(28), "curl gave up");
    until("nginx's record", || proxy.records().contains("499 GET /slow").then_some(()));
    let record = server.record("left");
    assert_eq!((&record["status"], &record["phase"]), (&499.into(), &"handling".into()));
    assert_eq!(server.counter("cancelled"), 1);
}

/// Each piece passes before the next is sent.
#[test]
#[ignore = "needs curl and nginx: .ci/run runs it with --ignored"]
fn a_stream_passes_piece_by_piece() {
    let server = Server::contract();
    let proxy = proxy(server.port);
    let folder = Folder::new();
    let answer = curl::ask(&folder, proxy.port, "--http1.1", &Ask::get("/large?bytes=3000000"));
    answer.assert_status(200).assert_header("transfer-encoding", "chunked");
    assert_eq!(answer.body.len(), 3_000_000);
    // More than nginx would hold back, and a client that reads slowly gets all of it.
    let mut conn = h1::Conn::open(proxy.port);
    conn.send(b"GET /large?bytes=20000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    conn.answer_head().assert_status(200).assert_header("transfer-encoding", "chunked");
    let mut length = 0;
    while let Some(chunk) = conn.chunk() {
        length += chunk.len();
    }
    assert_eq!(length, 20_000_000);
}
