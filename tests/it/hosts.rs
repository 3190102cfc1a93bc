//! Requests whose host or framing two readers might take differently: refused, with a record.

use crate::support::{Server, h2, hpack};

/// The status of the one reply to these bytes.
#[track_caller]
fn check(server: &Server, head: &str, status: u16) {
    let mut conn = server.connect();
    conn.send(head.as_bytes());
    let answer = conn
        .answer(head.split(' ').next().map_or("GET", |method| if method == "HEAD" { "HEAD" } else { "GET" }));
    assert_eq!(answer.status, status, "{head:?}: {answer:?}");
}

const BAD: &[&str] = &[
    "a b",
    "a/b",
    "user@a",
    "user:secret@a",
    "a:b",
    "a:65536",
    "a:80:80",
    "[::1",
    "[::1]x",
    "[zz]",
    "a?b",
    "a#b",
    "caf\u{e9}",
];

#[test]
fn a_host_is_a_host() {
    let server = Server::contract();
    for host in BAD {
        for target in ["/plaintext", "/nowhere", "/healthz"] {
            check(&server, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400);
        }
        check(&server, &format!("HEAD /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400);
    }
    for host in ["", "a", "a:9000", "a:", "127.0.0.1:65535", "[::1]", "[::1]:80", "a_b.example"] {
        check(&server, &format!("GET /plaintext HTTP/1.1\r\nHost: {host}\r\n\r\n"), 200);
        check(&server, &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"), 200);
    }
}

#[test]
fn a_refusal_has_its_record() {
    let mut server = Server::contract();
    check(&server, "GET /healthz HTTP/1.1\r\nHost: user@a\r\nx-fc-request-id: bad-host\r\n\r\n", 400);
    let lines = server.stop();
    assert_eq!(crate::support::record(&lines, "bad-host")["status"], 400);
}

#[test]
fn an_authority_has_no_user() {
    let server = Server::contract();
    check(&server, "GET http://user@a/plaintext HTTP/1.1\r\nHost: user@a\r\n\r\n", 400);
    check(&server, "GET http://user@a/plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    for (authority, status) in [("user@a", "400"), ("a", "200"), ("a:9000", "200"), ("a:65536", "400")] {
        let mut conn = h2::Conn::open(server.port);
        let mut block = Vec::new();
        for (name, value) in
            [(":method", "GET"), (":scheme", "http"), (":path", "/plaintext"), (":authority", authority)]
        {
            hpack::write(name, value, &mut block);
        }
        conn.frame(1, 5, 1, &block);
        let answer = conn.answer(1);
        assert_eq!(answer.status.to_string(), status, "{authority}");
    }
}

#[test]
fn the_default_port_may_be_left_away() {
    let server = Server::contract();
    for (target, host, status) in [
        ("http://a/plaintext", "a:80", 200),
        ("http://a:80/plaintext", "a", 200),
        ("http://a:80/plaintext", "A:80", 200),
        ("https://a:443/plaintext", "a", 200),
        ("http://a:8080/plaintext", "a", 400),
        ("https://a:80/plaintext", "a", 400),
        ("http://a/plaintext", "b", 400),
    ] {
        check(&server, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"), status);
    }
}

/// Nobody here undoes them, and a body that is not undone is another body.
#[test]
fn codings_are_chunked_alone() {
    let server = Server::contract();
    let body = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (codings, status) in [
        ("Transfer-Encoding: chunked", 200),
        ("Transfer-Encoding: Chunked", 200),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501),
        ("Transfer-Encoding: identity, chunked", 501),
        ("Transfer-Encoding: chunked;a=b, chunked", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
    ] {
        for target in ["/echo", "/healthz"] {
            check(
                &server,
                &format!("POST {target} HTTP/1.1\r\nHost: a\r\n{codings}{body}"),
                match (target, status) {
                    ("/healthz", 200) => 405,
                    (_, status) => status,
                },
            );
        }
    }
}

#[test]
fn the_server_as_a_whole() {
    let server = Server::contract();
    check(&server, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204);
    check(&server, "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 404);
    check(&server, "OPTIONS * HTTP/1.1\r\nHost: user@a\r\n\r\n", 400);
}
