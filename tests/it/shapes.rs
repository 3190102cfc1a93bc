//! Shapes of requests that proxies and servers might read differently, in literal bytes.

use std::time::Duration;

use crate::support::Server;

/// How long a server may be silent before it has said all.
const QUIET: Duration = Duration::from_millis(400);

/// All that comes back on a connection of its own, until the server closes or has nothing more to say.
#[track_caller]
fn send(server: &Server, bytes: &str) -> String {
    let mut conn = server.connect();
    conn.send(bytes.as_bytes());
    String::from_utf8(conn.until_quiet(QUIET)).unwrap()
}

#[track_caller]
fn check(server: &Server, bytes: &str, status: u16) {
    let reply = send(server, bytes);
    let answered =
        ["HTTP/1.0", "HTTP/1.1"].iter().any(|version| reply.starts_with(&format!("{version} {status} ")));
    assert!(answered, "{bytes:?}: {reply}");
    assert_eq!(reply.matches("HTTP/1.").count(), 1, "one request, one reply: {bytes:?}: {reply}");
}

#[test]
fn the_host_is_named_once_and_truly() {
    let server = Server::contract();
    check(&server, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    check(&server, "GET /plaintext HTTP/1.1\r\n\r\n", 400);
    check(&server, "GET /plaintext HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    check(&server, "GET /plaintext HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    check(&server, "GET http://a/plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    check(&server, "GET http://A:8080/plaintext HTTP/1.1\r\nHost: a:8080\r\n\r\n", 200);
    check(&server, "GET http://a/plaintext HTTP/1.1\r\nHost: b\r\n\r\n", 400);
    check(&server, "GET http://a/plaintext HTTP/1.1\r\n\r\n", 400);
}

#[test]
fn http_1_0_needs_no_host_and_closes() {
    let server = Server::contract();
    check(&server, "GET /plaintext HTTP/1.0\r\n\r\n", 200);
    check(&server, "GET /large?bytes=100000 HTTP/1.0\r\n\r\n", 200);
    let mut conn = server.connect();
    conn.send(b"GET /large?bytes=100000 HTTP/1.0\r\n\r\n");
    let rest = String::from_utf8(conn.rest()).unwrap();
    let (head, body) = rest.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("transfer-encoding"), "HTTP/1.0 knows no chunks: {head}");
    assert_eq!(body.len(), 100_000);
    let mut conn = server.connect();
    conn.send(b"GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let kept = String::from_utf8(conn.until_quiet(QUIET)).unwrap();
    assert!(kept.starts_with("HTTP/1.0 200 ") && kept.contains("connection: keep-alive"), "{kept}");
}

#[test]
fn this_is_no_proxy() {
    let server = Server::contract();
    check(&server, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400);
}

/// Whichever of them a proxy in front believes, the second request is not smuggled in.
#[test]
fn a_length_and_chunks_together() {
    let server = Server::contract();
    let smuggled = "GET /users/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for target in ["/echo", "/plaintext", "/nothing", "/healthz"] {
        for framing in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 300\r\nTransfer-Encoding: chunked",
        ] {
            let reply = send(
                &server,
                &format!("POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n0\r\n\r\n{smuggled}"),
            );
            assert!(!reply.contains("smuggled"), "{target} {framing:?}: {reply}");
            assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{target} {framing:?}: {reply}");
        }
    }
}

#[test]
fn framing_that_contradicts_itself_is_a_400() {
    let server = Server::contract();
    for framing in [
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3, 4",
        "Content-Length: +3",
        "Content-Length: 0x3",
        "Content-Length: -3",
        "Content-Length: 3 3",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: xchunked",
    ] {
        let reply = send(&server, &format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\nabcd"));
        assert!(reply.starts_with("HTTP/1.1 400 "), "{framing:?}: {reply}");
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {reply}");
    }
    // HTTP/1.0 has no chunks.
    check(&server, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

#[test]
fn broken_chunks_are_told_and_the_connection_closes() {
    let server = Server::contract();
    for chunks in
        ["z\r\nabc\r\n0\r\n\r\n", "3\r\nabcX\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc\r\n", "-3\r\nabc\r\n"]
    {
        let reply = send(
            &server,
            &format!(
                "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ),
        );
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 400 "), "{chunks:?}: {reply}");
    }
    check(&server, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 200);
}

#[test]
fn bare_line_feeds_mean_the_same() {
    let server = Server::contract();
    check(&server, "GET /plaintext HTTP/1.1\nHost: a\n\n", 200);
    check(&server, "GET /healthz HTTP/1.1\nHost: a\n\n", 200);
    check(&server, "GET /healthz HTTP/1.1\r\nHost: a\n\r\n", 200);
}

#[test]
fn header_lines_that_some_read_otherwise_are_refused() {
    let server = Server::contract();
    for line in [
        "Host : a",
        " Host: a",
        "Host: a\r\nX-Y\r\n",
        "Host: a\r\nX Y: z",
        "Host: a\r\nX-Y: \0z",
        "Host: a\r\n folded",
    ] {
        let reply = send(&server, &format!("GET /plaintext HTTP/1.1\r\n{line}\r\n\r\n"));
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 400 "), "{line:?}: {reply}");
    }
}

/// The door looks at probes itself; what it cannot read to its end it leaves to those who can.
#[test]
fn a_probe_smuggles_nothing() {
    let server = Server::contract();
    let smuggled = "GET /users/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for method in ["GET", "HEAD"] {
        for name in ["Content-Length", "content-length", "CONTENT-LENGTH"] {
            let length = smuggled.len();
            let reply = send(
                &server,
                &format!("{method} /healthz HTTP/1.1\r\nHost: a\r\n{name}: {length}\r\n\r\n{smuggled}"),
            );
            assert!(!reply.contains("smuggled"), "{method} {name}: {reply}");
            assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{method} {name}: {reply}");
        }
        let reply = send(
            &server,
            &format!(
                "{method} /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2a\r\n{smuggled}\r\n0\r\n\r\n"
            ),
        );
        assert!(!reply.contains("smuggled"), "{method}: {reply}");
        for line in
            ["Content-Length : 5", "Content-Length:\t5", "X: y\r\n Content-Length: 5", "Content-Length\0: 5"]
        {
            let reply =
                send(&server, &format!("{method} /healthz HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n{smuggled}"));
            let both = reply.matches("HTTP/1.1 200").count();
            assert!(both <= 1, "{method} {line:?}: {reply}");
        }
    }
    // An empty body is none.
    check(&server, "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200);
}

#[test]
fn expect_100_continue_is_not_asked_for_what_nobody_reads() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
    conn.answer_head().assert_status(404);
}
